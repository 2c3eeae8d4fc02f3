package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// Config is what rules are compiled for.
type Config struct {
	Standard *schema.Standard
	Inputs   []string // of which rows are counted
	Today    string   // the day on which the run was made, as 2026-03-04
	Tomorrow string
}

// Set is compiled rules. It is immutable and safe for concurrent use.
type Set struct {
	Digest    string // of the files
	resources map[string]*Resource
	totals    []*total
	run       []*rule // on totals
	slots     map[string]int
}

// Resource is what is asked of the records of a resource.
type Resource struct {
	record *place
	slots  int
	totals int
}

// rule is one rule, or the part of a total that looks at records.
type rule struct {
	*written
	where, must   expression.Code
	hasWhere      bool
	compare, with expression.Code
	file          string // of the rule: file:line
}

// total is a number that is counted or summed over records.
type total struct {
	*written
	whose    string
	number   int
	hasWhere bool
	where    expression.Code
	sum      expression.Code // of a sum
	sums     bool
}

// Compile compiles files of rules; a set with problems that block must not be used.
func Compile(sources []Source, c Config) (*Set, diag.List) {
	s := &Set{resources: map[string]*Resource{}, slots: map[string]int{}}
	x := &compiler{config: c, set: s}
	sum := sha256.New()
	for _, src := range sources {
		sum.Write([]byte(src.Path + "\x00"))
		sum.Write(src.Text)
		r := &reader{}
		r.file(src)
		x.totals, x.of = expression.NewScope(nil), src.Of
		found := x.file(r)
		strictyaml.Snippets(found, src.Path, src.Text)
		x.problems = append(append(x.problems, r.problems...), found...)
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	for _, r := range s.resources {
		r.totals = len(s.totals)
	}
	x.problems.Sort()
	return s, x.problems
}

// Digest is that of one file.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// compiler compiles the files one after the other. It is what expressions are compiled in.
type compiler struct {
	config   Config
	set      *Set
	problems diag.List
	found    diag.List // of the file at hand
	of       string    // whose it is
	resource *Resource // of the rule at hand
	totals   *expression.Scope
	fields   map[*expression.Symbol]*field
}

func (x *compiler) file(r *reader) diag.List {
	x.found = nil
	for _, w := range r.totals {
		x.total(w)
	}
	x.runNames()
	for _, w := range r.rules {
		x.rule(w)
	}
	return x.found
}

func (x *compiler) bad(at diag.Pos, fix, format string, args ...any) {
	x.found = append(x.found, diag.At(at, diag.RulesFile, fix, format, args...))
}

// The names that no scope has: there are none.
func (x *compiler) Param(string) (*expression.Symbol, []string)          { return nil, nil }
func (x *compiler) Lookup(string) (*expression.Table, []string, bool)    { return nil, nil, false }
func (x *compiler) FitsKey(*expression.Table, int, expression.Kind) bool { return false }
func (x *compiler) Report(p diag.Problem)                                { x.found = append(x.found, p) }
func (x *compiler) Lint(diag.Problem)                                    {}
func (x *compiler) Inferring() bool                                      { return false }

// Use notes which values of a record are read.
func (x *compiler) Use(s *expression.Symbol) {
	if f := x.fields[s]; f != nil && f.slot < 0 {
		f.slot = x.resource.slots
		x.resource.slots++
		f.owner.slots = append(f.owner.slots, f.slot)
	}
}

// expr compiles an expression of a rule; condition says what it is for if it must be true or false.
func (x *compiler) expr(n *strictyaml.Node, scope *expression.Scope, condition string) (expression.Code, bool) {
	tree, problem := expression.Parse(source(n))
	if problem != nil {
		x.found = append(x.found, *problem)
		return expression.BadCode, false
	}
	var code expression.Code
	if condition != "" {
		code = expression.CompileCondition(x, tree, scope, condition)
	} else {
		code = expression.Compile(x, tree, scope)
	}
	return code, !code.Bad
}

func (x *compiler) rule(w *written) {
	r := &rule{written: w, file: w.pos.Rule()}
	ok := true
	switch {
	case w.texts["compare"] != nil:
		r.compare, ok = x.number(w.texts["compare"])
		with, fine := x.number(w.texts["with"])
		r.with, ok = with, ok && fine
	case w.texts["each"] == nil:
		r.must, ok = x.expr(w.texts["must"], x.totals, "`must`")
	default:
		at, scope := x.place(w.texts["each"])
		if at == nil {
			return
		}
		if n := w.texts["where"]; n != nil {
			r.hasWhere = true
			r.where, ok = x.expr(n, scope, "`where`")
		}
		if code, fine := x.expr(w.texts["must"], scope, "`must`"); fine && ok {
			r.must = code
			at.rules = append(at.rules, r)
		}
		return
	}
	if ok {
		x.set.run = append(x.set.run, r)
	}
}

// number compiles an expression that gives a number.
func (x *compiler) number(n *strictyaml.Node) (expression.Code, bool) {
	code, ok := x.expr(n, x.totals, "")
	if ok && !code.Kind.IsNumber() && code.Kind != expression.KindNull {
		x.bad(n.Pos, "Compare two totals.", "%s is %s, not a number", code.Source, expression.WithArticle(code.Kind))
		return code, false
	}
	return code, ok
}

func (x *compiler) total(w *written) {
	of := w.texts["count"]
	if of == nil {
		of = w.texts["of"]
	}
	at, scope := x.place(of)
	if at == nil {
		return
	}
	t := &total{written: w, whose: x.of, number: len(x.set.totals)}
	ok := true
	if n := w.texts["where"]; n != nil {
		t.hasWhere = true
		t.where, ok = x.expr(n, scope, "`where`")
	}
	kind := expression.KindInteger
	if n := w.texts["sum"]; n != nil {
		var fine bool
		t.sums = true
		t.sum, fine = x.expr(n, scope, "")
		if ok = ok && fine; ok && !t.sum.Kind.IsNumber() {
			x.bad(n.Pos, "Convert it: int(…).", "total %s: %s is %s, not a number", w.id, t.sum.Source, expression.WithArticle(t.sum.Kind))
			ok = false
		}
		kind = expression.KindDecimal
	}
	if !ok {
		return
	}
	at.totals = append(at.totals, t)
	x.set.totals = append(x.set.totals, t)
	x.name(w.id, w.pos, kind, false)
	x.name("last."+w.id, w.pos, kind, true)
}

// runNames adds the counts that every run has.
func (x *compiler) runNames() {
	for _, name := range x.config.Standard.Names() {
		x.name("staged."+name, diag.Pos{}, expression.KindInteger, false)
		x.name("last.staged."+name, diag.Pos{}, expression.KindInteger, true)
	}
	for _, in := range x.config.Inputs {
		for _, what := range []string{"read.", "used."} {
			x.name(what+in, diag.Pos{}, expression.KindInteger, false)
			x.name("last."+what+in, diag.Pos{}, expression.KindInteger, true)
		}
	}
}

// name adds a name for rules on totals. Files may have totals of the same name: each knows its own.
func (x *compiler) name(name string, pos diag.Pos, kind expression.Kind, nullable bool) {
	key := name
	if pos.File != "" { // of a total
		if base, last := strings.CutPrefix(name, "last."); last {
			key = "last." + x.of + ":" + base
		} else {
			key = x.of + ":" + name
		}
	}
	slot, known := x.set.slots[key]
	if !known {
		slot = len(x.set.slots)
		x.set.slots[key] = slot
	}
	sym := &expression.Symbol{Name: name, What: "total", Pos: pos, Code: expression.Code{Type: expression.Type{Kind: kind, Nullable: nullable},
		Eval: func(f *expression.Frame) (expression.Value, *expression.Fault) { return f.Slots[slot].Value, nil }}}
	if p := x.totals.Put(sym); p != nil {
		x.found = append(x.found, *p)
	}
}

// Resource is what is asked of the records of a resource; nil: nothing.
func (s *Set) Resource(name string) *Resource {
	if s == nil {
		return nil
	}
	return s.resources[name]
}

// Resources names the resources of which something is asked.
func (s *Set) Resources() []string {
	var names []string
	for name := range s.resources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
