package schema

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// schemaFile is a JSON Schema as we write it.
type schemaFile struct {
	name       string // of the property it describes
	segment    string
	descriptor string
	keyUpdates bool
	key        [][]string
	equal      [][]string
	abstract   string
	targets    []string
	identity   bool
	targetKey  map[string]string
	unique     []string
	typ        string
	format     string
	required   []string
	closed     bool
	properties []*schemaFile
	items      *schemaFile
	minLength  int
	maxLength  int
	minimum    *float64
	maximum    *float64
}

// decodeSchema reads what schemaWriter wrote. A general decoder takes four times as long, and
// every command that needs a data standard begins with this.
func decodeSchema(text []byte) (*schemaFile, error) {
	d := &decoder{in: jsonl.Scanner{Data: text}}
	f := d.schema()
	if d.err == nil && (d.in.Peek() != 0 || d.in.Pos < len(d.in.Data)) {
		d.stop("more text stands behind the schema")
	}
	return f, d.err
}

// decoder reads values of a known kind; after the first error it does nothing.
type decoder struct {
	in  jsonl.Scanner
	err error
}

func (d *decoder) stop(message string) {
	if d.err == nil {
		d.err = fmt.Errorf("character %d: %s", d.in.Pos+1, message)
	}
}

func (d *decoder) schema() *schemaFile {
	f := &schemaFile{}
	d.members(func(name string) {
		switch name {
		case "x-segment":
			f.segment = d.string()
		case "x-descriptor":
			f.descriptor = d.string()
		case "x-keyUpdates":
			f.keyUpdates = d.bool()
		case "x-key":
			d.items(func() { f.key = append(f.key, d.strings()) })
		case "x-equal":
			d.items(func() { f.equal = append(f.equal, d.strings()) })
		case "x-abstract":
			f.abstract = d.string()
		case "x-targets":
			f.targets = d.strings()
		case "x-identity":
			f.identity = d.bool()
		case "x-targetKey":
			f.targetKey = map[string]string{}
			d.members(func(part string) { f.targetKey[part] = d.string() })
		case "x-unique":
			f.unique = d.strings()
		case "type":
			f.typ = d.string()
		case "format":
			f.format = d.string()
		case "required":
			f.required = d.strings()
		case "additionalProperties":
			f.closed = !d.bool()
		case "properties":
			d.members(func(property string) {
				p := d.schema()
				p.name = property
				f.properties = append(f.properties, p)
			})
		case "items":
			f.items = d.schema()
		case "minLength":
			f.minLength = int(d.number())
		case "maxLength":
			f.maxLength = int(d.number())
		case "minimum":
			n := d.number()
			f.minimum = &n
		case "maximum":
			n := d.number()
			f.maximum = &n
		case "$schema", "title", "minItems":
			d.pass()
		default:
			d.stop("there is no keyword " + name)
		}
	})
	return f
}

// members reads an object; each is called at each value.
func (d *decoder) members(each func(name string)) {
	d.list('{', '}', func() {
		name := d.string()
		if d.err == nil && d.in.Peek() != ':' {
			d.stop("a colon is expected")
		}
		d.in.Pos++
		each(name)
	})
}

func (d *decoder) items(each func()) { d.list('[', ']', each) }

func (d *decoder) list(open, end byte, each func()) {
	if d.err != nil {
		return
	}
	if d.in.Peek() != open {
		d.stop(string(open) + " is expected")
		return
	}
	d.in.Pos++
	if d.in.Peek() == end {
		d.in.Pos++
		return
	}
	for d.err == nil {
		d.in.Peek()
		if each(); d.err != nil {
			return
		}
		switch d.in.Peek() {
		case ',':
			d.in.Pos++
		case end:
			d.in.Pos++
			return
		default:
			d.stop("a comma or the end is expected")
		}
	}
}

func (d *decoder) strings() (out []string) {
	d.items(func() { out = append(out, d.string()) })
	return out
}

func (d *decoder) string() string {
	if d.err != nil {
		return ""
	}
	if d.in.Peek() != '"' {
		d.stop("a text is expected")
		return ""
	}
	text, ok := d.in.Text()
	if !ok {
		d.stop("a text is expected")
	}
	return string(text)
}

func (d *decoder) pass() {
	if d.err == nil && !d.in.Skip() {
		d.stop("a value is expected")
	}
}

func (d *decoder) bool() bool {
	d.in.Peek()
	start := d.in.Pos
	d.pass()
	return d.err == nil && string(d.in.Data[start:d.in.Pos]) == "true"
}

func (d *decoder) number() float64 {
	d.in.Peek()
	start := d.in.Pos
	d.pass()
	n, err := strconv.ParseFloat(string(d.in.Data[start:d.in.Pos]), 64)
	if err != nil {
		d.err = errors.Join(d.err, err)
	}
	return n
}
