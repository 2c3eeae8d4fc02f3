package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

const saidInput = `
    columns: {id: Id, stu: Student, a: A, n: {header: N, type: integer}, born: {header: Birth Date, optional: true}, day: {header: Day, type: date, format: MM/DD/YYYY, optional: true}}
    student: [stu]
    key: [id]`

// problemsOf is what is listed of a code.
func problemsOf(t *testing.T, r *result, code diag.Code) (all []map[string]string) {
	t.Helper()
	for _, p := range listed(t, r) {
		if p["code"] == string(code) {
			all = append(all, p)
		}
	}
	return all
}

// TestConflictsSayInWhat: two rows of one key say which line the other is on and which columns differ, and
// of one that is nobody's, what both say.
func TestConflictsSayInWhat(t *testing.T) {
	p := compile(t, sketch(saidInput, "results", "key(id)", "a", ""))
	for _, tt := range []struct{ name, rows, column, value, message string }{
		{"one column", "1,S1,x,7,,\n1,S1,y,7,,\n", "A", "x / y", "line 3, but different contents in A"},
		{"typed values are compared", "1,S1,x,7,,\n1,S1,y,07,,\n", "A", "x / y", "line 3, but different contents in A"},
		{"an empty one", "1,S1,x,7,,\n1,S1,,7,,\n", "A", "empty / x", "in A"},
		{"several", "1,S1,x,7,,\n1,S1,y,8,,\n", "A, N", "", "in A, N"},
		{"many", "1,S1,x,7,5/5/2015,01/02/2026\n1,S1,y,8,6/6/2016,01/03/2026\n", "", "", "1 more"},
		{"a student's", "1,S1,x,7,5/5/2015,\n1,S1,x,7,6/6/2016,\n", "Birth Date", "", "in Birth Date"},
		{"the student", "1,S1,x,7,,\n1,S2,x,7,,\n", "Student", "", "in Student"},
	} {
		got := problemsOf(t, mustRun(t, p, "results", "Id,Student,A,N,Birth Date,Day\n"+tt.rows), diag.RowKeyConflict)
		if len(got) != 2 || tt.column != "" && got[0]["column"] != tt.column || got[0]["value"] != tt.value || !strings.Contains(got[0]["message"], tt.message) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	got := problemsOf(t, mustRun(t, p, "results", "Id,Student,A,N\n1,S1,x,7\n", "results", "Id,Student,N,A\n1,S1,7,y\n"), diag.RowKeyConflict)
	if len(got) != 2 || got[0]["column"] != "A" || !strings.Contains(got[0]["message"], "the same key as line 2 of ") {
		t.Errorf("two files: %v", got)
	}
}

// TestIdentifiersOfASpreadsheet: an id that lost digits never stands for a student.
func TestIdentifiersOfASpreadsheet(t *testing.T) {
	p := compile(t, sketch("    columns: {id: Id, stu: Student, a: A}\n    student: [stu]", "results", "key(id)", "a", ""))
	r := mustRun(t, p, "results", "Id,Student,A\n1,6.78E+05,x\n2,678789,x\n")
	if got := problemsOf(t, r, diag.CellType); len(got) != 1 || got[0]["line"] != "2" || !strings.Contains(got[0]["fix"], "untouched") || r.Inputs["results"].Used != 1 {
		t.Errorf("%v", got)
	}
	rows := ""
	for i := range 10 {
		rows += fmt.Sprintf("%d,6.78E+05,x\n", i)
	}
	bad := runProgram(t, p, 1, "results", "Id,Student,A\n"+rows)
	if e, ok := diag.AsError(bad.err); !ok || e.Code != diag.FileDrift || !e.Repeats() || strings.Contains(e.Message, "6.78E") || !strings.Contains(e.Message, "none of the 10 cells of Student fits: in line 2") {
		t.Error(bad.err)
	}
	p = compile(t, sketch("    columns: {id: Id, stu: Student, day: {header: Day, type: date, format: M/D/YYYY}}\n    student: [stu]", "results", "key(id)", "id", ""))
	for cell, shown := range map[string]bool{"678789": false, "20250916": true, "9/5/25": true} { // the first is an id in a wrong column
		bad := runProgram(t, p, 1, "results", "Id,Student,Day\n"+strings.Repeat("1,S1,"+cell+"\n", 10))
		if bad.err == nil || strings.Contains(bad.err.Error(), cell) != shown {
			t.Error(bad.err)
		}
	}
}
