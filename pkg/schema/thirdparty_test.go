package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/schemas"
)

// sharedFile reads a document of Ed-Fi, unpacked; where it is not, the test is skipped.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../shared", name))
	if os.IsNotExist(err) {
		t.Skipf("a document of Ed-Fi that is not part of this repository: ../shared/%s", name)
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
	IsDescriptor         bool
	AllowIdentityUpdates bool
	IdentityJSONPaths    []string
	RequiredJSONPaths    []string
	References           []struct {
		Path, Target, TargetResource string
		Required, Identity           bool
		Keys                         []struct{ Reference, Target, Type, Descriptor string }
	}
	Descriptors         []struct{ Path, Target string }
	EqualityConstraints []struct{ Source, Target string }
	ArrayKeys           map[string][]string // 5.2 only
}

// facts writes what an oracle says about a resource as lines that can be compared.
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
		keys := make([]string, len(ref.Keys))
		for i, k := range ref.Keys {
			keys[i] = keyFact(strings.TrimPrefix(k.Reference, ref.Path+"."), k.Target)
		}
		add("%s", referenceFact(ref.Path, targets, ref.Required, ref.Identity, keys))
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

func readOracle(t testing.TB, version string) oracle {
	t.Helper()
	var o oracle
	if err := json.Unmarshal(sharedFile(t, "openapi/natural-keys-ds-"+version+".json.gz"), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// The documents of the DMS name no columns of references outside the key, so that equal parts
// of two such references, or of one and a plain property, cannot be told from different ones.
var unnamedColumns = []string{
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

// TestThirdPartyOracle compares what the published documents say with the natural keys of MetaEd.
func TestThirdPartyOracle(t *testing.T) {
	readOracle(t, "5.1") // skips the whole test, not each version
	for version, want := range map[string][]string{
		"5.0": gradeYears,
		"5.1": gradeYears,
		"5.2": slices.Concat(gradeYears, unnamedColumns),
	} {
		t.Run(version, func(t *testing.T) {
			s := publishedStandard(t, version)
			o := readOracle(t, version)
			var got []string
			for name, resource := range o.Resources {
				resource.ArrayKeys = nil
				if r, ok := s.Resource(name); ok {
					got = append(got, differences(name, resource.facts(o), append(r.naturalKeyFacts(s), r.schemaFacts(s)...))...)
				} else {
					got = append(got, "- "+name)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differences from the oracle (-listed +found):\n%s", diff)
			}
			for name, load := range s.resources {
				r := load()
				if _, ok := o.Resources[name]; !ok && r.Segment == coreSegment {
					t.Errorf("%s is not in the oracle", name)
				}
			}
		})
	}
}

// TestThirdPartyEmbedded52 compares the embedded 5.2 with MetaEd's oracle: its documents come from the DMS, and what they
// leave unsaid from its neighbours.
func TestThirdPartyEmbedded52(t *testing.T) {
	o := readOracle(t, "5.2")
	s, err := Load(schemas.FS, "5.2")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, resource := range o.Resources {
		if resource.IsDescriptor {
			continue
		}
		r, ok := s.Resource(name)
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		resource.RequiredJSONPaths, resource.Descriptors = nil, nil
		got = append(got, differences(name, resource.facts(o), append(r.naturalKeyFacts(s), r.itemKeyFacts()...))...)
	}
	slices.Sort(got)
	if diff := cmp.Diff(gradeYears, got); diff != "" {
		t.Errorf("differences from the oracle (-listed +found):\n%s", diff)
	}
}

var update = flag.Bool("update", false, "rewrite testdata/natural-keys from the documents")

// TestThirdPartyNaturalKeys holds the table of natural keys in this repository equal to the documents that it is
// taken from. What must be unique in a collection is said of 5.2 only.
func TestThirdPartyNaturalKeys(t *testing.T) {
	o, newer := readOracle(t, "5.1"), readOracle(t, "5.2")
	documents := publishedStandard(t, "5.1")
	var want strings.Builder
	enc := json.NewEncoder(&want)
	for _, name := range slices.Sorted(maps.Keys(o.Resources)) {
		r := o.Resources[name]
		if r.IsDescriptor {
			continue
		}
		r.RequiredJSONPaths, r.Descriptors, r.ArrayKeys = nil, nil, newer.Resources[name].ArrayKeys
		if err := enc.Encode(naturalKey{name, documents.resources[name]().Order, r.facts(o)}); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile(naturalKeysFile, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(naturalKeysFile)
	if err != nil || string(got) != want.String() {
		t.Errorf("%s is not what the documents say (%v); rewrite it with -update", naturalKeysFile, err)
	}
}

// TestThirdPartyStandards reads all that Ed-Fi publishes, Swagger 2.0 and OpenAPI 3, ODS/API and
// DMS, and asks that nothing is left open.
func TestThirdPartyStandards(t *testing.T) {
	publishedStandard(t, "5.1") // skips the whole test, not each version
	for _, tt := range []struct {
		version   string
		resources int // without descriptors
	}{{"3.3", 129}, {"4.0", 140}, {"5.0", 143}, {"5.1", 131}, {"5.2", 153}, {"6.0", 187}} {
		t.Run(tt.version, func(t *testing.T) {
			s := publishedStandard(t, tt.version)
			resources := 0
			for r := range s.All {
				if r.Descriptor == "" {
					resources++
				}
				if len(r.Identity) == 0 {
					t.Errorf("%s has no key", r.Name)
				}
				for _, ref := range r.References {
					checkTargets(t, s, r, ref)
				}
				if _, ok := s.Checker(r.Name); !ok {
					t.Errorf("%s has no checker", r.Name)
				}
			}
			if resources != tt.resources {
				t.Errorf("%d resources, want %d", resources, tt.resources)
			}
			checkOrder(t, s)
			// The files of any standard can be written and compiled.
			if _, err := s.Validator("studentAssessments"); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkTargets(t *testing.T, s *Standard, r *Resource, ref *Reference) {
	t.Helper()
	if len(ref.Targets) == 0 {
		t.Errorf("%s %s points at nothing", r.Name, ref.Path)
	}
	for _, target := range ref.Targets {
		order := ref.keyOrder(s.resources[target]())
		if order == nil {
			t.Errorf("%s %s does not give the whole key of %s", r.Name, ref.Path, target)
			continue
		}
		for i, part := range s.resources[target]().Identity {
			if key := ref.Keys[order[i]]; part.Kind != key.Kind {
				t.Errorf("%s %s.%s does not fit %s of %s", r.Name, ref.Path, key.Name, part.Path, target)
			}
		}
	}
}

// openedCircles are the references that the load order does not keep: the TPDM extension closes a
// circle, which is opened at one that a record can do without, by us or by the API itself (4.0).
var openedCircles = map[string]string{
	"3.3": "credentials studentAcademicRecords", "5.0": "credentials studentAcademicRecords", "5.2": "credentials studentAcademicRecords",
	"6.0": "credentials studentAcademicRecords", "4.0": "studentAcademicRecords reportCards",
}

// checkOrder asks that everything loads behind what it refers to.
func checkOrder(t *testing.T, s *Standard) {
	t.Helper()
	for r := range s.All {
		for _, ref := range r.References {
			for _, target := range ref.Targets {
				if target != r.Name && s.resources[target]().Order >= r.Order && openedCircles[s.Version] != r.Name+" "+target {
					t.Errorf("%s (order %d) refers to %s (order %d)", r.Name, r.Order, target, s.resources[target]().Order)
				}
			}
		}
		if r.Descriptor == "" && usesDescriptors(r.Root) && r.Order <= 1 {
			t.Errorf("%s loads together with descriptors", r.Name)
		}
	}
}

func TestThirdPartyExtensions(t *testing.T) {
	s := publishedStandard(t, "5.0")
	c, _ := s.Checker("schools")
	var rec Record
	c.Check([]byte(`{"schoolId":5,"nameOfInstitution":"North","educationOrganizationCategories":[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/E#School"}],
		"gradeLevels":[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third grade"}],"_ext":{"tpdm":{"postSecondaryInstitutionReference":{"postSecondaryInstitutionId":7},"zebra":1}}}`), &rec)
	if len(rec.Findings) != 1 || rec.Findings[0].Path != "$._ext.tpdm.zebra" {
		t.Errorf("%+v", rec.Findings)
	}
	if len(rec.References) != 1 || rec.References[0].Place.String() != "$._ext.tpdm.postSecondaryInstitutionReference" {
		t.Errorf("%+v", rec.References)
	}
}
