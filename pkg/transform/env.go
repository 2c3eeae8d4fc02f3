package transform

import (
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// tree is an expression parsed. One that cannot be parsed is not remembered, so that it is reported
// again when the walk is one that reports.
func (c *compiler) tree(e *bundle.Expr) *expression.Tree {
	tree := c.trees[e]
	if tree == nil {
		var problem *diag.Problem
		if tree, problem = expression.Parse(expression.Text{Source: e.Source, At: e.At}); problem != nil {
			c.problems.add(*problem)
			return nil
		}
		c.trees[e] = tree
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
		c.problems.met++
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
		c.problems.met++
	}
	return out
}

// notNullIn is the names that are not null where a `when` holds.
func (c *compiler) notNullIn(when *bundle.Expr) []string {
	if tree := c.trees[when]; tree != nil {
		return tree.NotNull()
	}
	return nil
}

// Param finds a parameter, which is used now.
func (c *compiler) Param(name string) (*expression.Symbol, []string) {
	sym := c.params[name]
	if sym == nil {
		return nil, c.paramNames()
	}
	c.used[sym.Pos] = true
	return sym, nil
}

// Lookup finds a table, which is looked up now.
func (c *compiler) Lookup(name string) (*expression.Table, []string) {
	t := c.tables[name]
	if t == nil {
		return nil, slices.Sorted(maps.Keys(c.tables))
	}
	c.usedTables[name] = true
	t.keyed = true
	return t.Table, nil
}

// FitsKey fits a table's key column to the values looked up in it, the same in every call.
func (c *compiler) FitsKey(table *expression.Table, col int, k expression.Kind) bool {
	t := c.tables[table.Name]
	if !t.decided[col] {
		t.Kinds[col], t.decided[col] = k, true
		if k.IsText() {
			t.Kinds[col] = expression.KindText
		}
		return true
	}
	have := t.Kinds[col]
	return have == k || have.IsText() && k.IsText() || have == expression.KindDecimal && k == expression.KindInteger
}

// Use notes that a name is used.
func (c *compiler) Use(sym *expression.Symbol) { c.used[sym.Pos] = true }

// Report lists what is wrong.
func (c *compiler) Report(p diag.Problem) { c.problems.add(p) }

// Lint lists what is allowed and unwise.
func (c *compiler) Lint(p diag.Problem) { c.lints.add(p) }

// Inferring reports whether the types of key columns are still being found.
func (c *compiler) Inferring() bool { return c.inferring }
