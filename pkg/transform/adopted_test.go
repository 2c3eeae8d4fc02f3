package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/adopted"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

const sittings = `
-- bundle.yaml --
format: 1
bundle: sittings
version: 1.0.0
assessment: {family: Sittings, version: "1"}
data_standard: ">=5.0 <6"
params:
  namespace: {default: uri://acme.org}
inputs:
  results:
    format: csv
    columns:
      id: {header: Id, required: true}
      student_id: {header: Student, required: true}
      score: {header: Score, required: true}
    student: [student_id]
    key: [id, student_id]
resources:
  studentAssessments:
    from: results
    record:
      studentAssessmentIdentifier: id
      assessmentReference: {assessmentIdentifier: "'A'", namespace: params.namespace}
      studentReference: {studentUniqueId: student}
      serialNumber: score
  studentAssessmentEducationOrganizationAssociations:
    from: results
    record:
      educationOrganizationAssociationTypeDescriptor: "'School'"
      educationOrganizationReference: {educationOrganizationId: 1}
      studentAssessmentReference: {assessmentIdentifier: "'A'", namespace: params.namespace, studentAssessmentIdentifier: id, studentUniqueId: student}
descriptors:
  namespace: params.namespace
  shared:
    EducationOrganizationAssociationTypeDescriptor: uri://acme.org
`

// Events that the target has under other identifiers get these, wherever they are named, and nothing else changes.
func TestAdoptedIdentifiers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, adopted.File)
	var rows []adopted.Row
	for _, r := range [][3]string{{"600001", "r1", `the "old" one, a longer name`}, {"600002", "r1", "x"}, {"600003", "r3", "r4"}, {"600009", "r9", "unused"}} {
		rows = append(rows, adopted.Row{Student: r[0], Assessment: "A", Namespace: "uri://acme.org", Own: r[1], Target: r[2], Run: "r"})
	}
	if _, err := adopted.Add(t.Context(), path, rows); err != nil {
		t.Fatal(err)
	}
	table, err := adopted.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(dir, "results.csv")
	text := "Id,Student,Score\nr1,600001,1\nr1,600002,2\nr2,600001,3\nr3,600003,4\nr4,600003,5\nr1,600004,6\n"
	if err := os.WriteFile(input, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(table *adopted.Table, workers int) *result {
		r, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{Created: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := Run(t.Context(), compile(t, sittings), Options{Sink: ToRun(r), Inputs: map[string][]source.Local{"results": {source.File(input)}}, Workers: workers, Adopted: table})
		if err != nil {
			t.Fatal(err)
		}
		out.Keep(&r.Manifest)
		return &result{TransformCounts: out.Counts, run: r}
	}
	before, after := run(nil, 2), run(table, 2)
	want := strings.NewReplacer(`"r1","assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://acme.org"},"studentReference":{"studentUniqueId":"600001"`,
		`"the \"old\" one, a longer name","assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://acme.org"},"studentReference":{"studentUniqueId":"600001"`,
		`"r1","assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://acme.org"},"studentReference":{"studentUniqueId":"600002"`,
		`"x","assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://acme.org"},"studentReference":{"studentUniqueId":"600002"`,
		`"studentAssessmentIdentifier":"r1","studentUniqueId":"600001"`, `"studentAssessmentIdentifier":"the \"old\" one, a longer name","studentUniqueId":"600001"`,
		`"studentAssessmentIdentifier":"r1","studentUniqueId":"600002"`, `"studentAssessmentIdentifier":"x","studentUniqueId":"600002"`)
	for _, resource := range []string{"studentAssessments", "studentAssessmentEducationOrganizationAssociations"} {
		plain := before.staged(t, resource)
		if strings.Count(plain, "\n") != 6 || resource == "studentAssessments" && strings.Contains(plain, "old") {
			t.Fatalf("%s", plain)
		}
		// The adopted identifier of one is another's own: neither is staged.
		left := ""
		for line := range strings.Lines(want.Replace(plain)) {
			if resource != "studentAssessments" || !strings.Contains(line, "600003") {
				left += line
			}
		}
		got := after.staged(t, resource)
		if resource == "studentAssessments" && got != left {
			t.Errorf("%s:\n%s\nwant\n%s", resource, got, left)
		}
		if got != run(table, 1).staged(t, resource) {
			t.Errorf("%s depends on the number of workers", resource)
		}
	}
	if problems := after.file(t, "problems", "transform.csv"); strings.Count(problems, string(diag.RecordConflict)) < 2 {
		t.Errorf("%s", problems)
	}
	if a := after.run.Adopted; before.run.Adopted != nil || a == nil || a.SHA256 != table.SHA256 || a.Rows != 4 || a.Used < 4 {
		t.Errorf("%+v", a)
	}
	mappings := after.file(t, "mappings.csv")
	if !strings.Contains(mappings, "studentAssessments,$.studentAssessmentIdentifier,,A,,2,adopted-identifiers.csv:1,sittings@1.0.0") || strings.Contains(mappings, "60000") {
		t.Errorf("%s", mappings)
	}
	if inputs := after.Inputs["results"]; inputs.Rejected != 2 || inputs.Used != 4 {
		t.Errorf("%+v", inputs)
	}
}
