package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

const lastModifiedLayout = "2006-01-02T15:04:05.000000Z"

// record is a stored record, tidy.
func (s *Server) record(r *row) (object, error) {
	if r.ofRoster() {
		return r.endpoint.roster.record(r.Number), nil
	}
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

// render appends a record as a reader gets it: with its id, every collection, values and descriptors in
// their stored form, and links in references.
func (s *Server) render(dst []byte, r *row) ([]byte, error) {
	m, err := s.record(r)
	if err != nil {
		return nil, err
	}
	dst = append(append(dst, `{"id":"`...), s.store.recordID(r)...)
	dst = s.renderObject(append(dst, `",`...), r.endpoint.Root, m)
	dst = append(append(dst, `"_etag":"`...), r.etag()...)
	dst = time.Unix(0, r.Modified).UTC().AppendFormat(append(dst, `","_lastModifiedDate":"`...), lastModifiedLayout)
	return append(dst, `"}`...), nil
}

// renderObject appends an object's members, each with a comma after it.
func (s *Server) renderObject(dst []byte, o *schema.Object, m object) []byte {
	for _, p := range o.Properties {
		v, ok := m[p.Name]
		if !ok && p.Kind != schema.KindArray {
			continue
		}
		dst = append(append(append(dst, '"'), p.Name...), `":`...)
		switch {
		case p.Kind == schema.KindArray:
			dst = append(dst, '[')
			items, _ := v.([]any)
			for _, item := range items {
				dst = s.renderObject(append(dst, '{'), p.Object, item.(object))
				dst = append(closeWith(dst, '}'), ',')
			}
			dst = closeWith(dst, ']')
		case p.Object != nil:
			dst = closeWith(s.renderObject(append(dst, '{'), p.Object, v.(object)), '}')
		default:
			dst = s.renderScalar(dst, p, v)
		}
		dst = append(dst, ',')
	}
	if o.Reference != nil {
		dst = s.renderLink(dst, s.model.references[o.Reference], m)
	}
	return dst
}

// closeWith replaces a last comma by a bracket.
func closeWith(dst []byte, bracket byte) []byte {
	return append(bytes.TrimSuffix(dst, []byte(",")), bracket)
}

// renderLink appends a reference's link, if what it means is still there.
func (s *Server) renderLink(dst []byte, ref *reference, m object) []byte {
	for _, t := range ref.targets {
		if r := s.store.find(t.endpoint, s.model.targetKey(t, m)); r != nil {
			return fmt.Appendf(dst, `"link":{"rel":%q,"href":%q}`, t.endpoint.entity, t.endpoint.path()+"/"+s.store.recordID(r))
		}
	}
	return dst
}

// renderScalar appends a value as it is stored: a number in quotes is a number.
func (s *Server) renderScalar(dst []byte, p *schema.Property, v any) []byte {
	text := canonical(p.Kind, v, false)
	if p.Kind == schema.KindInteger || p.Kind == schema.KindNumber || p.Kind == schema.KindBoolean {
		return append(dst, text...)
	}
	if p.Descriptor != "" {
		if found := s.store.value(s.model.byType[p.Descriptor], text); found != nil {
			text = found.Value
		}
	}
	return jsonl.AppendString(dst, text)
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
