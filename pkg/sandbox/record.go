package sandbox

import (
	"encoding/json"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// tidy gives the members of an object the spelling of the standard, and removes what counts as absent:
// names that the standard does not have, null, and references without any part.
func tidy(m object, o *schema.Object) {
	for name, v := range m {
		p := o.ByName[name]
		if p == nil {
			delete(m, name)
			if p = foldedProperty(o, name); p == nil || m[p.Name] != nil {
				continue
			}
			m[p.Name] = v
		}
		if v == nil {
			delete(m, p.Name)
		}
		if p.Object == nil {
			continue
		}
		switch v := v.(type) {
		case object:
			tidy(v, p.Object)
			if p.Object.Reference != nil && emptyReference(v) {
				delete(m, p.Name)
			}
		case []any:
			for _, item := range v {
				if item, ok := item.(object); ok {
					tidy(item, p.Object)
				}
			}
		}
	}
}

func foldedProperty(o *schema.Object, name string) *schema.Property {
	for _, p := range o.Properties {
		if strings.EqualFold(p.Name, name) {
			return p
		}
	}
	return nil
}

// emptyReference says that no part of the reference is supplied: an ODS takes it as absent.
func emptyReference(m object) bool {
	for _, v := range m {
		if !isDefault(v) {
			return false
		}
	}
	return true
}

// isDefault says that a key part is not supplied: empty text, or zero.
func isDefault(v any) bool { return v == nil || v == "" || v == json.Number("0") }

// at is the value at a path of single objects; nil if something on it is absent.
func at(m object, path schema.Path) any {
	for _, name := range path[:len(path)-1] {
		m, _ = m[name].(object)
	}
	return m[path.Leaf()]
}

// keyText joins the canonical parts of a natural key; endpoints do not share keys.
func (e *endpoint) keyText(parts []string) string {
	return e.Name + "\x00" + strings.Join(parts, "\x00")
}

// keyParts are the canonical parts of a natural key.
func keyParts(key string) []string { return strings.Split(key, "\x00")[1:] }

// foldsKey says that case does not matter in a part of the endpoint's key.
func (m *model) foldsKey(e *endpoint, part schema.KeyPart) bool {
	return m.foldKeys || part.Descriptor != "" || e.Descriptor != ""
}

// recordKey is the natural key of a tidy record.
func (m *model) recordKey(e *endpoint, body object) string {
	parts := make([]string, len(e.Identity))
	for i, part := range e.Identity {
		parts[i] = canonical(part.Kind, at(body, part.Path), m.foldsKey(e, part))
	}
	return e.keyText(parts)
}

// targetKey is the key of the record at t that a reference means.
func (m *model) targetKey(t referenceTarget, reference object) string {
	parts := make([]string, len(t.members))
	for i, name := range t.members {
		part := t.endpoint.Identity[i]
		parts[i] = canonical(part.Kind, reference[name], m.foldsKey(t.endpoint, part))
	}
	return t.endpoint.keyText(parts)
}

// valueKey is the key of the descriptor whose value this is, NAMESPACE#CODE.
func (e *endpoint) valueKey(value string) string {
	i := strings.LastIndexByte(value, '#')
	if i < 0 {
		return ""
	}
	parts := make([]string, len(e.Identity))
	for k, part := range e.Identity {
		if part.Path.Leaf() == "namespace" {
			parts[k] = strings.ToLower(value[:i])
		} else {
			parts[k] = strings.ToLower(value[i+1:])
		}
	}
	return e.keyText(parts)
}

// descriptorValue is the value that the record of a descriptor stands for; empty for any other record.
func (e *endpoint) descriptorValue(body object) string {
	if e.Descriptor == "" {
		return ""
	}
	return textOf(body["namespace"]) + "#" + textOf(body["codeValue"])
}

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
