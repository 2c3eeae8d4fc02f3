package transform

import (
	"strings"
	"testing"
)

// A table's record and a row's with one natural key: neither is staged, and each names the other.
func TestTableRecordInConflict(t *testing.T) {
	text := with(t,
		"  assessments:\n    from: tables.tests\n    record:\n      assessmentIdentifier: assessment\n      namespace: params.namespace\n      assessmentTitle: title\n      academicSubjects: [{academicSubjectDescriptor: subject}]\n",
		`  assessments:
    - from: tables.tests
      record:
        assessmentIdentifier: assessment
        namespace: params.namespace
        assessmentTitle: title
        academicSubjects: [{academicSubjectDescriptor: subject}]
    - from: results
      record:
        assessmentIdentifier: id
        namespace: params.namespace
        assessmentTitle: '"Row"'
        academicSubjects: [{academicSubjectDescriptor: '"Reading"'}]
`)
	p := compile(t, text, year)
	for workers := 1; workers <= 3; workers++ {
		r := runProgram(t, p, workers, "results", header+"a,3,3/1/2024,2024,1,,\nsimple,3,3/1/2024,2024,1,,\n")
		if r.err != nil {
			t.Fatal(r.err)
		}
		if got := r.staged(t, "assessments"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"assessmentIdentifier":"a"`) {
			t.Error(got)
		}
		if c := r.Resources["assessments"]; c.Rejected != 2 || c.Staged != 1 || r.Inputs["results"] != counts(2, 1, 0, 0, 0, 1) {
			t.Errorf("%+v %+v", c, r.Inputs)
		}
		got := r.file(t, "problems", "transform.csv")
		for _, want := range []string{"b/tables/tests.csv,2,", "a later record has the same natural key", "the record from tables/tests.csv:2 has the same natural key"} {
			if !strings.Contains(got, want) {
				t.Errorf("lacks %q:\n%s", want, got)
			}
		}
		if got := r.file(t, "mappings.csv"); strings.Contains(got, "Mathematics") || !strings.Contains(got, "Reading") {
			t.Error(got)
		}
	}
}

// What is wrong with the bundle is said once, not again for each row of the table.
func TestBadExpressionOfATableRecord(t *testing.T) {
	for _, edit := range [][]string{
		{"assessmentTitle: title", "assessmentTitle: titel"},
		{"      assessmentTitle: title\n", ""},
		{"assessmentIdentifier: assessment\n", "assessmentIdentifier: '\"" + strings.Repeat("x", 61) + "\"'\n"},
		{"namespace: params.namespace\n      assessmentTitle", "namespace: params.nmespace\n      assessmentTitle"},
		{"    from: tables.tests\n", "    from: tables.tests\n    when: code === 1\n"},
		{"academicSubjectDescriptor: subject", "academicSubjectDescriptor: subject.x"},
	} {
		_, problems := tryCompile(t, with(t, append(edit, "Mathematics\n", "Mathematics\nT,other,Other,Mathematics\n")...), year)
		if len(problems) != 1 {
			t.Errorf("%q: %s", edit[1], problemText(problems))
		}
	}
}

func TestRepeatedKeyIsNamed(t *testing.T) {
	_, problems := tryCompile(t, with(t, "3,Third grade\n", "3,Third grade\n3,Fourth grade\n"), year)
	if got := problemText(problems); !strings.Contains(got, `b/tables/grades.csv:3: the key (value) "3" is already in line 2`) {
		t.Error(got)
	}
}

// A table that tenants may overlay is found by key, so its keys must be there and differ, whether or
// not anything is looked up in it.
func TestOverlaidTableNeedsKeys(t *testing.T) {
	text := with(t, "descriptors:\n", "tables:\n  scores: {overlay: true}\ndescriptors:\n", "Level,level,Band,\n", "Level,level,Band,\nPct,score,Other,Integer\n")
	_, problems := tryCompile(t, text, year)
	if got := problemText(problems); !strings.Contains(got, `b/tables/scores.csv:5: the key (header) "Pct" is already in line 3`) {
		t.Error(got)
	}
	if p, problems := tryCompile(t, strings.Replace(text, "{overlay: true}", "{overlay: true, key: [header, method]}", 1), year); p == nil {
		t.Error(problemText(problems))
	}
}
