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
	Dependencies []byte      // the dependencies document in JSON; empty: the order is derived
	Version      string      // of the data standard, as in 5.1
	Generation   Generations // of the target; 0: not known
}

// document is the part of an OpenAPI document that is read, in either generation.
type document struct {
	Paths       map[string]pathItem
	Definitions map[string]*valueSchema // Swagger 2.0
	Components  struct {                // OpenAPI 3
		Schemas map[string]*valueSchema
	}
}

type pathItem struct {
	Get, Put operation
	Post     *operation
}

type operation struct {
	Parameters  []parameter
	RequestBody struct {
		Content map[string]struct{ Schema valueSchema }
	}
	Updatable bool `json:"x-Ed-Fi-isUpdatable"`
}

type parameter struct {
	Name     string
	In       string
	Identity bool `json:"x-Ed-Fi-isIdentity"`
	Schema   *valueSchema
}

// reference is the name of the schema that f refers to, or "".
func (f *valueSchema) reference() string {
	ref := f.Ref
	if ref == "" && len(f.AllOf) == 1 {
		ref = f.AllOf[0].Ref
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// serverFields are set by the target alone: link inside references, the others at the root.
var serverFields = map[string]bool{"id": true, "link": true, "_etag": true, "_lastModifiedDate": true}

// isServerField reports whether name, in an object of this plan, is what the target alone sets.
func (p *plan) isServerField(name string) bool {
	return serverFields[name] && (name == "link") == (p.ref != nil) && (p.ref != nil || len(p.path.names) == 0)
}

// FromOpenAPI reads a data standard from its documents: Swagger 2.0 as ODS/API 5 and 6 publish it, or
// OpenAPI 3 as ODS/API 7 and the Data Management Service do, which spell schema names differently.
func FromOpenAPI(docs Documents) (*Standard, error) {
	r := &reader{standard: newStandard(docs.Version), roots: map[string]*rawResource{}, types: map[string]string{}}
	r.standard.Generation = docs.Generation
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
	nodes    int                     // schemas that were put in place of references, and what they hold
}

// Bounds on what references blow up: a standard has some thousands of nodes, and nothing in it lies deeper
// than a few levels.
const (
	mostNodes = 50_000
	mostDeep  = 50
)

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
		return errors.New("it is not an OpenAPI document with paths and schemas")
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		parts := strings.Split(strings.Trim(path, "/"), "/")
		if len(parts) != 2 || item.Post == nil {
			continue
		}
		schema := item.Post.body()
		known := &Resource{Segment: parts[0], Name: nameOf(parts[0], parts[1]), KeyUpdates: doc.Paths[path+"/{id}"].Put.Updatable}
		raw := &rawResource{Resource: known, schema: schema, entity: entityOf(schema), params: map[string]bool{}}
		for _, p := range item.Get.Parameters {
			if p.Name != "" {
				raw.params[p.Name] = p.Identity
			}
		}
		if descriptors || strings.HasSuffix(parts[1], "Descriptors") {
			raw.Descriptor = upperFirst(strings.TrimSuffix(parts[1], "s"))
		}
		if schemas[raw.schema] == nil {
			continue
		}
		if r.readResource(raw, schemas); r.nodes > mostNodes {
			return fmt.Errorf("its schemas refer to each other so often that they describe more than %d properties", mostNodes)
		}
	}
	return nil
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

// readResource takes in a resource; schemas are all of its document.
func (r *reader) readResource(raw *rawResource, schemas map[string]*valueSchema) {
	in := inliner{schemas: schemas, descriptor: raw.Descriptor, nodes: &r.nodes}
	root := in.inline("", &valueSchema{Ref: raw.schema}, nil)
	for name := range serverFields {
		delete(root.Properties, name)
	}
	raw.build(root)
	raw.Root.setDecimals()
	for _, ref := range raw.References {
		raw.refs = append(raw.refs, raw.newReference(ref))
		r.marked = r.marked || raw.refs[len(raw.refs)-1].marked
	}
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
	if known := r.roots[raw.entity]; known == nil || known.Segment != coreSegment {
		r.roots[raw.entity] = raw
	}
	r.standard.add(raw.Resource)
}

// decimals are bounds that the documents of ODS/API 5 to 7.2 leave out. They follow from the precision that the data
// model gives a decimal, and targets refuse what lies beyond.
var decimals = map[string]float64{"maxRawScore": 9999999999.99999, "rawScoreResult": 9999999999.99999, "percentOfAssessment": 9.9999}

func (o *Object) setDecimals() {
	for _, p := range o.Properties {
		if bound, known := decimals[p.Name]; known && p.Kind == KindNumber && p.Minimum == nil && p.Maximum == nil {
			least := -bound
			p.Minimum, p.Maximum = &least, &bound
		}
		if p.Object != nil {
			p.Object.setDecimals()
		}
	}
}

// newReference reads what the names of a reference's property and schema say.
func (raw *rawResource) newReference(ref *Reference) *rawReference {
	p, _ := raw.Property(ref.Path)
	_, target, _ := strings.Cut(ref.schema, "_")
	target = upperFirst(strings.TrimSuffix(strings.TrimSuffix(target, "Reference"), "_"))
	out := &rawReference{Reference: ref, entity: entityOf(ref.schema), target: target, marked: p.marked,
		base: strings.TrimSuffix(p.Name, "Reference")}
	if n := len(out.base) - len(target); n > 0 && strings.EqualFold(out.base[n:], target) {
		out.role = out.base[:n]
	}
	return out
}

// inliner writes schemas of a document in the form of the embedded files.
type inliner struct {
	schemas    map[string]*valueSchema
	descriptor string // the type, if the resource is a descriptor
	nodes      *int   // counts them; when there are too many it stops
}

// inline puts into the schema of a property what it refers to, in place of the reference; inside are
// the names of the schemas that contain it. It is nil if that is unknown, or contains itself.
func (in *inliner) inline(name string, f *valueSchema, inside []string) *valueSchema {
	if *in.nodes++; *in.nodes > mostNodes {
		return nil
	}
	out := *f
	if ref := f.reference(); ref != "" {
		target, ok := in.schemas[ref]
		if !ok || len(inside) == mostDeep || slices.Contains(inside, ref) {
			return nil
		}
		out, inside = *target, append(slices.Clone(inside), ref)
		out.Marked = f.Marked
		if out.kind() != KindObject { // a named scalar
			return in.inline(name, &out, inside)
		}
		if isReferenceSchema(ref) && strings.HasSuffix(name, "Reference") {
			out.refersTo = ref
		}
	}
	switch out.kind() {
	case KindObject:
		out.Additional = nil // some documents forbid it even where extension data stands
		out.Properties = in.properties(out.Properties, inside)
	case KindArray:
		if out.Items != nil {
			out.Items = in.inline("", out.Items, inside)
		}
		if out.Items != nil && out.Items.kind() != KindObject { // which does not occur in any standard
			out.Items = nil
		}
	case KindString: // the documents of the ODS/API give times no format, but only times have no length
		if out.Format == "" && out.MaxLength == 0 && (strings.HasSuffix(name, "Time") || strings.HasPrefix(name, "time")) {
			out.Format = kindKeywords[KindTime][1]
		}
	}
	return &out
}

func (in *inliner) properties(all map[string]*valueSchema, inside []string) map[string]*valueSchema {
	kept := map[string]*valueSchema{}
	for name, f := range all {
		// ODS/API 7.1 lists the surrogate number of a descriptor, which no client may send.
		if name == "link" || in.descriptor != "" && strings.EqualFold(name, in.descriptor+"Id") {
			continue
		}
		if inlined := in.inline(name, f, inside); inlined != nil {
			kept[name] = inlined
		}
	}
	return kept
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
