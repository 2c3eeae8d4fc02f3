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

// record reads a stored record into room.
func (s *Server) record(r *row, room *arena) (record, error) {
	e := s.model.endpoints[r.endpoint]
	body, err := s.store.body(room.text[:0], r)
	if err != nil {
		return nil, err
	}
	room.text = body
	m, _, err := decode(body, e.Root, room)
	if err != nil {
		err = fmt.Errorf("a record of %s in the sandbox's store is damaged: %w", e.Name, err)
	}
	return m, err
}

// render appends a record as a reader gets it: with its id, every collection, values and descriptors in
// their stored form, and links in references.
func (s *Server) render(dst []byte, r *row, room *arena) ([]byte, error) {
	m, err := s.record(r, room)
	if err != nil {
		return nil, err
	}
	dst = s.store.appendID(append(dst, `{"id":"`...), r)
	dst = s.renderObject(append(dst, `",`...), s.model.endpoints[r.endpoint].Root, m)
	dst = append(append(dst, `"_etag":"`...), r.etag()...)
	dst = time.Unix(0, r.modified).UTC().AppendFormat(append(dst, `","_lastModifiedDate":"`...), lastModifiedLayout)
	return append(dst, `"}`...), nil
}

// renderObject appends an object's members, each with a comma after it.
func (s *Server) renderObject(dst []byte, o *schema.Object, m []value) []byte {
	for i, p := range o.Properties {
		if m[i].kind == 0 && p.Kind != schema.KindArray {
			continue
		}
		dst = append(append(append(dst, '"'), p.Name...), `":`...)
		switch {
		case p.Kind == schema.KindArray:
			dst = append(dst, '[')
			for _, item := range m[i].parts {
				dst = s.renderObject(append(dst, '{'), p.Object, item.parts)
				dst = append(closeWith(dst, '}'), ',')
			}
			dst = closeWith(dst, ']')
		case p.Object != nil:
			dst = closeWith(s.renderObject(append(dst, '{'), p.Object, m[i].parts), '}')
		default:
			dst = s.renderScalar(dst, p, m[i].text)
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
func (s *Server) renderLink(dst []byte, ref *reference, m []value) []byte {
	for _, t := range ref.targets {
		if r, ok := s.store.find(t.endpoint, s.model.targetKey(t, m)); ok {
			dst = append(dst, `"link":{"rel":"`+t.endpoint.entity+`","href":"`+t.endpoint.path()+"/"...)
			return append(s.store.appendID(dst, &r), `"}`...)
		}
	}
	return dst
}

// renderScalar appends a value as it is stored: a number in quotes is a number.
func (s *Server) renderScalar(dst []byte, p *schema.Property, text []byte) []byte {
	switch p.Kind {
	case schema.KindInteger, schema.KindNumber, schema.KindBoolean:
		return appendCanonical(dst, p.Kind, text, false)
	case schema.KindDateTime, schema.KindTime:
		text = appendCanonical(nil, p.Kind, text, false)
	}
	if p.Descriptor != "" {
		if n, ok := s.store.value(s.model.byType[p.Descriptor], text); ok {
			return jsonl.AppendString(dst, s.store.values[n])
		}
	}
	return jsonl.AppendString(dst, text)
}

// object is a JSON object that the sandbox makes up.
type object = map[string]any

// toJSON writes a value made of what JSON has.
func toJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// send answers with JSON, compressed if the caller takes that and it is worth it.
func send(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if len(body) < 2048 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusOK)
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
	_, _ = z.Write(body)
	_ = z.Close()
}
