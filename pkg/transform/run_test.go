package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

var simple = func() string {
	text, err := os.ReadFile("../mapping/testdata/simple.txtar")
	if err != nil {
		panic(err)
	}
	return string(text)
}()

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
		"unmapped.csv":                             "lookup,value,count,firstLine,nearest,file,header,row,filledFrom,allowed\ngrades,9,1,results:4,,b/tables/grades.csv,\"value,descriptor\",\"9,\",,\n",
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

// TestProgressOfAConflict: records with one key and different contents are staged once more, and the
// progress knows of it.
func TestProgressOfAConflict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.csv")
	text := header + "a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,2,,\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var p Progress
	out, err := Run(t.Context(), compile(t, with(t, "    key: [id, day]\n", ""), year), Options{Sink: discard{}, Inputs: map[string][]source.Local{"results": {source.File(path)}}, Progress: &p})
	if err != nil || out.Counts.Inputs["results"].Rejected != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	if read, total := p.BytesRead.Load(), p.BytesTotal.Load(); read > total {
		t.Errorf("%d of %d bytes are read", read, total)
	}
	if n := p.Rows.Load(); n != 3 {
		t.Errorf("%d rows of 3", n)
	}
}
