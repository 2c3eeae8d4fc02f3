package validate

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// mapLike writes n studentAssessments of about 7.5 KB each, shaped as MAP Growth's: totals, levels
// and eight objectives with their scores.
func mapLike(t testing.TB, path string, n int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scores := func(count, seed int) string {
		var all []string
		for i := range count {
			all = append(all, obj("assessmentReportingMethodDescriptor", fmt.Sprintf("uri://acme.org/AssessmentReportingMethodDescriptor#Score %d", i),
				"resultDatatypeTypeDescriptor", "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer", "result", fmt.Sprint(100+(seed+i)%400)))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	var b strings.Builder
	for i := range n {
		var objectives []string
		for o := range 8 {
			objectives = append(objectives, obj("objectiveAssessmentReference", raw(obj("assessmentIdentifier", "A", "identificationCode", fmt.Sprint("goal ", o), "namespace", ns)),
				"scoreResults", raw(scores(2, i+o)), "performanceLevels", raw("["+obj("assessmentReportingMethodDescriptor", "uri://acme.org/AssessmentReportingMethodDescriptor#Score 0", "performanceLevelDescriptor", level)+"]")))
		}
		b.WriteString(result(fmt.Sprintf("%09d-%d", i, i%7), "A", fmt.Sprint(600000+i), "administrationDate", "2026-04-01T00:00:00Z",
			"schoolYearTypeReference", raw(`{"schoolYear":2026}`), "reportedSchoolReference", raw(`{"schoolId":255901001}`),
			"whenAssessedGradeLevelDescriptor", "uri://ed-fi.org/GradeLevelDescriptor#Third grade",
			"scoreResults", raw(scores(9, i)), "studentObjectiveAssessments", raw("["+strings.Join(objectives, ",")+"]")) + "\n")
		if b.Len() > 1<<20 || i == n-1 {
			if _, err := f.WriteString(b.String()); err != nil {
				t.Fatal(err)
			}
			b.Reset()
		}
	}
}

// mapWorld stages what mapLike's records refer to, and gives the target its n students.
func mapWorld(n int) (map[string]string, *fakeTarget) {
	f := world()
	f.items["ed-fi/students"] = nil
	for i := range n {
		f.items["ed-fi/students"] = append(f.items["ed-fi/students"], student(fmt.Sprint(600000+i)))
	}
	var methods, goals []string
	for i := range 11 {
		methods = append(methods, descriptor(fmt.Sprintf("uri://acme.org/AssessmentReportingMethodDescriptor#Score %d", i)))
	}
	for o := range 8 {
		goals = append(goals, objective("A", fmt.Sprint("goal ", o), ""))
	}
	return map[string]string{"assessments": lines(assessment("A")), "objectiveAssessments": lines(goals...),
		"assessmentReportingMethodDescriptors": lines(methods...), "performanceLevelDescriptors": lines(descriptor(level))}, f
}

func BenchmarkValidate(b *testing.B) {
	const n = 20_000
	staged, f := mapWorld(n)
	r := newRun(b, staged)
	mapLike(b, r.StagedFile("studentAssessments"), n)
	info, err := os.Stat(r.StagedFile("studentAssessments"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		v, err := try(b, r, f, Options{Workers: 2})
		if err != nil {
			b.Fatal(err)
		}
		if c := v.counts.Resources["studentAssessments"]; c.Valid != n {
			b.Fatalf("%+v\n%.2000s", c, v)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(info.Size())/n, "bytes/record")
}
