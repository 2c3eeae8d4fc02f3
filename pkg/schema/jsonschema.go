package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
)

// jsonSchemaDialect is that of the schemas we write. Formats are notes in it; ours are checked by
// the keyword of our own that Validator adds.
const jsonSchemaDialect = "https://json-schema.org/draft/2020-12/schema"

// resourceSchema is the JSON Schema of a resource: names, types, lengths, ranges, formats and what
// is required, and under x-… what JSON Schema has no word for (schemas/README.md). It is the form of
// the embedded files; keywords come in the order of the fields.
type resourceSchema struct {
	Dialect    string      `json:"$schema,omitempty"`
	Title      string      `json:"title,omitempty"`
	Segment    string      `json:"x-segment,omitempty"`
	Descriptor string      `json:"x-descriptor,omitempty"`
	KeyUpdates bool        `json:"x-keyUpdates,omitempty"`
	Key        [][]string  `json:"x-key"`
	Equal      [][2]string `json:"x-equal,omitempty"`
	valueSchema
}

// valueSchema is the part of a JSON Schema that describes one value.
type valueSchema struct {
	Type       typeName `json:"type"`
	Format     string   `json:"format,omitempty"`
	Descriptor string   `json:"x-descriptor,omitempty"`
	MinLength  count    `json:"minLength,omitempty"`
	MaxLength  count    `json:"maxLength,omitempty"`
	Minimum    *float64 `json:"minimum,omitempty"`
	Maximum    *float64 `json:"maximum,omitempty"`

	MinItems count        `json:"minItems,omitempty"`
	Unique   []string     `json:"x-unique,omitempty"`
	Items    *valueSchema `json:"items,omitempty"`

	Abstract  string            `json:"x-abstract,omitempty"`
	Targets   []string          `json:"x-targets,omitempty"`
	Identity  bool              `json:"x-identity,omitempty"`
	TargetKey map[string]string `json:"x-targetKey,omitempty"`

	Required   []string                `json:"required,omitempty"`
	Additional any                     `json:"additionalProperties,omitempty"`
	Properties map[string]*valueSchema `json:"properties,omitempty"`

	// In an OpenAPI document alone.
	Ref    string        `json:"$ref,omitempty"`
	AllOf  []valueSchema `json:"allOf,omitempty"`
	Marked bool          `json:"x-Ed-Fi-isIdentity,omitempty"`

	refersTo string // of a reference that an inliner has put in: the name of its schema
}

// typeName is a type. A document may write it as a list with "null" (OpenAPI 3.1), which says that the
// property may be left out.
type typeName string

// UnmarshalJSON implements json.Unmarshaler.
func (t *typeName) UnmarshalJSON(text []byte) error {
	names := []string{""}
	if err := json.Unmarshal(text, &names); err != nil {
		names = names[:1]
		if err := json.Unmarshal(text, &names[0]); err != nil {
			return err
		}
	}
	for _, name := range names {
		if name != "null" {
			*t = typeName(name)
			break
		}
	}
	return nil
}

// count is a length, or a number of items. A document may write 60 as 60.0.
type count int

// UnmarshalJSON implements json.Unmarshaler.
func (c *count) UnmarshalJSON(text []byte) error {
	var n float64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if n < 0 || n != math.Trunc(n) {
		return fmt.Errorf("%s is not a length", text)
	}
	if n <= math.MaxInt32 { // else it is as good as none
		*c = count(n)
	}
	return nil
}

// kindKeywords are the type and format of each kind; integers have one of two formats.
var kindKeywords = [...][2]string{
	KindString: {"string"}, KindInteger: {"integer"}, KindNumber: {"number"}, KindBoolean: {"boolean"},
	KindDate: {"string", "date"}, KindDateTime: {"string", "date-time"}, KindTime: {"string", "time"},
	KindObject: {"object"}, KindArray: {"array"},
}

const int32Format = "int32" // of an integer; else it has 64 bits

func (r *Resource) schema() *resourceSchema {
	out := &resourceSchema{Dialect: jsonSchemaDialect, Title: r.Name, Descriptor: r.Descriptor, KeyUpdates: r.KeyUpdates,
		Key: [][]string{}, valueSchema: *r.Root.schema()}
	if r.Segment != coreSegment {
		out.Segment = r.Segment
	}
	for _, k := range r.Identity {
		out.Key = append(out.Key, joinPaths(append([]Path{k.Path}, k.Also...)))
	}
	for _, e := range r.Equal {
		out.Equal = append(out.Equal, [2]string(joinPaths(e[:])))
	}
	return out
}

func (o *Object) schema() *valueSchema {
	out := &valueSchema{Type: typeName(kindKeywords[KindObject][0]), Properties: make(map[string]*valueSchema, len(o.Properties))}
	if ref := o.Reference; ref != nil {
		out.Abstract, out.Targets, out.Identity, out.TargetKey = ref.Abstract, ref.Targets, ref.Identity, map[string]string{}
		for _, k := range ref.Keys {
			out.TargetKey[k.Name] = strings.Join(k.Target, ".")
		}
	}
	for _, p := range o.Properties {
		if p.Required {
			out.Required = append(out.Required, p.Name)
		}
		out.Properties[p.Name] = p.schema()
	}
	if !o.Open {
		out.Additional = false
	}
	return out
}

func (p *Property) schema() *valueSchema {
	if p.Kind == KindObject {
		return p.Object.schema()
	}
	out := &valueSchema{Type: typeName(kindKeywords[p.Kind][0]), Format: kindKeywords[p.Kind][1], Descriptor: p.Descriptor,
		MinLength: count(p.MinLength), MaxLength: count(p.MaxLength), Minimum: p.Minimum, Maximum: p.Maximum, Unique: joinPaths(p.ItemKey)}
	switch {
	case p.Kind == KindInteger && p.Int64:
		out.Format = "int64"
	case p.Kind == KindInteger:
		out.Format = int32Format
	case p.Kind == KindArray && p.Object != nil:
		out.Items = p.Object.schema()
		if p.Required {
			out.MinItems = 1
		}
	}
	return out
}

func joinPaths(paths []Path) []string {
	var out []string
	for _, p := range paths {
		out = append(out, strings.Join(p, "."))
	}
	return out
}

func splitPath(s string) Path { return strings.Split(s, ".") }

var (
	innermost = regexp.MustCompile(`[\[{][^\[\]{}]*[\]}]`) // an object or list, spread over lines, that holds no other
	nextItem  = regexp.MustCompile(`,\n *`)
	lineBreak = regexp.MustCompile(`\n *`)
)

// layOut writes one property a line, so that a change of the standard is a change of lines; what
// holds no other object or list goes on one line.
func layOut(v any) []byte {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err) // cannot be: structs of text and finite numbers
	}
	text = innermost.ReplaceAllFunc(text, func(spread []byte) []byte {
		return lineBreak.ReplaceAll(nextItem.ReplaceAll(spread, []byte(", ")), nil)
	})
	return append(bytes.ReplaceAll(text, []byte("\n "), []byte("\n")), '\n')
}

// decode reads JSON whose members are all known.
func decode(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more text after it")
	}
	return nil
}

// resource builds what the schema describes.
func (f *resourceSchema) resource() *Resource {
	r := &Resource{Segment: f.Segment, Descriptor: f.Descriptor, KeyUpdates: f.KeyUpdates}
	if r.Segment == "" {
		r.Segment = coreSegment
	}
	r.build(&f.valueSchema)
	for _, paths := range f.Key {
		part := KeyPart{Path: splitPath(paths[0])}
		for _, also := range paths[1:] {
			part.Also = append(part.Also, splitPath(also))
		}
		if p, ok := r.Property(part.Path); ok {
			part.Kind, part.Descriptor = p.Kind, p.Descriptor
		}
		r.Identity = append(r.Identity, part)
	}
	for _, e := range f.Equal {
		r.Equal = append(r.Equal, [2]Path{splitPath(e[0]), splitPath(e[1])})
	}
	return r
}

// build gives the resource the objects and references that f describes.
func (r *Resource) build(f *valueSchema) {
	r.Root = f.object(r, nil)
	slices.SortFunc(r.References, func(a, b *Reference) int { return slices.Compare(a.Path, b.Path) })
}

// object builds the object that f describes, which is at path in r.
func (f *valueSchema) object(r *Resource, path Path) *Object {
	o := &Object{Open: f.Additional != false && len(f.Properties) == 0 && f.refersTo == ""}
	props := make([]*Property, 0, len(f.Properties))
	for name, described := range f.Properties {
		p := described.property(r, append(slices.Clone(path), name))
		p.Name, p.Required = name, slices.Contains(f.Required, name)
		if p.Kind == KindObject && p.Object.Reference != nil {
			p.Object.Reference.Required = p.Required
		}
		props = append(props, p)
	}
	o.setProperties(props)
	if f.TargetKey != nil || f.refersTo != "" {
		o.Reference = &Reference{Path: path, Abstract: f.Abstract, Targets: f.Targets, Identity: f.Identity, schema: f.refersTo}
		for _, p := range o.Properties {
			key := ReferenceKey{Name: p.Name, Kind: p.Kind}
			if target := f.TargetKey[p.Name]; target != "" {
				key.Target = splitPath(target)
			}
			o.Reference.Keys = append(o.Reference.Keys, key)
		}
		r.References = append(r.References, o.Reference)
	}
	return o
}

func (f *valueSchema) property(r *Resource, path Path) *Property {
	p := &Property{Kind: f.kind(), Descriptor: f.Descriptor,
		MinLength: int(f.MinLength), MaxLength: int(f.MaxLength), Minimum: f.Minimum, Maximum: f.Maximum, marked: f.Marked}
	switch p.Kind {
	case KindInteger:
		p.Int64 = f.Format != int32Format
	case KindObject:
		p.Object = f.object(r, path)
	case KindArray:
		if f.Items != nil {
			p.Object = f.Items.object(r, path)
		}
		for _, u := range f.Unique {
			p.ItemKey = append(p.ItemKey, splitPath(u))
		}
	}
	return p
}

// kind is what the keywords of a schema say; a format that is not ours says nothing, and what has no type
// is an object.
func (f *valueSchema) kind() Kind {
	kind := slices.Index(kindKeywords[:], [2]string{string(f.Type), f.Format})
	if kind < 0 {
		kind = slices.Index(kindKeywords[:], [2]string{string(f.Type)})
	}
	if kind < 0 {
		return KindObject
	}
	return Kind(kind)
}
