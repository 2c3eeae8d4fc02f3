package transform

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// slots is a bundle of slots side by side, as AP and SAT have them, with parts in them.
const slots = `
-- bundle.yaml --
format: 1
bundle: slots
version: 1.0.0
assessment: {family: Slots, version: "1"}
data_standard: ">=4.0 <6"
params:
  namespace: {default: uri://vendor.org}
inputs:
  results:
    format: csv
    columns:
      id: {header: ID, required: true}
    student: [id]
    lists:
      exams:
        over: {slot: 01..03}
        columns:
          exam: {header: "Exam {slot}", type: integer, required: true}
          day: {header: "Day {slot}", type: date, format: YYYY-MM-DD}
          common: {header: Common, optional: true}
        scores: tables.scores
        key: [id, exam]
        duplicates: {keep: last, by: day}
        let:
          title: lookup("exams", exam).title
        lists:
          parts:
            over: tables.parts
            optional: true
            columns:
              note: {header: "Note {slot} {key}", optional: true}
            scores: tables.part_scores
descriptors:
  namespace: params.namespace
  vendor: [AssessmentReportingMethodDescriptor, {PerformanceLevelDescriptor: tables.levels}]
  shared: {ResultDatatypeTypeDescriptor: uri://ed-fi.org}
resources:
  studentAssessments:
    from: results.exams
    record:
      studentAssessmentIdentifier: key(day)
      assessmentReference: {assessmentIdentifier: title, namespace: params.namespace}
      studentReference: {studentUniqueId: student}
      serialNumber: common
      scoreResults: scores
      performanceLevels: levels
      studentObjectiveAssessments:
        each: parts
        record:
          objectiveAssessmentReference: {assessmentIdentifier: title, identificationCode: name, namespace: params.namespace}
          scoreResults: scores
-- tables/exams.csv --
exam,title
07,History
8,Biology
-- tables/scores.csv --
header,kind,method,datatype
Score {slot},score,Score,Integer
Level {slot},level,Level,
-- tables/parts.csv --
key,name
A,Part A
B,Part B
-- tables/part_scores.csv --
header,kind,method,datatype,optional
Part {slot} {key},score,Score,Integer,true
-- tables/levels.csv --
value,description,code
Low,Lower than expected,
This level has a name that is longer than fifty characters,It has a code,LONG
`

const slotHeader = "ID,Exam 01,Day 01,Score 01,Level 01,Part 01 A,Part 01 B,Exam 02,Day 02,Score 02,Level 02,Part 02 A,Exam 03,Day 03,Score 03,Level 03,Common\n"

func slotRun(t *testing.T, rows string) *result {
	t.Helper()
	return mustRun(t, compile(t, slots), "results", slotHeader+rows)
}

// brief keeps of each record what tells it apart.
func brief(records string) []string {
	re := regexp.MustCompile(`"(?:studentAssessmentIdentifier|assessmentIdentifier|studentUniqueId|identificationCode|result|serialNumber)":"([^"]*)"|#(Low|LONG)"`)
	var out []string
	for line := range strings.Lines(records) {
		var parts []string
		for _, m := range re.FindAllStringSubmatch(line, -1) {
			parts = append(parts, m[1]+m[2])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func TestElements(t *testing.T) {
	for _, tt := range []struct {
		name, row string
		want      []string
		rejected  bool
	}{
		{"own cells make an element exist; 07 and 7 are one exam", "a,07,2024-01-02,5,,,,7x,,,,,,,,,C\n", []string{"2024-01-02 History a C 5"}, true},
		{"a shared column makes none exist", "a,7,2024-01-02,5,,,,,,,,,,,,,C\n", []string{"2024-01-02 History a C 5"}, false},
		{"a nested element makes its outer one exist", "a,7,2024-01-02,5,,1,2,,,,,9,,,,,\n", []string{"2024-01-02 History a 5 History Part A 1 History Part B 2"}, true},
		{"a part without a score is none", "a,7,2024-01-02,5,Low,,2,,,,,,,,,,\n", []string{"2024-01-02 History a 5 Low History Part B 2"}, false},
		{"the record is the unit of rejection", "a,7,2024-01-02,x,,,,8,2024-01-03,6,,,,,,,\n", []string{"2024-01-03 Biology a 6"}, true},
		{"an unfit cell spoils its element", "a,7,x,5,,,,8,2024-01-03,6,,,,,,,\n", []string{"2024-01-03 Biology a 6"}, true},
		{"a required cell of an element", "a,,2024-01-02,5,,,,8,2024-01-03,6,,,,,,,\n", []string{"2024-01-03 Biology a 6"}, true},
		{"a lookup miss spoils its element", "a,9,2024-01-02,5,,,,8,2024-01-03,6,,,,,,,\n", []string{"2024-01-03 Biology a 6"}, true},
		{"a long level has its code", "a,7,2024-01-02,,This level has a name that is longer than fifty characters,,,,,,,,,,,,\n", []string{"2024-01-02 History a LONG"}, false},
		{"of one key the last by day stays", "a,7,2024-01-03,5,,,,7,2024-01-02,6,,,8,2024-01-02,7,,\n", []string{"2024-01-03 History a 5", "2024-01-02 Biology a 7"}, false},
		{"null is the lowest", "a,7,,5,,,,7,2024-01-02,6,,,,,,,\n", []string{"2024-01-02 History a 6"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := slotRun(t, tt.row)
			if diff := cmp.Diff(tt.want, brief(r.staged(t, "studentAssessments"))); diff != "" {
				t.Error(diff, r.file(t, "problems", "transform.csv"))
			}
			if got := r.Inputs["results"].Rejected == 1; got != tt.rejected {
				t.Errorf("%+v\n%s", r.Inputs, r.file(t, "problems", "transform.csv"))
			}
		})
	}
}

func TestElementsOverRows(t *testing.T) {
	r := slotRun(t, "a,7,2024-01-02,5,,,,,,,,,,,,,\na,8,2024-01-04,5,,,,7,2024-01-03,6,,,,,,,\nb,7,2024-01-02,5,,,,,,,,,,,,,\na,7,2024-01-02,5,,,,,,,,,,,,,\n")
	if diff := cmp.Diff([]string{"2024-01-04 Biology a 5", "2024-01-03 History a 6", "2024-01-02 History b 5"}, brief(r.staged(t, "studentAssessments"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(counts(4, 2, 2, 0, 0, 0), r.Inputs["results"]); diff != "" {
		t.Error(diff)
	}
	if got := r.file(t, "problems", "transform.csv"); strings.Count(got, "VAL-ROW-DUPLICATE") != 2 {
		t.Error(got)
	}
	text := strings.Replace(slots, "        duplicates: {keep: last, by: day}\n", "", 1)
	r = mustRun(t, compile(t, text), "results", slotHeader+"a,7,2024-01-02,5,,,,8,2024-01-02,5,,,,,,,\na,7,2024-01-03,6,,,,,,,,,,,,,\n")
	if diff := cmp.Diff([]string{"2024-01-02 Biology a 5"}, brief(r.staged(t, "studentAssessments"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(counts(2, 0, 0, 0, 0, 2), r.Inputs["results"]); diff != "" {
		t.Error(diff)
	}
}

func TestElementsAndHeaders(t *testing.T) {
	p := compile(t, slots)
	r := mustRun(t, p, "results", "ID,Exam 01,Day 01,Score 01,Level 01\na,7,2024-01-02,5,\n")
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "2 elements of the list exams have no column in this file") {
		t.Error(got)
	}
	bad := runProgram(t, p, 1, "results", "ID,Exam 01,Day 01,Level 01,Exam 02,Day 02,Score 02,Level 02\n")
	if e, ok := diag.AsError(bad.err); !ok || e.Kind != diag.Guarded || !strings.Contains(problemText(e.Problems), `"Score 01" is missing (score Score)`) {
		t.Errorf("%v", bad.err)
	}
}

func TestVendorDescriptors(t *testing.T) {
	r := slotRun(t, "a,7,2024-01-02,5,Low,,,8,2024-01-02,5,low,,,,,,\nb,7,2024-01-02,,This level has a name that is longer than fifty characters,,,,,,,,,,,,\nc,7,2024-01-02,x,Never,,,,,,,,,,,,\n")
	want := `{"codeValue":"LONG","namespace":"uri://vendor.org/PerformanceLevelDescriptor","shortDescription":"This level has a name that is longer than fifty characters","description":"It has a code"}
{"codeValue":"Low","namespace":"uri://vendor.org/PerformanceLevelDescriptor","shortDescription":"Low","description":"Lower than expected"}
{"codeValue":"low","namespace":"uri://vendor.org/PerformanceLevelDescriptor","shortDescription":"low"}
`
	if diff := cmp.Diff(want, r.staged(t, "performanceLevelDescriptors")); diff != "" {
		t.Error(diff)
	}
	got := r.file(t, "problems", "transform.csv")
	for _, want := range []string{"VAL-DESCRIPTOR-CASE,warning", "VAL-LEVEL-UNDECLARED,warning"} {
		if !strings.Contains(got, want) {
			t.Error(got)
		}
	}
}

func TestListProblems(t *testing.T) {
	base := slots
	for _, tt := range []struct{ old, by, want string }{
		{`"Exam {slot}"`, `"Exam {slto}"`, "the header names the field {slto}"},
		{`Score {slot},score`, `Score {slto},score`, "the header names the field {slto}"},
		{"over: {slot: 01..03}", "over: tables.slot", `there is no table "slot"`},
		{"each: parts", "each: part", `there is no list "part" here (did you mean "parts"?)`},
		{"        scores: tables.scores\n", "", "the list exams has no score tables, so there are no scores"},
		{"over: tables.parts\n", "over: tables.parts\n            on: slot\n", `the table "parts" has no column "slot"`},
		{"over: tables.parts\n", "over: tables.parts\n            on: name\n", "`on` names \"name\", but there is no such name outside the list"},
		{"key,name\n", "id,name\n", `the field "id" is already the name of a column here`},
		{"            columns:\n              note: {header: \"Note {slot} {key}\", optional: true}\n            scores: tables.part_scores\n", "            columns:\n              note: {header: \"Note {slot}\", optional: true}\n", `no element of "parts" can exist`},
		{"from: results.exams", "from: results.exms", `results has no list "exms"`},
	} {
		if !strings.Contains(base, tt.old) {
			t.Fatalf("%q is not in the bundle", tt.old)
		}
		if _, problems := tryCompile(t, strings.Replace(base, tt.old, tt.by, 1)); !strings.Contains(problemText(problems), tt.want) {
			t.Errorf("%s: %s\nwant %s", tt.by, problemText(problems), tt.want)
		}
	}
}

// An outer name without a value decides of no element: those with values reject.
func TestFaultInTheOuterNameOfAList(t *testing.T) {
	text := func(from, identifier, serial string) string {
		return sketch(`
    columns: {id: Id, stu: Student, subject: Subject}
    student: [stu]
    let: {code: 'lookup("subj", subject).code'}
    lists:
      parts:
        over: tables.parts
        on: code
        columns: {score: "Score {p}"}`, from, identifier, serial, `-- tables/parts.csv --
code,p
R,1
R,2
M,3
-- tables/subj.csv --
name,code
Read,R
Math,M
`)
	}
	const rows = "Id,Student,Subject,Score 1,Score 2,Score 3\n1,S1,Read,10,20,\n2,S2,Sci,11,21,\n3,S3,Math,,,30\n4,S4,Sci,,,\n"
	r := mustRun(t, compile(t, text("results.parts", "key(id, p)", "score")), "results", rows)
	want := outcomes{[]string{"1|1 A S1 10", "1|2 A S1 20", "3|3 A S3 30"}, counts(4, 2, 1, 0, 0, 1), "VAL-UNMAPPED"}
	if diff := cmp.Diff(want, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
	each := text("results", "key(id)", "id")
	each = strings.Replace(each, "      serialNumber: id\n", "      serialNumber: id\n      studentObjectiveAssessments:\n        each: parts\n        record:\n          objectiveAssessmentReference: {assessmentIdentifier: '\"A\"', identificationCode: score, namespace: params.namespace}\n", 1)
	r = mustRun(t, compile(t, each), "results", rows)
	want = outcomes{[]string{"1 A 1 A 10 A S1 20", "3 A 3 A S3 30", "4 A S4 4"}, counts(4, 3, 0, 0, 0, 1), "VAL-UNMAPPED"}
	got := outcomesOf(t, r)
	if diff := cmp.Diff(want.Counts, got.Counts); diff != "" || got.Codes != want.Codes {
		t.Errorf("%s %s\n%v", diff, got.Codes, got.Records)
	}
}

// A column that several elements bind is nobody's own, also where the elements stand in different
// outer ones, or in different lists.
func TestColumnsOfSeveralElements(t *testing.T) {
	nested := `
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      subjects:
        over: {subj: [ELA, MTH]}
        columns: {overall: "{subj} Overall"}
        lists:
          parts:
            over: {p: [A, B]}
            columns: {ps: "Part {p}"}`
	sibling := `
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      a:
        over: {n: 1..2}
        columns: {av: "S{n}"}
      b:
        over: {m: 1..2}
        columns: {bv: "S{m}"}`
	for _, tt := range []struct{ input, from, identifier, list string }{
		{nested, "results.subjects.parts", "key(id, subj, p)", "subjects.parts"},
		{sibling, "results.a", "key(id, n)", "a"},
	} {
		_, problems := tryCompile(t, sketch(tt.input, tt.from, tt.identifier, "id", ""))
		if want := "no element of " + tt.list + " can exist: other elements bind the columns of its headers"; !strings.Contains(problemText(problems), want) {
			t.Errorf("%s\nwant %s", problemText(problems), want)
		}
	}
	own := strings.Replace(nested, `columns: {ps: "Part {p}"}`, `columns: {ps: "Part {p}", own: {header: "{subj} {p}", optional: true}}`, 1)
	p := compile(t, sketch(own, "results.subjects.parts", "key(id, subj, p)", "ps", ""))
	r := mustRun(t, p, "results",
		"Id,Student,ELA Overall,MTH Overall,Part A,Part B,ELA A,ELA B,MTH A,MTH B\n1,S1,5,,10,11,x,,,y\n")
	if diff := cmp.Diff(outcomes{[]string{"1|ELA|A A S1 10", "1|MTH|B A S1 11"}, counts(1, 1, 0, 0, 0, 0), ""}, outcomesOf(t, r)); diff != "" {
		t.Error(diff)
	}
	r = runProgram(t, p, 1, "results", "Id,Student,ELA Overall,MTH Overall,Part A,Part B\n1,S1,5,,10,11\n")
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "4 elements of the list subjects.parts have no column in this file") {
		t.Error(got)
	}
}

// A column in `on` is the outer name itself: headers hold its text as it stands outside.
func TestOuterTextInHeaders(t *testing.T) {
	p := compile(t, sketch(`
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      slots:
        over: {slot: 01..03}
        columns: {nm: {header: "N{slot}", optional: true}}
        lists:
          parts:
            over: tables.parts
            on: slot
            columns: {sc: {header: "{code} {slot}"}}
tables: {parts: {types: {slot: integer}}}`, "results.slots.parts", "key(id, slot, code)", "sc", `-- tables/parts.csv --
slot,code
1,A
1,B
2,A
`))
	r := mustRun(t, p, "results", "Id,Student,N01,A 01,B 01,A 02\n1,S1,x,3,,4\n")
	if diff := cmp.Diff([]string{"1|1|A A S1 3", "1|2|A A S1 4"}, outcomesOf(t, r).Records); diff != "" {
		t.Error(diff)
	}
	r = mustRun(t, p, "results", "Id,Student,A 01,B 01\n1,S1,3,\n") // slots are there by what stands in them
	if diff := cmp.Diff([]string{"1|1|A A S1 3"}, outcomesOf(t, r).Records); diff != "" {
		t.Error(diff)
	}
}

func TestLintScoreHeaderOfNoElement(t *testing.T) {
	p := compile(t, strings.Replace(slots, "Level {slot},level,Level,\n", "Level {slot},level,Level,\nTotal,score,Total,Integer\n", 1))
	if got := problemText(p.Lint()); !strings.Contains(got, `the header "Total" names no field of the list exams`) || strings.Count(got, "names no field") != 1 {
		t.Error(got)
	}
}

// A list whose columns were renamed is drift, as a column is, whatever else is there: the elements that
// the file lacks are what the new columns were called before.
func TestRenamedElements(t *testing.T) {
	const input = `
    columns: {id: Id, stu: Student}
    student: [stu]
    ignore: {notes: [Note*]}
    lists:
      goals:
        over: {n: 1..2}
        columns: {goal: "Goal{n}Name", extra: {header: "Goal{n}Extra", optional: true}}
      ranks:
        over: {m: 1..2}
        optional: true
        columns: {level: "Level{m}"}`
	p := compile(t, sketch(input, "results.goals", "key(id, n)", "goal", ""))
	for _, tt := range []struct {
		name, header string
		want         []string // nil: no drift
	}{
		{"all elements", "Goal1Name,Goal2Name,Level1,Level2", nil},
		{"fewer elements, and nothing new", "Goal1Name,Note A", nil},
		{"an ignored column is not new", "Goal1Name,Level1,Note A,Note B", nil},
		{"renamed, all of them", "Goal 1 Name,Goal 2 Name,Level1,Level2", []string{
			`column 3 is now called "Goal 1 Name"; it was "Goal1Name"`,
			`column 4 is now called "Goal 2 Name"; it was "Goal2Name"`}},
		{"renamed, one of them", "Goal1Name,Goal 2 Name,Level1,Level2", []string{`column 4 is now called "Goal 2 Name"; it was "Goal2Name"`}},
		{"renamed, of a list that may be missing", "Goal1Name,Goal2Name,Lvl1,Lvl2", []string{`"Level1" is missing (an element of the list ranks); column 5, "Lvl1", is new and may be it`, `"Level2"`}},
		{"a list without any element", "Level1,Level2", []string{`"Goal1Name" is missing (the list goals, none of whose columns the file has)`}},
		{"one that may be missing", "Goal1Name,Goal2Name", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runProgram(t, p, 1, "results", "Id,Student,"+tt.header+"\n")
			e, stopped := diag.AsError(r.err)
			if stopped != (tt.want != nil) {
				t.Fatal(r.err)
			}
			for _, want := range tt.want {
				if got := problemText(e.Problems); e.Kind != diag.Guarded || !strings.Contains(got, want) {
					t.Errorf("%s\nwant %s", got, want)
				}
			}
		})
	}
}

// A list whose columns other layouts have is not missed in this one.
func TestListOfAnotherLayout(t *testing.T) {
	p := compile(t, sketch(`
    layouts: {long: {has: Goal1}, short: {has: Id}}
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      goals:
        over: {n: 1..2}
        columns: {goal: {header: "Goal{n}", layouts: [long]}}`, "results", "key(id)", "id", ""))
	mustRun(t, p, "results", "Id,Student\n1,S1\n")
	mustRun(t, p, "results", "Id,Student,New\n1,S1,x\n")
	p = compile(t, sketch(`
    layouts: {long: {has: Goal1}, short: {has: Id}}
    columns: {id: Id, stu: Student}
    student: [stu]
    lists:
      goals:
        over: {n: 1..2}
        scores: {table: tables.scores, on: layout}`, "results", "key(id)", "id", "-- tables/scores.csv --\nheader,kind,method,datatype,layout\nGoal{n},score,Goal,Integer,long\n"))
	mustRun(t, p, "results", "Id,Student\n1,S1\n")
	mustRun(t, p, "results", "Id,Student,Goal1\n1,S1,5\n")
	if got := drift(t, runProgram(t, p, 1, "results", "Id,Student,Goal1,Goal 2\n1,S1,5,6\n")); !strings.Contains(got, `column 4 is now called "Goal 2"`) {
		t.Error(got)
	}
}
