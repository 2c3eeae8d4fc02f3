package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is what a JSON value is.
type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonObject
	jsonArray
)

// node is one value of a parsed body. Nodes live in one slice and name each other by index, so
// that a body costs no allocation once the slice has grown.
type node struct {
	kind   jsonKind
	parent int32
	child  int32  // first child; 0: none (0 is the root, nobody's child)
	next   int32  // next sibling; 0: none
	name   []byte // of an object's member, decoded
	text   []byte // a string decoded; a number or boolean as written
	field  *field // what the member is; nil: it counts as absent
	value  *value // a descriptor value that was found
}

// tree is a parsed body. It points into the body, which must not change meanwhile; it belongs to
// one goroutine and is used again for the next body.
type tree struct {
	nodes   []node
	decoded []byte // strings that held escapes
	data    []byte
	pos     int
}

const maxDepth = 64

var errNotObject = errors.New("the body is not a JSON object")

// parse reads one JSON object.
func (t *tree) parse(data []byte) error {
	t.nodes, t.decoded, t.data, t.pos = t.nodes[:0], t.decoded[:0], data, 0
	if cap(t.decoded) < len(data) {
		t.decoded = make([]byte, 0, len(data)) // never grows below: texts point into it
	}
	if !utf8.Valid(data) {
		return errors.New("the body is not UTF-8")
	}
	t.space()
	if t.pos == len(data) || data[t.pos] != '{' {
		return errNotObject
	}
	if err := t.value(-1, nil, 0); err != nil {
		return err
	}
	if t.space(); t.pos != len(data) {
		return t.unexpected()
	}
	return nil
}

func (t *tree) space() {
	for t.pos < len(t.data) {
		switch t.data[t.pos] {
		case ' ', '\t', '\n', '\r':
			t.pos++
		default:
			return
		}
	}
}

func (t *tree) unexpected() error {
	if t.pos >= len(t.data) {
		return errors.New("unexpected end of the body")
	}
	r, _ := utf8.DecodeRune(t.data[t.pos:])
	return fmt.Errorf("unexpected character %q at position %d", r, t.pos)
}

// value reads a value and appends its nodes.
func (t *tree) value(parent int32, name []byte, depth int) error {
	if t.pos >= len(t.data) {
		return t.unexpected()
	}
	at := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{parent: parent, name: name})
	switch c := t.data[t.pos]; {
	case c == '"':
		text, err := t.str()
		if err != nil {
			return err
		}
		t.nodes[at].kind, t.nodes[at].text = jsonString, text
		return nil
	case c == '{' || c == '[':
		if depth == maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		return t.container(at, c, depth)
	case c == '-' || c >= '0' && c <= '9':
		return t.number(at)
	}
	for _, w := range []struct {
		word string
		kind jsonKind
	}{{"true", jsonBool}, {"false", jsonBool}, {"null", jsonNull}} {
		if end := t.pos + len(w.word); end <= len(t.data) && string(t.data[t.pos:end]) == w.word {
			t.nodes[at].kind, t.nodes[at].text = w.kind, t.data[t.pos:end]
			t.pos = end
			return nil
		}
	}
	return t.unexpected()
}

// container reads an object or an array.
func (t *tree) container(at int32, open byte, depth int) error {
	end, kind := byte(']'), jsonArray
	if open == '{' {
		end, kind = '}', jsonObject
	}
	t.nodes[at].kind = kind
	t.pos++
	last := int32(0)
	for {
		if t.space(); t.pos < len(t.data) && t.data[t.pos] == end && last == 0 {
			t.pos++
			return nil
		}
		var name []byte
		if kind == jsonObject {
			if t.pos >= len(t.data) || t.data[t.pos] != '"' {
				return t.unexpected()
			}
			var err error
			if name, err = t.str(); err != nil {
				return err
			}
			if t.space(); t.pos >= len(t.data) || t.data[t.pos] != ':' {
				return t.unexpected()
			}
			t.pos++
			t.space()
		}
		item := int32(len(t.nodes))
		if err := t.value(at, name, depth+1); err != nil {
			return err
		}
		if last == 0 {
			t.nodes[at].child = item
		} else {
			t.nodes[last].next = item
		}
		last = item
		t.space()
		switch {
		case t.pos < len(t.data) && t.data[t.pos] == ',':
			t.pos++
		case t.pos < len(t.data) && t.data[t.pos] == end:
			t.pos++
			return nil
		default:
			return t.unexpected()
		}
	}
}

func (t *tree) number(at int32) error {
	start := t.pos
	digits := func() bool {
		from := t.pos
		for t.pos < len(t.data) && t.data[t.pos] >= '0' && t.data[t.pos] <= '9' {
			t.pos++
		}
		return t.pos > from
	}
	if t.data[t.pos] == '-' {
		t.pos++
	}
	if lead := t.pos; !digits() || t.data[lead] == '0' && t.pos > lead+1 {
		return t.unexpected()
	}
	if t.pos < len(t.data) && t.data[t.pos] == '.' {
		if t.pos++; !digits() {
			return t.unexpected()
		}
	}
	if t.pos < len(t.data) && (t.data[t.pos] == 'e' || t.data[t.pos] == 'E') {
		t.pos++
		if t.pos < len(t.data) && (t.data[t.pos] == '+' || t.data[t.pos] == '-') {
			t.pos++
		}
		if !digits() {
			return t.unexpected()
		}
	}
	t.nodes[at].kind, t.nodes[at].text = jsonNumber, t.data[start:t.pos]
	return nil
}

// str reads a string; one without escapes stays where it is.
func (t *tree) str() ([]byte, error) {
	t.pos++
	start := t.pos
	for t.pos < len(t.data) {
		switch c := t.data[t.pos]; {
		case c == '"':
			text := t.data[start:t.pos]
			t.pos++
			return text, nil
		case c == '\\':
			return t.escaped(start)
		case c < ' ':
			return nil, t.unexpected()
		default:
			t.pos++
		}
	}
	return nil, t.unexpected()
}

func (t *tree) escaped(start int) ([]byte, error) {
	from := len(t.decoded)
	t.decoded = append(t.decoded, t.data[start:t.pos]...)
	for t.pos < len(t.data) {
		c := t.data[t.pos]
		switch {
		case c == '"':
			t.pos++
			return t.decoded[from:], nil
		case c < ' ':
			return nil, t.unexpected()
		case c != '\\':
			t.decoded = append(t.decoded, c)
			t.pos++
			continue
		}
		t.pos++
		if t.pos >= len(t.data) {
			return nil, t.unexpected()
		}
		switch c = t.data[t.pos]; c {
		case '"', '\\', '/':
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, err := t.hex()
			if err != nil {
				return nil, err
			}
			if utf16.IsSurrogate(r) && t.pos+1 < len(t.data) && t.data[t.pos] == '\\' && t.data[t.pos+1] == 'u' {
				back := t.pos
				t.pos++
				low, err := t.hex()
				if err != nil {
					return nil, err
				}
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					r = both
				} else {
					t.pos = back
				}
			}
			t.decoded = utf8.AppendRune(t.decoded, r) // a lone surrogate becomes U+FFFD
			continue
		default:
			return nil, t.unexpected()
		}
		t.decoded = append(t.decoded, c)
		t.pos++
	}
	return nil, t.unexpected()
}

// hex reads the four digits behind the u at pos.
func (t *tree) hex() (rune, error) {
	if t.pos+5 > len(t.data) {
		t.pos = len(t.data)
		return 0, t.unexpected()
	}
	n, err := strconv.ParseUint(string(t.data[t.pos+1:t.pos+5]), 16, 16)
	if err != nil {
		return 0, t.unexpected()
	}
	t.pos += 5
	return rune(n), nil
}

// member is the child of object n that is the field; 0 if it is absent.
func (t *tree) member(n int32, f *field) int32 {
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		if t.nodes[c].field == f {
			return c
		}
	}
	return 0
}

// at follows a way of single objects from n; 0 if something on it is absent.
func (t *tree) at(n int32, way []*field) int32 {
	for _, f := range way {
		if n = t.member(n, f); n == 0 {
			return 0
		}
	}
	return n
}

// bind says which field each member of object n is. What counts as absent gets none: unknown names,
// null, all but the last of a name that stands twice, and a reference without any part.
func (t *tree) bind(n int32, s *shape) {
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		child := &t.nodes[c]
		f := s.find(child.name)
		if f == nil || child.kind == jsonNull {
			continue
		}
		if twin := t.member(n, f); twin != 0 {
			t.nodes[twin].field = nil
		}
		child.field = f
		switch {
		case f.shape == nil:
		case child.kind == jsonObject:
			t.bind(c, f.shape)
			if f.shape.ref != nil && t.emptyReference(c) {
				child.field = nil
			}
		case child.kind == jsonArray:
			for i := child.child; i != 0; i = t.nodes[i].next {
				if t.nodes[i].kind == jsonObject {
					t.bind(i, f.shape)
				}
			}
		}
	}
}

// emptyReference says that no part of the reference is supplied: an ODS takes it as absent.
func (t *tree) emptyReference(n int32) bool {
	for c := t.nodes[n].child; c != 0; c = t.nodes[c].next {
		if t.nodes[c].field != nil && !t.nodes[c].isDefault() {
			return false
		}
	}
	return true
}

// isDefault says that a key part is not supplied: empty text, or zero.
func (n *node) isDefault() bool {
	return n.kind == jsonString && len(n.text) == 0 || n.kind == jsonNumber && string(n.text) == "0"
}

// path is where node n stands: $.scoreResults[1].result.
func (t *tree) path(n int32) string {
	if n == 0 {
		return "$"
	}
	nd := &t.nodes[n]
	up := t.path(nd.parent)
	if t.nodes[nd.parent].kind == jsonArray {
		i := 0
		for c := t.nodes[nd.parent].child; c != n; c = t.nodes[c].next {
			i++
		}
		return up + "[" + strconv.Itoa(i) + "]"
	}
	if nd.field != nil {
		return up + "." + nd.field.Name
	}
	return up + "." + string(nd.name)
}
