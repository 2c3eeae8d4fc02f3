package target

import (
	"net/http"
	"strings"
	"testing"
)

// metadata serves the three documents with ETags, listed as the ODS or as the DMS does.
func metadata(t *testing.T, f *fake, dms bool) {
	documents := map[string]string{
		"/metadata/data/v3/resources/swagger.json":   `{"swagger":"2.0"}`,
		"/metadata/data/v3/descriptors/swagger.json": `{"openapi":"3.0.1"}`,
		"/metadata/data/v3/dependencies":             `[]`,
	}
	list := `[{"name":"Resources","endpointUri":"` + f.base + `/metadata/data/v3/resources/swagger.json","prefix":""},
		{"name":"descriptors","endpointUri":"/metadata/data/v3/descriptors/swagger.json","prefix":""},
		{"name":"Change-Queries","endpointUri":"x","prefix":"Other"}]`
	f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.Header.Get("Authorization") != "" {
			t.Error("metadata is asked for with a token")
		}
		switch {
		case r.URL.Path == "/metadata/" && dms:
			reply(w, 200, `{"dependencies":"x","specifications":"`+f.base+`/metadata/specifications"}`)
		case r.URL.Path == "/metadata/", r.URL.Path == "/metadata/specifications":
			reply(w, 200, list)
		default:
			body, ok := documents[r.URL.Path]
			if !ok {
				reply(w, 404, "")
				return
			}
			etag := `"` + body + `"`
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(304)
				return
			}
			reply(w, 200, body)
		}
	}
}

func TestDocuments(t *testing.T) {
	for _, dms := range []bool{false, true} {
		f := newFake(t)
		metadata(t, f, dms)
		c := f.client()
		d, err := c.Documents(t.Context(), ETags{})
		if err != nil {
			t.Fatal(err)
		}
		if string(d.Resources.Body) != `{"swagger":"2.0"}` || string(d.Descriptors.Body) != `{"openapi":"3.0.1"}` || string(d.Dependencies.Body) != `[]` {
			t.Errorf("%+v", d)
		}
		etags := ETags{Resources: d.Resources.ETag, Descriptors: d.Descriptors.ETag, Dependencies: d.Dependencies.ETag}
		etags.Descriptors = `"an older one"`
		if d, err = c.Documents(t.Context(), etags); err != nil {
			t.Fatal(err)
		}
		if !d.Resources.NotModified || d.Resources.Body != nil || d.Descriptors.NotModified || !d.Dependencies.NotModified || d.Resources.ETag != etags.Resources {
			t.Errorf("%+v", d)
		}
		if f.tokens != 0 {
			t.Error("a token was asked for")
		}
	}
}

func TestDocumentsThatAreNotThere(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		kind Kind
		says string
	}{
		"empty list":   {`[]`, Odd, "names no document"},
		"other":        {`{"x":1}`, Odd, "could not be read"},
		"circle":       {`{"specifications":"/metadata/"}`, Setup, "leads nowhere"},
		"page":         {`<html>no</html>`, Odd, "no"},
		"foreign http": {`[{"name":"Resources","endpointUri":"http://internal.test/r"},{"name":"Descriptors","endpointUri":"/d"}]`, Setup, "plain http"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, tt.body) }
			_, err := f.client().Documents(t.Context(), ETags{})
			if mustFail(t, err, tt.kind); !strings.Contains(err.Error(), tt.says) {
				t.Error(err)
			}
		})
	}
	missing := newFake(t)
	missing.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, "") }
	_, err := missing.client().Documents(t.Context(), ETags{})
	if mustFail(t, err, NotFound); !strings.Contains(err.Error(), "serves its OpenAPI metadata") {
		t.Error(err)
	}
	// The data can be reached by an override, the metadata cannot: that is said when it is needed.
	f := newFake(t)
	f.root = rootDocumentOf("https://ods.test/{tenant}")
	config := f.config()
	config.DataURL, config.OAuthURL = "https://ods.test/data/v3/", "https://ods.test/oauth/token"
	c := mustNew(t, config)
	if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Documents(t.Context(), ETags{})
	if mustFail(t, err, Setup); !strings.Contains(err.Error(), "{tenant}") {
		t.Error(err)
	}
}
