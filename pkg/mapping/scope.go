package mapping

import (
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// scope is what is visible in one place of the bundle: names for expressions, and lists and scores
// for records.
type scope struct {
	names    *expression.Scope
	outer    *scope
	lists    map[string][]*element // lists whose elements can be walked here
	scores   *scoreSet             // of the innermost row or element; nil where there are none
	noScores string                // why there are none, for the message
}

func (s *scope) child() *scope {
	return &scope{outer: s, names: expression.NewScope(s.names), scores: s.scores, noScores: s.noScores}
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

func (s *scope) knownLists() []string {
	all := map[string]bool{}
	for ; s != nil; s = s.outer {
		for n := range s.lists {
			all[n] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// declare adds a name to a scope; what stands in the way is a problem.
func (c *compiler) declare(s *scope, sym *expression.Symbol) {
	if sym.What == "column" || sym.What == "let" {
		c.report.uses.declared[sym.Pos] = sym
	}
	if p := s.names.Declare(sym); p != nil {
		c.report.problems.Add(*p)
	}
}

// put adds a name that the format gives.
func (c *compiler) put(s *scope, sym *expression.Symbol) {
	if p := s.names.Put(sym); p != nil {
		c.report.problems.Add(*p)
	}
}

// lets adds the names of a let, in order, each seeing earlier ones. At run time each is computed at
// first use, once a row.
func (c *compiler) lets(s *scope, lets []*bundle.Let) {
	for _, l := range lets {
		body := c.expression(l.Expr, s)
		c.declare(s, &expression.Symbol{Name: l.Name.Value, What: "let", Pos: l.Name.Pos, Code: c.memo(body)})
	}
}

// memo makes code that is evaluated at most once a row.
func (c *compiler) memo(body expression.Code) expression.Code {
	if body.Constant || body.Bad {
		return body
	}
	return expression.Memo(body, c.slot())
}
