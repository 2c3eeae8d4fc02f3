package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shared = "../../../shared"

// sharedFile reads a file of the reference material, unpacked; without that material the test is skipped.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared, name))
	if os.IsNotExist(err) {
		t.Skipf("the shared reference material is not here: %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(zr); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// publishedStandard reads the published documents of a data standard.
func publishedStandard(t testing.TB, version string) *Standard {
	t.Helper()
	docs := Documents{Version: version,
		Resources:   [][]byte{sharedFile(t, "openapi/ds-"+version+"-resources.json.gz")},
		Descriptors: [][]byte{sharedFile(t, "openapi/ds-"+version+"-descriptors.json.gz")}}
	if version == "5.1" || version == "4.0" {
		docs.Dependencies = sharedFile(t, "openapi/ds-"+version+"-dependencies.json.gz")
	}
	s, err := FromOpenAPI(docs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type oracle struct {
	AbstractResources map[string]struct{ Subclasses []string }
	Resources         map[string]oracleResource
}

type oracleResource struct {
	AllowIdentityUpdates bool
	IdentityJSONPaths    []string
	RequiredJSONPaths    []string
	NonEmptyArrays       []string
	References           []struct {
		Path, Target, TargetResource string
		Required, Identity           bool
		Keys                         []struct{ Reference, Target, Type, Descriptor string }
	}
	Descriptors         []struct{ Path, Target string }
	EqualityConstraints []struct{ Source, Target string }
	ArrayKeys           map[string][]string // 5.2 only; compared by TestItemKeys
}

// facts writes what an oracle or a Standard says about a resource as lines that can be compared.
func (r oracleResource) facts(o oracle) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, p := range r.IdentityJSONPaths {
		add("identity %s", p)
	}
	for _, p := range r.RequiredJSONPaths {
		add("required %s", p)
	}
	for _, d := range r.Descriptors {
		add("descriptor %s %s", d.Path, d.Target)
	}
	if r.AllowIdentityUpdates {
		add("key updates")
	}
	for _, ref := range r.References {
		targets := []string{ref.Target}
		if ref.Target == "" {
			targets = o.AbstractResources[ref.TargetResource].Subclasses
		}
		add("reference %s to %s required=%v identity=%v", ref.Path, strings.Join(targets, ","), ref.Required, ref.Identity)
		for _, k := range ref.Keys {
			add("key %s of %s", k.Reference, k.Target)
		}
	}
	for _, e := range r.EqualityConstraints {
		add("equal %s %s", min(e.Source, e.Target), max(e.Source, e.Target))
	}
	for path, keys := range r.ArrayKeys {
		slices.Sort(keys)
		keys = slices.Compact(keys)
		add("unique %s by %s", path, strings.Join(keys, ","))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// facts leaves extension data out: the oracles hold the core.
func (r *Resource) facts(s *Standard) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, k := range r.Identity {
		for _, p := range append([]Path{k.Path}, k.Also...) {
			add("identity %s", r.JSONPath(p))
		}
	}
	if r.KeyUpdates {
		add("key updates")
	}
	for _, ref := range r.References {
		if ref.Path[0] == extensions {
			continue
		}
		add("reference %s to %s required=%v identity=%v", r.JSONPath(ref.Path), strings.Join(ref.Targets, ","), ref.Required, ref.Identity)
		for _, k := range ref.Keys {
			targets := []Path{k.Target}
			if ref.Abstract == "" {
				for _, part := range s.Resources[ref.Targets[0]].Identity {
					if slices.Equal(part.Path, k.Target) {
						targets = append(targets, part.Also...)
					}
				}
			}
			for _, target := range targets {
				add("key %s of %s", r.JSONPath(append(slices.Clone(ref.Path), k.Name)), target)
			}
		}
	}
	for _, e := range r.Equal {
		a, b := r.JSONPath(e[0]), r.JSONPath(e[1])
		add("equal %s %s", min(a, b), max(a, b))
	}
	r.walk(func(o *Object, p *Property, path string) {
		if p.Required {
			add("required %s", strings.TrimSuffix(path, "[*]"))
		}
		if p.Descriptor != "" && o.Reference == nil {
			d, _ := s.DescriptorResource(p.Descriptor)
			add("descriptor %s %s", path, d.Name)
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Resource) itemKeyFacts() []string {
	var out []string
	r.walk(func(_ *Object, p *Property, path string) {
		if p.Kind != KindArray {
			return
		}
		keys := make([]string, 0, len(p.ItemKey))
		for _, k := range p.ItemKey {
			keys = append(keys, strings.Join(k, "."))
		}
		slices.Sort(keys)
		out = append(out, fmt.Sprintf("unique %s by %s", path, strings.Join(keys, ",")))
	})
	slices.Sort(out)
	return out
}

// walk visits every property but those of extensions; path is its JSON path.
func (r *Resource) walk(visit func(o *Object, p *Property, path string)) {
	var walk func(o *Object, path Path)
	walk = func(o *Object, path Path) {
		for _, p := range o.Properties {
			if p.Name == extensions {
				continue
			}
			here := append(slices.Clone(path), p.Name)
			visit(o, p, r.JSONPath(here))
			if p.Object != nil {
				walk(p.Object, here)
			}
		}
	}
	walk(r.Root, nil)
}

// The differences between what we read from the documents and the oracle, each with its reason.
var (
	// The documents keep gradingPeriodSchoolYear and schoolYear of a grade apart, and so does the
	// ODS/API; only the model behind the oracle says they are one. Not to check them is the safe side.
	gradeYears = []string{
		"- grades equal $.gradingPeriodReference.schoolYear $.studentSectionAssociationReference.schoolYear",
		"- reportCards equal $.grades[*].gradeReference.schoolId $.gradingPeriodReference.schoolId",
	}
	// The documents of the DMS name no columns of references outside the key, so that equal parts
	// of two such references, or of one and a plain property, cannot be told from different ones.
	unnamedColumns = []string{
		"- chartOfAccounts equal $.balanceSheetDimensionReference.fiscalYear $.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.functionDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.fundDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.objectDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.operationalUnitDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.programDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.projectDimensionReference.fiscalYear",
		"- chartOfAccounts equal $.fiscalYear $.sourceDimensionReference.fiscalYear",
		"- gradebookEntries equal $.gradingPeriodReference.schoolId $.sectionReference.schoolId",
		"- gradebookEntries equal $.gradingPeriodReference.schoolYear $.sectionReference.schoolYear",
		"- localAccounts equal $.chartOfAccountReference.fiscalYear $.fiscalYear",
		"- sections equal $.locationReference.schoolId $.locationSchoolReference.schoolId",
		"- staffEducationOrganizationAssignmentAssociations equal $.employmentStaffEducationOrganizationEmploymentAssociationReference.staffUniqueId $.staffReference.staffUniqueId",
		"- staffSchoolAssociations equal $.calendarReference.schoolYear $.schoolYearTypeReference.schoolYear",
		"- studentSchoolAssociations equal $.calendarReference.schoolYear $.schoolYearTypeReference.schoolYear",
		"- surveys equal $.schoolYearTypeReference.schoolYear $.sessionReference.schoolYear",
	}
)

func TestAgainstOracle(t *testing.T) {
	for version, want := range map[string][]string{
		"5.0": gradeYears,
		"5.1": gradeYears,
		"5.2": slices.Concat(gradeYears, unnamedColumns),
	} {
		t.Run(version, func(t *testing.T) {
			s := publishedStandard(t, version)
			o := readOracle(t, version)
			for name, r := range o.Resources {
				r.ArrayKeys = nil
				o.Resources[name] = r
			}
			got := differences(o, func(name string) ([]string, bool) {
				r, ok := s.Resource(name)
				if !ok {
					return nil, false
				}
				return r.facts(s), true
			})
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differences from the oracle (-listed +found):\n%s", diff)
			}
			for name, r := range s.Resources {
				if _, ok := o.Resources[name]; !ok && r.Segment == coreSegment {
					t.Errorf("%s is not in the oracle", name)
				}
			}
		})
	}
}

// TestItemKeys compares what must be unique in collections with the only oracle that says it,
// that of 5.2; the documents of 5.1 mark it, those of 5.2 do not.
func TestItemKeys(t *testing.T) {
	s := publishedStandard(t, "5.1")
	o := readOracle(t, "5.2")
	for name, r := range o.Resources {
		r = oracleResource{ArrayKeys: r.ArrayKeys}
		o.Resources[name] = r
	}
	got := differences(o, func(name string) ([]string, bool) {
		r, ok := s.Resource(name)
		if !ok {
			return o.Resources[name].facts(o), true // came with 5.2
		}
		return r.itemKeyFacts(), true
	})
	want := []string{
		// A collection that came with 5.2.
		"- studentDisciplineIncidentBehaviorAssociations unique $.weapons[*] by weaponDescriptor",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences from the oracle (-listed +found):\n%s", diff)
	}
}

func readOracle(t testing.TB, version string) oracle {
	t.Helper()
	var o oracle
	if err := json.Unmarshal(sharedFile(t, "openapi/natural-keys-ds-"+version+".json.gz"), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// differences lists what the oracle alone says (-) and what facts alone says (+).
func differences(o oracle, facts func(name string) ([]string, bool)) []string {
	var out []string
	for name, resource := range o.Resources {
		got, ok := facts(name)
		if !ok {
			out = append(out, "- "+name)
			continue
		}
		want := resource.facts(o)
		for _, f := range want {
			if _, ok := slices.BinarySearch(got, f); !ok {
				out = append(out, "- "+name+" "+f)
			}
		}
		for _, f := range got {
			if _, ok := slices.BinarySearch(want, f); !ok {
				out = append(out, "+ "+name+" "+f)
			}
		}
	}
	slices.Sort(out)
	return out
}
