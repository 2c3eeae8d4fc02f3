package schema

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/schemas"
)

// naturalKeysFile holds the natural keys of Data Standard 5.1 as its model says them; testdata/natural-keys/README.md
// says where from. The published documents, which pkg/schema reads, are another source.
const naturalKeysFile = "../../testdata/natural-keys/ds-5.1.jsonl"

// naturalKey is one line of naturalKeysFile.
type naturalKey struct {
	Resource string   `json:"resource"`
	Order    int      `json:"order"` // of loading
	Facts    []string `json:"facts"`
}

// The differences between what we read and the oracle, each with its reason.
var (
	// The documents keep gradingPeriodSchoolYear and schoolYear of a grade apart, and so does the
	// ODS/API; only the model behind the oracle says they are one. Not to check them is the safe side.
	gradeYears = []string{
		"- grades equal $.gradingPeriodReference.schoolYear $.studentSectionAssociationReference.schoolYear",
		"- reportCards equal $.grades[*].gradeReference.schoolId $.gradingPeriodReference.schoolId",
	}
	// What must be unique in a collection is known of 5.2 only, where this collection is new.
	newCollections = []string{"- studentDisciplineIncidentBehaviorAssociations unique $.weapons[*] by weaponDescriptor"}
)

// TestAgainstOracle compares the natural keys, references, load order and keys of collections of the embedded data
// standard with the oracle.
func TestAgainstOracle(t *testing.T) {
	s, err := Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(naturalKeysFile)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	var got []string
	for line := range strings.Lines(string(text)) {
		var want naturalKey
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		known[want.Resource] = true
		r, ok := s.Resource(want.Resource)
		if !ok {
			t.Errorf("%s is missing", want.Resource)
			continue
		}
		if r.Order != want.Order {
			t.Errorf("%s loads at %d, not at %d", r.Name, r.Order, want.Order)
		}
		got = append(got, differences(r.Name, want.Facts, append(r.naturalKeyFacts(s), r.itemKeyFacts()...))...)
	}
	if diff := cmp.Diff(slices.Concat(gradeYears, newCollections), got); diff != "" {
		t.Errorf("differences from the oracle (-listed +found):\n%s", diff)
	}
	for name, load := range s.resources {
		r := load()
		switch {
		case r.Descriptor == "" && !known[name]:
			t.Errorf("%s is not in the oracle", name)
		case r.Descriptor != "" && (r.Order != 1 || !slices.Equal(r.naturalKeyFacts(s), []string{"identity $.codeValue", "identity $.namespace"})):
			t.Errorf("%s loads at %d, with %v", name, r.Order, r.naturalKeyFacts(s))
		}
	}
	if len(known) != 131 {
		t.Errorf("the oracle has %d resources", len(known))
	}
}

// TestDerivedOrder derives for 5.1 what its dependencies document says.
func TestDerivedOrder(t *testing.T) {
	s, err := Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	for r := range s.All {
		r.Order = 0
	}
	if err := s.setOrder(nil); err != nil {
		t.Fatal(err)
	}
	checkOrder(t, s)
}

// keyFact says which path of the target a part of a reference holds.
func keyFact(name, target string) string {
	if target = strings.TrimPrefix(target, "$."); target != name {
		return name + "=" + target
	}
	return name
}

// referenceFact says what a reference is; keys are made by keyFact.
func referenceFact(path string, targets []string, required, identity bool, keys []string) string {
	slices.Sort(keys)
	fact := "reference " + path + " to " + strings.Join(targets, ",")
	if required {
		fact += " required"
	}
	if identity {
		fact += " identity"
	}
	return fact + " by " + strings.Join(keys, " ")
}

// naturalKeyFacts leaves extension data out: the oracles hold the core.
func (r *Resource) naturalKeyFacts(s *Standard) []string {
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
		var keys []string
		for _, k := range ref.Keys {
			targets := []Path{k.Target}
			if ref.Abstract == "" {
				for _, part := range s.resources[ref.Targets[0]]().Identity {
					if slices.Equal(part.Path, k.Target) {
						targets = append(targets, part.Also...)
					}
				}
			}
			for _, target := range targets {
				keys = append(keys, keyFact(k.Name, target.String()))
			}
		}
		add("%s", referenceFact(r.JSONPath(ref.Path), ref.Targets, ref.Required, ref.Identity, keys))
	}
	for _, e := range r.Equal {
		a, b := r.JSONPath(e[0]), r.JSONPath(e[1])
		add("equal %s %s", min(a, b), max(a, b))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// schemaFacts are what the schema of a resource says of its properties, extension data left out.
func (r *Resource) schemaFacts(s *Standard) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	r.walk(func(o *Object, p *Property, path string) {
		if p.Required {
			add("required %s", strings.TrimSuffix(path, "[*]"))
		}
		if p.Descriptor != "" && o.Reference == nil {
			d, _ := s.DescriptorResource(p.Descriptor)
			add("descriptor %s %s", path, d.Name)
		}
	})
	return out
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

// differences lists what the oracle alone says (-) and what was read alone says (+) of one resource.
func differences(resource string, oracle, read []string) []string {
	var out []string
	for _, f := range oracle {
		if !slices.Contains(read, f) {
			out = append(out, "- "+resource+" "+f)
		}
	}
	for _, f := range read {
		if !slices.Contains(oracle, f) {
			out = append(out, "+ "+resource+" "+f)
		}
	}
	return out
}
