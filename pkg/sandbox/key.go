package sandbox

import (
	"bytes"
	"hash/maphash"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// key stands for a natural key: its text, hashed. That of a record of a roster is its number.
type key [2]uint64

var keySeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// keyOf is the key of a text that appendKey made.
func (e *endpoint) keyOf(text []byte) key {
	if e.roster != nil {
		if n, ok := e.roster.number(text); ok {
			return rosterKey(n)
		}
	}
	return key{maphash.Bytes(keySeeds[0], text), maphash.Bytes(keySeeds[1], text) | 1}
}

func rosterKey(n uint32) key { return key{uint64(n), 2} }

// ofRoster is the number that a key of a roster stands for.
func (k key) ofRoster() (n uint32, ok bool) { return uint32(k[0]), k[1] == 2 }

// appendKey appends the canonical parts of a natural key, of which part gives the text; endpoints do not
// share keys.
func (m *model) appendKey(dst []byte, e *endpoint, part func(i int) []byte) []byte {
	dst = append(dst, e.Name...)
	for i, k := range e.Identity {
		fold := m.foldKeys || k.Descriptor != "" || e.Descriptor != ""
		dst = appendCanonical(append(dst, 0), k.Kind, part(i), fold)
	}
	return dst
}

// appendRecordKey appends the natural key of a record.
func (m *model) appendRecordKey(dst []byte, e *endpoint, r record) []byte {
	return m.appendKey(dst, e, func(i int) []byte {
		_, v := at(e.Root, r, e.Identity[i].Path)
		return v.text
	})
}

// targetKey is the key of the record at t that a reference means.
func (m *model) targetKey(t referenceTarget, reference []value) key {
	var room [256]byte
	return t.endpoint.keyOf(m.appendKey(room[:0], t.endpoint, func(i int) []byte { return reference[t.members[i]].text }))
}

// valueKey is the key of the descriptor whose value this is, NAMESPACE#CODE.
func (m *model) valueKey(e *endpoint, value []byte) key {
	hash := bytes.LastIndexByte(value, '#')
	if hash < 0 {
		return key{}
	}
	var room [256]byte
	return e.keyOf(m.appendKey(room[:0], e, func(i int) []byte {
		if e.Identity[i].Path.Leaf() == "namespace" {
			return value[:hash]
		}
		return value[hash+1:]
	}))
}

// descriptorValue is the value that the record of a descriptor stands for; empty for any other record.
func (e *endpoint) descriptorValue(r record) string {
	if e.Descriptor == "" {
		return ""
	}
	return e.text(r, "namespace") + "#" + e.text(r, "codeValue")
}

// text is the text at a path of a record.
func (e *endpoint) text(r record, path ...string) string {
	_, v := at(e.Root, r, path)
	return string(v.text)
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
