package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// document is one published OpenAPI document.
type document struct {
	text []byte
	etag string
}

// documents make the OpenAPI documents, by the name in their path, when they are first asked for.
func (m *model) documents() map[string]func() *document {
	of := func(resources, descriptors bool) func() *document {
		return sync.OnceValue(func() *document {
			text := toJSON(m.openAPI(func(e *endpoint) bool {
				return resources && e.Descriptor == "" || descriptors && e.Descriptor != ""
			}))
			sum := sha256.Sum256(text)
			return &document{text, `"` + hex.EncodeToString(sum[:]) + `"`}
		})
	}
	return map[string]func() *document{"resources": of(true, false), "descriptors": of(false, true), "ed-fi": of(true, true)}
}

func (s *Server) serveDocument(w http.ResponseWriter, r *http.Request, name string) {
	if s.documents[name] == nil {
		s.serveNothing(w, r)
		return
	}
	d := s.documents[name]()
	w.Header().Set("ETag", d.etag)
	if r.Header.Get("If-None-Match") == d.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, d.text)
}

const schemaRef = "#/components/schemas/"

// ref points at another part of the document.
func ref(to string) object { return object{"$ref": to} }

// openAPI describes the endpoints that include takes, with the parts of an OpenAPI 3.0 document that an
// ODS writes and a client reads. Its URLs are relative: the document, and so its ETag, is the same
// whatever address the server has.
func (m *model) openAPI(include func(*endpoint) bool) object {
	schemas, paths := object{"link": objectSchema(object{"rel": textSchema(), "href": textSchema()})}, object{}
	b := schemaBuilder{schemas: schemas, references: m.references, taken: map[string]bool{}}
	for _, e := range m.endpoints {
		b.taken[schemaName(e.Segment, e.singular)] = true
	}
	for _, e := range m.endpoints {
		if include(e) {
			name := b.resource(e)
			paths[e.path()] = e.collectionPath(name)
			paths[e.path()+"/{id}"] = e.itemPath(name)
		}
	}
	clientCredentials := object{"tokenUrl": "/oauth/token", "scopes": object{}}
	return object{
		"openapi": "3.0.1",
		"info":    object{"title": "Ed-Fi Operational Data Store API", "version": "3"},
		"servers": []object{{"url": "/data/v3"}},
		"paths":   paths,
		"components": object{
			"schemas": schemas,
			"parameters": object{
				"offset": queryParameter("offset", object{"type": "integer", "format": "int32", "default": 0}),
				// The page size that every ODS document states; the server's is another.
				"limit":            queryParameter("limit", object{"type": "integer", "format": "int32", "minimum": 0, "maximum": maxPage, "default": 25}),
				"totalCount":       queryParameter("totalCount", object{"type": "boolean"}),
				"MinChangeVersion": queryParameter("minChangeVersion", object{"type": "integer", "format": "int64"}),
				"MaxChangeVersion": queryParameter("maxChangeVersion", object{"type": "integer", "format": "int64"}),
			},
			"securitySchemes": object{"oauth2_client_credentials": object{"type": "oauth2", "flows": object{"clientCredentials": clientCredentials}}},
		},
		"security": []object{{"oauth2_client_credentials": []string{}}},
	}
}

func queryParameter(name string, schema object) object {
	return object{"name": name, "in": "query", "schema": schema}
}

func textSchema() object { return object{"type": "string"} }

func objectSchema(properties object) object {
	return object{"type": "object", "properties": properties}
}

// schemaName is edFi_studentAssessment; a segment such as ed-fi becomes camel case.
func schemaName(segment, name string) string {
	words := strings.Split(segment, "-")
	for i, w := range words[1:] {
		words[i+1] = title(w)
	}
	return strings.Join(words, "") + "_" + name
}

// schemaBuilder makes the schemas of a document.
type schemaBuilder struct {
	schemas    object
	references map[*schema.Reference]*reference
	taken      map[string]bool // names that belong to resources
}

func (b *schemaBuilder) resource(e *endpoint) string {
	name := schemaName(e.Segment, e.singular)
	properties := b.object(e, name, e.Root)
	properties["id"] = textSchema()
	properties["_etag"] = textSchema()
	properties["_lastModifiedDate"] = object{"type": "string", "format": "date-time"}
	for _, part := range e.Identity {
		if len(part.Path) == 1 {
			properties[part.Path[0]].(object)["x-Ed-Fi-isIdentity"] = true
		}
	}
	return name
}

// object adds the schema of an object and those of what it holds, and returns its properties.
func (b *schemaBuilder) object(e *endpoint, name string, o *schema.Object) object {
	properties, required := object{}, []string{}
	for _, p := range o.Properties {
		if p.Required {
			required = append(required, p.Name)
		}
		properties[p.Name] = b.property(e, name, p)
	}
	s := objectSchema(properties)
	if len(required) > 0 {
		s["required"] = required
	}
	b.schemas[name] = s
	return properties
}

func (b *schemaBuilder) property(e *endpoint, parent string, p *schema.Property) object {
	switch {
	case p.Kind == schema.KindArray:
		name := b.child(parent, singular(p.Name))
		properties := b.object(e, name, p.Object)
		for _, path := range p.ItemKey {
			if len(path) == 1 && p.Object.ByName[path[0]].Object == nil {
				properties[path[0]].(object)["x-Ed-Fi-isIdentity"] = true
			}
		}
		return object{"type": "array", "items": ref(schemaRef + name)}
	case p.Object != nil && p.Object.Reference != nil:
		return ref(schemaRef + b.reference(e, p.Object))
	case p.Object != nil:
		name := b.child(parent, p.Name)
		b.object(e, name, p.Object)
		return ref(schemaRef + name)
	}
	s := scalarSchema(p)
	if !p.Required {
		s["x-nullable"] = true
	}
	return s
}

// child names the schema of an embedded object or an item: edFi_studentAssessmentScoreResult. Where a
// resource has that name already, Item is added.
func (b *schemaBuilder) child(parent, name string) string {
	full := parent + title(name)
	if b.taken[full] {
		full += "Item"
	}
	return full
}

// reference adds the schema of a reference; all references to one endpoint share it.
func (b *schemaBuilder) reference(e *endpoint, o *schema.Object) string {
	target, segment := camel(o.Reference.Abstract), e.Segment
	if targets := b.references[o.Reference].targets; len(targets) > 0 {
		if segment = targets[0].endpoint.Segment; target == "" {
			target = targets[0].endpoint.singular
		}
	}
	name := schemaName(segment, target) + "Reference"
	if b.schemas[name] != nil {
		return name
	}
	properties, required := object{"link": ref(schemaRef + "link")}, []string{}
	for _, p := range o.Properties {
		part := scalarSchema(p)
		part["x-Ed-Fi-isIdentity"] = true
		properties[p.Name] = part
		required = append(required, p.Name)
	}
	s := objectSchema(properties)
	s["required"] = required
	b.schemas[name] = s
	return name
}

// scalarSchema is type, format and bounds.
func scalarSchema(p *schema.Property) object {
	s := textSchema()
	switch p.Kind {
	case schema.KindInteger:
		s = object{"type": "integer", "format": "int32"}
		if p.Int64 {
			s["format"] = "int64"
		}
	case schema.KindNumber:
		s = object{"type": "number", "format": "double"}
	case schema.KindBoolean:
		s = object{"type": "boolean"}
	case schema.KindDate:
		s["format"] = "date"
	case schema.KindDateTime:
		s["format"] = "date-time"
	} // a time of day is plain text in an ODS's documents
	if p.MaxLength > 0 {
		s["maxLength"] = p.MaxLength
	}
	if p.MinLength > 0 {
		s["minLength"] = p.MinLength
	}
	if p.Minimum != nil {
		s["minimum"] = *p.Minimum
	}
	if p.Maximum != nil {
		s["maximum"] = *p.Maximum
	}
	return s
}

func jsonContent(s object) object { return object{"application/json": object{"schema": s}} }

func (e *endpoint) requestBody(item object) object {
	return object{"content": jsonContent(item), "required": true, "x-bodyName": e.singular}
}

func (e *endpoint) collectionPath(schemaName string) object {
	item := ref(schemaRef + schemaName)
	var parameters []object
	for _, name := range []string{"offset", "limit", "MinChangeVersion", "MaxChangeVersion", "totalCount"} {
		parameters = append(parameters, ref("#/components/parameters/"+name))
	}
	for _, f := range e.filters {
		s := scalarSchema(f.property)
		for _, bound := range []string{"minimum", "maximum", "minLength"} {
			delete(s, bound)
		}
		p := queryParameter(f.name, s)
		if f.identity {
			p["x-Ed-Fi-isIdentity"] = true
		}
		parameters = append(parameters, p)
	}
	parameters = append(parameters, queryParameter("id", textSchema()))
	return object{
		"get": object{
			"tags": []string{e.Name}, "operationId": "get" + title(e.Name), "parameters": parameters,
			"responses": responses("200", object{"type": "array", "items": item}),
		},
		"post": object{
			"tags": []string{e.Name}, "operationId": "post" + title(e.singular), "requestBody": e.requestBody(item),
			"responses": responses("200", nil),
		},
	}
}

func (e *endpoint) itemPath(schemaName string) object {
	item := ref(schemaRef + schemaName)
	id := object{"name": "id", "in": "path", "required": true, "schema": textSchema()}
	put := object{
		"tags": []string{e.Name}, "operationId": "put" + title(e.singular), "parameters": []object{id}, "requestBody": e.requestBody(item),
		"responses": responses("204", nil),
	}
	if e.KeyUpdates {
		put["x-Ed-Fi-isUpdatable"] = true
	}
	return object{
		"get": object{
			"tags": []string{e.Name}, "operationId": "get" + title(e.Name) + "ById",
			"parameters": []object{id},
			"responses":  responses("200", item),
		},
		"put": put,
		"delete": object{
			"tags": []string{e.Name}, "operationId": "delete" + title(e.singular) + "ById", "parameters": []object{id},
			"responses": responses("204", nil),
		},
	}
}

// responses is the good answer. An ODS lists the others as well, of which nothing is to be read there.
func responses(status string, s object) object {
	carriedOut := object{"description": "The request was carried out."}
	if s != nil {
		carriedOut["content"] = jsonContent(s)
	}
	return object{status: carriedOut}
}
