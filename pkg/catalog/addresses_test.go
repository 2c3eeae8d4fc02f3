package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// deployment is how a target lays out its addresses, each below the host.
type deployment struct {
	version, mode string
	service       bool     // the Data Management Service
	swagger       bool     // its documents are Swagger 2.0, else OpenAPI 3
	roots         []string // where the root document is
	told          string   // what the root document has in place of `is`, as a placeholder
	is            string
	data, oauth   string
	listing       string // the list of OpenAPI documents
	documents     string // what their addresses begin with
	dependencies  string
	changes       string
}

// front serves the sandbox as a deployment of it.
type front struct {
	deployment
	t       *testing.T
	sandbox http.Handler
	url     string
}

func (f *front) at(path string) string { return f.url + path }

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inner := ""
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, f.data+"/"):
		inner = "/data/v3" + strings.TrimPrefix(path, f.data)
	case path == f.oauth:
		inner = "/oauth/token"
	case path == strings.TrimSuffix(f.oauth, "token")+"token_info":
		inner = "/oauth/token_info"
	case path == f.listing && f.service:
		f.write(w, map[string]string{"specifications": f.at(f.listing + "/specifications"), "dependencies": f.at(f.dependencies)})
		return
	case path == f.listing || f.service && path == f.listing+"/specifications":
		f.write(w, []map[string]string{{"name": "Resources", "endpointUri": f.at(f.documents + "/resources-spec.json")},
			{"name": "Descriptors", "endpointUri": f.at(f.documents + "/descriptors-spec.json")}})
		return
	case path == f.documents+"/resources-spec.json", path == f.documents+"/descriptors-spec.json":
		inner = "/metadata/data/v3/" + strings.TrimSuffix(strings.TrimPrefix(path, f.documents+"/"), "-spec.json") + "/swagger.json"
		if f.swagger {
			f.writeSwagger(w, r, inner)
			return
		}
	case path == f.dependencies:
		inner = "/metadata/data/v3/dependencies"
	case path == f.changes+"/availableChangeVersions":
		inner = "/changeQueries/v1/availableChangeVersions"
	default:
		for _, root := range f.roots {
			if strings.TrimRight(path, "/") == strings.TrimRight(root, "/") {
				f.writeRoot(w)
				return
			}
		}
		f.t.Errorf("asked for %s %s", r.Method, path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	r.URL.Path = inner
	f.sandbox.ServeHTTP(relocating{w, f}, r)
}

// relocating says where a record is as the deployment lays it out.
type relocating struct {
	http.ResponseWriter
	f *front
}

func (w relocating) WriteHeader(status int) {
	h := w.Header()
	if at := h.Get("Location"); at != "" {
		h.Set("Location", strings.Replace(at, "/data/v3", w.f.data, 1))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (f *front) write(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func (f *front) writeRoot(w http.ResponseWriter) {
	urls := map[string]string{"dataManagementApi": f.data, "oauth": f.oauth, "openApiMetadata": f.listing, "dependencies": f.dependencies, "changeQueries": f.changes}
	for name, path := range urls {
		if f.told != "" {
			path = strings.Replace(path, f.is, f.told, 1)
		}
		urls[name] = f.at(path)
	}
	root := map[string]any{"version": f.version, "dataModels": []map[string]string{{"name": "Ed-Fi", "version": "5.1.0"}, {"name": "TPDM", "version": "1.1.0"}}, "urls": urls}
	if f.service {
		urls["tokenInfo"] = f.at(strings.TrimSuffix(f.oauth, "token") + "token_info")
	} else {
		root["suite"] = "3"
	}
	if f.mode != "" {
		root["apiMode"] = f.mode
	}
	f.write(w, root)
}

// writeSwagger serves a document of the sandbox as Swagger 2.0.
func (f *front) writeSwagger(w http.ResponseWriter, r *http.Request, inner string) {
	r.Header.Del("Accept-Encoding")
	r.URL.Path = inner
	got := httptest.NewRecorder()
	f.sandbox.ServeHTTP(got, r)
	text := bytes.ReplaceAll(got.Body.Bytes(), []byte("#/components/schemas/"), []byte("#/definitions/"))
	text = bytes.ReplaceAll(text, []byte("#/components/parameters/"), []byte("#/parameters/"))
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		f.t.Error(err)
		return
	}
	components := document["components"].(map[string]any)
	plain := map[string]any{"swagger": "2.0", "basePath": "/data/v3", "info": document["info"], "paths": document["paths"],
		"definitions": components["schemas"], "parameters": components["parameters"]}
	for _, operations := range document["paths"].(map[string]any) {
		for _, operation := range operations.(map[string]any) {
			toSwagger(operation.(map[string]any))
		}
	}
	for _, p := range components["parameters"].(map[string]any) {
		inline(p.(map[string]any))
	}
	f.write(w, plain)
}

// toSwagger makes the body of an operation a parameter, and types members of their parameters.
func toSwagger(operation map[string]any) {
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		inline(p.(map[string]any))
	}
	if body, ok := operation["requestBody"].(map[string]any); ok {
		content := body["content"].(map[string]any)["application/json"].(map[string]any)
		parameters = append(parameters, map[string]any{"name": body["x-bodyName"], "in": "body", "required": true, "schema": content["schema"]})
		delete(operation, "requestBody")
	}
	operation["parameters"] = parameters
	for _, answer := range operation["responses"].(map[string]any) {
		answer := answer.(map[string]any)
		if content, ok := answer["content"].(map[string]any); ok {
			answer["schema"] = content["application/json"].(map[string]any)["schema"]
			delete(answer, "content")
		}
	}
}

func inline(parameter map[string]any) {
	if s, ok := parameter["schema"].(map[string]any); ok && parameter["in"] != "body" {
		for name, value := range s {
			parameter[name] = value
		}
		delete(parameter, "schema")
	}
}

// Every way in which a target is deployed is found from its base_url and settings, its documents are read, and a
// record is written there and found again, over HTTP.
func TestDeployments(t *testing.T) {
	shared := func(version string, swagger bool) deployment {
		return deployment{version: version, swagger: swagger, roots: []string{"/"}, data: "/data/v3", oauth: "/oauth/token", listing: "/metadata/",
			documents: "/metadata/data/v3", dependencies: "/metadata/data/v3/dependencies", changes: "/changeQueries/v1"}
	}
	below := func(d deployment, prefix string) deployment { // 7: everything below tenant and context
		for _, path := range []*string{&d.data, &d.oauth, &d.listing, &d.documents, &d.dependencies, &d.changes} {
			*path = prefix + *path
		}
		d.is = prefix
		return d
	}
	after := func(d deployment, context, oauth string) deployment { // 5 and 6: after v3
		d.data, d.documents, d.dependencies = "/data/v3/"+context, "/metadata/data/v3/"+context, "/metadata/data/v3/"+context+"/dependencies"
		d.listing, d.changes, d.oauth = "/metadata/"+context, "/changeQueries/v1/"+context, oauth
		return d
	}
	told := func(d deployment, is, told string, roots ...string) deployment {
		d.is, d.told, d.roots = is, told, roots
		return d
	}
	service := deployment{version: "8.0", service: true, roots: []string{"/api"}, data: "/api/data", oauth: "/api/oauth/token", listing: "/api/metadata",
		documents: "/api/metadata/specifications", dependencies: "/api/metadata/dependencies", changes: "/api/changeQueries/v1"}
	yearly := after(shared("6.2", true), "2026", "/oauth/token")
	yearly.mode = "Year Specific"
	instances := after(shared("6.2", true), "gb/2026", "/gb/oauth/token")
	instances.mode = "Instance Year Specific"

	for name, tt := range map[string]struct {
		deployment
		base    string // of base_url, below the host
		config  target.Config
		product string
	}{
		"5.3, Swagger 2.0":                 {shared("5.3", true), "", target.Config{}, "ODS/API 5.3"},
		"6.2, Swagger 2.0":                 {shared("6.2", true), "", target.Config{}, "ODS/API 6.2"},
		"7.1, OpenAPI 3":                   {shared("7.1", false), "", target.Config{}, "ODS/API 7.1"},
		"7.2, OpenAPI 3":                   {shared("7.2", false), "", target.Config{}, "ODS/API 7.2"},
		"7.3, OpenAPI 3":                   {shared("7.3", false), "", target.Config{}, "ODS/API 7.3"},
		"year-specific, another year told": {told(yearly, "2026", "2031", "/"), "", target.Config{SchoolYear: 2026}, "ODS/API 6.2"},
		"instance and year": {told(instances, "gb", "{instance}", "/"), "", target.Config{SchoolYear: 2026, Instance: "gb"},
			"ODS/API 6.2"},
		"route context in base_url":   {told(below(shared("7.2", false), "/2026"), "", "", "/2026"), "/2026", target.Config{}, "ODS/API 7.2"},
		"route context by setting":    {told(below(shared("7.2", false), "/2026"), "/2026", "/{schoolYearFromRoute}", "/"), "", target.Config{SchoolYear: 2026}, "ODS/API 7.2"},
		"tenant in base_url":          {told(below(shared("7.3", false), "/gb"), "", "", "/gb"), "/gb", target.Config{}, "ODS/API 7.3"},
		"tenant by setting":           {told(below(shared("7.3", false), "/gb"), "/gb", "/{tenantIdentifier}", "/"), "", target.Config{Instance: "gb"}, "ODS/API 7.3"},
		"tenant and route context":    {told(below(shared("7.3", false), "/gb/2026"), "/gb/2026", "/{tenantIdentifier}/{schoolYearFromRoute}", "/"), "", target.Config{Instance: "gb", SchoolYear: 2026}, "ODS/API 7.3"},
		"Data Management Service":     {service, "/api", target.Config{}, "Data Management Service 8.0"},
		"of a tenant and a qualifier": {told(below(service, "/gb/2026"), "", "", "/gb/2026/api"), "/gb/2026/api", target.Config{}, "Data Management Service 8.0"},
	} {
		t.Run(name, func(t *testing.T) {
			std, values := standard()
			s, err := sandbox.Open(sandbox.Options{Standard: std, Descriptors: values})
			if err != nil {
				t.Fatal(err)
			}
			f := &front{deployment: tt.deployment, t: t, sandbox: s.Handler()}
			server := httptest.NewServer(f)
			f.url = server.URL
			config := tt.config
			config.BaseURL, config.ClientID, config.ClientSecret = server.URL+tt.base, sandbox.Key, sandbox.Secret
			config.Retry = target.RetryPolicy{Max: -1}
			client, err := target.New(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				client.Close()
				server.Close()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			c, err := Open(t.Context(), client, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := Product(c.Access().About); got != tt.product || fmt.Sprint(c.Access().About.Extensions) != "[TPDM 1.1.0]" {
				t.Errorf("%s %v", got, c.Access().About.Extensions)
			}
			const body = `{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"Own","shortDescription":"Own"}`
			if _, err := client.Post(t.Context(), "gradeLevelDescriptors", []byte(body)); err != nil {
				t.Fatal(err)
			}
			checker, ok := c.Standard().Checker("gradeLevelDescriptors")
			if !ok {
				t.Fatal("the documents have no gradeLevelDescriptors")
			}
			var rec schema.Record
			checker.Key([]byte(body), &rec)
			if held, err := c.Record(t.Context(), "gradeLevelDescriptors", &rec.Key); err != nil || held == nil {
				t.Errorf("%s %v", held, err)
			}
			if newest, err := client.NewestChangeVersion(t.Context()); err != nil || newest == 0 {
				t.Error(newest, err)
			}
		})
	}
}
