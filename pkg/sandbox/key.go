package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// key stands for a natural key. Its first byte says of which sort it is.
type key [16]byte

const (
	keyHashed  = 1 // fifteen bytes of SHA-256 over endpoint and parts
	keyVirtual = 2 // endpoint's sort and number of a record that exists without being stored
)

// keyOf makes the key of endpoint e whose parts have these canonical texts.
func (e *endpoint) keyOf(parts [][]byte) key {
	if e.virtual != nil {
		if n, ok := e.virtual.number(parts); ok {
			return e.virtual.key(n)
		}
	}
	var room [512]byte
	buf := append(room[:0], e.Name...)
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p))) // the length keeps ("ab","c") from ("a","bc")
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	k := key{keyHashed}
	copy(k[1:], sum[:])
	return k
}

// recordKey is the natural key of the record in r. Every part is there: the checks passed.
func (r *record) recordKey(e *endpoint) key {
	r.parts = r.parts[:0]
	r.scratch = r.scratch[:0]
	for _, p := range e.key {
		r.addPart(r.tree.at(0, p.path), p.kind, p.fold)
	}
	return r.keyOf(e)
}

// targetKey is the key of the record that the reference at node n would have at target t.
func (r *record) targetKey(n int32, t target) key {
	r.parts = r.parts[:0]
	r.scratch = r.scratch[:0]
	for i, f := range t.parts {
		r.addPart(r.tree.member(n, f), f.Kind, t.endpoint.key[i].fold)
	}
	return r.keyOf(t.endpoint)
}

// addPart appends a part's canonical text. Texts lie one behind the other in scratch, which may
// move while it grows: only the lengths are kept until the end.
func (r *record) addPart(n int32, kind schema.Kind, fold bool) {
	from := len(r.scratch)
	if n != 0 {
		r.scratch = r.appendCanonical(r.scratch, r.tree.nodes[n].text, kind, fold)
	}
	r.parts = append(r.parts, len(r.scratch)-from)
}

func (r *record) keyOf(e *endpoint) key {
	r.texts = r.texts[:0]
	at := 0
	for _, n := range r.parts {
		r.texts = append(r.texts, r.scratch[at:at+n])
		at += n
	}
	return e.keyOf(r.texts)
}

// appendCanonical writes a value so that equal values have equal texts: numbers without needless
// digits, descriptors in lower case. Strings keep their case, as on PostgreSQL, unless the options
// ask for SQL Server's way.
func (r *record) appendCanonical(dst, text []byte, kind schema.Kind, fold bool) []byte {
	switch kind {
	case schema.KindInteger:
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return strconv.AppendInt(dst, n, 10)
		}
	case schema.KindNumber:
		if n, err := strconv.ParseFloat(string(text), 64); err == nil {
			return strconv.AppendFloat(dst, n, 'f', -1, 64)
		}
	case schema.KindDateTime:
		if at, ok := parseDateTime(string(text)); ok {
			return at.UTC().AppendFormat(dst, dateTimeLayout)
		}
	case schema.KindTime:
		return append(dst, canonicalTime(string(text))...)
	case schema.KindBoolean:
		return append(dst, bytes.ToLower(text)...)
	case schema.KindString:
		if fold || r.foldKeys {
			return appendFold(dst, text)
		}
	}
	return append(dst, text...)
}

// appendFold appends text in lower case.
func appendFold(dst, text []byte) []byte {
	for i, c := range text {
		if c >= 0x80 {
			return append(dst, bytes.ToLower(text[i:])...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
