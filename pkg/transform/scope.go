package transform

import (
	"maps"
	"regexp"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// symbol is a name that expressions may use, with what it stands for where it is used.
type symbol struct {
	name   string
	what   string // "column", "field", "let", "parameter": for messages
	pos    diag.Pos
	code   code
	header string // of a column, for messages
}

// scope is the names visible in one place. Names never shadow: a child may add only what no outer
// scope has.
type scope struct {
	outer    *scope
	names    map[string]*symbol
	lists    map[string][]*element // lists whose elements can be walked here
	scores   *scoreSet             // of the innermost row or element; nil where there are none
	noScores string                // why there are none, for the message
	elements []*element            // the chain of elements this place stands in, outer first
	notNull  []string              // names that a `when` around this place has found not to be null
}

func (s *scope) child() *scope {
	return &scope{outer: s, names: map[string]*symbol{}, scores: s.scores, noScores: s.noScores, elements: s.elements}
}

// find looks a name up, from the inside out.
func (s *scope) find(name string) (*symbol, bool) {
	for ; s != nil; s = s.outer {
		if sym, ok := s.names[name]; ok {
			return sym, true
		}
	}
	return nil, false
}

// isNotNull reports whether a condition around this place has found that a name is not null.
func (s *scope) isNotNull(name string) bool {
	for ; s != nil; s = s.outer {
		for _, n := range s.notNull {
			if n == name {
				return true
			}
		}
	}
	return false
}

// list finds the elements of a list that is visible here.
func (s *scope) list(name string) ([]*element, bool) {
	for ; s != nil; s = s.outer {
		if l, ok := s.lists[name]; ok {
			return l, true
		}
	}
	return nil, false
}

// known is every name visible here, sorted.
func (s *scope) known() []string {
	all := map[string]bool{}
	for ; s != nil; s = s.outer {
		for n := range s.names {
			all[n] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (s *scope) knownLists() []string {
	all := map[string]bool{}
	for ; s != nil; s = s.outer {
		for n := range s.lists {
			all[n] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// exprWords cannot be names: expr reads them itself, or the format gives them a meaning.
var exprWords = map[string]bool{"in": true, "not": true, "and": true, "or": true, "let": true, "if": true, "else": true,
	"matches": true, "contains": true, "true": true, "false": true, "nil": true, "null": true,
	"startsWith": true, "endsWith": true, "params": true, "ds": true, "scores": true, "levels": true, "objectives": true}

// declare adds a name to a scope; what stands in the way is a problem.
func (c *compiler) declare(s *scope, sym *symbol) bool {
	if sym.what == "column" || sym.what == "let" {
		c.declared[sym.pos] = sym
	}
	switch {
	case !nameForm.MatchString(sym.name):
		c.add(sym.pos, diag.BundleName, "use small letters, digits and _, a letter first", "%q cannot be the name of a %s", sym.name, sym.what)
		return false
	case exprWords[sym.name] || functions[sym.name] != nil || sym.name == "lookup" || sym.name == "lookup_or_null":
		c.add(sym.pos, diag.BundleName, "choose another name", "%q cannot be the name of a %s: it is a word of the language", sym.name, sym.what)
		return false
	}
	return c.put(s, sym)
}

// put adds a name without looking at its form: for the names that the format gives.
func (c *compiler) put(s *scope, sym *symbol) bool {
	if old, ok := s.find(sym.name); ok {
		at := ""
		if old.pos.File != "" {
			at = " (" + old.pos.String() + ")"
		}
		c.add(sym.pos, diag.BundleName, "give one of them another name; nothing shadows", "the %s %q is already the name of a %s here%s", sym.what, sym.name, old.what, at)
		return false
	}
	s.names[sym.name] = sym
	return true
}

// lets adds the names of a let, in order, each seeing earlier ones. At run time each is computed at
// first use, once a row.
func (c *compiler) lets(s *scope, lets []*bundle.Let) {
	for _, l := range lets {
		body := c.expression(l.Expr, s)
		c.declare(s, &symbol{name: l.Name.Value, what: "let", pos: l.Name.Pos, code: c.memo(body)})
	}
}

// memo makes code that is evaluated at most once a row: what it gave, value or fault, is kept in a slot.
func (c *compiler) memo(body code) code {
	if body.constant || body.bad {
		return body
	}
	slot := c.slot()
	out := body
	out.eval = func(r *state) (value, *fault) {
		s := &r.slots[slot]
		if s.row != r.row {
			s.value, s.fault = body.eval(r)
			s.row = r.row
		}
		return s.value, s.fault
	}
	return out
}
