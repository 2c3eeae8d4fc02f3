package sandbox

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

const lastModifiedLayout = "2006-01-02T15:04:05.000000Z"

// record is a stored record, tidy.
func (s *Server) record(r *row) (object, error) {
	body, err := s.store.body(r)
	if err != nil {
		return nil, err
	}
	m, err := decode(body)
	if err != nil {
		return nil, fmt.Errorf("a record of %s in the sandbox's store is damaged: %w", r.Resource, err)
	}
	tidy(m, r.endpoint.Root)
	return m, nil
}

// render is a record as a reader gets it: with its id, every collection, values and descriptors in their
// stored form, and links in references.
func (s *Server) render(r *row) (object, error) {
	m, err := s.record(r)
	if err != nil {
		return nil, err
	}
	s.renderObject(r.endpoint.Root, m)
	m["id"] = s.store.recordID(r)
	m["_etag"] = r.etag()
	m["_lastModifiedDate"] = time.Unix(0, r.Modified).UTC().Format(lastModifiedLayout)
	return m, nil
}

func (s *Server) renderObject(o *schema.Object, m object) {
	for _, p := range o.Properties {
		v, ok := m[p.Name]
		switch {
		case p.Kind == schema.KindArray && !ok:
			m[p.Name] = []any{}
		case !ok:
		case p.Kind == schema.KindArray:
			for _, item := range v.([]any) {
				s.renderObject(p.Object, item.(object))
			}
		case p.Object != nil:
			s.renderObject(p.Object, v.(object))
		default:
			m[p.Name] = s.renderScalar(p, v)
		}
	}
	if o.Reference != nil {
		s.addLink(s.model.references[o.Reference], m)
	}
}

// addLink gives a reference its link, if what it means is still there.
func (s *Server) addLink(ref *reference, m object) {
	for _, t := range ref.targets {
		if r := s.store.find(t.endpoint, s.model.targetKey(t, m)); r != nil {
			m["link"] = object{"rel": t.endpoint.entity, "href": t.endpoint.path() + "/" + s.store.recordID(r)}
			return
		}
	}
}

// renderScalar is a value as it is stored: a number in quotes is a number.
func (s *Server) renderScalar(p *schema.Property, v any) any {
	text := canonical(p.Kind, v, false)
	switch {
	case p.Kind == schema.KindInteger || p.Kind == schema.KindNumber:
		return json.Number(text)
	case p.Kind == schema.KindBoolean:
		return text == "true"
	case p.Descriptor != "":
		if found := s.store.value(s.model.byType[p.Descriptor], text); found != nil {
			return found.Value
		}
	}
	return text
}

// toJSON writes a value made of what JSON has.
func toJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// send answers with JSON, compressed if the caller takes that and it is worth it.
func (c *dataCall) send(body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if len(body) < 2048 || !strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = c.w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	c.w.WriteHeader(http.StatusOK)
	z, err := gzip.NewWriterLevel(c.w, gzip.BestSpeed)
	if err != nil { // the level is valid
		return
	}
	_, _ = z.Write(body)
	_ = z.Close()
}
