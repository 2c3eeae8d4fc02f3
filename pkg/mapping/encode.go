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

// constNode is JSON that no row changes, with the descriptors decided in it.
type constNode struct {
	text []byte
	log  []int32
}

func (n *constNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	r.log = append(r.log, n.log...)
	return append(dst, n.text...), true
}

// faultNode is a constant without a value.
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

// value evaluates what stands at a place of a record; false if that has no value, or it cannot be computed.
func (r *Worker) value(code *expression.Code, path string) (v expression.Value, ok bool) {
	v, f := code.Eval(&r.frame)
	if f != nil {
		r.fail(f, path)
		return v, false
	}
	blank := v.IsNull() || v.Kind.IsText() && expression.IsBlank(v.S)
	return v, !blank
}

// leafNode is an expression whose value fits its property.
type leafNode struct {
	code  expression.Code
	write expression.Write
	path  string
}

func (n *leafNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	v, ok := r.value(&n.code, n.path)
	if !ok {
		return dst, false
	}
	out, wrong := n.write(dst, v)
	if wrong != "" {
		r.fail(&expression.Fault{Code: diag.CellType, Rule: n.code.Pos, Column: n.code.Column, Value: v.Text(), Personal: n.code.Personal, Message: n.code.Source + " " + wrong}, n.path)
		return dst, false
	}
	return out, true
}

// writers write values of a kind into properties of a kind; what has none never fits.
var writers = map[schema.Kind]map[expression.Kind]expression.Write{
	schema.KindString: {expression.KindText: expression.WriteText, expression.KindDate: expression.WriteText, expression.KindDateTime: expression.WriteText, expression.KindTime: expression.WriteText,
		expression.KindInteger: expression.WriteQuoted, expression.KindDecimal: expression.WriteQuoted},
	schema.KindInteger:  {expression.KindInteger: expression.WriteNumber},
	schema.KindNumber:   {expression.KindInteger: expression.WriteNumber, expression.KindDecimal: expression.WriteNumber},
	schema.KindBoolean:  {expression.KindBoolean: expression.WriteBoolean},
	schema.KindDate:     {expression.KindDate: expression.WriteQuoted, expression.KindText: expression.WriteDate},
	schema.KindDateTime: {expression.KindDate: expression.WriteMidnight, expression.KindDateTime: expression.WriteQuoted, expression.KindText: expression.WriteDateTime},
	schema.KindAny: {expression.KindText: expression.WriteText, expression.KindDate: expression.WriteQuoted, expression.KindDateTime: expression.WriteQuoted,
		expression.KindTime: expression.WriteQuoted, expression.KindInteger: expression.WriteNumber, expression.KindDecimal: expression.WriteNumber, expression.KindBoolean: expression.WriteBoolean},
	schema.KindTime: {expression.KindTime: expression.WriteQuoted, expression.KindText: expression.WriteTime},
}

// descriptorNode is a leaf that holds a descriptor: the vendor's word becomes a URI.
type descriptorNode struct {
	code expression.Code
	site descriptorSite
}

func (n *descriptorNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	v, ok := r.value(&n.code, n.site.path)
	if !ok {
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
	name []byte // with comma, quotes and colon; of constants with the value
	node node   // nil for constants
	log  []int32
	bits uint64
}

func (n *objectNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start, faults, have := len(dst), r.faults, uint64(0)
	for i := range n.props {
		p := &n.props[i]
		mark := len(dst)
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
		have |= p.bits
	}
	if len(dst) == start {
		return dst, false
	}
	if missing := n.required &^ have; missing != 0 && r.faults == faults {
		r.fail(n.incomplete(missing), n.path)
		return dst[:start], false
	}
	dst[start] = '{' // for the first comma
	return append(dst, '}'), true
}

// incomplete says which properties that the API requires have no value.
func (n *objectNode) incomplete(missing uint64) *expression.Fault {
	var names []string
	for ; missing != 0; missing &= missing - 1 {
		at := bits.TrailingZeros64(missing)
		name := n.names[at]
		for i := range n.props {
			if column := columnOf(n.props[i].node); n.props[i].bits == 1<<at && column != "" {
				name += " (which comes from " + column + ")"
			}
		}
		names = append(names, name)
	}
	return &expression.Fault{Code: diag.RecordRequired, Rule: n.rule, Message: fmt.Sprintf("%s has no value, and the API requires it", strings.Join(names, ", ")),
		Fix: "Fill the cell, or empty those that belong to it. A bundle can leave such parts out with `when`; nothing is dropped by itself."}
}

// columnOf is the column that a value comes from, if that is one.
func columnOf(n node) string {
	switch v := n.(type) {
	case *leafNode:
		return v.code.Column
	case *descriptorNode:
		return v.site.column
	}
	return ""
}

// condNode holds something, or elements of an array, only where its condition is true.
type condNode struct {
	test expression.Code
	node node
	path string
}

func (n *condNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	if v, ok := r.value(&n.test, n.path); !ok || !v.IsTrue() {
		return dst, false
	}
	return n.node.emit(r, dst)
}

// arrayNode is an array; without elements it is left out. What its parts append is any number of
// elements, with a comma before each.
type arrayNode struct{ parts node }

func (n *arrayNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := n.parts.emit(r, dst)
	if !ok {
		return dst[:start], false
	}
	dst[start] = '[' // for the first comma
	return append(dst, ']'), true
}

// partNodes is parts of an array one after the other.
type partNodes []node

func (n partNodes) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
	for _, part := range n {
		dst, _ = part.emit(r, dst)
	}
	return dst, len(dst) > start
}

// itemNode is one element of an array.
type itemNode struct{ node node }

func (n *itemNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
	dst, ok := n.node.emit(r, append(dst, ','))
	if !ok {
		return dst[:start], false
	}
	return dst, true
}

// guardNode holds elements only where outer names equal the columns of a table's row.
type guardNode struct {
	guards []guard
	part   node
	path   string
}

func (i *guardNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	for k := range i.guards {
		if v, ok := r.value(&i.guards[k].outer, i.path); !ok || !expression.Equal(v, i.guards[k].want) {
			return dst, false
		}
	}
	return i.part.emit(r, dst)
}

// elementNode is what an element of a list gives, where it exists; its bad cells reject the record.
type elementNode struct {
	element *element
	part    node
	path    string
}

func (i *elementNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	if !r.exists(i.element) || r.joinFailed(i.element, i.path) || r.badCells(i.element.columns, i.path) || r.conflicting(i.element, i.path) {
		return dst, false
	}
	return i.part.emit(r, dst)
}

// groupNode is what an objective gives, where it has a score or a level.
type groupNode struct {
	group *scoreGroup
	part  node
}

func (i *groupNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	if !i.group.any(r) {
		return dst, false
	}
	return i.part.emit(r, dst)
}

// scoreNode is `scores` or `levels`: the fragments around each value are encoded before the first row.
type scoreNode struct {
	list []scoreItem
	path string // of the array
}

type scoreItem struct {
	*score
	prefix []byte // with comma, up to the value
	suffix []byte
	log    []int32
	site   descriptorSite // of a level
}

func (s *scoreNode) emit(r *Worker, dst []byte) ([]byte, bool) {
	start := len(dst)
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
	}
	return dst, len(dst) > start
}
