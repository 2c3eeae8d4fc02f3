package lint

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// lintOf lints mapping's simple bundle with parts replaced: old, new, old, new.
func lintOf(t *testing.T, edit ...string) string {
	t.Helper()
	text, err := os.ReadFile("../mapping/testdata/simple.txtar")
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	for i := 0; i < len(edit); i += 2 {
		if !strings.Contains(changed, edit[i]) {
			t.Fatalf("%q is not in the bundle", edit[i])
		}
		changed = strings.Replace(changed, edit[i], edit[i+1], 1)
	}
	if !strings.Contains(changed, "-- fixtures/") {
		changed += "-- fixtures/all/results.csv --\nID,Grade,Date,Year,Score,Pct,Level\n"
	}
	files := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(changed)).Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	b, problems := bundle.Load(files, "b", "test")
	standard, err := schema.Load(schemas.FS, "5.1")
	if err != nil || problems.Blocks() {
		t.Fatal(err, problems)
	}
	p, problems, err := mapping.Compile(t.Context(), mapping.Config{Bundle: b, Standards: []*schema.Standard{standard}, Params: map[string]string{"school_year": "2024"}})
	if err != nil || p == nil {
		t.Fatal(problems)
	}
	var out strings.Builder
	for _, p := range Bundle(p, []string{standard.Version}) {
		out.WriteString(string(p.Code) + " " + p.Pos().String() + ": " + p.Message + "\n")
	}
	return out.String()
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit []string
		want string
	}{
		{"id or key", []string{"studentAssessmentIdentifier: key(day)", "studentAssessmentIdentifier: grade ?? key(day)"}, "neither the vendor's record id nor a key(…) alone"},
		{"key or key", []string{"studentAssessmentIdentifier: key(day)", "studentAssessmentIdentifier: if grade == null { key(day) } else { id }"}, "neither the vendor's record id nor a key(…) alone"},
		{"joined", []string{"studentAssessmentIdentifier: key(day)", `studentAssessmentIdentifier: id + "x"`}, "neither the vendor's record id"},
		{"holds the student", []string{"key(day)", "key(day, id)"}, `holds "id"`},
		{"holds the assessment", []string{"key(day)", "key(day, assessment)"}, `holds "assessment"`},
		{"holds a parameter", []string{"key(day)", "key(day, params.school_year)"}, "holds params.school_year"},
		{"holds nothing", []string{"key(day)", "key(grade)"}, "holds nothing that tells sittings apart: day"},
		{"fixed identifier", []string{"key(day)", `'"x"'`}, "studentAssessmentIdentifier is the same for all rows"},
		{"fixed expectation", []string{"    scores: tables.scores", "    expect: [{that: params.school_year > 2000, why: w}]\n    scores: tables.scores"}, "the expectation has the same result for every row"},
		{"uri", []string{"assessmentTitle: title", `assessmentTitle: '"uri://x"'`}, "holds the namespace or descriptor"},
		{"code", []string{"academicSubjectDescriptor: subject", `academicSubjectDescriptor: '"Mathematics"'`}, "is a fixed code"},
		{"unused column", []string{"whenAssessedGradeLevelDescriptor: grade\n", "serialNumber: '\"1\"'\n"}, `the column "grade" is used nowhere`},
		{"unused let", []string{"    let:\n", "    let:\n      extra: id\n"}, `the let "extra" is used nowhere`},
		{"unused parameter", []string{"namespace: {default", "extra: {default: x}\n  namespace: {default"}, `the parameter "extra" is used nowhere`},
		{"unused table", []string{"-- tables/scores.csv --", "-- tables/extra.csv --\na\n-- tables/scores.csv --"}, `the table "extra" is used nowhere`},
		{"vendor type", []string{"    GradeLevelDescriptor: tables.grades\n", "", "vendor: [", "vendor: [GradeLevelDescriptor, "}, "a vendor's credential cannot create a GradeLevelDescriptor"},
		{"new header", []string{"-- tables/scores.csv --", "-- fixtures/a/results.csv --\nID,Grade,Date,Year,Score,Pct,Level,New\n-- tables/scores.csv --"}, `the column "New" is neither used nor ignored`},
		{"ignore of nothing", []string{"    student: [id]", "    ignore: {why: [Gone]}\n    student: [id]", "-- tables/scores.csv --", "-- fixtures/a/results.csv --\nID,Grade,Date,Year,Score,Pct,Level\n-- tables/scores.csv --"}, "which no column of a known layout matches"},
		{"a word that a table maps", []string{"whenAssessedGradeLevelDescriptor: grade", "whenAssessedGradeLevelDescriptor: '\"3\"'\n      serialNumber: grade"}, ""},
		{"another column of the student", []string{"      grade: Grade\n", "      grade: Grade\n      other: Other\n", "student: [id]", "student: [id, other]", "-- tables/scores.csv --", "-- fixtures/a/results.csv --\nID,Grade,Other,Date,Year,Score,Pct,Level\n-- tables/scores.csv --"}, ""},
		{"a name that may be null", []string{"    let:\n", "    let:\n      low: lower(grade)\n", "whenAssessedGradeLevelDescriptor: grade", "whenAssessedGradeLevelDescriptor: grade\n      serialNumber: low"}, "grade (column Grade) may be empty and is used in lower(…) as it is"},
		{"a name that is not null in the rows kept", []string{"    let:\n", "    let:\n      low: lower(grade)\n", "whenAssessedGradeLevelDescriptor: grade", "whenAssessedGradeLevelDescriptor: grade\n      serialNumber: low", "when: year ==", "when: grade != null and year =="}, ""},
		{"what is never null", []string{"administrationDate: day", "serialNumber: trim(id) ?? \"x\"\n      administrationDate: day"}, "trim(id) is never null, so what comes after `??` is never used"},
		{"no fixture", []string{"-- tables/scores.csv --", "-- fixtures/results.csv --\n-- tables/scores.csv --"}, "no fixture has a header of the input results"},
		{"clean", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := lintOf(t, tt.edit...)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
	if diag.LevelOf(diag.BundleLint) != diag.LevelWarning {
		t.Error("lint is a warning unless said")
	}
}
