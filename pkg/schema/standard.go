// Package schema owns the data standard: its resources and descriptors with their properties, natural
// keys, references and load order. It reads them from the files embedded in the binary (Load) or from
// the OpenAPI documents of a target (FromOpenAPI), and checks one record over its bytes (Checker).
package schema

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Standard is one data standard: embedded, or as a target describes itself. Immutable, and safe
// for concurrent use.
type Standard struct {
	Version    string      // "5.1"
	Generation Generations // of the target that it was read from; 0: not known

	resources   map[string]func() *Resource // by endpoint name, descriptors included
	descriptors map[string]string           // endpoint names by folded type name
}

// Resource is one endpoint.
type Resource struct {
	Name       string // of the endpoint: studentAssessments; an extension's has its segment in front: tpdm.candidates
	Segment    string // of the URL: ed-fi, or an extension's, as in tpdm
	Descriptor string // the type of a descriptor endpoint, as in GradeLevelDescriptor; else empty
	Root       *Object
	Identity   []KeyPart    // the natural key, in a fixed order
	References []*Reference // every reference of the resource, in collections too
	Equal      [][2]Path    // paths whose values must be equal wherever both are present
	Order      int          // from the dependencies document, or derived; equal orders may load together
	KeyUpdates bool         // PUT may change the natural key
}

// Path is a list of property names from the root on; the name of a collection means each of its items.
type Path []string

// String writes the path as $.a.b. Resource.JSONPath also shows which names are collections.
func (p Path) String() string { return "$." + strings.Join(p, ".") }

// Leaf is the last name.
func (p Path) Leaf() string { return p[len(p)-1] }

// KeyPart is one part of a natural key.
type KeyPart struct {
	Path       Path
	Kind       Kind
	Descriptor string // the part's descriptor type, or empty
	Also       []Path // other paths of the same part; by Resource.Equal their values equal that at Path
}

// Reference is a reference property.
type Reference struct {
	Path     Path
	Abstract string   // the target, if it is abstract, as in EducationOrganization; else empty
	Targets  []string // endpoint names; more than one for an abstract target
	Keys     []ReferenceKey
	Required bool // within the object that holds it
	Identity bool // part of the resource's natural key

	schema string // its name in the document that the reference was read from
}

// ReferenceKey pairs a part of the reference with the target's key part of the same value.
type ReferenceKey struct {
	Name   string // property inside the reference
	Target Path   // path at the target; of the abstract key for an abstract target
	Kind   Kind
}

// Kind is what a property holds.
type Kind uint8

// The kinds.
const (
	KindString Kind = iota
	KindInteger
	KindNumber
	KindBoolean
	KindDate
	KindDateTime
	KindTime
	KindObject
	KindArray
	KindAny // extension data: only the target knows
)

var kindWords = [...]string{"text", "a whole number", "a number", "true or false", "a date", "a date with time", "a time", "an object", "a list", "a value"}

// String says the kind in words, as in "… must be a whole number".
func (k Kind) String() string { return kindWords[k] }

// Object holds the properties of a resource, a reference, an embedded object or an item.
type Object struct {
	Properties []*Property // sorted by name
	ByName     map[string]*Property
	Reference  *Reference // for a reference object
	Open       bool       // other properties are allowed: extension data of which no schema is known
}

// Property is one property. Those that only the server sets (id, link, _etag, _lastModifiedDate) are
// left out.
type Property struct {
	Name       string
	Kind       Kind
	Required   bool
	Descriptor string // the type of the descriptor it holds, as in GradeLevelDescriptor; else empty
	MaxLength  int    // in UTF-16 code units; 0: no limit
	MinLength  int
	Minimum    *float64
	Maximum    *float64
	Int64      bool    // KindInteger: 64 bits, else 32
	Object     *Object // of KindObject; for KindArray the item, nil if items are not objects
	ItemKey    []Path  // KindArray: what must be unique in the collection, relative to the item

	marked bool // its document marks it as a part of a key
}

// Endpoint is the path of the resource below the data URL: ed-fi/students.
func (r *Resource) Endpoint() string { return r.Segment + "/" + r.collection() }

// collection is the last part of the path.
func (r *Resource) collection() string { return strings.TrimPrefix(r.Name, r.Segment+".") }

// nameOf is the name of the resource at a path: an extension may call one like the core does.
func nameOf(segment, collection string) string {
	if segment == coreSegment {
		return collection
	}
	return segment + "." + collection
}

// Resource finds an endpoint by its name. One without a segment is the core's.
func (s *Standard) Resource(name string) (*Resource, bool) {
	r, ok := s.resources[name]
	if !ok {
		return nil, false
	}
	return r(), true
}

// All yields every endpoint, sorted by name.
func (s *Standard) All(yield func(*Resource) bool) {
	for _, name := range s.Names() {
		if !yield(s.resources[name]()) {
			return
		}
	}
}

func newStandard(version string) *Standard {
	return &Standard{Version: version, resources: map[string]func() *Resource{}, descriptors: map[string]string{}}
}

func (s *Standard) add(r *Resource) {
	s.resources[r.Name] = func() *Resource { return r }
	typ := strings.ToLower(r.Descriptor)
	if _, known := s.descriptors[typ]; typ != "" && (!known || r.Segment == coreSegment) {
		s.descriptors[typ] = r.Name
	}
}

// Names are the endpoints, descriptors included, sorted.
func (s *Standard) Names() []string { return slices.Sorted(maps.Keys(s.resources)) }

// DescriptorResource finds the endpoint of a descriptor type: "GradeLevelDescriptor" is
// gradeLevelDescriptors. Case does not matter: documents write CteProgramService, bundles CTEProgramService.
func (s *Standard) DescriptorResource(typ string) (*Resource, bool) {
	return s.Resource(s.descriptors[strings.ToLower(typ)])
}

// Waves orders resources for loading: those of one wave may load together, and refer only to
// earlier waves or to records of their own resource. Unknown names come last.
func (s *Standard) Waves(resources []string) [][]string {
	byOrder := map[int][]string{}
	for _, name := range resources {
		order := math.MaxInt
		if r, ok := s.Resource(name); ok {
			order = r.Order
		}
		byOrder[order] = append(byOrder[order], name)
	}
	waves := make([][]string, 0, len(byOrder))
	for _, order := range slices.Sorted(maps.Keys(byOrder)) {
		names := byOrder[order]
		slices.Sort(names)
		waves = append(waves, slices.Compact(names))
	}
	return waves
}

// RefersTo reports whether records of r may refer to those of the resource of this name.
func (r *Resource) RefersTo(name string) bool {
	return slices.ContainsFunc(r.References, func(ref *Reference) bool { return slices.Contains(ref.Targets, name) })
}

// Property finds the property at path.
func (r *Resource) Property(path Path) (*Property, bool) { return r.Root.property(path) }

func (o *Object) property(path Path) (*Property, bool) {
	for i, name := range path {
		if o == nil {
			break
		}
		p, ok := o.ByName[name]
		if !ok || i == len(path)-1 {
			return p, ok
		}
		o = p.Object
	}
	return nil, false
}

// JSONPath writes path with [*] after each collection: $.scoreResults[*].result.
func (r *Resource) JSONPath(path Path) string {
	var b strings.Builder
	b.WriteByte('$')
	for i, name := range path {
		b.WriteByte('.')
		b.WriteString(name)
		if p, ok := r.Property(path[:i+1]); ok && p.Kind == KindArray {
			b.WriteString("[*]")
		}
	}
	return b.String()
}

// keyOrder says for each part of target's key which of the reference's parts has its value. It is nil
// if the reference lacks a part.
func (ref *Reference) keyOrder(target *Resource) []int {
	order := make([]int, len(target.Identity))
	for i, part := range target.Identity {
		order[i] = slices.IndexFunc(ref.Keys, func(k ReferenceKey) bool { return slices.Equal(k.Target, part.Path) })
	}
	if len(order) == 1 && len(ref.Keys) == 1 {
		order[0] = 0 // an organization's key has another name in each kind of organization
	}
	if slices.Contains(order, none) {
		return nil
	}
	return order
}

// setProperties gives o its properties.
func (o *Object) setProperties(props []*Property) {
	slices.SortFunc(props, func(a, b *Property) int { return cmp.Compare(a.Name, b.Name) })
	o.Properties = props
	o.ByName = make(map[string]*Property, len(props))
	for _, p := range props {
		o.ByName[p.Name] = p
	}
}

// SameMajor reports whether two data standards, 5.1 and 5.2, have the same major version. Records
// shaped for one may be wrong for another that has not.
func SameMajor(a, b string) bool {
	major := func(version string) string {
		first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
		return first
	}
	return major(a) == major(b)
}

// Shaping is the data standard, of those that can be shaped for, in which records are shaped for a target with
// another version: the same, else the newest of the same major version. advice says what to do where a run
// or a setting does not fit: to set that one, or, if there is none, that such a target cannot be loaded.
func Shaping(embedded []string, version string) (fits, advice string) {
	for _, v := range embedded { // oldest first
		if v == version || SameMajor(v, version) && fits != version {
			fits = v
		}
	}
	if fits == "" {
		return "", fmt.Sprintf("Records can be shaped for data standard %s, so a target with %s cannot be loaded. "+
			"Look for a version of the bundle, or a release of sluice, that has it (`sluice version`).", strings.Join(embedded, ", "), version)
	}
	also := ""
	if fits != version {
		also = fmt.Sprintf(", the nearest to the target's %s", version)
	}
	return fits, fmt.Sprintf("Set `data_standard: %q` for the tenant%s, then run `sluice transform` again.", fits, also)
}
