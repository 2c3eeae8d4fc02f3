package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

func load(t testing.TB) *schema.Standard {
	t.Helper()
	s, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checker(t testing.TB, resource string) *schema.Checker {
	t.Helper()
	c, ok := load(t).Checker(resource)
	if !ok {
		t.Fatalf("no checker for %s", resource)
	}
	return c
}

// bigRecord is a studentAssessment of the shape and size that a row of a growth test becomes.
func bigRecord(row int) []byte {
	var b strings.Builder
	score := func(method, kind, result string) {
		fmt.Fprintf(&b, `{"assessmentReportingMethodDescriptor":"uri://www.example.org/AssessmentReportingMethodDescriptor#%s","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#%s","result":"%s"}`, method, kind, result)
	}
	fmt.Fprintf(&b, `{"studentAssessmentIdentifier":"growth-%07d-2022-FA","assessmentReference":{"assessmentIdentifier":"Growth-Reading-2-5","namespace":"uri://www.example.org/Assessment"},`, row)
	fmt.Fprintf(&b, `"studentReference":{"studentUniqueId":"%d"},"schoolYearTypeReference":{"schoolYear":2022},"administrationDate":"2021-09-14T00:00:00Z",`, 600000+row%1000)
	b.WriteString(`"whenAssessedGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third grade","scoreResults":[`)
	for i := range 26 {
		if i > 0 {
			b.WriteByte(',')
		}
		score(fmt.Sprintf("Projected proficiency study %d", i), "Integer", fmt.Sprint(150+i))
	}
	b.WriteString(`],"performanceLevels":[{"assessmentReportingMethodDescriptor":"uri://www.example.org/AssessmentReportingMethodDescriptor#Achievement","performanceLevelDescriptor":"uri://www.example.org/PerformanceLevelDescriptor#High"}],"studentObjectiveAssessments":[`)
	for i := range 8 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"objectiveAssessmentReference":{"assessmentIdentifier":"Growth-Reading-2-5","identificationCode":"Growth-Reading-2-5-Goal %d","namespace":"uri://www.example.org/Assessment"},"scoreResults":[`, i)
		score("Goal RIT score", "Integer", fmt.Sprint(180+i))
		b.WriteByte(',')
		score("Goal standard error", "Decimal", "3.2")
		b.WriteString(`]}`)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

func BenchmarkCheck(b *testing.B) {
	c := checker(b, "studentAssessments")
	records := make([][]byte, 64)
	size := 0
	for i := range records {
		records[i] = bigRecord(i)
		size += len(records[i])
	}
	var rec schema.Record
	c.Check(records[0], &rec)
	if len(rec.Findings) > 0 || !rec.Key.OK {
		b.Fatalf("the record does not fit: %+v", rec.Findings)
	}
	b.Logf("%d bytes, %d descriptors, %d references", len(records[0]), len(rec.Descriptors), len(rec.References))
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c.Check(records[i%len(records)], &rec)
		i++
	}
}
