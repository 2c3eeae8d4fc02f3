package rules

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

func compile(t *testing.T, text string) (*Set, diag.List) {
	t.Helper()
	standard, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	return Compile([]Source{{"rules.yaml", []byte(text), OfTenant}}, Config{Standard: standard, Inputs: []string{"results"}, Today: "2026-03-10", Tomorrow: "2026-03-11"})
}

const record = `{"assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://n"},"studentReference":{"studentUniqueId":"1"},"administrationDate":"2026-03-04T00:00:00Z",
"assessedMinutes":41,"scoreResults":[{"result":"150","assessmentReportingMethodDescriptor":"uri://v/ARM#RIT"},{"result":"40x","assessmentReportingMethodDescriptor":"uri://v/ARM#RIT"},
{"assessmentReportingMethodDescriptor":"uri://v/ARM#Percentile","result":"\u0039\u0039"}],"retestIndicatorDescriptor":null,
"studentObjectiveAssessments":[{"objectiveAssessmentReference":{"identificationCode":"O"},"scoreResults":[{"result":"1"},{"result":"2"}]}]}`

// breaking are the rules that the record breaks, with their places.
func breaking(t *testing.T, text, record string) []string {
	t.Helper()
	s, problems := compile(t, "format: 1\n"+text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var all []string
	for _, b := range s.Resource("studentAssessments").Worker().Record([]byte(record)) {
		all = append(all, b.Path+" "+b.Problem.RuleID)
		if b.Problem.Rule == "" || b.Problem.Code != diag.RuleBroken || !strings.Contains(b.Problem.Fix, "its reason: w.") {
			t.Errorf("%+v", b)
		}
	}
	return all
}

func TestRecords(t *testing.T) {
	rule := func(id, each, where, must string) string {
		if where != "" {
			where = ", where: '" + where + "'"
		}
		return fmt.Sprintf("  - {id: %s, each: %s%s, must: '%s', level: error, why: w, message: m}\n", id, each, where, must)
	}
	text := "rules:\n" +
		rule("date", "studentAssessments", "", `left(administrationDate, 10) <= tomorrow`) +
		rule("early", "studentAssessments", "", `left(administrationDate, 10) > "2026-03-04"`) +
		rule("nested", "studentAssessments", "", `assessmentReference.namespace startsWith "uri://" and studentReference.studentUniqueId != "2"`) +
		rule("minutes", "studentAssessments", "assessedMinutes != null", `assessedMinutes < 41`) +
		rule("empty", "studentAssessments", "", `retestIndicatorDescriptor == null`) +
		rule("blank", "studentAssessments", "", `serialNumber != "x"`) +
		rule("unknown", "studentAssessments", "", `serialNumber startsWith "x"`) +
		rule("range", "studentAssessments.scoreResults", `assessmentReportingMethodDescriptor endsWith "#RIT"`, `int(result) <= 150`) +
		rule("last", "studentAssessments.scoreResults", "", `result != "99" or record.assessedMinutes != 41`) +
		rule("deep", "studentAssessments.studentObjectiveAssessments.scoreResults", "", `result == "1" and record.studentReference.studentUniqueId == "1"`)
	want := []string{"$ early", "$ minutes", "$ unknown", "$.scoreResults[1] range", "$.scoreResults[2] last",
		"$.studentObjectiveAssessments[0].scoreResults[1] deep"}
	if d := cmp.Diff(want, breaking(t, text, record)); d != "" {
		t.Error(d)
	}
	// What was read of one record is forgotten before the next one, and odd texts break nothing.
	s, _ := compile(t, "format: 1\n"+text)
	w := s.Resource("studentAssessments").Worker()
	w.Record([]byte(record))
	for _, text := range []string{`{}`, `{"scoreResults":[`, `[]`, `{"scoreResults":[{}]}`, `{"assessedMinutes":"x","scoreResults":{}}`, "", `{"a"`, `nul`} {
		for _, b := range w.Record([]byte(text)) {
			if b.Problem.RuleID == "minutes" {
				t.Errorf("%s: %+v", text, b)
			}
		}
	}
	if s.Resource("assessments") != nil || (*Set)(nil).Resource("assessments") != nil {
		t.Error("a resource that no rule is for")
	}
}

func TestTotals(t *testing.T) {
	s, problems := compile(t, `format: 1
totals:
  tested: {count: studentAssessments, where: 'serialNumber == null'}
  values: {count: studentAssessments.scoreResults}
  minutes: {sum: assessedMinutes, of: studentAssessments}
rules:
  - {id: fits, must: tested <= read.results and values > tested, level: error, why: w, message: m}
  - {id: more, must: tested > used.results, level: warning, why: w, message: m}
  - {id: near, compare: staged.studentAssessments, with: read.results, tolerance: 50%, level: warning, why: w, message: m}
  - {id: far, compare: minutes, with: 100, tolerance: 5%, level: note, why: w, message: m}
  - {id: again, compare: tested, with: last.tested, tolerance: 5%, level: warning, why: w, message: m}
  - {id: none, must: 100 / (staged.students) > 1, level: warning, why: w, message: m}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	w := s.Resource("studentAssessments").Worker()
	sums := s.NewSums()
	for range 3 {
		w.Record([]byte(record))
		sums.Add(w.Take())
	}
	totals := s.Totals(sums, Counts{"staged.studentAssessments": 3, "read.results": 4, "used.results": 3})
	said := func(last map[string]string) (all []string) {
		for _, p := range s.Judge(totals, last) {
			all = append(all, p.Level.String()+" "+p.Message)
		}
		return all
	}
	want := []string{"warning rule more: m", "note rule far: m (123 and 100, more than 5% apart)",
		"note rule again was not applied: there is nothing yet to compare with",
		"warning rule none could not be applied, because what it looks at has another form (it asks: m)"}
	if d := cmp.Diff(want, said(nil)); d != "" {
		t.Error(d)
	}
	want[2] = "warning rule again: m (3 and 4, more than 5% apart)"
	if d := cmp.Diff(want, said(map[string]string{"tenant:tested": "4"})); d != "" {
		t.Error(d)
	}
	if totals["tenant:minutes"] != "123" || totals["tenant:values"] != "9" {
		t.Error(totals)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		"rules: []":           "1:1 rules.yaml has no format",
		"format: 2":           "1:9 format 2 is not known",
		"format: 1\nrule: []": `2:1 rules.yaml: unknown key "rule" (did you mean "rules"?)`,
		"format: 1\nrules:\n  - {id: a, each: studentAssesments, must: 'true', level: error, why: w, message: m}":                                     `3:19 data standard 5.1 has no resource "studentAssesments" (did you mean "studentAssessments"?)`,
		"format: 1\nrules:\n  - {id: a, each: studentAssessments.scoreResult, must: 'true', level: error, why: w, message: m}":                        `3:19 studentAssessments has no collection "scoreResult" (did you mean "scoreResults"?)`,
		"format: 1\nrules:\n  - {id: a, each: studentAssessments, must: administratonDate != null, level: error, why: w, message: m}":                 `3:45 there is no name "administratonDate" here (did you mean "administrationDate"?)`,
		"format: 1\nrules:\n  - {id: a, each: studentAssessments, must: studentReference.studentId == \"1\", level: error, why: w, message: m}":       `3:45 there is no name "studentReference.studentId" here`,
		"format: 1\nrules:\n  - {id: a, each: studentAssessments, must: studentReference != null, level: error, why: w, message: m}":                  "3:45 `studentReference` alone is not a value",
		"format: 1\nrules:\n  - {id: a, each: studentAssessments, must: assessedMinutes, level: error, why: w, message: m}":                           "3:45 `must` must be true or false, but this is an integer",
		"format: 1\nrules:\n  - {id: a, each: studentAssessments, must: assessedMinutes == \"4\", level: error, why: w, message: m}":                  "3:61 assessedMinutes is an integer and \"4\" is text: they are never equal",
		"format: 1\nrules:\n  - {id: a, must: 'true', level: fatal, why: w, message: m}":                                                              `3:34 rule a: level "fatal" is not known`,
		"format: 1\nrules:\n  - {id: a, must: 'true', level: error, message: m}":                                                                      "3:5 rule a has no why",
		"format: 1\nrules:\n  - {id: a, musst: 'true', level: error, why: w, message: m}":                                                             `3:13 rule a: unknown key "musst" (did you mean "must"?)`,
		"format: 1\nrules:\n  - {id: a, compare: 1, with: 2, tolerance: 5, level: error, why: w, message: m}":                                         `3:45 rule a: tolerance "5" is not a percentage`,
		"format: 1\nrules:\n  - {id: a, compare: 1, with: staged.studentAssesments, tolerance: 5%, level: error, why: w, message: m}":                 `there is no name "staged.studentAssesments" here (did you mean "staged.studentAssessments"?)`,
		"format: 1\nrules:\n  - {id: a, must: 'true', level: error, why: w, message: m}\n  - {id: a, must: 'true', level: error, why: w, message: m}": `4:10 there is another rule "a" (rules.yaml:3:5)`,
		"format: 1\ntotals: {Tested: {count: students}}":                                                                                              "2:10 \"Tested\" cannot be the name of a total",
		"format: 1\ntotals: {a: {sum: studentUniqueId, of: students}}":                                                                                "total a: studentUniqueId is text, not a number",
		"format: 1\ntotals: {a: {count: students, sum: birthCity}}":                                                                                   "total a must have either count or sum",
	} {
		_, problems := compile(t, text)
		found := false
		for _, p := range problems {
			found = found || strings.Contains(fmt.Sprintf("%d:%d %s", p.Line, p.Col, p.Message), want)
		}
		if !found || !problems.Blocks() {
			t.Errorf("%s\nwant %s\ngot  %v", text, want, problems)
		}
	}
}

// BenchmarkRecord: rules cost little beside the check of the schema.
func BenchmarkRecord(b *testing.B) {
	standard, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		b.Fatal(err)
	}
	s, _ := Compile([]Source{{"rules.yaml", []byte(`format: 1
rules:
  - {id: range, each: studentAssessments.scoreResults, where: 'assessmentReportingMethodDescriptor endsWith "#RIT"', must: 'result != "0"', level: error, why: w, message: m}
  - {id: date, each: studentAssessments, must: 'left(administrationDate, 10) <= tomorrow', level: error, why: w, message: m}
`), OfBundle}}, Config{Standard: standard, Tomorrow: "2026-03-11"})
	w := s.Resource("studentAssessments").Worker()
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		w.Record([]byte(record))
	}
}

// TestDocumentation: the files of rules in the documentation compile as they stand.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")
	if len(blocks) < 2 {
		t.Fatal("no example")
	}
	for _, block := range blocks[1:] {
		block, _, _ = strings.Cut(block, "```")
		if set, problems := compile(t, block); len(problems) > 0 || len(set.run) == 0 {
			t.Error(problems)
		}
	}
}
