package schema

import (
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Record is what Checker.Check finds in one record. A worker reuses one Record for all it checks;
// slices in it point into the checked data or into the Record, and are valid until the next Check.
type Record struct {
	Findings    []Finding       // what is wrong by the schema; empty: the record fits
	Key         Key             // the natural key; Key.OK is false if a part is missing
	Descriptors []DescriptorUse // every descriptor value used
	References  []ReferenceUse  // every complete reference used

	scratch scratch
}

// Finding is one thing in a record that is wrong or worth knowing.
type Finding struct {
	Code    diag.Code
	Level   diag.Level
	Path    string // $.scoreResults[1].result
	Value   string // what is written there, shortened
	Message string
	Fix     string
}

// Key is a record's natural key.
type Key struct {
	OK    bool
	Hash  [16]byte   // of resource and parts
	Parts []KeyValue // in the order of Resource.Identity
}

// KeyValue is one part of a key. Value is its text without escapes.
type KeyValue struct {
	Name  string
	Value []byte
}

// String writes the key for people: assessmentIdentifier=X, namespace=Y.
func (k Key) String() string { return keyText(k.Parts) }

// Part is the value of a part by its name; nil if the key has none of that name.
func (k Key) Part(name string) []byte {
	for _, p := range k.Parts {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

func keyText(parts []KeyValue) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name)
		b.WriteByte('=')
		b.Write(p.Value)
	}
	return b.String()
}

// DescriptorUse is one descriptor value in a record.
type DescriptorUse struct {
	Type     string // GradeLevelDescriptor
	Property *Property
	Value    []byte // uri#code, without escapes
	Place    Place

	number int32 // in the Record's memory; 0: it is not there
}

// ReferenceUse is one complete reference in a record.
type ReferenceUse struct {
	Reference *Reference
	Hash      [16]byte   // Key.Hash of the record it points at; for an abstract target see HashFor
	Parts     []KeyValue // in the order of Reference.Keys
	Place     Place

	plan *referencePlan
}

// String writes the reference's key for people.
func (u *ReferenceUse) String() string { return keyText(u.Parts) }

// Settle says that the caller needs no more of a descriptor value that the last Check found: while
// the Record serves the same Checker, Descriptors may leave out that value at that place.
func (rec *Record) Settle(d *DescriptorUse) {
	if d.number != 0 {
		rec.scratch.memory.known[d.number].settled = true
	}
}

// maxNesting is how many levels of collections a Place counts the items of; the standards need three.
const maxNesting = 4

// Place is a place in a record: a path in the schema and the numbers of the items on the way, from
// 0. Its text is made when someone asks for it.
type Place struct {
	path  *pathTemplate
	items [maxNesting]int32
}

// pathTemplate is a path in the schema, cut after the name of each collection, where the number of
// an item goes.
type pathTemplate struct {
	names   Path
	pieces  []string // ["$.scoreResults", ".result"]
	pattern string   // $.scoreResults[*].result
}

// String is the JSON path: $.scoreResults[3].result.
func (p Place) String() string {
	if p.path == nil {
		return "$"
	}
	var b strings.Builder
	for i, piece := range p.path.pieces {
		if i > 0 {
			b.WriteByte('[')
			if i <= maxNesting {
				b.WriteString(strconv.Itoa(int(p.items[i-1])))
			} else {
				b.WriteByte('*')
			}
			b.WriteByte(']')
		}
		b.WriteString(piece)
	}
	return b.String()
}
