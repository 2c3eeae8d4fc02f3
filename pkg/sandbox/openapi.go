package sandbox

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// document is one published OpenAPI document, made when it is first asked for.
type document struct {
	once   sync.Once
	plain  []byte
	packed []byte
	etag   string
	err    error
}

// documentKinds are the documents by the name in their path, and what each holds.
var documentKinds = []struct {
	name                   string
	resources, descriptors bool
}{{"resources", true, false}, {"descriptors", false, true}, {"ed-fi", true, true}}

func (s *Server) serveDocument(w http.ResponseWriter, r *http.Request, name string) {
	for i, kind := range documentKinds {
		if !strings.EqualFold(kind.name, name) {
			continue
		}
		d := &s.documents[i]
		d.once.Do(func() {
			d.make(s.model.openAPI(func(e *endpoint) bool {
				return kind.resources && e.Descriptor == "" || kind.descriptors && e.Descriptor != ""
			}))
		})
		if d.err != nil {
			s.log.Error("the sandbox failed", "document", name, "error", d.err)
			systemError().write(w, r)
			return
		}
		d.serve(w, r)
		return
	}
	notFound("The specified resource could not be found.").write(w, r)
}

func (d *document) make(api *openAPI) {
	if d.plain, d.err = json.Marshal(api); d.err != nil {
		return
	}
	sum := sha256.Sum256(d.plain)
	d.etag = `"` + hex.EncodeToString(sum[:]) + `"`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(d.plain) // into memory
	_ = z.Close()
	d.packed = packed.Bytes()
}

func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", d.etag)
	if r.Header.Get("If-None-Match") == d.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	body := d.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = d.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// The parts of an OpenAPI 3.0 document that the ODS/API writes and a client reads.
type (
	openAPI struct {
		OpenAPI    string               `json:"openapi"`
		Info       apiInfo              `json:"info"`
		Servers    []apiServer          `json:"servers"`
		Paths      map[string]*pathItem `json:"paths"`
		Components components           `json:"components"`
		Security   []map[string][]any   `json:"security"`
	}
	apiInfo struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	}
	apiServer struct {
		URL string `json:"url"`
	}
	pathItem struct {
		Get    *operation `json:"get,omitempty"`
		Put    *operation `json:"put,omitempty"`
		Post   *operation `json:"post,omitempty"`
		Delete *operation `json:"delete,omitempty"`
	}
	operation struct {
		Tags        []string            `json:"tags"`
		OperationID string              `json:"operationId"`
		Parameters  []parameter         `json:"parameters,omitempty"`
		RequestBody *requestBody        `json:"requestBody,omitempty"`
		Responses   map[string]response `json:"responses"`
		Updatable   bool                `json:"x-Ed-Fi-isUpdatable,omitempty"`
	}
	parameter struct {
		Ref      string     `json:"$ref,omitempty"`
		Name     string     `json:"name,omitempty"`
		In       string     `json:"in,omitempty"`
		Required bool       `json:"required,omitempty"`
		Schema   *apiSchema `json:"schema,omitempty"`
		Identity bool       `json:"x-Ed-Fi-isIdentity,omitempty"`
	}
	requestBody struct {
		Content  map[string]media `json:"content"`
		Required bool             `json:"required"`
		BodyName string           `json:"x-bodyName"`
	}
	response struct {
		Description string           `json:"description"`
		Content     map[string]media `json:"content,omitempty"`
	}
	media struct {
		Schema *apiSchema `json:"schema,omitempty"`
	}
	apiSchema struct {
		Ref        string                `json:"$ref,omitempty"`
		Required   []string              `json:"required,omitempty"`
		Type       string                `json:"type,omitempty"`
		Format     string                `json:"format,omitempty"`
		MaxLength  int                   `json:"maxLength,omitempty"`
		MinLength  int                   `json:"minLength,omitempty"`
		Minimum    *float64              `json:"minimum,omitempty"`
		Maximum    *float64              `json:"maximum,omitempty"`
		Default    *int                  `json:"default,omitempty"`
		Properties map[string]*apiSchema `json:"properties,omitempty"`
		Items      *apiSchema            `json:"items,omitempty"`
		Identity   bool                  `json:"x-Ed-Fi-isIdentity,omitempty"`
		Nullable   bool                  `json:"x-nullable,omitempty"`
	}
	components struct {
		Schemas    map[string]*apiSchema `json:"schemas"`
		Parameters map[string]parameter  `json:"parameters"`
		Security   map[string]oauthFlow  `json:"securitySchemes"`
	}
	oauthFlow struct {
		Type  string `json:"type"`
		Flows struct {
			ClientCredentials struct {
				TokenURL string            `json:"tokenUrl"`
				Scopes   map[string]string `json:"scopes"`
			} `json:"clientCredentials"`
		} `json:"flows"`
	}
)

const schemaRef = "#/components/schemas/"

// openAPI describes the endpoints that include takes. Its URLs are relative: the document, and so its
// ETag, is the same whatever address the server has.
func (m *model) openAPI(include func(*endpoint) bool) *openAPI {
	zero, page := 0, 25 // the page size that every ODS document states; the server's is another
	api := &openAPI{
		OpenAPI: "3.0.1",
		Info:    apiInfo{"Ed-Fi Operational Data Store API", "3"},
		Servers: []apiServer{{"/data/v3"}},
		Paths:   map[string]*pathItem{},
		Components: components{
			Schemas: map[string]*apiSchema{"link": {Type: "object", Properties: map[string]*apiSchema{"rel": {Type: "string"}, "href": {Type: "string"}}}},
			Parameters: map[string]parameter{
				"offset":           {Name: "offset", In: "query", Schema: &apiSchema{Type: "integer", Format: "int32", Default: &zero}},
				"limit":            {Name: "limit", In: "query", Schema: &apiSchema{Type: "integer", Format: "int32", Minimum: new(0.0), Maximum: new(float64(maxPage)), Default: &page}},
				"totalCount":       {Name: "totalCount", In: "query", Schema: &apiSchema{Type: "boolean"}},
				"MinChangeVersion": {Name: "minChangeVersion", In: "query", Schema: &apiSchema{Type: "integer", Format: "int64"}},
				"MaxChangeVersion": {Name: "maxChangeVersion", In: "query", Schema: &apiSchema{Type: "integer", Format: "int64"}},
				"If-None-Match":    {Name: "If-None-Match", In: "header", Schema: &apiSchema{Type: "string"}},
			},
		},
		Security: []map[string][]any{{"oauth2_client_credentials": {}}},
	}
	flow := oauthFlow{Type: "oauth2"}
	flow.Flows.ClientCredentials.TokenURL = "/oauth/token"
	flow.Flows.ClientCredentials.Scopes = map[string]string{}
	api.Components.Security = map[string]oauthFlow{"oauth2_client_credentials": flow}
	b := schemaBuilder{schemas: api.Components.Schemas, taken: map[string]bool{}}
	for _, e := range m.endpoints {
		b.taken[schemaName(e.Segment, e.singular)] = true
	}
	for _, e := range m.endpoints {
		if include(e) {
			name := b.resource(e)
			api.Paths[e.path()] = e.collectionPath(name)
			api.Paths[e.path()+"/{id}"] = e.itemPath(name)
		}
	}
	return api
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
	schemas map[string]*apiSchema
	taken   map[string]bool // names that belong to resources
}

func (b *schemaBuilder) resource(e *endpoint) string {
	name := schemaName(e.Segment, e.singular)
	s := b.object(e, name, e.root)
	s.Properties["id"] = &apiSchema{Type: "string"}
	s.Properties["_etag"] = &apiSchema{Type: "string"}
	s.Properties["_lastModifiedDate"] = &apiSchema{Type: "string", Format: "date-time"}
	for _, part := range e.key {
		if len(part.path) == 1 {
			s.Properties[part.path[0].Name].Identity = true
		}
	}
	b.schemas[name] = s
	return name
}

// object makes the schema of a shape, and adds those of what it holds.
func (b *schemaBuilder) object(e *endpoint, name string, o *shape) *apiSchema {
	s := &apiSchema{Type: "object", Properties: map[string]*apiSchema{}}
	for _, f := range o.fields {
		if f.Required {
			s.Required = append(s.Required, f.Name)
		}
		s.Properties[f.Name] = b.property(e, name, f)
	}
	slices.Sort(s.Required)
	return s
}

func (b *schemaBuilder) property(e *endpoint, parent string, f *field) *apiSchema {
	switch {
	case f.Kind == schema.KindArray:
		name := b.child(parent, singular(f.Name))
		b.schemas[name] = b.object(e, name, f.shape)
		for _, way := range f.itemKey {
			if len(way) == 1 && way[0].shape == nil {
				b.schemas[name].Properties[way[0].Name].Identity = true
			}
		}
		return &apiSchema{Type: "array", Items: &apiSchema{Ref: schemaRef + name}}
	case f.shape != nil && f.shape.ref != nil:
		return &apiSchema{Ref: schemaRef + b.reference(e, f.shape)}
	case f.shape != nil:
		name := b.child(parent, f.Name)
		b.schemas[name] = b.object(e, name, f.shape)
		return &apiSchema{Ref: schemaRef + name}
	}
	s := scalarSchema(f)
	s.Nullable = !f.Required
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
func (b *schemaBuilder) reference(e *endpoint, o *shape) string {
	target, segment := camel(o.ref.Abstract), e.Segment
	if len(o.ref.targets) > 0 {
		t := o.ref.targets[0].endpoint
		if segment = t.Segment; target == "" {
			target = t.singular
		}
	}
	name := schemaName(segment, target) + "Reference"
	if _, ok := b.schemas[name]; ok {
		return name
	}
	s := &apiSchema{Type: "object", Properties: map[string]*apiSchema{"link": {Ref: schemaRef + "link"}}}
	for _, f := range o.fields {
		part := scalarSchema(f)
		part.Identity = true
		s.Properties[f.Name] = part
		s.Required = append(s.Required, f.Name)
	}
	b.schemas[name] = s
	return name
}

// scalarSchema is type, format and bounds.
func scalarSchema(f *field) *apiSchema {
	s := &apiSchema{Type: "string", MaxLength: f.MaxLength, MinLength: f.MinLength, Minimum: f.Minimum, Maximum: f.Maximum}
	switch f.Kind {
	case schema.KindInteger:
		s.Type, s.Format = "integer", "int32"
		if f.Int64 {
			s.Format = "int64"
		}
	case schema.KindNumber:
		s.Type, s.Format = "number", "double"
	case schema.KindBoolean:
		s.Type = "boolean"
	case schema.KindDate:
		s.Format = "date"
	case schema.KindDateTime:
		s.Format = "date-time"
	} // a time of day is plain text in an ODS's documents
	return s
}

func jsonContent(s *apiSchema) map[string]media { return map[string]media{"application/json": {s}} }

func (e *endpoint) collectionPath(schemaName string) *pathItem {
	item := &apiSchema{Ref: schemaRef + schemaName}
	params := []parameter{
		{Ref: "#/components/parameters/offset"}, {Ref: "#/components/parameters/limit"},
		{Ref: "#/components/parameters/MinChangeVersion"}, {Ref: "#/components/parameters/MaxChangeVersion"},
		{Ref: "#/components/parameters/totalCount"},
	}
	for _, f := range e.filters {
		s := scalarSchema(f.field)
		s.Minimum, s.Maximum, s.MinLength = nil, nil, 0
		params = append(params, parameter{Name: f.name, In: "query", Schema: s, Identity: f.identity})
	}
	params = append(params, parameter{Name: "id", In: "query", Schema: &apiSchema{Type: "string"}})
	return &pathItem{
		Get: &operation{
			Tags: []string{e.Name}, OperationID: "get" + title(e.Name), Parameters: params,
			Responses: responses("200", &apiSchema{Type: "array", Items: item}, 304, 400, 401, 403, 404, 500),
		},
		Post: &operation{
			Tags: []string{e.Name}, OperationID: "post" + title(e.singular),
			RequestBody: &requestBody{jsonContent(item), true, e.singular},
			Responses:   responses("200", nil, 201, 400, 401, 403, 409, 412, 500),
		},
	}
}

func (e *endpoint) itemPath(schemaName string) *pathItem {
	item := &apiSchema{Ref: schemaRef + schemaName}
	id := parameter{Name: "id", In: "path", Required: true, Schema: &apiSchema{Type: "string"}}
	match := parameter{Name: "If-Match", In: "header", Schema: &apiSchema{Type: "string"}}
	return &pathItem{
		Get: &operation{
			Tags: []string{e.Name}, OperationID: "get" + title(e.Name) + "ById", Parameters: []parameter{id, {Ref: "#/components/parameters/If-None-Match"}},
			Responses: responses("200", item, 304, 400, 401, 403, 404, 500),
		},
		Put: &operation{
			Tags: []string{e.Name}, OperationID: "put" + title(e.singular), Parameters: []parameter{id, match},
			RequestBody: &requestBody{jsonContent(item), true, e.singular},
			Responses:   responses("204", nil, 400, 401, 403, 404, 409, 412, 500), Updatable: e.KeyUpdates,
		},
		Delete: &operation{
			Tags: []string{e.Name}, OperationID: "delete" + title(e.singular) + "ById", Parameters: []parameter{id, match},
			Responses: responses("204", nil, 400, 401, 403, 404, 409, 412, 500),
		},
	}
}

// responses lists what may be answered; only the good answer has a schema.
func responses(good string, s *apiSchema, others ...int) map[string]response {
	out := map[string]response{good: {Description: "The request was carried out."}}
	if s != nil {
		out[good] = response{Description: "The request was carried out.", Content: jsonContent(s)}
	}
	for _, status := range others {
		out[fmt.Sprint(status)] = response{Description: http.StatusText(status)}
	}
	return out
}
