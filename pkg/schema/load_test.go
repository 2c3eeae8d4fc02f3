package schema_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// TestLoadReadsWhatFilesWrites holds what Load makes of the embedded files against what it writes again.
func TestLoadReadsWhatFilesWrites(t *testing.T) {
	for _, version := range schema.Versions(schemas.FS) {
		s, err := schema.Load(schemas.FS, version)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range s.Files() {
			embedded, err := schemas.FS.ReadFile("ds-" + version + "/" + name)
			if err != nil {
				t.Error(err)
			}
			// A checkout on Windows may have CRLF.
			if diff := cmp.Diff(strings.ReplaceAll(string(embedded), "\r\n", "\n"), string(text)); diff != "" {
				t.Errorf("%s (-embedded +written):\n%s", name, diff)
			}
		}
	}
}

func TestVersions(t *testing.T) {
	if got := schema.Versions(schemas.FS); !slices.Equal(got, []string{"3.3", "4.0", "5.0", "5.1", "5.2", "6.0"}) {
		t.Errorf("%v", got)
	}
	if _, err := schema.Load(schemas.FS, "9.9"); err == nil {
		t.Error("no error for a standard that is not embedded")
	}
}

func TestFacts(t *testing.T) {
	s := load(t)
	if n := len(s.Names()); n != 340 {
		t.Errorf("%d endpoints", n)
	}
	r, _ := s.Resource("studentAssessments")
	p, ok := r.Property(schema.Path{"scoreResults", "result"})
	if !ok || p.MaxLength != 35 || !p.Required || p.Kind != schema.KindString {
		t.Errorf("%+v", p)
	}
	p, _ = r.Property(schema.Path{"whenAssessedGradeLevelDescriptor"})
	if p.Descriptor != "GradeLevelDescriptor" {
		t.Errorf("%+v", p)
	}
	for _, absent := range []string{"id", "_etag", "_lastModifiedDate"} {
		if _, ok := r.Property(schema.Path{absent}); ok {
			t.Errorf("%s is a server field", absent)
		}
	}
	if d, ok := s.DescriptorResource("CTEProgramServiceDescriptor"); !ok || d.Name != "cteProgramServiceDescriptors" {
		t.Errorf("%+v", d)
	}
	if _, ok := s.DescriptorResource("ZebraDescriptor"); ok {
		t.Error("found a descriptor that is not there")
	}
	if got := r.JSONPath(schema.Path{"studentObjectiveAssessments", "scoreResults", "result"}); got != "$.studentObjectiveAssessments[*].scoreResults[*].result" {
		t.Error(got)
	}
	ref := r.Root.ByName["assessmentReference"].Object.Reference
	want := []schema.ReferenceKey{
		{Name: "assessmentIdentifier", Target: schema.Path{"assessmentIdentifier"}, Kind: schema.KindString},
		{Name: "namespace", Target: schema.Path{"namespace"}, Kind: schema.KindString}}
	if diff := cmp.Diff(want, ref.Keys); diff != "" {
		t.Error(diff)
	}
}

func TestStandardDescriptors(t *testing.T) {
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	if len(values) != 3273 {
		t.Errorf("%d values", len(values))
	}
	s := load(t)
	for _, v := range values {
		if r, ok := s.DescriptorResource(v.Type); !ok || r.Descriptor != v.Type {
			t.Errorf("%s is not spelled as the standard does", v.Type)
		}
	}
	if !slices.Contains(values, schema.DescriptorValue{Type: "GradeLevelDescriptor", Namespace: "uri://ed-fi.org/GradeLevelDescriptor", CodeValue: "Third grade"}) {
		t.Error("Third grade is missing")
	}
}

func TestWaves(t *testing.T) {
	s := load(t)
	got := s.Waves([]string{"studentAssessments", "objectiveAssessments", "assessments", "performanceLevelDescriptors", "assessmentReportingMethodDescriptors", "students"})
	want := [][]string{{"assessmentReportingMethodDescriptors", "performanceLevelDescriptors"}, {"students"}, {"assessments"}, {"objectiveAssessments"}, {"studentAssessments"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	place := map[string]int{}
	for i, wave := range s.Waves(s.Names()) {
		for _, name := range wave {
			place[name] = i
		}
	}
	for _, name := range s.Names() {
		r, _ := s.Resource(name)
		for _, ref := range r.References {
			for _, target := range ref.Targets {
				if target != name && place[target] >= place[name] {
					t.Errorf("%s loads in wave %d, but refers to %s of wave %d", name, place[name], target, place[target])
				}
			}
		}
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	for _, text := range []string{`{`, `{"type": 5}`, `{"zebra": 1}`, `{"type": "object"} x`, `{"properties": {"a": {"maxLength": true}}}`} {
		s, err := schema.Load(damaged(text), "5.1")
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, "students.json: ") {
					t.Errorf("%s: %s", text, said)
				}
			}()
			s.Resource("students")
		}()
	}
}

// TestConcurrentUse asks one standard for the same resources from several goroutines: it decodes each once.
func TestConcurrentUse(t *testing.T) {
	s := load(t)
	names := []string{"studentAssessments", "assessments", "students", "gradeLevelDescriptors", "academicSubjectDescriptors"}
	found := make([][]*schema.Resource, 8)
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() {
			for _, name := range names {
				r, _ := s.Resource(name)
				found[i] = append(found[i], r)
				if _, ok := s.Checker(name); !ok {
					t.Errorf("%s has no check", name)
				}
			}
		})
	}
	wg.Wait()
	for _, f := range found {
		if !slices.Equal(f, found[0]) {
			t.Error("one name, two resources")
		}
	}
}

func damaged(text string) fs.FS {
	return fstest.MapFS{
		"ds-5.1/standard.json": {Data: []byte(`{"version": "5.1", "endpoints": {"students": {"order": 1}}}`)},
		"ds-5.1/students.json": {Data: []byte(text)},
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		s, err := schema.Load(schemas.FS, "5.1")
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := s.Checker("studentAssessments"); !ok {
			b.Fatal("no check")
		}
	}
}

func TestShaping(t *testing.T) {
	for _, tt := range []struct{ embedded, version, fits, says string }{
		{"5.1", "5.1", "5.1", "Set `data_standard: \"5.1\"` for the tenant, then"},
		{"5.1", "5.2", "5.1", "the nearest to the target's 5.2"},
		{"4.0 5.0 5.1", "5.0", "5.0", "\"5.0\""},
		{"4.0 5.0 5.1", "5.2", "5.1", "\"5.1\""},
		{"4.0 5.1", "6.0", "", "Records can be shaped for data standard 4.0, 5.1, so a target with 6.0 cannot be loaded"},
	} {
		if fits, advice := schema.Shaping(strings.Fields(tt.embedded), tt.version); fits != tt.fits || !strings.Contains(advice, tt.says) {
			t.Errorf("%+v: %q, %s", tt, fits, advice)
		}
	}
}
