package mapping

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// node is a part of a record, compiled: it appends its JSON, or says that it has no value. What is
// wrong it reports to the state, and the record is not staged.
type node interface {
	emit(r *Worker, dst []byte) ([]byte, bool)
}

// items is a part of an array: it appends any number of elements, with a comma before each but the
// very first.
type items interface {
	items(r *Worker, dst []byte, first bool) ([]byte, bool)
}

// constNode is JSON that no row changes, with the descriptors decided in it.
type constNode struct {
	text []byte
	log  []int32
}

func (n *constNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	r.log = append(r.log, n.log...)
	return append(dst, n.text...), true
}

// faultNode is a constant that cannot be had.
type faultNode struct {
	fault *expression.Fault
	path  string
}

func (n *faultNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	r.fail(n.fault, n.path)
	return dst, false
}

// keyNode notes where a part of the natural key stands.
type keyNode struct {
	part int
	node node
}

func (n *keyNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := n.node.emit(r, dst)
	if ok {
		r.keyParts[n.part] = span{start, len(dst)}
	}
	return dst, ok
}

// span is a place in the bytes of a record.
type span struct{ start, end int }

// leafNode is an expression whose value fits its property.
type leafNode struct {
	code  expression.Code
	write func(dst []byte, v expression.Value) ([]byte, string) // the text says why it does not fit
	path  string
}

func (n *leafNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	v, f := n.code.Eval(&r.frame)
	if f != nil {
		r.fail(f, n.path)
		return dst, false
	}
	if v.IsNull() || v.Kind.IsText() && expression.IsBlank(v.S) {
		return dst, false
	}
	out, wrong := n.write(dst, v)
	if wrong != "" {
		r.fail(&expression.Fault{Code: diag.CellType, Rule: n.code.Pos, Column: n.code.Column, Value: v.Text(), Message: n.code.Source + " " + wrong}, n.path)
		return dst, false
	}
	return out, true
}

// writer gives the function that writes values of a kind into a property; false if they cannot fit.
func writer(p *schema.Property, k expression.Kind) (func([]byte, expression.Value) ([]byte, string), bool) {
	switch p.Kind {
	case schema.KindString:
		switch {
		case k.IsText():
			return func(dst []byte, v expression.Value) ([]byte, string) { return jsonl.AppendString(dst, v.S), "" }, true
		case k.IsNumber():
			return func(dst []byte, v expression.Value) ([]byte, string) {
				dst = append(dst, '"')
				dst = v.AppendText(dst)
				return append(dst, '"'), ""
			}, true
		}
	case schema.KindInteger:
		if k == expression.KindInteger {
			return func(dst []byte, v expression.Value) ([]byte, string) { return v.AppendText(dst), "" }, true
		}
	case schema.KindNumber:
		if k.IsNumber() {
			return func(dst []byte, v expression.Value) ([]byte, string) {
				if v.Kind == expression.KindInteger {
					return v.AppendText(dst), ""
				}
				return append(dst, expression.PlainDecimal(v.S)...), ""
			}, true
		}
	case schema.KindBoolean:
		if k == expression.KindBoolean {
			return func(dst []byte, v expression.Value) ([]byte, string) { return v.AppendText(dst), "" }, true
		}
	case schema.KindDate:
		switch k {
		case expression.KindDate:
			return quoted, true
		case expression.KindText:
			return func(dst []byte, v expression.Value) ([]byte, string) {
				if !expression.IsDate(v.S) {
					return dst, "is no date (YYYY-MM-DD)"
				}
				return quoted(dst, v)
			}, true
		}
	case schema.KindDateTime:
		midnight := func(dst []byte, v expression.Value) ([]byte, string) {
			dst = append(dst, '"')
			dst = append(dst, v.S...)
			return append(dst, `T00:00:00Z"`...), ""
		}
		switch k {
		case expression.KindDate:
			return midnight, true
		case expression.KindDateTime:
			return quoted, true
		case expression.KindText:
			return func(dst []byte, v expression.Value) ([]byte, string) {
				if expression.IsDate(v.S) {
					return midnight(dst, v)
				}
				if expression.IsDateTime(v.S) {
					return quoted(dst, v)
				}
				return dst, "is no date and time (2026-03-01T08:15:00Z)"
			}, true
		}
	case schema.KindTime:
		switch k {
		case expression.KindTime:
			return quoted, true
		case expression.KindText:
			return func(dst []byte, v expression.Value) ([]byte, string) {
				if !expression.IsTime(v.S) {
					return dst, "is no time (HH:mm:ss)"
				}
				return quoted(dst, v)
			}, true
		}
	}
	return nil, false
}

func quoted(dst []byte, v expression.Value) ([]byte, string) {
	dst = append(dst, '"')
	dst = append(dst, v.S...)
	return append(dst, '"'), ""
}

// descriptorNode is a leaf that holds a descriptor: the vendor's word becomes a URI.
type descriptorNode struct {
	code expression.Code
	site descriptorSite
}

func (n *descriptorNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	v, f := n.code.Eval(&r.frame)
	if f != nil {
		r.fail(f, n.site.path)
		return dst, false
	}
	if v.IsNull() || v.Kind.IsText() && expression.IsBlank(v.S) {
		return dst, false
	}
	s := v.S
	if !v.Kind.IsText() {
		s = v.Text()
	}
	return r.descriptor(&n.site, s, dst)
}

// descriptor appends the URI of a value; what was decided at a place is kept there.
func (r *Worker) descriptor(at *descriptorSite, s string, dst []byte) ([]byte, bool) {
	known := r.sites[at.id]
	d := known[s]
	if d == nil {
		d = decide(at, s, &r.made, len(r.plan.decisions))
		if known == nil {
			known = map[string]*resolved{}
			r.sites[at.id] = known
		}
		known[strings.Clone(s)] = d
	}
	if d.fail != nil {
		r.fail(d.fail, at.path)
		return dst, false
	}
	r.log = append(r.log, d.id)
	if d.text == nil {
		return dst, false
	}
	return append(dst, d.text...), true
}

// objectNode is an object; what has no value is left out.
type objectNode struct {
	props    []propNode
	required uint64 // bits of properties that the API requires
	names    []string
	rule     diag.Pos
	path     string
}

type propNode struct {
	name []byte // with quotes and colon; of constants with the value
	node node   // nil for constants
	log  []int32
	bits uint64
}

func (n *objectNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start, faults := len(dst), r.faults
	dst = append(dst, '{')
	some, have := false, uint64(0)
	for i := range n.props {
		p := &n.props[i]
		mark := len(dst)
		if some {
			dst = append(dst, ',')
		}
		dst = append(dst, p.name...)
		if p.node == nil {
			r.log = append(r.log, p.log...)
		} else {
			var ok bool
			if dst, ok = p.node.emit(r, dst); !ok {
				dst = dst[:mark]
				continue
			}
		}
		some = true
		have |= p.bits
	}
	if !some {
		return dst[:start], false
	}
	if missing := n.required &^ have; missing != 0 && r.faults == faults {
		r.fail(n.incomplete(missing), n.path)
		return dst[:start], false
	}
	return append(dst, '}'), true
}

// incomplete says which properties that the API requires have no value.
func (n *objectNode) incomplete(missing uint64) *expression.Fault {
	var names []string
	for ; missing != 0; missing &= missing - 1 {
		names = append(names, n.names[bits.TrailingZeros64(missing)])
	}
	return &expression.Fault{Code: diag.RecordRequired, Rule: n.rule, Message: fmt.Sprintf("%s has no value, and the API requires it", strings.Join(names, ", ")),
		Fix: "give the part a `when`, or the property a value; nothing is dropped for being incomplete"}
}

// condNode holds something only where its condition is true.
type condNode struct {
	test expression.Code
	node node
	path string
}

func (n *condNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	v, f := n.test.Eval(&r.frame)
	if f != nil {
		r.fail(f, n.path)
		return dst, false
	}
	if !v.IsTrue() {
		return dst, false
	}
	return n.node.emit(r, dst)
}

// arrayNode is an array; without elements it is left out.
type arrayNode struct{ items items }

func (n *arrayNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '[')
	dst, ok := n.items.items(r, dst, true)
	if !ok {
		return dst[:start], false
	}
	return append(dst, ']'), true
}

// seqItems is parts of an array one after the other.
type seqItems []items

func (s seqItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	some := false
	for _, i := range s {
		var ok bool
		if dst, ok = i.items(r, dst, first && !some); ok {
			some = true
		}
	}
	return dst, some
}

// oneItem is one element.
type oneItem struct{ node node }

func (i oneItem) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	mark := len(dst)
	if !first {
		dst = append(dst, ',')
	}
	dst, ok := i.node.emit(r, dst)
	if !ok {
		return dst[:mark], false
	}
	return dst, true
}

// constItems is elements that no row changes.
type constItems struct {
	text []byte
	log  []int32
}

func (i *constItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	if !first {
		dst = append(dst, ',')
	}
	r.log = append(r.log, i.log...)
	return append(dst, i.text...), true
}

// condItems holds elements only where its condition is true.
type condItems struct {
	test expression.Code
	part items
	path string
}

func (i *condItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	v, f := i.test.Eval(&r.frame)
	if f != nil {
		r.fail(f, i.path)
		return dst, false
	}
	if !v.IsTrue() {
		return dst, false
	}
	return i.part.items(r, dst, first)
}

// guardItems holds elements only where outer names equal the columns of a table's row.
type guardItems struct {
	guards []guard
	part   items
	path   string
}

func (i *guardItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	for k := range i.guards {
		v, f := i.guards[k].outer.Eval(&r.frame)
		if f != nil {
			r.fail(f, i.path)
			return dst, false
		}
		if v.IsNull() || !expression.Equal(v, i.guards[k].want) {
			return dst, false
		}
	}
	return i.part.items(r, dst, first)
}

// elementItems is what an element of a list gives, where it exists; its bad cells reject the record.
type elementItems struct {
	element *element
	part    items
	path    string
}

func (i *elementItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	if !r.exists(i.element) || r.joinFailed(i.element, i.path) || r.badCells(i.element.columns, i.path) || r.conflicting(i.element, i.path) {
		return dst, false
	}
	return i.part.items(r, dst, first)
}

// groupItems is what an objective gives, where it has a score or a level.
type groupItems struct {
	group *scoreGroup
	part  items
}

func (i *groupItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	if !i.group.any(r) {
		return dst, false
	}
	return i.part.items(r, dst, first)
}

// scoreItems is `scores` or `levels`: the fragments around each value are encoded before the first row.
type scoreItems struct {
	list []scoreItem
	path string // of the array
}

type scoreItem struct {
	*score
	prefix []byte // up to the value
	suffix []byte
	log    []int32
	site   descriptorSite // of a level
}

func (s *scoreItems) items(r *Worker, dst []byte, first bool) ([]byte, bool) {
	some := false
	for k := range s.list {
		i := &s.list[k]
		text, f := i.read(r)
		if f != nil {
			r.fail(f, s.path)
			continue
		}
		if text == "" {
			continue
		}
		mark := len(dst)
		if some || !first {
			dst = append(dst, ',')
		}
		dst = append(dst, i.prefix...)
		if i.level {
			var ok bool
			dst, ok = r.descriptor(&i.site, text, dst)
			if !ok {
				dst = dst[:mark]
				continue
			}
		} else {
			result, wrong := i.fit(text)
			if wrong != "" {
				r.fail(i.fault(text, wrong), s.path)
				dst = dst[:mark]
				continue
			}
			if why, ok := i.outside(result); ok {
				r.warn(i.score, result, why, s.path)
			}
			dst = jsonl.AppendString(dst, result)
		}
		dst = append(dst, i.suffix...)
		r.log = append(r.log, i.log...)
		some = true
	}
	return dst, some
}
