package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// owners are the students of ids; an id of a student that ends in ! was repaired.
type owners map[string]string

func (k owners) For(_ string, columns []mapping.StudentColumn) func(ids, _ []string) mapping.Match {
	return func(ids, _ []string) mapping.Match {
		for i, id := range ids {
			if s := k[id]; id != "" && s != "" {
				student, repaired := strings.CutSuffix(s, "!")
				return mapping.Match{Student: student, How: mapping.How{Column: uint8(i), System: 1, Repaired: repaired}}
			}
		}
		return mapping.Match{Code: diag.StudentUnknown, Column: columns[0].Header, Value: strings.Join(ids, "|"), Message: "nobody has it"}
	}
}

func knowing(k owners) func(*mapping.Config) {
	return func(c *mapping.Config) { c.Students = k }
}

var underTwoIDs = owners{"S1": "600001", "L1": "600001", "S2": "600002", "L2": "600002!"}

// One student under two ids of the vendor is one: in keys, in duplicates and in conflicts.
func TestRowsOfOneStudent(t *testing.T) {
	const columns = "    columns: {id: Id, st: State, lo: Local, s: S}\n    student: [st, lo]\n"
	const unknown = "VAL-STUDENT-UNKNOWN"
	for _, tt := range []struct {
		name, keys, rows string
		want             outcomes
	}{
		{"each its student", "", "1,S1,,x\n2,,L2,y\n", outcomes{[]string{"1 A 600001 x", "2 A 600002 y"}, counts(2, 2, 0, 0, 0, 0), "VAL-STUDENT-REPAIRED"}},
		{"the key holds the student", "    key: [st, s]\n    duplicates: {keep: last}\n", "1,S1,,x\n2,,L1,x\n3,S2,,x\n",
			outcomes{[]string{"2 A 600001 x", "3 A 600002 x"}, counts(3, 2, 0, 1, 0, 0), duplicate}},
		{"equal but for the id", "    key: [id]\n", "1,S1,,x\n1,,L1,x\n", outcomes{[]string{"1 A 600001 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
		{"another student", "    key: [id]\n", "1,S1,,x\n1,S2,,x\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"other contents", "    key: [id]\n", "1,S1,,x\n1,,L1,y\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"no key, equal records", "", "1,S1,,x\n1,,L1,x\n", outcomes{[]string{"1 A 600001 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
		{"no key, other records", "", "1,S1,,x\n1,,L1,y\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), "VAL-RECORD-KEY-CONFLICT VAL-RECORD-KEY-CONFLICT"}},
		{"unknown", "", "1,S9,,x\n2,S1,,x\n", outcomes{[]string{"2 A 600001 x"}, counts(2, 1, 0, 0, 0, 1), unknown}},
		{"unknown, and the key holds the student", "    key: [st, s]\n    duplicates: {keep: last}\n", "1,S9,,x\n2,S9,,x\n3,S1,,x\n",
			outcomes{[]string{"3 A 600001 x"}, counts(3, 1, 0, 0, 0, 2), unknown + " " + unknown}},
		{"unknown, and takes nobody's place", "    key: [id]\n    duplicates: {keep: last}\n", "1,S1,,x\n1,S9,,y\n", outcomes{[]string{"1 A 600001 x"}, counts(2, 1, 0, 0, 0, 1), unknown}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compile(t, sketch(columns+tt.keys, "results", "key(id)", "s", ""), knowing(underTwoIDs))
			var before outcomes
			for _, workers := range []int{1, 8} {
				r := runProgram(t, p, workers, "results", "Id,State,Local,S\n"+tt.rows)
				if r.err != nil {
					t.Fatal(r.err)
				}
				before = outcomesOf(t, r)
				if diff := cmp.Diff(tt.want, before); diff != "" {
					t.Errorf("%s\n%s", diff, r.file(t, "problems", "transform.csv"))
				}
			}
		})
	}
}

// What was matched is counted by column, also where files have other ones, and whatever the number of workers.
func TestMatchesAreCounted(t *testing.T) {
	p := compile(t, sketch("    columns: {id: Id, st: {header: State, optional: true}, lo: {header: Local, optional: true}, s: S}\n    student: [st, lo]\n",
		"results", "key(id)", "s", ""), knowing(underTwoIDs))
	want := ""
	for _, workers := range []int{1, 8} {
		r := runProgram(t, p, workers, "results", "Id,State,S\n1,S1,x\n2,S9,x\n", "results", "Id,Local,S\n3,L2,x\n4,L1,x\n5,,x\n")
		if r.err != nil {
			t.Fatal(r.err)
		}
		got := fmt.Sprint(r.students["results"])
		if want = "{[{st State} {lo Local}] [] {map[{0 1 false}:1 {1 1 false}:1 {1 1 true}:1] map[VAL-STUDENT-UNKNOWN:2]}}"; got != want {
			t.Errorf("%d workers: %s", workers, got)
		}
		if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "1 row was matched after zeros") {
			t.Error(got)
		}
	}
}

// seen is what was measured.
type seen struct {
	ids  []string
	stop bool
}

func (s *seen) See(input string, c mapping.StudentColumn, id string) {
	s.ids = append(s.ids, input+" "+c.Header+" "+id)
}

func (s *seen) Decide(string) error {
	if s.stop {
		return diag.Fail(diag.Guarded, diag.GuardMatch, "", "too few")
	}
	return nil
}

// Each id is measured once, and only those of rows that are kept.
func TestDistinctIDsAreMeasured(t *testing.T) {
	p := compile(t, sketch("    columns: {id: Id, st: State, lo: {header: Local, nulls: [none]}, s: S}\n    student: [st, lo]\n    when: s != \"no\"\n", "results", "key(id)", "s", ""), knowing(underTwoIDs))
	const rows = "Id,State,Local,S\n1,S1,none,x\n2,S1,L1,x\n3,S3,L3,no\n4,,L1,x\n5,S4,S1,x\n"
	for _, stop := range []bool{false, true} {
		s := &seen{stop: stop}
		r := runMeasured(t, p, s, "results", rows)
		if want := "results State S1;results Local L1;results State S4;results Local S1"; strings.Join(s.ids, ";") != want {
			t.Errorf("%q", s.ids)
		}
		if (r.err != nil) != stop {
			t.Error(r.err)
		}
	}
}
