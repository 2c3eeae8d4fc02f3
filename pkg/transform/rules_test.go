package transform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

const header = "ID,Grade,Date,Year,Score,Pct,Level\n"

var year = params("school_year", "2024")

// simpleRun runs rows through the simple bundle, edited.
func simpleRun(t *testing.T, rows string, edit ...string) *result {
	t.Helper()
	return mustRun(t, compile(t, with(t, edit...), year), "results", header+rows)
}

func counts(read, used, filtered, duplicate, other, rejected int64) runs.InputCounts {
	return runs.InputCounts{Read: read, Used: used, Filtered: filtered, Duplicate: duplicate, Other: other, Rejected: rejected}
}

func TestOutcomesOfRows(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rows  string
		edit  []string
		want  runs.InputCounts
		codes []string // of problems, in order
	}{
		{"used", "a,3,3/1/2024,2024,1,,\n", nil, counts(1, 1, 0, 0, 0, 0), nil},
		{"filtered by when; its bad cells are no error", "a,3,x,2023,1,,\nb,3,3/1/2024,2024,1,,\n", nil, counts(2, 1, 1, 0, 0, 0), nil},
		{"when given null rejects", "a,3,3/1/2024,,1,,\n", []string{"when: year ==", "when: year >="}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-EXPRESSION-NULL"}},
		{"when given an unfit cell rejects", "a,3,3/1/2024,x,1,,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-TYPE"}},
		{"required blank", ",3,3/1/2024,2024,1,,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-REQUIRED"}},
		{"null token is blank", "NA,3,3/1/2024,2024,1,,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-REQUIRED"}},
		{"blank lines are not rows", "\na,3,3/1/2024,2024,1,,\n,,,,,,\n", nil, counts(1, 1, 0, 0, 0, 0), []string{"VAL-ROW-BLANK"}},
		{"equal rows are one", "a,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,1,,\n", nil, counts(2, 1, 0, 1, 0, 0), []string{"VAL-ROW-DUPLICATE"}},
		{"equal but for blanks and null tokens", "a,3,3/1/2024,2024,1,,\n a ,3,3/1/2024,2024,1,NA,\n", nil, counts(2, 1, 0, 1, 0, 0), []string{"VAL-ROW-DUPLICATE"}},
		{"same key, other content: all reject", "a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,2,,\n", nil, counts(3, 1, 0, 0, 0, 2), []string{"VAL-ROW-KEY-CONFLICT", "VAL-ROW-KEY-CONFLICT"}},
		{"keep last", "a,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,2,,\n", []string{"key: [id, day]", "key: [id, day]\n    duplicates: {keep: last}"}, counts(2, 1, 0, 1, 0, 0), []string{"VAL-ROW-DUPLICATE"}},
		{"the kept row is rejected: no older one steps in", "a,3,3/1/2024,2024,1,,\na,9,3/1/2024,2024,2,,\n", []string{"key: [id, day]", "key: [id, day]\n    duplicates: {keep: last}"}, counts(2, 0, 0, 1, 0, 1), []string{"VAL-ROW-DUPLICATE", "VAL-UNMAPPED"}},
		{"rows of another year are not compared", "a,3,3/1/2024,2023,1,,\na,3,3/1/2024,2024,2,,\n", nil, counts(2, 1, 1, 0, 0, 0), nil},
		{"keys of nulls are not compared", "a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\n", []string{"key: [id, day]", "key: [grade_b]", "grade: Grade\n", "grade: Grade\n      grade_b: Level\n"}, counts(2, 2, 0, 0, 0, 0), nil},
		{"an unmapped grade", "a,9,3/1/2024,2024,1,,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-UNMAPPED"}},
		{"an empty descriptor leaves out", "a,NN,3/1/2024,2024,1,,\n", nil, counts(1, 1, 0, 0, 0, 0), nil},
		{"an unfit score", "a,3,3/1/2024,2024,1.5,,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-SCORE"}},
		{"percentile over 100", "a,3,3/1/2024,2024,1,133,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-SCORE"}},
		{"a result is not cut", "a,3,3/1/2024,2024," + strings.Repeat("1", 36) + ",,\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-SCORE"}},
		{"score out of its range passes", "a,3,3/1/2024,2024,7,,\n", []string{"header,kind,method,datatype\n", "header,kind,method,datatype,minimum,maximum\n", "Integer\n", "Integer,10,20\n", "Percentile,Percentile\n", "Percentile,Percentile,,\n", "Band,\n", "Band,,,\n"}, counts(1, 1, 0, 0, 0, 0), []string{"VAL-CELL-SCORE-RANGE"}},
		{"a level over 50 characters", "a,3,3/1/2024,2024,1,," + strings.Repeat("x", 51) + "\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-DESCRIPTOR-LONG"}},
		{"a level with a mark that no code may have", "a,3,3/1/2024,2024,1,,Level #1\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-DESCRIPTOR-CODE"}},
		{"a code as written that is too long", "a," + strings.Repeat("x", 51) + ",3/1/2024,2024,1,,\n", []string{"GradeLevelDescriptor: tables.grades", "GradeLevelDescriptor: uri://ed-fi.org"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-DESCRIPTOR-LONG"}},
		{"a code as written that is a URI", "a,uri://ed-fi.org/GradeLevelDescriptor#3,3/1/2024,2024,1,,\n", []string{"GradeLevelDescriptor: tables.grades", "GradeLevelDescriptor: uri://ed-fi.org"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-DESCRIPTOR-CODE"}},
		{"a namespace of the row", "uri://x/,3,3/1/2024,2024,1,,\nuri://x,3,3/1/2024,2024,1,,\n", []string{"namespace: params.namespace}\n      student", "namespace: id}\n      student"}, counts(2, 1, 0, 0, 0, 1), []string{"VAL-CELL-TYPE"}},
		{"short row that lacks a needed cell", "a,3,3/1/2024\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-ROW-SHORT"}},
		{"long row", "a,3,3/1/2024,2024,1,,,,x\n", nil, counts(1, 0, 0, 0, 0, 1), []string{"VAL-ROW-LONG"}},
		{"long row of blanks", "a,3,3/1/2024,2024,1,,, ,\n", nil, counts(1, 1, 0, 0, 0, 0), nil},
		{"short row before an optional column", "a,3,3/1/2024,2024,1,5\n", []string{"header,kind,method,datatype\n", "header,kind,method,datatype,optional\n", "Integer\n", "Integer,\n", "Percentile,Percentile\n", "Percentile,Percentile,\n", "Band,\n", "Band,,true\n"}, counts(1, 1, 0, 0, 0, 0), []string{"VAL-ROW-SHORTENED"}},
		{"expectation, error", "a,3,3/1/2024,2024,1,,\n", []string{"    when: year", "    expect: [{that: grade == \"4\", why: x}]\n    when: year"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-ROW-EXPECTATION"}},
		{"expectation, warning; null is not met", "a,,3/1/2024,2024,1,,\n", []string{"    when: year", "    expect: [{that: grade < \"4\", level: warning, why: x}]\n    when: year"}, counts(1, 1, 0, 0, 0, 0), []string{"VAL-ROW-EXPECTATION"}},
		{"an unfit cell is not an expectation too", "a,3,3/1/2024,2024,1,x,\n", []string{"    when: year", "    expect: [{that: pct > 1, why: x}]\n    when: year", "grade: Grade\n", "grade: Grade\n      pct: {header: Pct, type: integer}\n"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-TYPE"}},
		{"nor is a blank one that is required", "a,3,3/1/2024,2024,1,,\n", []string{"    when: year", "    expect: [{that: pct > 1, why: x}]\n    when: year", "grade: Grade\n", "grade: Grade\n      pct: {header: Pct, type: integer, required: true}\n"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-CELL-REQUIRED"}},
		{"student's column is blank", "a,3,3/1/2024,2024,1,,\n", []string{"student: [id]", "student: [level]", "grade: Grade\n", "grade: Grade\n      level: Level\n"}, counts(1, 0, 0, 0, 0, 1), []string{"VAL-STUDENT-MISSING"}},
		{"a record's when is false", "a,3,3/1/2024,2024,1,,\nb,4,3/1/2024,2024,1,,\n", []string{"    from: results\n", "    from: results\n    when: grade == \"3\"\n"}, counts(2, 1, 1, 0, 0, 0), nil},
		{"records with one key and other content: all reject", "a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,2,,\n", []string{"    key: [id, day]\n", ""}, counts(3, 1, 0, 0, 0, 2), []string{"VAL-RECORD-KEY-CONFLICT", "VAL-RECORD-KEY-CONFLICT"}},
		{"equal records are one", "a,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,1,,\n", []string{"    key: [id, day]\n", ""}, counts(2, 1, 0, 1, 0, 0), []string{"VAL-ROW-DUPLICATE"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := simpleRun(t, tt.rows, tt.edit...)
			if diff := cmp.Diff(tt.want, r.Inputs["results"]); diff != "" {
				t.Error(diff)
			}
			text := r.file(t, "problems", "transform.csv")
			var codes []string
			for _, line := range strings.Split(text, "\n")[1:] {
				if code, _, ok := strings.Cut(line, ","); ok && code != "VAL-LEVEL-UNDECLARED" {
					codes = append(codes, code)
				}
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Errorf("%s\n%s", diff, text)
			}
			if rejects := r.file(t, "rejects", "results.csv"); tt.want.Rejected == 0 && rejects != "" {
				t.Errorf("rejects: %s", rejects)
			} else if n := strings.Count(rejects, "\n"); tt.want.Rejected > 0 && int64(n) != tt.want.Rejected+1 {
				t.Errorf("rejects:\n%s", rejects)
			}
			if got := int64(strings.Count(r.staged(t, "studentAssessments"), "\n")); got != tt.want.Used {
				t.Errorf("%d records, want %d", got, tt.want.Used)
			}
		})
	}
}

func TestKeepBy(t *testing.T) {
	rows := "a,3,3/1/2024,2024,9,,\na,3,3/1/2024,2024,10,,\na,3,3/1/2024,2024,,,\n"
	for edit, want := range map[string]string{"keep: last, by: score": `"10"`, "keep: first, by: score": "", "keep: first": `"9"`} {
		r := simpleRun(t, rows, "key: [id, day]", "key: [id, day]\n    duplicates: {"+edit+"}", "grade: Grade\n", "grade: Grade\n      score: {header: Score, type: integer}\n")
		if got := r.staged(t, "studentAssessments"); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) || want == "" && strings.Contains(got, "scoreResults") {
			t.Errorf("%s: %s", edit, got)
		}
	}
}

func TestDistrict(t *testing.T) {
	p := compile(t, with(t, "grade: Grade\n", "grade: Grade\n      district: Level\n", "    student:", "    district: district\n    student:"), func(c *mapping.Config) {
		c.Params, c.LEACodes = map[string]string{"school_year": "2024"}, []string{"01"}
	})
	r := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,01\nb,3,x,2024,1,,02\nc,3,x,2024,1,,\nd,3,x,2024,1,,1\n")
	if diff := cmp.Diff(counts(4, 1, 0, 0, 3, 0), r.Inputs["results"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuards(t *testing.T) {
	p := compile(t, simple, year)
	for _, tt := range []struct {
		name, text string
		code       diag.Code
		want       string
	}{
		{"every row of another year", header + "a,3,3/1/2024,2023,1,,\nb,3,3/1/2024,2022,1,,\n", diag.GuardNothing, `year is "2023", "2022"`},
		{"missing column", "ID,Grade,Date,Score,Pct,Level\n", diag.FileDrift, "\"Year\" is missing (year)"},
		{"renamed column", "ID,Grade,Date,Years,Score,Pct,Level\n", diag.FileDrift, `"Year" is missing (year); column 4, "Years", is new and may be it`},
		{"doubled column", "ID,Grade,Date,Year,Year,Score,Pct,Level\n", diag.FileDrift, "occurs more than once in the header, first as column 4"},
		{"wrong case", "id,Grade,Date,Year,Score,Pct,Level\n", diag.FileDrift, `column 1 is now called "id"; it was "ID"`},
		{"wrong delimiter", strings.ReplaceAll(header, ",", ";"), diag.FileDrift, "is separated by semicolons"},
		{"retyped column", header + strings.Repeat("a,3,2024-03-01,2024,1,,\n", 10), diag.FileDrift, `none of the 10 cells of Date fits: in line 2, "2024-03-01" is not a date in the format M/D/YYYY`},
		{"unclosed quote", header + "a,\"3,3/1/2024,2024,1,,\n", diag.FileQuote, ""},
		{"NUL", header + "a,\x003,3/1/2024,2024,1,,\n", diag.FileNUL, ""},
		{"empty", "", diag.FileEmpty, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runProgram(t, p, 2, "results", tt.text)
			e, ok := diag.AsError(r.err)
			if !ok || e.Kind != diag.Guarded || e.Code != tt.code {
				t.Fatalf("%v", r.err)
			}
			if got := e.Message + "\n" + problemText(e.Problems); !strings.Contains(got, tt.want) {
				t.Error(got)
			}
			staged, err := os.ReadDir(r.run.File("staged"))
			if err != nil || tt.code == diag.FileDrift && tt.name != "retyped column" && len(staged) > 0 {
				t.Errorf("%v %v", staged, err)
			}
			if parts, _ := filepath.Glob(r.run.File("*", "*.part")); len(parts) > 0 {
				t.Errorf("left behind: %v", parts)
			}
		})
	}
}

func TestHeaderOnly(t *testing.T) {
	r := mustRun(t, compile(t, simple, year), "results", header)
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "VAL-FILE-HEADER-ONLY,warning") {
		t.Error(got)
	}
}

func TestReorderedAndNewColumns(t *testing.T) {
	r := mustRun(t, compile(t, simple, year), "results", "New,Level,Pct,Score,Year,Date,Grade,ID\nx,,,1,2024,3/1/2024,3,a\n")
	if r.Inputs["results"].Used != 1 {
		t.Errorf("%+v", r.Inputs)
	}
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "VAL-FILE-NEW-COLUMN,warning") {
		t.Error(got)
	}
}

func TestAlternativesAndLayouts(t *testing.T) {
	edit := []string{"grade: Grade\n", "grade: {header: [Grade, Class]}\n      only_b: {header: Extra, layouts: [b]}\n", "    student:", "    layouts: {b: {has: Extra}, a: {has: [ID]}}\n    student:", "administrationDate: day", "administrationDate: day\n      serialNumber: only_b\n      reportedSchoolIdentifier: layout"}
	p := compile(t, with(t, edit...), year)
	r := mustRun(t, p, "results", header+"s,3,3/1/2024,2024,1,,\n", "results", "ID,Class,Date,Year,Score,Pct,Level,Extra\nt,3,3/1/2024,2024,1,,,E\n")
	got := r.staged(t, "studentAssessments")
	for _, want := range []string{`"reportedSchoolIdentifier":"a"`, `"serialNumber":"E","reportedSchoolIdentifier":"b"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if got := r.file(t, "staged", "studentAssessments.origin"); got != "results#1:2\nresults#2:2\n" {
		t.Error(got)
	}
	if r.run.Inputs[0].Layout != "a" || r.run.Inputs[1].Layout != "b" || r.run.Inputs[0].SHA256 == "" {
		t.Errorf("%+v", r.run.Inputs)
	}
	r = mustRun(t, p, "results", "ID,Grade,Class,Date,Year,Score,Pct,Level\ns,3,4,3/1/2024,2024,1,,\n")
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "VAL-FILE-ALTERNATIVES") {
		t.Error(got)
	}
	bad := runProgram(t, compile(t, with(t, "    student:", "    layouts: {b: {has: Extra}, c: {has: Other}}\n    student:"), year), 1, "results", header)
	if e, ok := diag.AsError(bad.err); !ok || e.Kind != diag.Guarded || !strings.Contains(problemText(e.Problems), `the layout c has a column "Other", and the file has none`) {
		t.Errorf("%v", bad.err)
	}
}

func TestUsageOfInputs(t *testing.T) {
	p := compile(t, simple, year)
	for file, want := range map[string]string{"": `the input "results" has no file`, "reslts=x": `no input "reslts" (did you mean "results"?)`, "results=nowhere.csv": "there is no file nowhere.csv", "results=.": "is a folder"} {
		given := map[string][]source.Local{}
		if name, path, ok := strings.Cut(file, "="); ok {
			given[name] = []source.Local{source.File(path)}
		}
		_, err := Run(context.Background(), p, Options{Sink: discard{}, Inputs: given})
		if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestNamesOfCopies: an input that lies elsewhere as a copy is called what the user called it.
func TestNamesOfCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "input-1.part")
	if err := os.WriteFile(path, []byte(header+"a,3,3/1/2024,2024,1,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := Run(context.Background(), compile(t, simple, year), Options{Sink: ToRun(run), Inputs: map[string][]source.Local{"results": {{Name: "-", Path: path}}}})
	if err != nil || out.Counts.Inputs["results"].Used != 1 || out.Inputs[0].Path != "-" {
		t.Errorf("%+v %v", out, err)
	}
}

func TestRosterColumn(t *testing.T) {
	text := with(t, "student: [id]", "student: [id, other]", "grade: Grade\n", "grade: Grade\n      other: Level\n")
	for column, want := range map[string]string{"": `"studentUniqueId":"a"`, "Level": `"studentUniqueId":"u"`, "other": `"studentUniqueId":"u"`} {
		p := compile(t, text, func(c *mapping.Config) { c.Params, c.RosterColumn = map[string]string{"school_year": "2024"}, column })
		if got := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,u\n").staged(t, "studentAssessments"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", column, got)
		}
	}
	_, problems := tryCompile(t, text, func(c *mapping.Config) { c.Params, c.RosterColumn = map[string]string{"school_year": "2024"}, "Levell" })
	if got := problemText(problems); !strings.Contains(got, `"Levell" is not one of the columns of results`) {
		t.Error(got)
	}
}

// TestWorkersMakeTheSameBytes: everything in the run directory is the same for 1 to 8 workers.
func TestWorkersMakeTheSameBytes(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	for i := range 8_000 {
		grade, score := []string{"3", "NN", "9", "", "3"}[i%5], []string{"1", "x", "200", "NA"}[i%4]
		fmt.Fprintf(&b, "s%d,%s,%d/%d/2024,%d,%s,%d,L%d\n", i%7_700, grade, i%13, 1+i%28, 2024-i%50/49, score, i%110, i%7)
	}
	p := compile(t, with(t, "key: [id, day]", "key: [id, day]\n    duplicates: {keep: last, by: score}", "grade: Grade\n", "grade: Grade\n      score: Score\n"), year)
	var want map[string]string
	for _, workers := range []int{1, 2, 3, 8} {
		r := runProgram(t, p, workers, "results", b.String(), "results", header+"s1,3,3/1/2024,2024,1,,\n")
		if r.err != nil {
			t.Fatal(r.err)
		}
		got := map[string]string{"counts": fmt.Sprintf("%+v", r.TransformCounts)}
		files, err := filepath.Glob(r.run.File("*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		more, _ := filepath.Glob(r.run.File("*.csv"))
		for _, f := range slices.Concat(files, more) {
			rel, _ := filepath.Rel(r.run.Path, f)
			got[rel] = strings.ReplaceAll(r.file(t, rel), filepath.Dir(r.run.Path), "")
		}
		if want == nil {
			want = got
			continue
		}
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%d workers: %s differs", workers, name)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d workers: %d files, want %d", workers, len(got), len(want))
		}
	}
}
