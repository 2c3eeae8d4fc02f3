package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// sketch is a bundle with one input, said in full, and one record from it.
func sketch(input, from, identifier, serial, files string) string {
	return `
-- bundle.yaml --
format: 1
bundle: sketch
version: 1.0.0
assessment: {family: S, version: "1"}
data_standard: ">=4.0 <6"
params:
  namespace: {default: uri://vendor.org}
descriptors:
  namespace: params.namespace
inputs:
  results:
    format: csv
` + strings.Trim(input, "\n") + `
resources:
  studentAssessments:
    from: ` + from + `
    record:
      studentAssessmentIdentifier: ` + identifier + `
      assessmentReference: {assessmentIdentifier: '"A"', namespace: params.namespace}
      studentReference: {studentUniqueId: student}
      serialNumber: ` + serial + `
` + files
}

// outcomes is what became of the rows and elements of a run: records, counts and codes of problems.
type outcomes struct {
	Records []string
	Counts  runs.InputCounts
	Codes   string
}

func outcomesOf(t *testing.T, r *result) outcomes {
	t.Helper()
	o := outcomes{Records: brief(r.staged(t, "studentAssessments")), Counts: r.Inputs["results"]}
	var codes []string
	for _, line := range strings.Split(r.file(t, "problems", "transform.csv"), "\n")[1:] {
		if code, _, ok := strings.Cut(line, ","); ok {
			codes = append(codes, code)
		}
	}
	o.Codes = strings.Join(codes, " ")
	return o
}

const (
	duplicate = "VAL-ROW-DUPLICATE"
	conflict  = "VAL-ROW-KEY-CONFLICT"
)

// Files may have their columns in any order, and may lack optional ones: rows are compared by what
// their cells mean.
func TestEqualRowsOfFilesWithOtherColumns(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: {header: Id, type: integer}, stu: Student, a: A, b: {header: [B, Bee], nulls: [none]}, c: {header: C, optional: true},
      n: {header: N, type: integer, optional: true}, d: {header: D, type: decimal, optional: true}, p: {header: P, pad: 5, optional: true},
      day: {header: Day, type: date, format: [YYYY-MM-DD, M/D/YYYY], optional: true}}
    student: [stu]
    key: [id]`, "results", "key(id)", "a", ""))
	for _, tt := range []struct {
		name, one, two string
		want           outcomes
	}{
		{"other values in another order", "Id,Student,A,B\n1,S1,x,y\n", "Id,Student,B,A\n1,S1,x,y\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"the same values in another order", "Id,Student,A,B\n1,S1,x,y\n", "Id,Student,Bee,A\n1,S1,y,x\n", outcomes{[]string{"1 A S1 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
		{"an absent column is null, as an empty cell is", "Id,Student,A,B\n1,S1,x,y\n", "Id,C,Student,B,A\n1,,S1,y,x\n", outcomes{[]string{"1 A S1 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
		{"an absent column is not a value", "Id,Student,A,B\n1,S1,x,y\n", "Id,C,Student,B,A\n1,z,S1,y,x\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"cells of one value", "Id,Student,N,D,P,Day,A,B\n00012,S1,1,1.0,7,1/2/2024,x,y\n", "Id,Student,A,B,N,D,P,Day\n12,S1,x,y,+01,1,00007,2024-01-02\n", outcomes{[]string{"12 A S1 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
		{"cells that do not fit", "Id,Student,N,A,B\n1,S1,1x,x,y\n", "Id,Student,N,A,B\n1,S1,01x,x,y\n", outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"null tokens of the column", "Id,Student,A,B\n1,S1,x,none\n", "Id,Student,A,B\n1,S1,x,\n", outcomes{[]string{"1 A S1 x"}, counts(2, 1, 0, 1, 0, 0), duplicate}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outcomesOf(t, mustRun(t, p, "results", tt.one, "results", tt.two))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const keyedTests = `
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      tests:
        over: {t: 1..2}
        key: [stu, tname]
        columns: {tname: "T{t}", verbal: {header: "V{t}", optional: true}, quant: {header: "Q{t}", optional: true}}`

func TestEqualElements(t *testing.T) {
	for _, tt := range []struct {
		name, rows string
		edit       []string
		want       outcomes
	}{
		{"the same number in other columns", "Id,Student,T1,V1,T2,Q2\n1,S1,M,50,M,50\n", nil, outcomes{nil, counts(1, 0, 0, 0, 0, 1), conflict + " " + conflict}},
		{"the same in another order", "Id,Student,T1,V1,Q1,T2,Q2,V2\n1,S1,M,50,60,M,60,50\n", nil, outcomes{[]string{"1|M|1 A S1 50"}, counts(1, 1, 0, 0, 0, 0), duplicate}},
		{"other values in another order", "Id,Student,T1,V1,Q1,T2,Q2,V2\n1,S1,M,50,60,M,50,60\n", nil, outcomes{nil, counts(1, 0, 0, 0, 0, 1), conflict + " " + conflict}},
		{"another student's equal result is never dropped", "Id,Student,T1,V1,T2,V2\n1,S1,M,50,N,1\n2,S2,M,50,O,2\n", []string{"key: [stu, tname]", "key: [tname]"},
			outcomes{[]string{"1|N|2 A S1 1", "2|O|2 A S2 2"}, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
		{"the student's equal result is", "Id,Student,T1,V1,T2,V2\n1,S1,M,50,N,1\n2,S1,M,50,O,2\n", []string{"key: [stu, tname]", "key: [tname]"},
			outcomes{[]string{"1|M|1 A S1 50", "1|N|2 A S1 1", "2|O|2 A S1 2"}, counts(2, 2, 0, 0, 0, 0), duplicate}},
		{"rows that name no student are not one student's", "Id,Student,T1,V1,T2,V2\n1,,M,50,,\n2,,M,50,,\n", []string{"key: [stu, tname]", "key: [tname]"},
			outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " " + conflict}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := strings.NewReplacer(append(tt.edit, "\x00", "")...).Replace(keyedTests)
			r := mustRun(t, compile(t, sketch(input, "results.tests", "key(id, tname, t)", "verbal", "")), "results", tt.rows)
			if diff := cmp.Diff(tt.want, outcomesOf(t, r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of rows that come back to an earlier value the last one stays, as `keep` says: also where it equals the
// first.
func TestKeepOfRowsThatComeBack(t *testing.T) {
	const rows = "Id,Student,D,S\n1,S1,2026-01-01,A\n1,S1,2026-01-02,B\n1,S1,2026-01-01,A\n"
	const elements = "Id,Student,T1,V1,T2,V2,T3,V3\n1,S1,M,A,M,B,M,A\n"
	for _, tt := range []struct {
		input, from, serial, keep, file string
		want                            []string
	}{
		{"", "results", "s", "{keep: last}", rows, []string{"1 A S1 A"}},
		{"", "results", "s", "{keep: first}", rows, []string{"1 A S1 A"}},
		{"", "results", "s", "{keep: last, by: d}", rows, []string{"1 A S1 B"}},
		{"", "results", "s", "{keep: first, by: d}", rows, []string{"1 A S1 A"}},
		{"", "results", "s", "{keep: last, by: stu}", rows, []string{"1 A S1 A"}},
		{keyedTests, "results.tests", "verbal", "{keep: last}", elements, []string{"1 A S1 A"}},
	} {
		input, list := tt.input, ""
		if input == "" {
			input = "    columns: {id: Id, stu: Student, d: {header: D, type: date, format: YYYY-MM-DD}, s: S}\n    student: [stu]\n    key: [id]\n    duplicates: " + tt.keep
		} else {
			input = strings.NewReplacer("over: {t: 1..2}", "over: {t: 1..3}", "key: [stu, tname]", "key: [stu, tname]\n        duplicates: "+tt.keep).Replace(input)
			list = ", tname"
		}
		r := mustRun(t, compile(t, sketch(input, tt.from, "key(id"+list+")", tt.serial, "")), "results", tt.file)
		got := outcomesOf(t, r)
		for i := range got.Records {
			got.Records[i] = strings.Replace(got.Records[i], "|M", "", 1)
		}
		if diff := cmp.Diff(tt.want, got.Records); diff != "" || got.Codes != duplicate+" "+duplicate {
			t.Errorf("%s %s: %s %s", tt.from, tt.keep, diff, got.Codes)
		}
	}
}

// A datetime with milliseconds is later than the same second without.
func TestKeepByDatetime(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: Id, stu: Student, at: {header: At, type: datetime, format: ["YYYY-MM-DDTHH:mm:ssZ", "YYYY-MM-DDTHH:mm:ss.SSSZ"]}, s: S}
    student: [stu]
    key: [id]
    duplicates: {keep: last, by: at}`, "results", "key(id)", "s", ""))
	r := mustRun(t, p, "results", "Id,Student,At,S\n1,S1,2024-07-01T04:00:00.500Z,new\n1,S1,2024-07-01T04:00:00Z,old\n2,S1,2024-07-01T04:00:00Z,old\n2,S1,2024-06-30T23:00:00.001-0500,new\n")
	if diff := cmp.Diff([]string{"1 A S1 new", "2 A S1 new"}, outcomesOf(t, r).Records); diff != "" {
		t.Error(diff)
	}
}

// Rows and elements of students that are not known are nobody's: none is dropped for another, whatever
// `duplicates` says, so that each is among the rejects to be corrected.
func TestUnknownStudentsAreNotOne(t *testing.T) {
	const columns = "    columns: {id: Id, stu: Student, s: S}\n    student: [stu]\n    key: [stu, id]\n"
	for _, tt := range []struct {
		input, from, rows string
		want              outcomes
	}{
		{columns, "results", "1,,x\n1,,x\n2,S2,y\n", outcomes{[]string{"2 A S2 y"}, counts(3, 1, 0, 0, 0, 2), conflict + " " + conflict}},
		{columns + "    duplicates: {keep: last}\n", "results", "1,,x\n1,,y\n2,S2,y\n2,S2,z\n", outcomes{[]string{"2 A S2 z"}, counts(4, 1, 0, 1, 0, 2), conflict + " " + conflict + " " + duplicate}},
		{strings.Replace(columns, "key: [stu, id]", "key: [id]", 1) + "    duplicates: {keep: last}\n", "results", "1,S1,x\n1,,y\n", outcomes{[]string{"1 A S1 x"}, counts(2, 1, 0, 0, 0, 1), conflict}},
		{strings.Replace(keyedTests, "        columns", "        duplicates: {keep: last}\n        columns", 1), "results.tests", "1,,x,M,,\n2,,x,M,,\n3,S3,x,M,,\n4,S3,y,M,,\n",
			outcomes{[]string{"4|M A S3 y"}, counts(4, 1, 1, 0, 0, 2), conflict + " " + conflict + " " + duplicate}},
	} {
		identifier, serial, head := "key(id)", "s", "Id,Student,S\n"
		if tt.from != "results" {
			identifier, serial, head = "key(id, tname)", "verbal", "Id,Student,V1,T1,V2,T2\n"
		}
		r := mustRun(t, compile(t, sketch(tt.input, tt.from, identifier, serial, "")), "results", head+tt.rows)
		if diff := cmp.Diff(tt.want, outcomesOf(t, r)); diff != "" {
			t.Errorf("%s\n%s", diff, r.file(t, "problems", "transform.csv"))
		}
	}
}

// A list with a key needs to know whose the elements are.
func TestListKeyNeedsTheStudent(t *testing.T) {
	text := strings.Replace(keyedTests, "    student: [stu]\n", "", 1)
	text = strings.Replace(sketch(text, "results.tests", "key(id, tname, t)", "verbal", ""), "studentUniqueId: student", "studentUniqueId: stu", 1)
	if _, problems := tryCompile(t, text); !strings.Contains(problemText(problems), "the list tests has a key, and the input does not say whose rows they are") {
		t.Error(problemText(problems))
	}
}

// An element that was dropped takes the elements in it along: they take no key from others.
func TestElementsOfDroppedElements(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      tests:
        over: {t: 1..2}
        key: [stu, tname]
        duplicates: {keep: last}
        columns: {tname: "T{t}", tdate: "D{t}"}
        lists:
          parts:
            over: {p: 1..2}
            key: [stu, tname, pname]
            columns: {pname: "T{t}P{p}", pscore: "T{t}S{p}"}`, "results.tests.parts", "key(id, tname, tdate, pname)", "pscore", ""))
	r := mustRun(t, p, "results", "Id,Student,T1,D1,T1P1,T1S1,T1P2,T1S2,T2,D2,T2P1,T2S1,T2P2,T2S2\n1,S1,M,jan,a,5,,,M,feb,a,5,b,7\n")
	if diff := cmp.Diff(outcomes{[]string{"1|M|feb|a A S1 5", "1|M|feb|b A S1 7"}, counts(1, 1, 0, 0, 0, 0), duplicate}, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
}

const keptByDay = `
    columns: {id: Id, stu: Student, n: {header: N, type: integer}, d: {header: D, type: date, format: YYYY-MM-DD}, s: S}
    student: [stu]
    key: [id]
    duplicates: {keep: last, by: d}
    when: (n ?? 0) < 10`

// A row that is rejected keeps its place, whatever is wrong with it: no older one steps in.
func TestRejectedRowsKeepTheirPlace(t *testing.T) {
	last := []string{"keep: last, by: d", "keep: last"}
	none := []string{"    duplicates: {keep: last, by: d}\n", ""}
	for _, tt := range []struct {
		name, rows string
		edit       []string
		want       outcomes
	}{
		{"`by` does not fit: none can be chosen", "1,S1,1,2026-01-01,old\n1,S1,1,02/01/2026,new\n", nil, outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " VAL-CELL-TYPE"}},
		{"what is older than another one is dropped all the same", "1,S1,1,2026-01-01,old\n1,S1,1,2026-01-02,less\n1,S1,1,02/01/2026,new\n", nil, outcomes{nil, counts(3, 0, 0, 1, 0, 2), duplicate + " " + conflict + " VAL-CELL-TYPE"}},
		{"`by` cannot be computed, and no record needs it", "1,S1,1,2026-01-01,old\n1,S1,,2026-02-01,new\n", []string{"by: d}", "by: z}\n    let: {z: n + 1}"}, outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " VAL-EXPRESSION-NULL"}},
		{"`by` of a row that is too long", "1,S1,1,2026-01-01,old\n1,S1,1,2026-02-01,new,extra\n", nil, outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " VAL-ROW-LONG"}},
		{"too long", "1,S1,1,2026-01-01,old\n1,S1,1,2026-02-01,new,extra\n", last, outcomes{nil, counts(2, 0, 0, 1, 0, 1), duplicate + " VAL-ROW-LONG"}},
		{"too short", "1,S1,1,2026-01-01,old\n1,S1,1,2026-02-01\n", last, outcomes{nil, counts(2, 0, 0, 1, 0, 1), duplicate + " VAL-ROW-SHORT"}},
		{"too short to have a key", "1,S1,1,2026-01-01,old\n1,S1,1,2026-02-01\n", append(last, "key: [id]", "key: [id, s]"), outcomes{[]string{"1 A S1 old"}, counts(2, 1, 0, 0, 0, 1), "VAL-ROW-SHORT"}},
		{"too short, and never equal", "1,S1,1,2026-01-01\n1,S1,1,2026-01-01,\n", none, outcomes{nil, counts(2, 0, 0, 0, 0, 2), "VAL-ROW-SHORT " + conflict}},
		{"too short, and filtered", "1,S1,1,2026-01-01,old\n1,S1,11,2026-01-01\n", none, outcomes{[]string{"1 A S1 old"}, counts(2, 1, 0, 0, 0, 1), "VAL-ROW-SHORT"}},
		{"quotes that cannot be read have no key", "1,S1,1,2026-01-01,old\n\"1\"x,S1,1,2026-02-01,new\n", last, outcomes{[]string{"1 A S1 old"}, counts(2, 1, 0, 0, 0, 1), "VAL-ROW-QUOTE"}},
		{"a fault in `when`", "1,S1,1,2026-01-01,old\n1,S1,x,2026-02-01,new\n", last, outcomes{nil, counts(2, 0, 0, 1, 0, 1), duplicate + " VAL-CELL-TYPE"}},
		{"a fault in `when`: both reject", "1,S1,1,2026-01-01,old\n1,S1,x,2026-02-01,new\n", none, outcomes{nil, counts(2, 0, 0, 0, 0, 2), conflict + " VAL-CELL-TYPE"}},
		{"filtered rows have no place", "1,S1,1,2026-01-01,old\n1,S1,11,2026-02-01,new\n", last, outcomes{[]string{"1 A S1 old"}, counts(2, 1, 1, 0, 0, 0), ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := strings.NewReplacer(append(tt.edit, "\x00", "")...).Replace(keptByDay)
			r := mustRun(t, compile(t, sketch(input, "results", "key(id)", "s", "")), "results", "Id,Student,N,D,S\n"+tt.rows)
			if diff := cmp.Diff(tt.want, outcomesOf(t, r)); diff != "" {
				t.Errorf("%s\n%s", diff, r.file(t, "problems", "transform.csv"))
			}
		})
	}
}

func TestElementsWhoseOrderCannotBeTold(t *testing.T) {
	text := strings.Replace(slots, "required: true}\n          day: {header: \"Day {slot}\", type: date, format: YYYY-MM-DD}", "required: true}\n          day: {header: \"Day {slot}\"}\n          order: {header: \"Level {slot}\", type: integer}", 1)
	text = strings.Replace(text, "by: day", "by: order", 1)
	text = strings.Replace(text, "Level {slot},level,Level,\n", "", 1)
	r := mustRun(t, compile(t, text), "results", slotHeader+"a,7,2024-01-02,5,1,,,8,2024-01-02,5,1,,,,,,\na,7,2024-01-03,6,x,,,,,,,,,,,,\n")
	got := outcomesOf(t, r)
	if diff := cmp.Diff([]string{"2024-01-02 Biology a 5"}, got.Records); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(counts(2, 0, 0, 0, 0, 2), got.Counts); diff != "" {
		t.Error(diff)
	}
}

const districtColumns = `
    columns: {id: Id, stu: Student, dist: {header: Dist, pad: 6}}
    student: [stu]
    district: dist`

func lea(codes ...string) func(*mapping.Config) {
	return func(c *mapping.Config) { c.LEACodes = codes }
}

// The district's code is compared as the column reads it: padded, and null by the column's tokens.
func TestDistrictsCode(t *testing.T) {
	for _, tt := range []struct {
		name, rows string
		edit       []string
		code       string
		want       outcomes
	}{
		{"padded", "1,S1,12345\n2,S2,012345\n3,S3,999999\n4,S4,\n", nil, "012345", outcomes{[]string{"1 A S1 012345", "2 A S2 012345"}, counts(4, 2, 0, 0, 2, 0), ""}},
		{"blank and required", "2,S2,012345\n4,S4,\n", []string{"pad: 6", "required: true"}, "012345", outcomes{[]string{"2 A S2 012345"}, counts(2, 1, 0, 0, 1, 0), ""}},
		{"an integer", "2,S2,12345\n3,S3,7\n", []string{"pad: 6", "type: integer"}, "012345", outcomes{[]string{"2 A S2 12345"}, counts(2, 1, 0, 0, 1, 0), ""}},
		{"the tenant's code padded too", "2,S2,012345\n", nil, "12345", outcomes{[]string{"2 A S2 012345"}, counts(1, 1, 0, 0, 0, 0), ""}},
		{"unfit", "2,S2,012345\n3,S3,x\n", []string{"pad: 6", "type: integer"}, "12345", outcomes{[]string{"2 A S2 12345"}, counts(2, 1, 0, 0, 0, 1), "VAL-CELL-TYPE"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := strings.NewReplacer(append(tt.edit, "\x00", "")...).Replace(districtColumns)
			p := compile(t, sketch(input, "results", "key(id)", "text(dist)", ""), lea(tt.code))
			if diff := cmp.Diff(tt.want, outcomesOf(t, mustRun(t, p, "results", "Id,Student,Dist\n"+tt.rows))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Without the column nobody could tell whose rows these are: a tenant with districts is refused.
func TestDistrictsColumnAbsent(t *testing.T) {
	_, problems := tryCompile(t, sketch(strings.Replace(districtColumns, "pad: 6", "optional: true", 1), "results", "key(id)", "dist", ""))
	if !strings.Contains(problemText(problems), "the district's column cannot be optional") {
		t.Error(problemText(problems))
	}
	text := sketch(strings.Replace(districtColumns, "pad: 6", "layouts: [new]", 1)+"\n    layouts: {new: {has: Dist}, old: {has: Id}}", "results", "key(id)", "dist", "")
	r := runProgram(t, compile(t, text, lea("012345")), 1, "results", "Id,Student\n1,S1\n")
	e, ok := diag.AsError(r.err)
	if !ok || e.Kind != diag.Guarded || !strings.Contains(problemText(e.Problems), `"Dist" is missing (the district, which lea_codes are compared with)`) {
		t.Errorf("%v", r.err)
	}
	if got := mustRun(t, compile(t, text), "results", "Id,Student\n1,S1\n"); got.Inputs["results"] != counts(1, 1, 0, 0, 0, 0) {
		t.Errorf("%+v", got.Inputs)
	}
}

func TestDistrictThatNoCellCanBe(t *testing.T) {
	_, problems := tryCompile(t, sketch(strings.Replace(districtColumns, "pad: 6", "type: integer", 1), "results", "key(id)", "text(dist)", ""), lea("D1"))
	if got := problemText(problems); !strings.Contains(got, `CFG-TENANT lea_codes: no cell of Dist can be "D1": the column dist holds an integer`) {
		t.Error(got)
	}
}

// A bad cell of an element is no error where `when` keeps the record from being made.
func TestWhenBeforeTheCellsOfAnElement(t *testing.T) {
	input := "    columns: {id: Id, stu: Student, kind: Kind}\n    student: [stu]\n    lists: {xs: {over: {n: 1..1}, columns: {v: {header: \"V{n}\", type: integer}}}}"
	text := strings.Replace(sketch(input, "results.xs", "key(id)", "text(v)", ""), "    from: results.xs\n", "    from: results.xs\n    when: kind != \"z\"\n", 1)
	r := mustRun(t, compile(t, text), "results", "Id,Student,Kind,V1\n1,S1,a,5\n2,S2,z,x\n3,S3,a,x\n")
	if diff := cmp.Diff(outcomes{[]string{"1 A S1 5"}, counts(3, 1, 1, 0, 0, 1), "VAL-CELL-TYPE"}, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestDistrictsNeedAColumn(t *testing.T) {
	text := sketch("", "results", "id", "id", "")
	_, problems := tryCompile(t, text, lea("01"))
	if got := problemText(problems); !strings.Contains(got, "names no column of the district") {
		t.Error(got)
	}
}
