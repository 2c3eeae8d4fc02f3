package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

const lastModifiedLayout = "2006-01-02T15:04:05.000000Z"

// etag is a record's version as an ODS writes it: an opaque number that follows from its last change.
func (it *item) etag() string { return strconv.FormatInt(it.slot.modified, 10) }

// render appends the record as a reader gets it: id first, every collection there, values and
// descriptors in their stored form, links in references. What no field of the standard holds was
// never kept, and does not come back.
func (s *Server) render(dst []byte, r *record, it *item) ([]byte, error) {
	var err error
	if r.body, err = s.store.body(r.body[:0], it); err != nil {
		return nil, err
	}
	if err := r.begin(it.endpoint); err != nil {
		return nil, err
	}
	dst = append(dst, `{"id":"`...)
	dst = append(dst, s.store.recordID(it)...)
	dst = append(dst, `",`...)
	dst = s.renderObject(dst, r, 0, it.endpoint.root)
	dst = append(dst, `"_etag":"`...)
	dst = append(dst, it.etag()...)
	dst = append(dst, `","_lastModifiedDate":"`...)
	dst = time.Unix(0, it.slot.modified).UTC().AppendFormat(dst, lastModifiedLayout)
	return append(dst, `"}`...), nil
}

// renderObject appends an object's members, each with a comma behind it.
func (s *Server) renderObject(dst []byte, r *record, n int32, o *shape) []byte {
	for _, f := range o.fields {
		c := r.tree.member(n, f)
		if c == 0 && f.Kind != schema.KindArray {
			continue
		}
		dst = append(dst, '"')
		dst = append(dst, f.Name...)
		dst = append(dst, `":`...)
		switch {
		case f.Kind == schema.KindArray:
			dst = s.renderItems(dst, r, c, f)
		case f.shape != nil:
			dst = append(dst, '{')
			dst = s.renderObject(dst, r, c, f.shape)
			if f.shape.ref != nil {
				dst = s.renderLink(dst, r, c, f.shape.ref)
			}
			dst = closeWith(dst, '}')
		default:
			dst = renderScalar(dst, &r.tree.nodes[c], f)
		}
		dst = append(dst, ',')
	}
	return dst
}

func (s *Server) renderItems(dst []byte, r *record, n int32, f *field) []byte {
	dst = append(dst, '[')
	if n == 0 {
		return append(dst, ']')
	}
	for i := r.tree.nodes[n].child; i != 0; i = r.tree.nodes[i].next {
		dst = append(dst, '{')
		dst = s.renderObject(dst, r, i, f.shape)
		dst = closeWith(dst, '}')
		dst = append(dst, ',')
	}
	return closeWith(dst, ']')
}

// closeWith puts a bracket in the place of a last comma.
func closeWith(dst []byte, bracket byte) []byte {
	if dst[len(dst)-1] == ',' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, bracket)
}

// renderLink appends a reference's link, if what it means is still there.
func (s *Server) renderLink(dst []byte, r *record, n int32, ref *reference) []byte {
	for _, t := range ref.targets {
		it, ok := s.store.byKey(t.endpoint, r.targetKey(n, t))
		if !ok {
			continue
		}
		dst = append(dst, `"link":{"rel":"`...)
		dst = append(dst, t.endpoint.entity...)
		dst = append(dst, `","href":"/`...)
		dst = append(dst, t.endpoint.Segment...)
		dst = append(dst, '/')
		dst = append(dst, t.endpoint.Name...)
		dst = append(dst, '/')
		dst = append(dst, s.store.recordID(&it)...)
		return append(dst, `"}`...)
	}
	return dst
}

func renderScalar(dst []byte, n *node, f *field) []byte {
	switch f.Kind {
	case schema.KindInteger: // a number in quotes is stored as a number
		v, _ := strconv.ParseInt(string(n.text), 10, 64)
		return strconv.AppendInt(dst, v, 10)
	case schema.KindNumber:
		v, _ := strconv.ParseFloat(string(n.text), 64)
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case schema.KindBoolean:
		v, _ := parseBool(n.text)
		return strconv.AppendBool(dst, v)
	case schema.KindDateTime:
		if at, ok := parseDateTime(string(n.text)); ok {
			return append(at.UTC().AppendFormat(append(dst, '"'), dateTimeLayout), '"')
		}
	case schema.KindTime:
		return appendQuoted(dst, []byte(canonicalTime(string(n.text))))
	}
	if f.descriptor != nil {
		if v := f.descriptor.values.find(n.text); v != nil {
			return appendQuoted(dst, []byte(v.text))
		}
	}
	return appendQuoted(dst, n.text)
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}
