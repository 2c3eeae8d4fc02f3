package sandbox

import (
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// newKey joins the canonical parts of a natural key, of which part gives the text; endpoints do not share
// keys.
func (m *model) newKey(e *endpoint, part func(i int) string) string {
	var room [256]byte
	key := append(room[:0], e.Name...)
	for i, k := range e.Identity {
		fold := m.foldKeys || k.Descriptor != "" || e.Descriptor != ""
		key = appendCanonical(append(key, 0), k.Kind, part(i), fold)
	}
	return string(key)
}

// keyParts are the canonical parts of a natural key.
func keyParts(key string) []string { return strings.Split(key, "\x00")[1:] }

// recordKey is the natural key of a record.
func (m *model) recordKey(e *endpoint, r record) string {
	return m.newKey(e, func(i int) string { return at(e.Root, r, e.Identity[i].Path).text })
}

// targetKey is the key of the record at t that a reference means.
func (m *model) targetKey(t referenceTarget, reference []value) string {
	return m.newKey(t.endpoint, func(i int) string { return reference[t.members[i]].text })
}

// valueKey is the key of the descriptor whose value this is, NAMESPACE#CODE.
func (m *model) valueKey(e *endpoint, value string) string {
	hash := strings.LastIndexByte(value, '#')
	if hash < 0 {
		return ""
	}
	return m.newKey(e, func(i int) string {
		if e.Identity[i].Path.Leaf() == "namespace" {
			return value[:hash]
		}
		return value[hash+1:]
	})
}

// descriptorValue is the value that the record of a descriptor stands for; empty for any other record.
func (e *endpoint) descriptorValue(r record) string {
	if e.Descriptor == "" {
		return ""
	}
	return e.text(r, "namespace") + "#" + e.text(r, "codeValue")
}

// text is the text at a path of a record.
func (e *endpoint) text(r record, path ...string) string { return at(e.Root, r, path).text }

// namespacePath is where the namespace stands that authorization looks at: in the record's key, or its own.
func (e *endpoint) namespacePath() schema.Path {
	for _, part := range e.Identity {
		if part.Path.Leaf() == "namespace" {
			return part.Path
		}
	}
	if e.Root.ByName["namespace"] != nil {
		return schema.Path{"namespace"}
	}
	return nil
}
