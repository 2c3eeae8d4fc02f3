package rules

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Worker evaluates the rules of a resource. It is owned by one goroutine.
type Worker struct {
	resource *Resource
	frame    *expression.Frame
	scanner  jsonl.Scanner
	sums     Sums
	broken   []Broken
}

// Broken is a rule that a record breaks.
type Broken struct {
	Path    string
	Problem diag.Problem
}

// Sums are totals at hand, by their numbers; nil: nothing was added.
type Sums []*big.Rat

// Worker begins the evaluation of a resource's records.
func (r *Resource) Worker() *Worker {
	return &Worker{resource: r, frame: expression.NewFrame(r.slots), sums: make(Sums, r.totals)}
}

// Record evaluates the rules on a record that fits the schema; what it gives is valid until the next one.
func (w *Worker) Record(text []byte) []Broken {
	w.frame.Row++
	w.broken = w.broken[:0]
	w.scanner = jsonl.Scanner{Data: text, Decoded: w.scanner.Decoded[:0]}
	if w.scanner.Peek() == '{' {
		w.object(w.resource.record, "$")
	}
	return w.broken
}

// Take gives what was added since the last time.
func (w *Worker) Take() Sums {
	s := w.sums
	w.sums = make(Sums, len(s))
	return s
}

// Add adds what a worker took.
func (s Sums) Add(more Sums) {
	for i, n := range more {
		if n == nil {
			continue
		}
		if s[i] == nil {
			s[i] = new(big.Rat)
		}
		s[i].Add(s[i], n)
	}
}

// list is a collection that was met on the way, and is looked at when the object around it was read.
type list struct {
	items *place
	path  string
	begin int
}

// object reads a place's object, evaluates what is asked of it, and goes into its collections.
func (w *Worker) object(at *place, path string) {
	for _, slot := range at.slots {
		w.frame.Slots[slot].Value = expression.Value{}
	}
	lists := w.members(at.fields, path, nil)
	if w.scanner.Problem != "" {
		return
	}
	w.evaluate(at, path)
	end := w.scanner.Pos
	for _, l := range lists {
		w.scanner.Pos = l.begin
		w.items(l)
	}
	w.scanner.Pos = end
}

// members reads the members of the object at the scanner's place.
func (w *Worker) members(fields map[string]*field, path string, lists []list) []list {
	s := &w.scanner
	s.Pos++
	for s.Peek() == '"' {
		name, ok := s.Text()
		if !ok || !s.Colon() {
			return lists
		}
		f := fields[string(name)]
		switch c := s.Peek(); {
		case f == nil, c == 'n':
			ok = s.Skip()
		case f.in != nil && c == '{':
			lists = w.members(f.in, path+"."+string(name), lists)
			ok = s.Problem == ""
		case f.items != nil && c == '[':
			lists = append(lists, list{f.items, path + "." + string(name), s.Pos})
			ok = s.Skip()
		case f.slot >= 0:
			ok = w.value(f, c)
		default:
			ok = s.Skip()
		}
		if !ok {
			s.Fail("not a record")
			return lists
		}
		if s.Peek() == ',' {
			s.Pos++
			s.Peek()
		}
	}
	if s.Peek() == '}' {
		s.Pos++
	}
	return lists
}

// value reads a value into its slot; one of another kind is none.
func (w *Worker) value(f *field, c byte) bool {
	s := &w.scanner
	slot := &w.frame.Slots[f.slot].Value
	begin := s.Pos
	if c == '"' {
		text, ok := s.Text()
		if ok && f.kind.IsText() {
			*slot = expression.Value{Kind: f.kind, S: string(text)}
		}
		return ok
	}
	if !s.Skip() {
		return false
	}
	text := string(s.Data[begin:s.Pos])
	switch {
	case f.kind == expression.KindBoolean:
		*slot = expression.BooleanValue(text == "true")
	case f.kind == expression.KindInteger:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			*slot = expression.IntegerValue(n)
		}
	case f.kind == expression.KindDecimal && expression.IsDecimal(text):
		*slot = expression.Value{Kind: expression.KindDecimal, S: expression.PlainDecimal(text)}
	case f.kind == expression.KindDecimal: // with an exponent
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			*slot = expression.Value{Kind: expression.KindDecimal, S: expression.PlainDecimal(strconv.FormatFloat(n, 'f', -1, 64))}
		}
	}
	return true
}

// items goes through the items of a collection.
func (w *Worker) items(l list) {
	s := &w.scanner
	s.Pos++
	for i := 0; s.Peek() == '{'; i++ {
		w.object(l.items, l.path+"["+strconv.Itoa(i)+"]")
		if s.Problem != "" {
			return
		}
		if s.Peek() == ',' {
			s.Pos++
		}
	}
}

// evaluate evaluates what is asked of the object at hand.
func (w *Worker) evaluate(at *place, path string) {
	for _, r := range at.rules {
		if why, broken := r.breaks(w.frame); broken {
			w.broken = append(w.broken, Broken{path, r.problem(why)})
		}
	}
	for _, t := range at.totals {
		if n := t.of(w.frame); n != nil {
			if w.sums[t.number] == nil {
				w.sums[t.number] = new(big.Rat)
			}
			w.sums[t.number].Add(w.sums[t.number], n)
		}
	}
}

// breaks reports whether the record breaks the rule, and why if that is not what it asks for.
func (r *rule) breaks(f *expression.Frame) (why string, broken bool) {
	if r.hasWhere {
		v, fault := r.where.Eval(f)
		if fault != nil {
			return unapplied(fault), true
		}
		if !v.IsTrue() {
			return "", false
		}
	}
	v, fault := r.must.Eval(f)
	if fault != nil {
		return unapplied(fault), true
	}
	return "", !v.IsTrue()
}

// unapplied says why a rule could not be applied; it holds no values.
func unapplied(f *expression.Fault) string {
	if f.Code == diag.ExpressionNull {
		return "what it looks at is empty"
	}
	return "what it looks at has another form"
}

// problem is that a rule is broken.
func (r *rule) problem(why string) diag.Problem {
	message := "rule " + r.name() + ": " + r.text("message")
	if why != "" {
		message = "rule " + r.name() + " could not be applied, because " + why + " (it asks: " + r.text("message") + ")"
	}
	return diag.Problem{Code: diag.RuleBroken, Level: r.level, Message: message, Fix: "Correct the source, or change the rule; its reason: " + strings.TrimSuffix(r.text("why"), ".") + ".", Rule: r.file, RuleID: r.id}
}

var one = big.NewRat(1, 1)

// of is what the object at hand adds to the total; nil: nothing.
func (t *total) of(f *expression.Frame) *big.Rat {
	if t.hasWhere {
		if v, fault := t.where.Eval(f); fault != nil || !v.IsTrue() {
			return nil
		}
	}
	if !t.sums {
		return one
	}
	v, fault := t.sum.Eval(f)
	if fault != nil || v.IsNull() {
		return nil
	}
	n, _ := new(big.Rat).SetString(v.Text())
	return n
}
