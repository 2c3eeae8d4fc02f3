package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

const simple = `
-- bundle.yaml --
format: 1
bundle: simple
version: 1.0.0
assessment: {family: Simple, version: "1"}
data_standard: ">=4.0 <6"
params:
  school_year: {type: integer, required: true}
  namespace: {default: uri://vendor.org}
inputs:
  results:
    format: csv
    nulls: [NA]
    columns:
      id: {header: ID, required: true}
      grade: Grade
      day: {header: Date, type: date, format: M/D/YYYY, required: true}
      year: {header: Year, type: integer}
    student: [id]
    key: [id, day]
    let:
      assessment: lookup("tests", "S").assessment
    when: year == params.school_year
    scores: tables.scores
descriptors:
  namespace: params.namespace
  vendor: [AssessmentReportingMethodDescriptor, PerformanceLevelDescriptor]
  shared:
    AcademicSubjectDescriptor: uri://ed-fi.org
    GradeLevelDescriptor: tables.grades
    ResultDatatypeTypeDescriptor: uri://ed-fi.org
resources:
  assessments:
    from: tables.tests
    record:
      assessmentIdentifier: assessment
      namespace: params.namespace
      assessmentTitle: title
      academicSubjects: [{academicSubjectDescriptor: subject}]
  studentAssessments:
    from: results
    record:
      studentAssessmentIdentifier: key(day)
      assessmentReference: {assessmentIdentifier: assessment, namespace: params.namespace}
      studentReference: {studentUniqueId: student}
      schoolYearTypeReference: {schoolYear: year}
      administrationDate: day
      whenAssessedGradeLevelDescriptor: grade
      scoreResults: scores
      performanceLevels: levels
-- tables/tests.csv --
code,assessment,title,subject
S,simple,Simple Test,Mathematics
-- tables/grades.csv --
value,descriptor
3,Third grade
NN,
-- tables/scores.csv --
header,kind,method,datatype
Score,score,Scale Score,Integer
Pct,score,Percentile,Percentile
Level,level,Band,
`

func TestEndToEnd(t *testing.T) {
	p := compile(t, simple, params("school_year", "2024"))
	r := mustRun(t, p, "results", `ID,Grade,Date,Year,Score,Pct,Level
s1,3,3/1/2024,2024,0215,55,Low
s2,NN,03/02/2024,2024,NA,,
s3,9,3/1/2024,2024,200,1,High
s4,3,3/1/2023,2023,200,1,High
s5,3,3/32/2024,2024,200,1,High
s1,3,3/1/2024,2024,0215,55,Low
`)
	if diff := cmp.Diff(runs.InputCounts{Read: 6, Used: 2, Filtered: 1, Duplicate: 1, Rejected: 2}, r.Inputs["results"]); diff != "" {
		t.Error(diff)
	}
	want := `{"studentAssessmentIdentifier":"2024-03-01","assessmentReference":{"assessmentIdentifier":"simple","namespace":"uri://vendor.org"},"studentReference":{"studentUniqueId":"s1"},"schoolYearTypeReference":{"schoolYear":2024},"administrationDate":"2024-03-01T00:00:00Z","whenAssessedGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third grade","scoreResults":[{"assessmentReportingMethodDescriptor":"uri://vendor.org/AssessmentReportingMethodDescriptor#Scale Score","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"215"},{"assessmentReportingMethodDescriptor":"uri://vendor.org/AssessmentReportingMethodDescriptor#Percentile","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Percentile","result":"55"}],"performanceLevels":[{"assessmentReportingMethodDescriptor":"uri://vendor.org/AssessmentReportingMethodDescriptor#Band","performanceLevelDescriptor":"uri://vendor.org/PerformanceLevelDescriptor#Low"}]}
{"studentAssessmentIdentifier":"2024-03-02","assessmentReference":{"assessmentIdentifier":"simple","namespace":"uri://vendor.org"},"studentReference":{"studentUniqueId":"s2"},"schoolYearTypeReference":{"schoolYear":2024},"administrationDate":"2024-03-02T00:00:00Z"}
`
	if diff := cmp.Diff(want, r.staged(t, "studentAssessments")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("results:2\nresults:3\n", r.file(t, "staged", "studentAssessments.origin")); diff != "" {
		t.Error(diff)
	}
	for file, want := range map[string]string{
		"staged/assessments.origin":                "tables/tests.csv:2\n",
		"staged/performanceLevelDescriptors.jsonl": `{"codeValue":"Low","namespace":"uri://vendor.org/PerformanceLevelDescriptor","shortDescription":"Low"}` + "\n",
		"rejects/results.csv":                      "ID,Grade,Date,Year,Score,Pct,Level\ns3,9,3/1/2024,2024,200,1,High\ns5,3,3/32/2024,2024,200,1,High\n",
		"unmapped.csv":                             "lookup,value,count,firstLine,nearest,file,header,row\ngrades,9,1,results:4,3,b/tables/grades.csv,\"value,descriptor\",\"9,\"\n",
	} {
		if diff := cmp.Diff(want, r.file(t, strings.Split(file, "/")...)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
	mappings := r.file(t, "mappings.csv")
	for _, want := range []string{
		"studentAssessments,$.performanceLevels[*].performanceLevelDescriptor,PerformanceLevelDescriptor,Low,uri://vendor.org/PerformanceLevelDescriptor#Low,1,b/tables/scores.csv:4,simple@1.0.0\n",
		"studentAssessments,$.whenAssessedGradeLevelDescriptor,GradeLevelDescriptor,3,uri://ed-fi.org/GradeLevelDescriptor#Third grade,1,b/tables/grades.csv:2,simple@1.0.0\n",
		"studentAssessments,$.whenAssessedGradeLevelDescriptor,GradeLevelDescriptor,NN,,1,b/tables/grades.csv:3,simple@1.0.0\n",
	} {
		if !strings.Contains(mappings, want) {
			t.Errorf("no %s in\n%s", want, mappings)
		}
	}
}
