package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Documents are those in which a target describes itself, or that the generator is given.
type Documents struct {
	Resources    [][]byte // OpenAPI documents, Swagger 2.0 or OpenAPI 3
	Descriptors  [][]byte
	Dependencies []byte // the dependencies document in JSON; empty: the order is derived
	Version      string // of the data standard, as in 5.1
}

// document is the part of an OpenAPI document that is read, in either generation.
type document struct {
	Swagger     string
	OpenAPI     string
	Paths       map[string]pathItem
	Definitions map[string]*schemaNode // Swagger 2.0
	Components  struct {               // OpenAPI 3
		Schemas    map[string]*schemaNode
		Parameters map[string]parameter
	}
	Parameters map[string]parameter // Swagger 2.0
}

type pathItem struct {
	Get, Post, Put *operation
}

type operation struct {
	Parameters  []parameter
	RequestBody struct {
		Content map[string]struct{ Schema schemaNode }
	}
	Updatable bool `json:"x-Ed-Fi-isUpdatable"`
}

type parameter struct {
	Name     string
	In       string
	Identity bool `json:"x-Ed-Fi-isIdentity"`
	Schema   *schemaNode
}

type schemaNode struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Required   []string
	Properties map[string]*schemaNode
	Items      *schemaNode
	AllOf      []schemaNode
	MaxLength  int
	MinLength  int
	Minimum    *float64
	Maximum    *float64
	Identity   bool `json:"x-Ed-Fi-isIdentity"`
}

// reference is the name of the schema that a node refers to, or "".
func (n *schemaNode) reference() string {
	ref := n.Ref
	if ref == "" && len(n.AllOf) == 1 {
		ref = n.AllOf[0].Ref
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// serverFields are set by the target alone: link inside references, the others at the root.
var serverFields = map[string]bool{"id": true, "link": true, "_etag": true, "_lastModifiedDate": true}

// FromOpenAPI reads a data standard from its documents: Swagger 2.0 as ODS/API 5 and 6 publish it, or
// OpenAPI 3 as ODS/API 7 and the Data Management Service do, which spell schema names differently.
func FromOpenAPI(docs Documents) (*Standard, error) {
	r := &reader{standard: newStandard(docs.Version), roots: map[string]*rawResource{}, types: map[string]string{}}
	for _, text := range docs.Descriptors {
		if err := r.read(text, true); err != nil {
			return nil, fmt.Errorf("read OpenAPI document of descriptors: %w", err)
		}
	}
	for _, text := range docs.Resources {
		if err := r.read(text, false); err != nil {
			return nil, fmt.Errorf("read OpenAPI document of resources: %w", err)
		}
	}
	if len(r.raw) == 0 {
		return nil, errors.New("the OpenAPI documents hold no resource")
	}
	r.resolve()
	if err := r.standard.setOrder(docs.Dependencies); err != nil {
		return nil, fmt.Errorf("read dependencies document: %w", err)
	}
	return r.standard, nil
}

// reader turns documents into a Standard, in three steps: the objects as they are written (read); what
// the documents leave unsaid, which is keys, targets and equal parts (resolve); the load order.
type reader struct {
	standard *Standard
	raw      []*rawResource
	roots    map[string]*rawResource // by entity
	types    map[string]string       // descriptor types by their folded names
	marked   bool                    // reference properties themselves carry the identity mark (DMS)
}

// rawResource is a resource on its way to being complete.
type rawResource struct {
	*Resource
	schema  string          // name of its root schema: edFi_studentAssessment
	entity  string          // of that: edfistudentassessment
	params  map[string]bool // query parameters of the collection, which are key names with their roles; true: marked as identity
	self    []string        // key names in the schema by which others refer to it
	refs    []*rawReference
	columns map[string][]Path // key parts by the name that references to it give them
}

// rawReference is a reference on its way to being complete.
type rawReference struct {
	*Reference
	object *Object
	entity string // what its schema refers to
	target string // readable name of the same: EducationOrganization
	marked bool
	role   string // reported, of reportedSchoolReference
	base   string // reportedSchool
}

func (r *reader) read(text []byte, descriptors bool) error {
	var doc document
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &doc); err != nil {
		return err
	}
	schemas := doc.Definitions
	if schemas == nil {
		schemas = doc.Components.Schemas
	}
	if len(schemas) == 0 || len(doc.Paths) == 0 {
		return errors.New("it is no OpenAPI document with paths and schemas")
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		parts := strings.Split(strings.Trim(path, "/"), "/")
		if len(parts) != 2 || item.Post == nil {
			continue
		}
		raw := newRawResource(parts[0], parts[1], item)
		if put := doc.Paths[path+"/{id}"].Put; put != nil {
			raw.KeyUpdates = put.Updatable
		}
		if descriptors || strings.HasSuffix(raw.Name, "Descriptors") {
			raw.Descriptor = upperFirst(strings.TrimSuffix(raw.Name, "s"))
		}
		if root, ok := schemas[raw.schema]; ok {
			r.readResource(raw, root, schemas)
		}
	}
	return nil
}

func newRawResource(segment, endpoint string, item pathItem) *rawResource {
	schema := item.Post.body()
	raw := &rawResource{Resource: &Resource{Name: endpoint, Segment: segment}, schema: schema, entity: entityOf(schema),
		params: map[string]bool{}}
	if item.Get != nil {
		for _, p := range item.Get.Parameters {
			if p.Name != "" {
				raw.params[p.Name] = p.Identity
			}
		}
	}
	return raw
}

// body is the schema name of what a POST takes.
func (o *operation) body() string {
	for _, p := range o.Parameters {
		if p.In == "body" && p.Schema != nil {
			return p.Schema.reference()
		}
	}
	for _, c := range o.RequestBody.Content {
		return c.Schema.reference()
	}
	return ""
}

// readResource takes in the resource whose root schema is given; schemas are all of its document.
func (r *reader) readResource(raw *rawResource, root *schemaNode, schemas map[string]*schemaNode) {
	c := converter{schemas: schemas, raw: raw, reader: r}
	raw.Root = c.object(root, nil, []string{raw.schema})
	for name, node := range schemas {
		if isReferenceSchema(name) && entityOf(name) == raw.entity {
			for part := range node.Properties {
				if part != "link" {
					raw.self = append(raw.self, part)
				}
			}
		}
	}
	r.raw = append(r.raw, raw)
	r.roots[raw.entity] = raw
	r.standard.add(raw.Resource)
}

// converter turns the schemas of one document into objects for one resource.
type converter struct {
	schemas map[string]*schemaNode
	raw     *rawResource
	reader  *reader
}

// object converts node, which is at path; inside are the names of the schemas that contain it.
func (c *converter) object(node *schemaNode, path Path, inside []string) *Object {
	o := &Object{Open: len(node.Properties) == 0}
	props := make([]*Property, 0, len(node.Properties))
	for name, n := range node.Properties {
		if serverFields[name] && (len(path) == 0 || name == "link") {
			continue
		}
		// ODS/API 7.1 lists the surrogate number of a descriptor, which no client may send.
		if c.raw.Descriptor != "" && strings.EqualFold(name, c.raw.Descriptor+"Id") {
			continue
		}
		p := c.property(name, n, append(slices.Clone(path), name), inside)
		if p == nil {
			continue
		}
		p.Required = slices.Contains(node.Required, name)
		props = append(props, p)
	}
	o.setProperties(props)
	return o
}

func (c *converter) property(name string, n *schemaNode, path Path, inside []string) *Property {
	p := &Property{Name: name, MaxLength: n.MaxLength, MinLength: n.MinLength, Minimum: n.Minimum, Maximum: n.Maximum, marked: n.Identity}
	if ref := n.reference(); ref != "" {
		target, ok := c.schemas[ref]
		if !ok || slices.Contains(inside, ref) {
			return nil
		}
		if target.Type != "" && target.Type != "object" { // a named scalar
			scalar := *target
			scalar.Identity = n.Identity
			return c.property(name, &scalar, path, inside)
		}
		p.Kind = KindObject
		p.Object = c.object(target, path, append(slices.Clone(inside), ref))
		if isReferenceSchema(ref) && strings.HasSuffix(name, "Reference") {
			c.reference(name, n, ref, p, path)
		}
		return p
	}
	switch n.Type {
	case "string":
		p.Kind = stringKind(name, n)
	case "integer":
		p.Kind = KindInteger
		p.Int64 = n.Format != "int32"
	case "number":
		p.Kind = KindNumber
	case "boolean":
		p.Kind = KindBoolean
	case "array":
		p.Kind = KindArray
		p.Object = c.items(n.Items, path, inside)
	default:
		p.Kind = KindObject
		p.Object = c.object(n, path, inside)
	}
	return p
}

// items is what a collection holds; nil if that is not objects, which does not occur in any standard.
func (c *converter) items(n *schemaNode, path Path, inside []string) *Object {
	if n == nil {
		return nil
	}
	ref := n.reference()
	if target, ok := c.schemas[ref]; ok && !slices.Contains(inside, ref) {
		return c.object(target, path, append(slices.Clone(inside), ref))
	}
	if n.Type != "object" {
		return nil
	}
	return c.object(n, path, inside)
}

func (c *converter) reference(name string, n *schemaNode, schemaName string, p *Property, path Path) {
	_, target, _ := strings.Cut(schemaName, "_")
	target = upperFirst(strings.TrimSuffix(strings.TrimSuffix(target, "Reference"), "_"))
	ref := &rawReference{Reference: &Reference{Path: path}, object: p.Object, entity: entityOf(schemaName), target: target,
		marked: n.Identity, base: strings.TrimSuffix(name, "Reference")}
	if len(ref.base) > len(target) && strings.EqualFold(ref.base[len(ref.base)-len(target):], target) {
		ref.role = ref.base[:len(ref.base)-len(target)]
	}
	if n.Identity {
		c.reader.marked = true
	}
	p.Object.Reference = ref.Reference
	p.Object.Open = false
	c.raw.refs = append(c.raw.refs, ref)
}

// stringKind tells dates and times from text. The documents of the ODS/API give times no format, but
// only times have no length.
func stringKind(name string, n *schemaNode) Kind {
	switch {
	case n.Format == "date":
		return KindDate
	case n.Format == "date-time":
		return KindDateTime
	case n.Format == "time", n.Format == "" && n.MaxLength == 0 && (strings.HasSuffix(name, "Time") || strings.HasPrefix(name, "time")):
		return KindTime
	}
	return KindString
}

// entityOf is what the spellings of a schema name have in common: edFi_studentAssessmentReference and
// EdFi_StudentAssessment_Reference are both edfistudentassessment.
func entityOf(schemaName string) string {
	s := strings.ToLower(strings.ReplaceAll(schemaName, "_", ""))
	s = strings.TrimSuffix(s, "reference")
	if s == "edfischoolyear" { // what the DMS calls the root schema of schoolYearTypes
		return "edfischoolyeartype"
	}
	return s
}

func isReferenceSchema(name string) bool { return strings.HasSuffix(name, "Reference") }

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
