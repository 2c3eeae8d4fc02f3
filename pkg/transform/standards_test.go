package transform

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// without is the embedded standard as another version, where studentAssessments lacks a property
// and requires another one.
func without(version, property, required string) *schema.Standard {
	files := fstest.MapFS{}
	for name, text := range standard().Files() {
		if name == "studentAssessments.json" {
			var r map[string]any
			if err := json.Unmarshal(text, &r); err != nil {
				panic(err)
			}
			delete(r["properties"].(map[string]any), property)
			if required != "" {
				r["required"] = append(r["required"].([]any), required)
			}
			text, _ = json.Marshal(r)
		}
		files["ds-"+version+"/"+name] = &fstest.MapFile{Data: text}
	}
	s, err := schema.Load(files, version)
	if err != nil {
		panic(err)
	}
	s.Version = version
	return s
}

func TestEveryStandardOfTheRange(t *testing.T) {
	other := func(property, required string) func(*mapping.Config) {
		return func(c *mapping.Config) {
			c.Params = map[string]string{"school_year": "2024"}
			c.Standards = append(c.Standards, without("4.0", property, required))
		}
	}
	if _, problems := tryCompile(t, simple, other("performanceLevels", "")); !strings.Contains(problemText(problems), `studentAssessments has no property "performanceLevels" (data standard 4.0)`) {
		t.Error(problemText(problems))
	}
	if _, problems := tryCompile(t, simple, other("", "serialNumber")); !strings.Contains(problemText(problems), `studentAssessments lacks serialNumber, which the API requires (data standard 4.0)`) {
		t.Error(problemText(problems))
	}
	p := compile(t, with(t, "performanceLevels: levels", "performanceLevels: {when: ds >= 5, record: levels}"), other("performanceLevels", ""))
	if got := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,L\n").staged(t, "studentAssessments"); !strings.Contains(got, "performanceLevels") {
		t.Error(got)
	}
}

func TestDerivedScores(t *testing.T) {
	r := simpleRun(t, "a,3,3/1/2024,2024,1,,\n", "-- tables/scores.csv --\nheader,kind,method,datatype\n", "-- tables/scores.csv --\nheader,name,kind,method,datatype\n,twice,score,Twice,Integer\n",
		"Score,score,Scale Score,Integer\n", "Score,,score,Scale Score,Integer\n", "Pct,score,", "Pct,,score,", "Level,level,", "Level,,level,",
		"    let:\n", "    let:\n      twice: text(2 * score)\n", "grade: Grade\n", "grade: Grade\n      score: {header: Score, type: integer}\n")
	if got := r.staged(t, "studentAssessments"); !strings.Contains(got, `#Integer","result":"2"`) {
		t.Error(got)
	}
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, string(diag.CellScoreDerived)+",note") {
		t.Error(got)
	}
}

// TestObjectives: score tables with objectives make one element for each that has a value.
func TestObjectives(t *testing.T) {
	edit := []string{"header,kind,method,datatype\n", "header,kind,method,datatype,objective\n", "Scale Score,Integer\n", "Scale Score,Integer,\n", "Percentile,Percentile\n", "Percentile,Percentile,Reading\n", "Band,\n", "Band,,Math\n",
		"      performanceLevels: levels\n", "      performanceLevels: levels\n      studentObjectiveAssessments:\n        each: objectives\n        record:\n          objectiveAssessmentReference: {assessmentIdentifier: assessment, identificationCode: objective, namespace: params.namespace}\n          scoreResults: scores\n          performanceLevels: levels\n"}
	got := simpleRun(t, "a,3,3/1/2024,2024,1,5,High\nb,3,3/1/2024,2024,1,,\nc,3,3/1/2024,2024,,x,\n", edit...)
	lines := strings.Split(strings.TrimSpace(got.staged(t, "studentAssessments")), "\n")
	if len(lines) != 2 || strings.Count(lines[0], "identificationCode") != 2 || strings.Contains(lines[1], "studentObjectiveAssessments") || strings.Contains(lines[0], `"performanceLevels":[{"assessmentReportingMethodDescriptor":"uri://vendor.org/AssessmentReportingMethodDescriptor#Band","performanceLevelDescriptor":"uri://vendor.org/PerformanceLevelDescriptor#High"}],"studentObjective`) {
		t.Error(strings.Join(lines, "\n"))
	}
	if got.Inputs["results"].Rejected != 1 {
		t.Errorf("%+v", got.Inputs)
	}
}

// TestRecordParts: what has no value is left out, what is incomplete rejects.
func TestRecordParts(t *testing.T) {
	for _, tt := range []struct {
		name, edit string
		want       string // in the record
		rejected   bool
	}{
		{"null leaf", "serialNumber: grade", "", false},
		{"object without a value", "period: {assessmentPeriodDescriptor: grade}", "", false},
		{"reference without any part", "reportedSchoolReference: {schoolId: number}", "", false},
		{"list without elements", "accommodations: [{accommodationDescriptor: grade}]", "", false},
		{"lists are flattened", "accommodations: [[{accommodationDescriptor: id}], {when: id == \"a\", record: {accommodationDescriptor: year_text}}]", `"accommodations":[{"accommodationDescriptor":"uri://vendor.org/AccommodationDescriptor#a"},{"accommodationDescriptor":"uri://vendor.org/AccommodationDescriptor#2024"}]`, false},
		{"object that lacks a part", "scoreResults: [{assessmentReportingMethodDescriptor: id, resultDatatypeTypeDescriptor: id, result: grade}]", "", true},
		{"when of null rejects", "serialNumber: {when: grade < \"5\", record: id}", "", true},
		{"text that is not a date", "administrationEndDate: id", "", true},
		{"blank computed text", "serialNumber: '\" \" + \" \"'", "", false},
		{"numbers and booleans", "assessedMinutes: 5", `"assessedMinutes":5`, false},
		{"a decimal keeps its digits", "serialNumber: text(3.40) + text(weight)", `"serialNumber":"3.43.40"`, false},
		{"a name with quotes", "serialNumber: 'text(\"a\\\"b\")'", `"serialNumber":"a\"b"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			edit := []string{"      administrationDate: day\n", "      " + tt.edit + "\n      administrationDate: day\n", "grade: Grade\n", "grade: Grade\n      number: {header: Pct, type: integer}\n      weight: {header: Level, type: decimal}\n",
				"    let:\n", "    let:\n      year_text: text(year)\n", "vendor: [", "vendor: [AccommodationDescriptor, AssessmentPeriodDescriptor, ", "      scoreResults: scores\n      performanceLevels: levels\n", ""}
			r := simpleRun(t, "a,,3/1/2024,2024,1,,3.40\n", edit...)
			got := r.staged(t, "studentAssessments")
			name, _, _ := strings.Cut(tt.edit, ":")
			if !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, name) {
				t.Error(got)
			}
			if rejected := r.Inputs["results"].Rejected == 1; rejected != tt.rejected {
				t.Errorf("%+v %s", r.Inputs, r.file(t, "problems", "transform.csv"))
			}
		})
	}
}

func TestEquationIsChecked(t *testing.T) {
	s := &staging{counts: runs.TransformCounts{Inputs: map[string]runs.InputCounts{"results": {Read: 2, Used: 1}}}}
	if e, ok := diag.AsError(s.checkEquation()); !ok || e.Code != diag.GuardEquation || e.Kind != diag.Guarded {
		t.Error("a row that is lost goes unseen")
	}
}
