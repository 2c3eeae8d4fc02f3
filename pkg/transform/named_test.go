package transform

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/rejects"
)

// listed is the rows of problems/transform.csv, by column.
func listed(t *testing.T, r *result) (all []map[string]string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(r.file(t, "problems", "transform.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		p := map[string]string{}
		for i, cell := range row {
			p[rows[0][i]] = cell
		}
		all = append(all, p)
	}
	return all
}

// linesOf is the lines that problems of a code name.
func linesOf(all []map[string]string, code diag.Code) map[string]bool {
	lines := map[string]bool{}
	for _, p := range all {
		if p["code"] == string(code) && p["line"] != "" {
			lines[p["line"]] = true
		}
	}
	return lines
}

// Every row that was dropped or rejected is named, however many there are; only what else is wrong with
// a row that is named may be counted.
func TestDroppedAndRejectedRowsAreNamed(t *testing.T) {
	const n = maxAlike + 5
	bad, good := "a,3,3/1/2024,2024,x,200,\n", "b,3,4/1/2024,2024,1,,\n"
	r := simpleRun(t, strings.Repeat(bad+good, n), "    key: [id, day]\n", "")
	all := listed(t, r)
	if got := len(linesOf(all, diag.CellScore)); got != n || r.Inputs["results"].Rejected != n {
		t.Errorf("%d lines of %d rejected rows", got, r.Inputs["results"].Rejected)
	}
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "and 5 more of this kind, in rows that are listed for something else") {
		t.Error("how many more there are is not said")
	}
	r = simpleRun(t, strings.Repeat(good, n+1))
	if got := len(linesOf(listed(t, r), diag.RowDuplicate)); got != n || r.Inputs["results"].Duplicate != n {
		t.Errorf("%d lines of %d dropped rows", got, r.Inputs["results"].Duplicate)
	}
	// Without a key rows are dropped because what they give is staged already.
	r = simpleRun(t, strings.Repeat(good, n+1), "    key: [id, day]\n", "")
	if got := len(linesOf(listed(t, r), diag.RowDuplicate)); got != n || r.Inputs["results"].Duplicate != n {
		t.Errorf("%d lines of %d rows whose records are staged already", got, r.Inputs["results"].Duplicate)
	}
}

// A problem of a rejected row names the row's line in the file of rejected rows.
func TestProblemsNameTheLineOfTheReject(t *testing.T) {
	input := header + "a,3,3/1/2024,2024,x,,\nb,3,4/1/2024,2024,1,,\n\"c\nc\",3,5/1/2024,2024,x,,\nd,3,6/1/2024,2024,x,,\nb,3,4/1/2024,2024,1,,\n"
	r := mustRun(t, compile(t, simple, year), "results", input)
	source, rejects := strings.Split(input, "\n"), strings.Split(r.file(t, "rejects", "results.csv"), "\n")
	named := 0
	for _, p := range listed(t, r) {
		line, _ := strconv.Atoi(p["line"])
		at, err := strconv.Atoi(p["rejectLine"])
		if rejected := p["code"] == string(diag.CellScore); rejected != (err == nil) {
			t.Errorf("%v", p)
		}
		if err == nil {
			named++
			if source[line-1] != rejects[at-1] {
				t.Errorf("line %d is %q, line %d of the rejects %q", line, source[line-1], at, rejects[at-1])
			}
		}
	}
	if named != 3 {
		t.Errorf("%d problems name a line", named)
	}
}

// The reasons of a rejected row are what rejects it, not what is worth knowing of it besides.
func TestReasonsOfRejects(t *testing.T) {
	r := simpleRun(t, "a,,3/1/2024,2024,x,,\nb,,3/1/2024,2024,1,,\nc,,3/1/2024,2024,x,101,\n",
		"    when: year", "    expect: [{that: grade == \"3\", level: warning, why: third grade}]\n    when: year")
	want := "line,rejectLine,stage,codes,messages\n2,2,transform,VAL-CELL-SCORE,\"the score Scale Score is not an integer (\"\"x\"\")\"\n" +
		"4,3,transform,VAL-CELL-SCORE,\"the score Scale Score is not an integer (\"\"x\"\"); the score Percentile is not a percentile from 0 to 100 (\"\"101\"\")\"\n"
	if diff := cmp.Diff(want, r.file(t, "rejects", "results.reasons.csv")); diff != "" {
		t.Error(diff)
	}
}

// Rows that end early are named; the last one of a file without a last line end may have been cut off.
func TestShortenedRowsAreNamed(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: Id, stu: Student, a: {header: A, optional: true}, b: {header: B, optional: true}}
    student: [stu]`, "results", "key(id)", "a", ""))
	levels := func(text string) (out []string) {
		for _, p := range listed(t, mustRun(t, p, "results", "Id,Student,A,B\n"+text)) {
			out = append(out, strings.Join([]string{p["code"], p["level"], p["line"], p["count"]}, " "))
		}
		return out
	}
	for text, want := range map[string][]string{
		"1,S1,x\n2,S2,x,y\n3,S3\n":                      {"VAL-ROW-SHORTENED note 2 ", "VAL-ROW-SHORTENED note 4 "},
		"1,S1,x\n2,S2,App":                              {"VAL-ROW-SHORTENED note 2 ", "VAL-ROW-SHORTENED warning 3 "},
		"1,S1,x,y\n2,S2,x,y":                            nil,
		"1,S1,x\n2,S2,\"x\nx\"\n3,S3,x\n\n4,S4\n5,S5\n": {"VAL-ROW-SHORTENED note 2 3", "VAL-ROW-SHORTENED note 7 2", "VAL-ROW-BLANK note  1"},
	} {
		if diff := cmp.Diff(want, levels(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// Of two columns for one name, the rows whose value was not read are counted.
func TestValuesOfTheOtherColumn(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: Id, stu: Student, a: {header: [A, Old A], nulls: [none]}}
    student: [stu]
    when: id != "9"`, "results", "key(id)", "a", ""))
	for rows, want := range map[string]string{
		"1,S1,x,y\n2,S2,,z\n3,S3,none,z\n4,S4,,none\n9,S9,,z\n": "A and Old A are both in the file; a reads A, which is empty in rows where Old A has a value (2, first in line 3)",
		"1,S1,x,y\n2,S2,,\n": "A and Old A are both in the file; a reads A",
	} {
		all := listed(t, mustRun(t, p, "results", "Id,Student,A,Old A\n"+rows))
		if len(all) != 1 && all[0]["code"] != string(diag.FileAlternatives) || all[0]["message"] != want {
			t.Errorf("%v", all)
		}
	}
}

// Whether a record is wanted is asked before the cells of its element are.
func TestWhenComesBeforeTheElementsCells(t *testing.T) {
	text := sketch(`
    columns: {id: Id, stu: Student, kind: Kind}
    student: [stu]
    lists: {xs: {over: {n: 1..2}, columns: {v: {header: "V{n}", type: integer}}}}`, "results.xs\n    when: kind != \"z\"", "key(id, n)", "text(v)", "")
	r := mustRun(t, compile(t, text), "results", "Id,Student,Kind,V1,V2\n1,S1,a,1,x\n2,S2,z,x,x\n3,S3,z,1,2\n")
	if diff := cmp.Diff(outcomes{[]string{"1|1 A S1 1"}, counts(3, 0, 2, 0, 0, 1), "VAL-CELL-TYPE"}, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
	r = mustRun(t, compile(t, strings.Replace(text, `when: kind != "z"`, "when: v > 1", 1)), "results", "Id,Student,Kind,V1,V2\n1,S1,a,2,x\n")
	if diff := cmp.Diff(outcomes{[]string{"1|1 A S1 2"}, counts(1, 0, 0, 0, 0, 1), "VAL-CELL-TYPE"}, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
}

const twoIDs = `
    columns: {id: Id, st: {header: [State ID, SID], optional: true}, sid: {header: Student ID, optional: true}}
    student: [st, sid]`

// drift runs files and gives the message of the drift that stops them; "" if nothing does.
func drift(t *testing.T, r *result) string {
	t.Helper()
	if r.err == nil {
		return ""
	}
	e, ok := diag.AsError(r.err)
	if !ok || e.Kind != diag.Guarded || e.Code != diag.FileDrift {
		t.Fatal(r.err)
	}
	return problemText(e.Problems) + e.Message
}

// One column of all files of an input holds the students' ids.
func TestStudentsOfOneColumn(t *testing.T) {
	p := compile(t, sketch(twoIDs, "results", "key(id)", "id", ""))
	both, state, local := "Id,State ID,Student ID\n1,S1,77\n", "Id,SID\n2,S2\n", "Id,Student ID\n3,78\n"
	if got := drift(t, runProgram(t, p, 1, "results", both, "results", state)); got != "" {
		t.Error(got) // another header of the same column
	}
	if got := drift(t, runProgram(t, p, 1, "results", both, "results", local)); !strings.Contains(got, "would take the student from its column Student ID (sid)") {
		t.Error(got)
	}
	two := sketch(twoIDs+strings.Replace(twoIDs, "\n", "\n  more:\n    format: csv\n", 1), "results", "key(id)", "id", "")
	if got := drift(t, runProgram(t, compile(t, two), 1, "results", both, "more", local)); !strings.Contains(got, "would take the student from its column Student ID (sid)") {
		t.Error(got)
	}
	chosen := compile(t, sketch(twoIDs, "results", "key(id)", "id", ""), roster("sid"))
	r := mustRun(t, chosen, "results", both, "results", local)
	if got := r.run.Inputs; got[0].Student.Name != "sid" || got[1].Student.Header != "Student ID" {
		t.Errorf("%+v", got)
	}
	if got := drift(t, runProgram(t, chosen, 1, "results", state)); !strings.Contains(got, `"Student ID" is missing (the student's id, by roster.column or --student)`) {
		t.Error(got)
	}
}

// A file that cannot be read to its end leaves no rejected rows of those before it.
func TestNoRejectsOfAStoppedRun(t *testing.T) {
	p := compile(t, simple, year)
	bad := header + "a,3,3/1/2024,2024,x,,\n"
	r := runProgram(t, p, 1, "results", bad, "results", strings.Replace(bad, "a,", "c,", 1), "results", header+"d,3,3/1/2024,2024,1,,\n", "results", header+"b,3,4/1/2024,2024,\"1\n")
	if e, ok := diag.AsError(r.err); !ok || e.Code != diag.FileQuote {
		t.Fatal(r.err)
	}
	if left, err := os.ReadDir(r.run.File("rejects")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// Where the file of reasons cannot be made, the run ends with an error, and leaves nothing behind.
func TestReasonsThatCannotBeWritten(t *testing.T) {
	r := simpleRun(t, "a,3,3/1/2024,2024,1,,\n")
	sink := ToRun(r.run)
	if err := sink.Begin(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 230) // too long a name only with .reasons in it
	if err := sink.Rejected(&RejectFile{Place: mapping.Place{Input: long}, Head: rejects.Head{Text: "A\n", LineEnd: "\n"}}, "1"); err == nil {
		t.Error("a name of more than 255 bytes was written")
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(r.run.File("rejects")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// A column of another layout is not a new one, and one that looks like a missing one is named.
func TestHeadersThatAreKnown(t *testing.T) {
	p := compile(t, sketch(`
    layouts: {long: {has: Long}, short: {has: Id}}
    columns: {id: Id, stu: Student, more: {header: More, layouts: [long]}}
    student: [stu]`, "results", "key(id)", "id", ""))
	all := listed(t, mustRun(t, p, "results", "Id,Student,More\n1,S1,x\n"))
	if len(all) != 1 || all[0]["message"] != `the column "More" belongs to files of the layout long; in one of the layout short it is not read` {
		t.Errorf("%v", all)
	}
	p = compile(t, sketch("    columns: {id: Id, stu: Student, score: {header: Score1, optional: true}}\n    student: [stu]", "results", "key(id)", "id", ""))
	all = listed(t, mustRun(t, p, "results", "Id,Student,Score 1\n1,S1,x\n"))
	if len(all) != 1 || !strings.HasSuffix(all[0]["message"], ` is new and is not read; it was "Score1", which the file may lack, and does`) {
		t.Errorf("%v", all)
	}
	p = compile(t, sketch("    columns: {id: Id, stu: Élève No}\n    student: [stu]", "results", "key(id)", "id", ""))
	for _, look := range []string{"E\u0301le\u0300ve No", "Élève\u00a0No", "Élève  No"} {
		if got := drift(t, runProgram(t, p, 1, "results", "Id,"+look+"\n")); !strings.Contains(got, "column 2 looks like \"Élève No\", but differs in its blanks or its Unicode form") {
			t.Error(got)
		}
	}
}
