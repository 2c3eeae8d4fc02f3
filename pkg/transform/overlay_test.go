package transform

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/mapping"
)

func TestOverlay(t *testing.T) {
	over := func(files string) func(*mapping.Config) {
		return func(c *mapping.Config) {
			c.Params = map[string]string{"school_year": "2024"}
			c.Overlay = &mapping.Overlay{FS: archive(files), Path: "tenants/x/simple"}
		}
	}
	p := compile(t, simple, over("-- grades.csv --\nvalue,descriptor\n3,Fourth grade\n9,Ninth grade\n-- AcademicSubjectDescriptor.csv --\nvalue,descriptor\nMathematics,uri://district.org/AcademicSubjectDescriptor#Math\n"))
	if len(p.Overlays) != 2 {
		t.Errorf("%+v", p.Overlays)
	}
	r := mustRun(t, p, "results", "ID,Grade,Date,Year,Score,Pct,Level\ns1,3,3/1/2024,2024,1,,\ns2,9,3/1/2024,2024,1,,\ns3,NN,3/1/2024,2024,1,,\ns4,7,3/1/2024,2024,1,,\n")
	for _, want := range []string{"Fourth grade", "Ninth grade"} {
		if !strings.Contains(r.staged(t, "studentAssessments"), want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(r.staged(t, "assessments"), "uri://district.org/AcademicSubjectDescriptor#Math") {
		t.Error("the overlay of a type that is as written did not take part")
	}
	if got := r.file(t, "unmapped.csv"); !strings.Contains(got, "grades,7,1,results:5,") || !strings.Contains(got, `tenants/x/simple/grades.csv,"value,descriptor","7,"`) {
		t.Error(got)
	}
	if got := r.file(t, "mappings.csv"); !strings.Contains(got, "tenants/x/simple/grades.csv:2") {
		t.Error(got)
	}
	for files, want := range map[string]string{
		"-- tests.csv --\ncode,assessment,title,subject\n":             "tests.csv may not be overlaid",
		"-- grade.csv --\nvalue,descriptor\n":                          `grade.csv may not be overlaid (did you mean "grades.csv"?)`,
		"-- grades.csv --\nvalue,to\n3,x\n":                            "the columns are not those of the bundle's table",
		"-- grades.csv --\nvalue,descriptor\n3,x\n3,y\n":               "the key stands already in line 2",
		"-- grades.csv --\nvalue,descriptor\n3,uri://x/Descriptor#y\n": "is not a value of GradeLevelDescriptor",
	} {
		if _, problems := tryCompile(t, simple, over(files)); !strings.Contains(problemText(problems), want) {
			t.Errorf("%s: %s", files, problemText(problems))
		}
	}
}

// A table that only a tenant fills may hold lookups in tables that nothing else looks up.
func TestOverlayBringsLookups(t *testing.T) {
	text := with(t, "vendor: [", "vendor: [AccommodationDescriptor, ", "descriptors:\n", "tables:\n  more: {key: code, overlay: true}\ndescriptors:\n",
		"administrationDate: day", "administrationDate: day\n      accommodations: {each: tables.more, record: {accommodationDescriptor: 'lookup(\"names\", code).title'}}") +
		"-- tables/more.csv --\ncode\n-- tables/names.csv --\ncode,title\nA,Alpha\n"
	p := compile(t, text, year, func(c *mapping.Config) {
		c.Overlay = &mapping.Overlay{FS: archive("-- more.csv --\ncode\nA\n"), Path: "tenants/x/simple"}
	})
	r := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,\n")
	if got := r.staged(t, "studentAssessments"); !strings.Contains(got, "AccommodationDescriptor#Alpha") {
		t.Errorf("%s\n%s", got, r.file(t, "problems", "transform.csv"))
	}
}
