package mapping

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

func TestCompileProblems(t *testing.T) {
	year := params("school_year", "2024")
	for _, tt := range []struct {
		name  string
		edit  []string
		given func(*Config)
		want  string // code place: words
	}{
		{"unknown name", []string{"administrationDate: day", "administrationDate: dya"}, year, `BND-EXPRESSION b/bundle.yaml:46:27: there is no name "dya" here`},
		{"unknown property", []string{"administrationDate: day", "administratonDate: day"}, year, `BND-RECORD b/bundle.yaml:46:7: studentAssessments has no property "administratonDate" (did you mean "administrationDate"?)`},
		{"missing property", []string{"      studentReference: {studentUniqueId: student}\n", ""}, year, `studentAssessments lacks studentReference, which the API requires`},
		{"missing part", []string{"{assessmentIdentifier: assessment, namespace: params.namespace}\n      student", "{assessmentIdentifier: assessment}\n      student"}, year, `assessmentReference lacks namespace`},
		{"text in integer", []string{"schoolYear: year", "schoolYear: grade"}, year, `grade (column Grade) is text, but schoolYearTypeReference.schoolYear is an integer`},
		{"object for text", []string{"administrationDate: day", "administrationDate: {a: day}"}, year, `administrationDate is not an object, but a date and time`},
		{"list for one", []string{"administrationDate: day", "administrationDate: scores"}, year, "`scores` is a list, not a value"},
		{"constant too long", []string{"assessmentTitle: title", `assessmentFamily: '"` + strings.Repeat("x", 61) + `"'` + "\n      assessmentTitle: title"}, year, "has 61 characters, but assessmentFamily takes 0 to 60"},
		{"unknown resource", []string{"  studentAssessments:", "  studentAssessmentz:"}, year, `no resource "studentAssessmentz" (did you mean "studentAssessments"?)`},
		{"unknown input", []string{"from: results", "from: reslts"}, year, "reslts"},
		{"undeclared descriptor", []string{"    GradeLevelDescriptor: tables.grades\n", ""}, year, "the descriptor type GradeLevelDescriptor is used, but not listed"},
		{"descriptors of an unknown table", []string{"AcademicSubjectDescriptor: uri://ed-fi.org", "AcademicSubjectDescriptor: tables.test"}, year, `BND-DESCRIPTOR b/bundle.yaml:28:32: there is no table "test" (did you mean "tests"?)`},
		{"unknown descriptor", []string{"vendor: [Assess", "vendor: [BandDescriptor, Assess"}, year, "data standard 5.1 has no BandDescriptor"},
		{"missing parameter", nil, params(), `CFG-PARAM --param school_year: the parameter "school_year" is missing`},
		{"parameter of wrong type", nil, params("school_year", "x"), `CFG-PARAM --param school_year: the parameter "school_year" must be an integer`},
		{"unknown parameter", nil, params("school_year", "2024", "yeare", "1"), `has no parameter "yeare"`},
		{"one_of", []string{"namespace: {default: uri://vendor.org}", "namespace: {default: uri://vendor.org}\n  kind: {required: true, one_of: [A, B]}"}, params("school_year", "2024", "kind", "C"), `the parameter "kind" cannot be "C"`},
		{"shadowing", []string{"    let:\n", "    let:\n      grade: id\n"}, year, `the let "grade" is already the name of a column here`},
		{"function as name", []string{"grade: Grade\n", "left: Grade\n"}, year, "BND-NAME b/bundle.yaml:15"},
		{"word as name", []string{"grade: Grade\n", "matches: Grade\n"}, year, "BND-NAME b/bundle.yaml:15"},
		{"condition", []string{"when: year == params.school_year", "when: year"}, year, "`when` must be true or false, but this is an integer"},
		{"lookup of unknown table", []string{`lookup("tests", "S")`, `lookup("test", "S")`}, year, `there is no table "test" (did you mean "tests"?)`},
		{"lookup of unknown column", []string{`"S").assessment`, `"S").assesment`}, year, `the table "tests" has no column "assesment" (did you mean "assessment"?)`},
		{"lookup by too many", []string{`lookup("tests", "S")`, `lookup("tests", "S", id)`}, year, "is looked up by 1 value, not by 2"},
		{"lookup_or_null without ?.", []string{`lookup("tests", "S")`, `lookup_or_null("tests", id)`}, year, "needs `?.`"},
		{"lookup of two types", []string{`lookup("tests", "S").assessment`, `lookup("tests", "S").assessment` + "\n      other: lookup(\"tests\", year).assessment"}, year, `the column "code" of table "tests" holds`},
		{"namespace of the row", []string{"namespace: params.namespace\n  vendor", "namespace: id\n  vendor"}, year, `there is no name "id" here`},
		{"table that repeats a key", []string{"3,Third grade\n", "3,Third grade\n3,Fourth grade\n"}, year, "BND-TABLE b/tables/grades.csv:3: the key (value) \"3\" is already in line 2"},
		{"ragged table", []string{"NN,\n", "NN\n"}, year, "BND-TABLE b/tables/grades.csv:3: the row has 1 cell, and the header has 2"},
		{"table record that would reject", []string{"S,simple,Simple Test,Mathematics\n", "S,simple,Simple Test,Mathematics\nX,,Other,Mathematics\n"}, year, "BND-RECORD b/tables/tests.csv:3: assessments: assessmentIdentifier has no value, and the API requires it"},
		{"table records that conflict", []string{"S,simple,Simple Test,Mathematics\n", "S,simple,Simple Test,Mathematics\nX,simple,Other,Mathematics\n"}, year, "has no value"},
		{"score kind", []string{"Score,score,", "Score,scor,"}, year, "BND-SCORES b/tables/scores.csv:2: `kind` cannot be \"scor\""},
		{"score datatype", []string{"Scale Score,Integer", "Scale Score,Int"}, year, `a score has no datatype "Int"`},
		{"method twice", []string{"Pct,score,Percentile,", "Pct,score,Scale Score,"}, year, `the method "Scale Score" is already at b/tables/scores.csv:2 for the same total`},
		{"method as score and level", []string{"Level,level,Band,", "Level,level,Scale Score,"}, year, `the method "Scale Score" is already`},
		{"methods that look alike", []string{"Pct,score,Percentile,", "Pct,score,scale score,"}, year, `the methods "scale score" and "Scale Score" (b/tables/scores.csv:2) differ in nothing but case`},
		{"methods in two forms", []string{"Scale Score,", "Caf\u00e9,", "Pct,score,Percentile,", "Pct,score,Cafe\u0301,"}, year, "differ in nothing but case or the form of their characters"},
		{"objectives that look alike", []string{"header,kind,method,datatype\n", "header,kind,method,datatype,objective\n", "Integer\n", "Integer,Math\n", "Percentile,Percentile\n", "Percentile,Percentile,math\n", "Level,level,Band,\n", "Level,level,Band,,\n"}, year, `the objectives "Math" and "math" differ in nothing but case`},
		{"minimum of a range", []string{"header,kind,method,datatype\n", "header,kind,method,datatype,minimum\n", "Integer\n", "Range,1\n", "Percentile,Percentile\n", "Percentile,Percentile,\n", "Level,level,Band,\n", "Level,level,Band,,\n"}, year, "a range has no `minimum`"},
		{"one_of that never fits", []string{"namespace: {default: uri://vendor.org}", "namespace: {default: uri://vendor.org}\n  kind: {type: integer, default: 7, one_of: [\"07\", x]}"}, year, `"x" is not an integer, so the parameter "kind" can never be it`},
		{"one_of in another spelling", []string{"namespace: {default: uri://vendor.org}", "namespace: {default: uri://vendor.org}\n  kind: {type: integer, default: 7, one_of: [\"07\"]}"}, year, ""},
		{"unknown score column", []string{"header,kind,method,datatype\n", "header,kind,method,datatyp\n"}, year, `a score table has no column "datatyp"`},
		{"date format", []string{"format: M/D/YYYY", "format: MDYYYY"}, year, "may not touch another number"},
		{"ambiguous dates", []string{"format: M/D/YYYY", "format: [M/D/YYYY, D/M/YYYY]"}, year, "in one format and"},
		{"layout without layouts", []string{"administrationDate: day", "serialNumber: layout\n      administrationDate: day"}, year, "`layout` is not known here"},
		{"student without student", []string{"    student: [id]\n", ""}, year, "`student` is not known here"},
		{"key of unknown name", []string{"key: [id, day]", "key: [id, dai]"}, year, "`key` names \"dai\""},
		{"decided by ds", []string{"administrationDate: day", "administrationDate: {when: ds < 4, record: nothing}"}, year, ""},
		{"required decided away", []string{"studentReference: {studentUniqueId: student}", "studentReference: {when: ds < 4, record: {studentUniqueId: student}}"}, year, "studentAssessments lacks studentReference"},
		{"lookup in the bundle's let", []string{"inputs:\n", "let:\n  kind: lookup(\"tests\", \"S\").subject\ninputs:\n", "administrationDate: day", "eventDescription: kind\n      administrationDate: day"}, year, ""},
		{"namespace through a lookup in the bundle's let", []string{"inputs:\n", "let:\n  place: lookup(\"tests\", \"S\").title\ninputs:\n", "namespace: params.namespace\n  vendor", "namespace: place\n  vendor"}, year, `BND-DESCRIPTOR b/bundle.yaml:27:14: "Simple Test" is not a namespace`},
		{"code with #", []string{"value,descriptor\n3,Third grade", "value,descriptor\n3,Third #grade"}, year, `BND-DESCRIPTOR b/tables/grades.csv:2: "Third #grade" is not a value of GradeLevelDescriptor`},
		{"code too long", []string{"value,descriptor\n3,Third grade", "value,descriptor\n3," + strings.Repeat("x", 51)}, year, "cannot be a code of GradeLevelDescriptor: it has 51 characters, and a code at most 50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, problems := tryCompile(t, with(t, tt.edit...), tt.given)
			got := problemText(problems)
			if tt.name == "table records that conflict" {
				tt.want = "an earlier row gives a record with the same natural key (assessmentIdentifier=simple, namespace=uri://vendor.org), but different content"
			}
			switch {
			case tt.want == "" && p == nil:
				t.Errorf("problems:\n%s", got)
			case tt.want != "" && p != nil:
				t.Error("it compiled")
			case !strings.Contains(got, tt.want):
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}

// TestAllProblemsAtOnce: one walk finds what is wrong everywhere.
func TestAllProblemsAtOnce(t *testing.T) {
	_, problems := tryCompile(t, with(t, "administrationDate: day", "administrationDate: dya", "when: year ==", "when: yeare ==", "Scale Score,Integer", "Scale Score,Int", "3,Third grade\n", "3,Third grade\n3,x\n"), params("school_year", "2024"))
	for _, want := range []string{`"dya"`, `"yeare"`, `"Int"`, "grades.csv:3"} {
		if !strings.Contains(problemText(problems), want) {
			t.Errorf("%s is not in\n%s", want, problemText(problems))
		}
	}
}

// A table that cannot be read is reported once, not again wherever it is used.
func TestUnreadableTable(t *testing.T) {
	for name, cells := range map[string]string{"lookup": "code,code,title,subject\n", "value": "code,,title,subject\n"} {
		_, problems := tryCompile(t, with(t, "code,assessment,title,subject\n", cells), params("school_year", "2024"))
		if got := problemText(problems); len(problems) != 1 || !strings.HasPrefix(got, "BND-TABLE b/tables/tests.csv:1: ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestBoundsOfElements(t *testing.T) {
	list := func(n, m int) string {
		return with(t, "    student: [id]\n", fmt.Sprintf("    student: [id]\n    lists:\n      parts:\n        over: {n: 1..%d}\n        lists: {more: {over: {m: 1..%d}, columns: {v: \"V{n}-{m}\"}}}\n", n, m))
	}
	year := params("school_year", "2024")
	compile(t, list(99, 100), year)
	_, problems := tryCompile(t, list(1000, 1000), year)
	if got := problemText(problems); got != "BND-LIST b/bundle.yaml:22:17: the lists of results have more than 10000 elements in all\n" {
		t.Error(got)
	}
	rows := "code,assessment,title,subject\n" + strings.Repeat("x,x,x,x\n", maxTableRecords+1)
	_, problems = tryCompile(t, with(t, "code,assessment,title,subject\n", rows, `lookup("tests", "S").assessment`, "id"), year)
	if got := problemText(problems); !strings.Contains(got, "records are made of tables of up to 100000 rows") {
		t.Errorf("%.1000s", got)
	}
}

func TestCompileCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rows := "code,assessment,title,subject\n" + strings.Repeat("x,x,x,x\n", 50_000) // each of which would be a problem
	p, problems, err := Compile(ctx, Config{Bundle: load(t, with(t, "code,assessment,title,subject\n", rows)), Standards: []*schema.Standard{standard()}, Samples: true})
	if p != nil || len(problems) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %d problems, %v", p, len(problems), err)
	}
}
