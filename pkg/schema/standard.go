// Package schema owns the data standard: what resources and descriptors there are, their
// properties, natural keys, references and load order; one reader for OpenAPI documents, of a live
// target and of the generator alike; and the check of one record over its bytes.
package schema

// Standard is one data standard: embedded, or as a target describes itself. Immutable, and safe
// for concurrent use.
type Standard struct {
	Version   string               // "5.1"
	Resources map[string]*Resource // by endpoint name, descriptors included
	names     []string             // sorted
}

// Resource is one endpoint.
type Resource struct {
	Name       string // endpoint: studentAssessments, gradeLevelDescriptors
	Segment    string // ed-fi, or an extension's: tpdm
	Descriptor string // for a descriptor endpoint its type: GradeLevelDescriptor; else empty
	Root       *Object
	Identity   []KeyPart    // the natural key, in a fixed order
	References []*Reference // every reference of the resource, in collections too
	Equal      [][2]Path    // paths whose values must be equal wherever both are present
	Order      int          // from the dependencies document, or derived; equal orders may load together
	KeyUpdates bool         // PUT may change the natural key
}

// Path is property names from the root; a name that is a collection means each of its items.
// Written $.a.b, and $.items[*].b for a collection.
type Path []string

// KeyPart is one part of a natural key.
type KeyPart struct {
	Path       Path
	Kind       Kind
	Descriptor string // the part's descriptor type, or empty
}

// Reference is a reference property.
type Reference struct {
	Path     Path
	Targets  []string // endpoint names; more than one for an abstract target such as EducationOrganization
	Keys     []ReferenceKey
	Required bool
	Identity bool
}

// ReferenceKey pairs a part of the reference with the target's key part of the same value.
type ReferenceKey struct {
	Name   string // property inside the reference
	Target Path   // path at the target (for an abstract target: of the abstract key; see TargetKey)
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
)

// Object is the properties of a resource, a reference, an embedded object or an item.
type Object struct {
	Properties []*Property // sorted by name
	ByName     map[string]*Property
	Reference  *Reference // for a reference object
}

// Property is one property.
type Property struct {
	Name       string
	Kind       Kind
	Required   bool
	Descriptor string // type of descriptor it holds, GradeLevelDescriptor; else empty
	MaxLength  int    // in UTF-16 code units; 0: none
	MinLength  int
	Minimum    *float64
	Maximum    *float64
	Int64      bool    // KindInteger: 64 bits, else 32
	Object     *Object // KindObject; for KindArray the item
	ItemKey    []Path  // KindArray: what must be unique in the collection, relative to the item
}
