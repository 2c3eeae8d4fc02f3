package mapping

import (
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/lookup"
)

// tree is an expression parsed. One that cannot be parsed is not remembered, so that it is reported
// again when the walk is one that reports.
func (c *compiler) tree(e *bundle.Expr) *expression.Tree {
	tree := c.trees[e]
	if tree == nil {
		var problem *diag.Problem
		if tree, problem = expression.Parse(expression.Text{Source: e.Source, At: e.At}); problem != nil {
			c.report.problems.Add(*problem)
			return nil
		}
		if !c.built {
			c.trees[e] = tree
		}
	}
	return tree
}

// expression compiles one expression in a scope. It may be called again for the same expression in
// another scope.
func (c *compiler) expression(e *bundle.Expr, s *scope) expression.Code {
	tree := c.tree(e)
	if tree == nil {
		return expression.BadCode
	}
	out := expression.Compile(c, tree, s.names)
	if out.Bad { // perhaps by a name whose own expression was reported
		c.report.problems.Met++
	}
	return out
}

// condition compiles an expression that must be true or false.
func (c *compiler) condition(e *bundle.Expr, s *scope) expression.Code {
	tree := c.tree(e)
	if tree == nil {
		return expression.BadCode
	}
	out := expression.CompileCondition(c, tree, s.names, "`when`")
	if out.Bad {
		c.report.problems.Met++
	}
	return out
}

// notNullIn is the names that are not null where a `when` holds.
func (c *compiler) notNullIn(when *bundle.Expr) []string {
	if when == nil {
		return nil
	}
	if tree := c.tree(when); tree != nil {
		return tree.NotNull()
	}
	return nil
}

// Param finds a parameter, which is used now.
func (c *compiler) Param(name string) (*expression.Symbol, []string) {
	sym := c.params[name]
	if sym == nil {
		return nil, slices.Sorted(maps.Keys(c.params))
	}
	c.report.uses.names[sym.Pos] = true
	return sym, nil
}

// table finds a table that is used; one that is not there is a problem of a code.
func (c *compiler) table(name bundle.Text, code diag.Code) *lookup.Table {
	t := c.tables.Table(name.Value)
	switch {
	case c.tables.Unread(name.Value):
		c.report.problems.Met++
		return nil
	case t == nil:
		c.add(name.Pos, code, "Put it at tables/"+name.Value+".csv.", "there is no table %q%s", name.Value, diag.DidYouMean(name.Value, c.tables.Names()))
		return nil
	}
	c.report.uses.tables[t.Name] = true
	return t
}

// Lookup finds a table, which is looked up now. Once the program is built, it is known of every table
// whether it is.
func (c *compiler) Lookup(name string) (*expression.Table, []string, bool) {
	t := c.tables.Table(name)
	if t == nil {
		return nil, c.tables.Names(), c.tables.Unread(name)
	}
	c.report.uses.tables[name] = true
	if !t.Keyed && c.inference != nil {
		t.Keyed, c.inference.learned = true, true
	}
	return t.Table, nil, false
}

// FitsKey fits a table's key column to the values looked up in it, the same in every call. Once the
// program is built, each such column has its type.
func (c *compiler) FitsKey(table *expression.Table, col int, k expression.Kind) bool {
	t := c.tables.Table(table.Name)
	if !t.Decided[col] && c.inference != nil {
		t.Kinds[col], t.Decided[col], c.inference.learned = k, true, true
		if k.IsText() {
			t.Kinds[col] = expression.KindText
		}
		return true
	}
	have := t.Kinds[col]
	return have == k || have.IsText() && k.IsText() || have == expression.KindDecimal && k == expression.KindInteger
}

// Use notes that a name is used.
func (c *compiler) Use(sym *expression.Symbol) { c.report.uses.names[sym.Pos] = true }

// Report lists what is wrong.
func (c *compiler) Report(p diag.Problem) { c.report.problems.Add(p) }

// Lint lists what is allowed and unwise.
func (c *compiler) Lint(p diag.Problem) { c.report.lints.Add(p) }

// Inferring reports whether the types of key columns are still being found.
func (c *compiler) Inferring() bool { return c.inferring() }
