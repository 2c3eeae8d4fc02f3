package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// SameContent reports whether two texts of a record say the same to a target. What only the server sets,
// null, empty lists, the order of members and items, the notation of numbers and times, and the case of
// descriptor values make no difference.
func (r *Resource) SameContent(a, b []byte) bool {
	x, okX := r.Content(a)
	y, okY := r.Content(b)
	return okX && okY && bytes.Equal(x, y)
}

// Content is a record in the one form that all its spellings have, which SameContent compares.
func (r *Resource) Content(text []byte) ([]byte, bool) {
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	return r.Root.appendContent(nil, v), true
}

func (o *Object) appendContent(dst []byte, v map[string]any) []byte {
	dst = append(dst, '{')
	for _, p := range o.Properties {
		if text := p.content(v[p.Name]); text != nil {
			dst = append(append(append(append(dst, p.Name...), ':'), text...), ',')
		}
	}
	if o.Open {
		dst = append(dst, raw(v)...)
	}
	return append(dst, '}')
}

// content is nil for what is as good as absent.
func (p *Property) content(value any) []byte {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
		var items [][]byte
		for _, item := range v {
			if m, ok := item.(map[string]any); ok && p.Object != nil {
				items = append(items, p.Object.appendContent(nil, m))
			} else {
				items = append(items, raw(item))
			}
		}
		slices.SortFunc(items, bytes.Compare)
		return bytes.Join(items, []byte(","))
	case map[string]any:
		if p.Object == nil {
			break
		}
		content := p.Object.appendContent(nil, v)
		if p.Object.Reference != nil && len(content) == len("{}") {
			return nil
		}
		return content
	case json.Number:
		return p.canonicalScalar(string(v))
	case string:
		if p.Kind == KindInteger || p.Kind == KindNumber || p.Kind == KindBoolean {
			return p.canonicalScalar(v)
		}
		return raw(p.canonicalText(v))
	}
	return raw(value)
}

// canonicalScalar is a number, true or false, in quotes or not.
func (p *Property) canonicalScalar(text string) []byte {
	if word, known := booleans[strings.ToLower(text)]; known && p.Kind == KindBoolean {
		return []byte(word)
	}
	return canonicalNumber([]byte(text))
}

func (p *Property) canonicalText(text string) string {
	switch {
	case p.Descriptor != "":
		return string(FoldDescriptor(nil, []byte(text)))
	case p.Kind == KindDateTime:
		return string(canonicalDateTime([]byte(text)))
	case p.Kind == KindTime && isTime([]byte(text)):
		return string(canonicalDateTime([]byte("2000-01-01T" + text)))
	}
	return text
}

// raw is JSON as it is; its members are sorted by name.
func raw(v any) []byte {
	text, _ := json.Marshal(v) // it was decoded from JSON
	return text
}
