package validate

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

const arm = "uri://v.example.org/AssessmentReportingMethodDescriptor#"

func modelled(t *testing.T, staged map[string]string) verdict {
	t.Helper()
	v, err := try(t, newRun(t, staged), nil, Options{Workers: 2, Modelling: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Results are held against what is staged of their assessment and objective; none of it makes a record invalid.
func TestModelling(t *testing.T) {
	scores := raw(`[{"assessmentReportingMethodDescriptor":"` + arm + `Scale","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"}]`)
	levels := raw(`[{"assessmentReportingMethodDescriptor":"` + arm + `Placement","performanceLevelDescriptor":"uri://v.example.org/PerformanceLevelDescriptor#High"}]`)
	goal := raw(`[{"assessmentReportingMethodDescriptor":"` + arm + `Goal","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"}]`)
	score := func(method, datatype, result string) string {
		return `{"assessmentReportingMethodDescriptor":"` + arm + method + `","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#` + datatype + `","result":"` + result + `"}`
	}
	day := func(s string) []any { return []any{"administrationDate", s + "T00:00:00Z"} }
	with := func(more ...any) []any { return append(day("2026-03-04"), more...) }
	soa := func(code, method string) []any {
		return with("studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "A", "identificationCode", code, "namespace", ns)),
			"scoreResults", raw("["+score(method, "Integer", "1")+"]"))+"]"))
	}
	results := []struct {
		of   string
		more []any
		want diag.Code // "": nothing is said
	}{
		{"A", with("scoreResults", raw("["+score("scale", "Integer", "-12")+"]")), ""}, // no target looks at case
		{"A", with("scoreResults", raw("["+score("Raw", "Integer", "12")+"]")), diag.ModelMethod},
		{"A", with("scoreResults", raw("["+score("Scale", "Integer", "12.0")+"]")), diag.ModelResult},
		{"A", with("scoreResults", raw("["+score("Scale", "Percentile", "101")+"]")), diag.ModelResult},
		{"A", with("scoreResults", raw("["+score("Scale", "Decimal", "1e3")+"]")), diag.ModelResult},
		{"A", with("scoreResults", raw("["+score("Scale", "Level", "anything")+"]")), ""},
		{"A", with("performanceLevels", raw(`[{"assessmentReportingMethodDescriptor":"`+arm+`Placement","performanceLevelDescriptor":"uri://v.example.org/PerformanceLevelDescriptor#High"}]`)), ""},
		{"A", with("performanceLevels", raw(`[{"assessmentReportingMethodDescriptor":"`+arm+`Placement","performanceLevelDescriptor":"uri://v.example.org/PerformanceLevelDescriptor#Low"}]`)), diag.ModelLevel},
		{"A", with("performanceLevels", raw(`[{"assessmentReportingMethodDescriptor":"`+arm+`Projection","performanceLevelDescriptor":"uri://v.example.org/PerformanceLevelDescriptor#Met"}]`)), diag.ModelLevel},
		{"A", soa("G", "Goal"), ""},
		{"A", soa("G", "Scale"), ""}, // its assessment declares it
		{"A", soa("G", "Raw"), diag.ModelMethod},
		{"A", soa("H", "Raw"), ""}, // an objective that is not staged: it is not known what it declares
		{"B", with("scoreResults", raw("["+score("Raw", "Integer", "12")+"]")), ""},
		{"A", nil, diag.ModelDate},
		{"A", []any{"reasonNotTestedDescriptor", "uri://ed-fi.org/ReasonNotTestedDescriptor#Absent"}, ""},
		{"A", day("2026-05-02"), ""}, // it is tomorrow elsewhere
		{"A", day("2026-05-03"), diag.ModelDate},
		{"A", day("1900-01-01"), diag.ModelDate},
		{"A", with("administrationEndDate", "2026-03-03T00:00:00Z"), diag.ModelDate},
	}
	var text []string
	for i, r := range results {
		text = append(text, result(strings.Repeat("x", i+1), r.of, "600001", r.more...))
	}
	v := modelled(t, map[string]string{
		"assessments":          lines(strings.TrimSuffix(assessment("A"), "}") + `,"scores":` + string(scores) + `,"performanceLevels":` + string(levels) + "}"),
		"objectiveAssessments": lines(strings.TrimSuffix(objective("A", "G", ""), "}") + `,"scores":` + string(goal) + "}"),
		"studentAssessments":   lines(text...),
	})
	all := []diag.Code{diag.ModelDate, diag.ModelMethod, diag.ModelLevel, diag.ModelResult}
	said := map[diag.Code]int{}
	for _, p := range v.problems {
		said[p.Code] += max(p.Count, 1)
		if projected := strings.Contains(p.Message, "Projection"); p.Code == diag.ModelLevel && projected != (p.Level == diag.LevelInfo) {
			t.Errorf("level %d: %s", p.Level, p.Message) // nothing is declared of that method: a note
		}
	}
	for i, r := range results {
		for _, code := range all {
			if r.want == code {
				said[code]--
			}
			if code == diag.ModelMethod || code == diag.ModelLevel { // of which the first is listed, and the others are counted
				continue
			}
			if v.has(code, "studentAssessments", i+1) != (code == r.want) {
				t.Errorf("line %d: want %q\n%s", i+1, r.want, v)
			}
		}
	}
	for _, code := range all {
		if said[code] != 0 {
			t.Errorf("%s: %d too many\n%s", code, said[code], v)
		}
	}
	if strings.ContainsAny(v.lines["studentAssessments"], "i") {
		t.Error(v.lines)
	}
}

// The hierarchy is judged as the target judges it: parents are there and of the same assessment, and results are of
// objectives that are there and of theirs.
func TestHierarchy(t *testing.T) {
	ref := func(assessment, code string) raw {
		return raw(obj("assessmentIdentifier", assessment, "identificationCode", code, "namespace", ns))
	}
	child := func(code string, parent raw) string {
		return obj("assessmentReference", assessmentRef("A"), "identificationCode", code, "parentObjectiveAssessmentReference", parent)
	}
	of := func(record string, objective raw) string {
		return result(record, "A", "600001", "administrationDate", "2026-03-04T00:00:00Z",
			"studentObjectiveAssessments", raw("["+obj("objectiveAssessmentReference", objective)+"]"))
	}
	v, err := try(t, newRun(t, own(map[string]string{
		"assessments": lines(assessment("A"), assessment("B")),
		"objectiveAssessments": lines(objective("A", "top", ""), objective("B", "top", ""), child("ok", ref("A", "top")), child("lost", ref("A", "nowhere")),
			child("foreign", ref("B", "top")), child("self", ref("A", "self")), child("x", ref("A", "y")), child("y", ref("A", "x"))),
		"studentAssessments": lines(of("1", ref("A", "ok")), of("2", ref("A", "nowhere")), of("3", ref("B", "top"))),
	})), world(), Options{Workers: 2, Modelling: true})
	if err != nil {
		t.Fatal(err)
	}
	if v.lines["objectiveAssessments"] != "vvviiiii" || v.lines["studentAssessments"] != "vii" {
		t.Errorf("%s", v)
	}
	for _, want := range []struct {
		code     diag.Code
		resource string
		line     int
	}{{diag.ReferenceMissing, "objectiveAssessments", 4}, {diag.RecordPartsDiffer, "objectiveAssessments", 5}, {diag.ReferenceCycle, "objectiveAssessments", 6},
		{diag.ReferenceCycle, "objectiveAssessments", 7}, {diag.ReferenceMissing, "studentAssessments", 2}, {diag.RecordPartsDiffer, "studentAssessments", 3}} {
		if !v.has(want.code, want.resource, want.line) {
			t.Errorf("%+v\n%s", want, v)
		}
	}
}

// The order of a record's properties does not matter.
func TestModellingInAnyOrder(t *testing.T) {
	m := &modeller{declared: newDeclared(), dated: true, today: "2026-05-01"}
	one, ok := m.declare([]byte(`{"scores":[{"assessmentReportingMethodDescriptor":"u#A"}],"namespace":"n","assessmentIdentifier":"X"}`), false)
	goal, ok2 := m.declare([]byte(`{"scores":[],"assessmentReference":{"namespace":"n","assessmentIdentifier":"X"},"identificationCode":"G"}`), true)
	if !ok || !ok2 {
		t.Fatal(one, goal)
	}
	m.declared.add([]declaration{one, goal})
	first := `"scoreResults":[{"assessmentReportingMethodDescriptor":"u#B","result":"1"}],"studentObjectiveAssessments":[{"scoreResults":[{"result":"1","assessmentReportingMethodDescriptor":"u#C"}],"objectiveAssessmentReference":{"identificationCode":"G","assessmentIdentifier":"X","namespace":"n"}}]`
	last := `"administrationDate":"2026-03-01","assessmentReference":{"assessmentIdentifier":"X","namespace":"n"}`
	for _, text := range []string{"{" + first + "," + last + "}", "{" + last + ", " + first + " }"} {
		var paths []string
		for _, n := range m.result([]byte(text)) {
			paths = append(paths, n.problem.Path)
		}
		if strings.Join(paths, " ") != "$.scoreResults[*].assessmentReportingMethodDescriptor $.studentObjectiveAssessments[0].scoreResults[*].assessmentReportingMethodDescriptor" {
			t.Errorf("%s: %v", text, paths)
		}
	}
	for _, odd := range []string{"", "[]", "{", `{"scoreResults":{}}`, `{"scoreResults":[`, `{"assessmentReference":3,"scoreResults":[1,"x",[]],"administrationDate":null}`} {
		m.result([]byte(odd)) // the schema's check speaks of them
	}
}

func BenchmarkModelling(b *testing.B) {
	text := []byte(result("1", "A", "600001", "administrationDate", "2026-03-04T00:00:00Z", "scoreResults", raw(`[{"assessmentReportingMethodDescriptor":"`+arm+`A","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"201"},{"assessmentReportingMethodDescriptor":"`+arm+`B","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"202"}]`)))
	m := &modeller{declared: newDeclared(), dated: true, today: "2026-05-01"}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		m.result(text)
	}
}
