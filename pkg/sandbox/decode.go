package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// value is what a record has at a property. The zero value is an absent one, as null is.
type value struct {
	kind  byte    // how it is written: { for an object, [ for a list, " for a text, t or f for true or false, 0 for a number
	text  []byte  // of a scalar, without quotes; mostly a part of the body
	parts []value // of an object: one for each of its properties in the standard, in their order; of a list: its items
}

// record is the parts of a whole record.
type record = []value

// decode reads a body, which must be one JSON object. Names that the standard does not have are passed
// over, others may come in any case; null, and a reference without any part, count as absent. HasID says
// that the body has an id. The record lies in a's room until that is used for the next one, and in the body.
//
// It reads straight into the shape that the standard gives, since it would otherwise be most of the
// sandbox's work, and a load would measure the sandbox instead of its client.
func decode(body []byte, root *schema.Object, a *arena) (m record, hasID bool, err error) {
	a.empty()
	d := decoder{root: root, scan: jsonl.Scanner{Data: body}, arena: a}
	if d.scan.Peek() != '{' {
		return nil, false, errors.New("the body is not a JSON object")
	}
	m, ok := d.object(root)
	if !ok || d.scan.Peek() != 0 || d.scan.Pos < len(body) {
		return nil, false, d.fault()
	}
	return m, d.hasID, nil
}

// decoder reads the values at the scanner's position. What it is asked for is false if it is malformed.
type decoder struct {
	scan  jsonl.Scanner
	root  *schema.Object
	arena *arena
	hasID bool
}

// arena is the room that a call needs: for one record, its body, and what its check finds. It would
// otherwise be most of a call's garbage, so it is lent to one call after the other.
type arena struct {
	room []value
	used int
	open []value // items of the lists that are being read

	body  bytes.Buffer
	path  []byte
	items []uint64
	refs  []uint32
	key   []byte
	text  []byte // a stored body
}

var arenas = sync.Pool{New: func() any { return &arena{room: make([]value, 512)} }}

// take is room for n values, all of them absent.
func (a *arena) take(n int) []value {
	if a.used+n > len(a.room) { // what was taken before stays with who has it
		a.room, a.used = make([]value, max(2*len(a.room), n)), 0
	}
	a.used += n
	return a.room[a.used-n : a.used : a.used]
}

// empty makes the room free for another record.
func (a *arena) empty() {
	clear(a.room[:a.used])
	clear(a.open)
	a.used, a.open = 0, a.open[:0]
	a.path, a.items, a.refs = a.path[:0], a.items[:0], a.refs[:0]
}

// release gives the room back, unless a record as large as few are has made it large.
func (a *arena) release() {
	if a.empty(); a.body.Cap() < 1<<20 {
		arenas.Put(a)
	}
}

const tooDeep = "it is nested too deeply"

// fault says why the scanner went no further.
func (d *decoder) fault() error {
	switch {
	case d.scan.Problem == tooDeep:
		return errors.New(tooDeep)
	case d.scan.Pos >= len(d.scan.Data):
		return errors.New("unexpected end of the body")
	}
	r, _ := utf8.DecodeRune(d.scan.Data[d.scan.Pos:])
	return fmt.Errorf("unexpected character %q at position %d", r, d.scan.Pos)
}

// flawed is the kind of a text that no database takes: it holds a NUL, or half a character.
const flawed = '\\'

// value reads the value of a property; p is nil for what the standard does not have.
func (d *decoder) value(p *schema.Property) (v value, ok bool) {
	v.kind = d.scan.Peek()
	from := d.scan.Pos
	switch v.kind {
	case '{':
		var o *schema.Object
		if p != nil {
			o = p.Object
		}
		v.parts, ok = d.object(o)
		return v, ok
	case '[':
		v.parts, ok = d.items(p)
		return v, ok
	case '"':
		if v.text, ok = d.scan.Text(); len(d.scan.Flaws) > 0 {
			v.kind = flawed
		}
		return v, ok
	case 't':
		ok = d.scan.Literal("true")
	case 'f':
		ok = d.scan.Literal("false")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		v.kind = '0'
		_, ok = d.scan.Number()
	default:
		return value{}, d.scan.Literal("null")
	}
	v.text = d.scan.Data[from:d.scan.Pos]
	return v, ok
}

// object reads an object into the parts that the standard gives it.
func (d *decoder) object(o *schema.Object) ([]value, bool) {
	var m []value
	if o != nil {
		m = d.arena.take(len(o.Properties))
	}
	ok := d.list('}', func() bool {
		if d.scan.Peek() != '"' {
			return false
		}
		name, ok := d.scan.Text()
		if !ok || !d.scan.Colon() {
			return false
		}
		i, exact := part(o, name)
		if i < 0 {
			v, ok := d.value(nil)
			d.hasID = d.hasID || o == d.root && v.kind != 0 && strings.EqualFold(string(name), "id")
			return ok
		}
		p := o.Properties[i]
		v, ok := d.value(p)
		supplied := func(v value) bool { return !v.isDefault() }
		if p.Object != nil && p.Object.Reference != nil && v.kind == '{' && !slices.ContainsFunc(v.parts, supplied) {
			v = value{} // an ODS takes a reference without any part as absent
		}
		if exact || m[i].kind == 0 {
			m[i] = v
		}
		return ok
	})
	return m, ok
}

// part is the number of the property with a name, in any case if there is none that is spelt like it;
// below zero if there is none at all.
func part[T string | []byte](o *schema.Object, name T) (i int, exact bool) {
	if o == nil {
		return -1, false
	}
	for i, p := range o.Properties {
		if p.Name == string(name) {
			return i, true
		}
	}
	return slices.IndexFunc(o.Properties, func(p *schema.Property) bool { return strings.EqualFold(p.Name, string(name)) }), false
}

func (d *decoder) items(p *schema.Property) ([]value, bool) {
	a := d.arena
	from := len(a.open)
	ok := d.list(']', func() bool {
		item, ok := d.value(p)
		a.open = append(a.open, item)
		return ok
	})
	items := a.take(len(a.open) - from)
	copy(items, a.open[from:])
	clear(a.open[from:])
	a.open = a.open[:from]
	return items, ok
}

// list reads what is between brackets, with commas between the items.
func (d *decoder) list(end byte, item func() bool) bool {
	if !d.scan.Enter(tooDeep) {
		return false
	}
	defer d.scan.Leave()
	for more := d.scan.Peek() != end; more; {
		if !item() {
			return false
		}
		if more = d.scan.Peek() == ','; more {
			d.scan.Pos++
		}
	}
	if d.scan.Peek() != end {
		return false
	}
	d.scan.Pos++
	return true
}

// isDefault says that a key part is not supplied: empty text, or zero.
func (v value) isDefault() bool {
	return v.kind == 0 || v.kind == '"' && len(v.text) == 0 || v.kind == '0' && string(v.text) == "0"
}

// at is what is at a path of single objects in an o, and its property; absent if something on the path is.
func at(o *schema.Object, m []value, path schema.Path) (*schema.Property, value) {
	i, _ := part(o, path[0])
	switch {
	case i < 0:
		return nil, value{}
	case len(path) == 1:
		return o.Properties[i], m[i]
	case m[i].kind != '{':
		return nil, value{}
	}
	return at(o.Properties[i].Object, m[i].parts, path[1:])
}
