package transform

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/lookup"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

func TestOverlay(t *testing.T) {
	over := func(files string) func(*mapping.Config) {
		return func(c *mapping.Config) {
			c.Params = map[string]string{"school_year": "2024"}
			c.Overlay = &lookup.Overlay{FS: archive(files), Path: "tenants/x/simple"}
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
	_, problems := tryCompile(t, simple, over("-- grades.csv --\nvalue,descriptor\n3,uri://x/Descriptor#y\n"))
	if got := problemText(problems); !strings.Contains(got, "BND-OVERLAY tenants/x/simple/grades.csv:2: ") || !strings.Contains(got, "is not a value of GradeLevelDescriptor") {
		t.Error(got)
	}
}

// The rows of unmapped.csv are what is pasted, whatever mark the run's table puts before a cell that begins like a formula.
func TestRowsToPaste(t *testing.T) {
	p := compile(t, simple, year, func(c *mapping.Config) { c.Overlay = &lookup.Overlay{Path: "tenants/x/simple"} })
	rows, values := "", []string{"-1", "+2", "=3", "@4", "-a b", `"-a,b"`, "＝5", "＋6", `"=a""b"`, `"say ""hi"""`, "\"a\nb\"", `"=c
d"`, "007", "0", "1e5", "1-2", "NULL", "N/A", "#N/A", "TRUE", `"  leading"`, "'7", `"a,b,c"`, "\\."}
	for i, v := range values {
		rows += fmt.Sprintf("s%d,%s,3/1/2024,2024,1,,\n", i, v)
	}
	cells, err := csv.NewReader(strings.NewReader(mustRun(t, p, "results", header+rows).file(t, "unmapped.csv"))).ReadAll()
	if err != nil || len(cells) != len(values)+1 {
		t.Fatal(err, cells)
	}
	overlay := "-- grades.csv --\n"
	for _, row := range cells[1:] {
		overlay += row[7] + "Third grade\n"
	}
	overlay = strings.Replace(overlay, "\n", "\nvalue,descriptor\n", 1)
	p = compile(t, simple, year, func(c *mapping.Config) { c.Overlay = &lookup.Overlay{FS: archive(overlay), Path: "tenants/x/simple"} })
	n := int64(len(values))
	if r := mustRun(t, p, "results", header+rows); r.Inputs["results"] != counts(n, n, 0, 0, 0, 0) {
		t.Errorf("%s%+v", overlay, r.Inputs["results"])
	}
}

// A value whose rows are valid on other days gets a row for the days between them.
func TestRowsToPasteOfOtherDays(t *testing.T) {
	text := with(t, "descriptors:\n", "tables:\n  versions: {key: code, valid: {from: since, to: until}, overlay: true}\ndescriptors:\n", `lookup("tests", "S").assessment`, `lookup("versions", grade, day).assessment`) +
		"-- tables/versions.csv --\ncode,since,until,assessment\n3,,2023-12-31,a\n3,2024-07-01,,b\n"
	r := mustRun(t, compile(t, text, year), "results", header+"a,3,3/1/2024,2024,1,,\nb,3,4/1/2024,2024,1,,\n")
	if got := r.file(t, "unmapped.csv"); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"3,2024-01-01,2024-06-30,"`) {
		t.Error(got)
	}
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, `has no row for this value that is valid on 2024-03-01`) {
		t.Error(got)
	}
	for rows, want := range map[string]string{
		"3,2024-01-01,2024-08-01,c\n": "BND-OVERLAY ov/versions.csv:2: the validity overlaps that of line 3 of b/tables/versions.csv, which has the same key",
		"3,2024-02-01,2024-01-01,c\n": "BND-OVERLAY ov/versions.csv:2: the row is valid from 2024-02-01 to 2024-01-01: on no day",
	} {
		_, problems := tryCompile(t, text, year, func(c *mapping.Config) {
			c.Overlay = &lookup.Overlay{FS: archive("-- versions.csv --\ncode,since,until,assessment\n" + rows), Path: "ov"}
		})
		if got := problemText(problems); !strings.Contains(got, want) {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
}

// A table that only a tenant fills may hold lookups in tables that nothing else looks up.
func TestOverlayBringsLookups(t *testing.T) {
	text := with(t, "vendor: [", "vendor: [AccommodationDescriptor, ", "descriptors:\n", "tables:\n  more: {key: code, overlay: true}\ndescriptors:\n",
		"administrationDate: day", "administrationDate: day\n      accommodations: {each: tables.more, record: {accommodationDescriptor: 'lookup(\"names\", code).title'}}") +
		"-- tables/more.csv --\ncode\n-- tables/names.csv --\ncode,title\nA,Alpha\n"
	p := compile(t, text, year, func(c *mapping.Config) {
		c.Overlay = &lookup.Overlay{FS: archive("-- more.csv --\ncode\nA\n"), Path: "tenants/x/simple"}
	})
	r := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,\n")
	if got := r.staged(t, "studentAssessments"); !strings.Contains(got, "AccommodationDescriptor#Alpha") {
		t.Errorf("%s\n%s", got, r.file(t, "problems", "transform.csv"))
	}
}

// Cells of an overlay may be empty where the bundle's own rows have empty cells; what a spreadsheet leaves beside
// and below a table does no harm.
func TestOverlayCells(t *testing.T) {
	text := with(t, "descriptors:\n", "tables:\n  forms: {key: [code, part], overlay: true}\n  own: {overlay: true}\ndescriptors:\n",
		`lookup("tests", "S").assessment`, `lookup("forms", grade, "1").assessment`) +
		"-- tables/forms.csv --\ncode,part,assessment,note\n3,1,a,\n4,1,b,second\n-- tables/own.csv --\nkey,what\n"
	for rows, want := range map[string]string{
		"code,part,assessment,note\n7,1,b,\n":                  "",
		"code,part,assessment,note,,\r\n7,1,b,,,\r\n,,,,,\r\n": "",
		"\ufeffcode,part,assessment,note\n7,1,b,\n":            "",
		"code,part,assessment,note\n7,1,,\n":                   "ov/forms.csv:2: assessment is empty → Write one of a, b",
		"code,part,assessment,note\n7,,b,\n":                   "ov/forms.csv:2: part is empty → Write one of 1",
		"code,part,assessment,note\n,1,b,\n":                   "ov/forms.csv:2: code is empty → Write one of 3, 4",
		"code,part,assessment,note\n\"7,1,b,\",,,\n":           `ov/forms.csv:2: the whole row "7,1,b," is in one cell → Put each value into a cell of its own`,
		"code,part,assessment,note,\n7,1,b,,x\n":               `ov/forms.csv:1: the first line is "code,part,assessment,note,"`,
	} {
		p, problems := tryCompile(t, text, year, func(c *mapping.Config) {
			c.Overlay = &lookup.Overlay{FS: archive("-- own.csv --\nkey,what\nx,\n-- forms.csv --\n" + rows), Path: "ov"}
		})
		var got strings.Builder
		for _, d := range problems {
			if d.Code == "BND-OVERLAY" {
				got.WriteString(d.Pos().String() + ": " + d.Message + " → " + d.Fix + "\n")
			}
		}
		if !strings.Contains(got.String(), want) || want == "" && got.Len() > 0 {
			t.Errorf("%q: %s%s", rows, got.String(), problemText(problems))
		}
		if want == "" && (p == nil || p.Overlays[0].Added != 1 || p.Overlays[0].Replaced != 0) {
			t.Errorf("%q: %+v", rows, p)
		}
	}
}
