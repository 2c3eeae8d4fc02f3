package sample

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// choice is what a bundle takes in the columns whose header fits a pattern; no texts if it does not tell.
type choice struct {
	pattern string
	texts   []string
}

// choices are the texts that a bundle takes in the columns of an input: those that its conditions compare a
// column with, and the keys of the tables in which it is looked up or mapped. Where nobody describes the values of a
// sample, its rows would else be filtered or rejected by the very bundle.
type choices struct {
	program *mapping.Program
	trees   map[*bundle.Expr]*expression.Tree
	lets    map[string]*expression.Tree
	params  map[string]string
	found   map[string][]string // by the name of the column
}

func choicesOf(p *mapping.Program, in *bundle.Input, params map[string]string) []choice {
	c := &choices{program: p, trees: p.Trees(), lets: map[string]*expression.Tree{}, params: params, found: map[string][]string{}}
	c.names(p.Bundle.Let)
	c.names(in.Let)
	c.lists(in.Lists)
	c.condition(in.When)
	for _, e := range in.Expect {
		if e.Level <= diag.LevelError {
			c.condition(e.That)
		}
	}
	for _, r := range p.Bundle.Resources {
		if r.From.Input == in.Name.Value {
			c.condition(r.When)
			for p := range bundle.Properties(r.Record) {
				c.descriptor(p)
			}
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(c.trees), func(a, b *bundle.Expr) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	}) {
		c.trees[e].Lookups(c.lookup)
	}
	var all []choice
	for _, col := range in.AllColumns() {
		texts := slices.DeleteFunc(c.found[col.Name.Value], func(s string) bool {
			return s == "" || col.Type == bundle.TypeInteger && !expression.IsInteger(s) || col.Type == bundle.TypeDecimal && !expression.IsDecimal(s)
		})
		if len(texts) == 0 {
			texts = slices.Concat(col.Yes, col.No)
		}
		slices.Sort(texts)
		pattern := bundle.HeaderPattern(col.Headers[0].Value)
		all = append(all, choice{pattern, slices.Compact(texts)})
	}
	return all
}

func (c *choices) names(lets []*bundle.Let) {
	for _, l := range lets {
		c.lets[l.Name.Value] = c.trees[l.Expr]
	}
}

func (c *choices) lists(lists []*bundle.List) {
	for _, l := range lists {
		c.names(l.Let)
		c.lists(l.Lists)
	}
}

// column is the name of a column, also behind the name of a `let` that is nothing else.
func (c *choices) column(name string) string {
	for range len(c.lets) {
		tree := c.lets[name]
		if tree == nil {
			break
		}
		if inner, ok := tree.Name(); ok {
			name = inner
		}
	}
	return name
}

// condition takes what a column must be; it wins over tables.
func (c *choices) condition(e *bundle.Expr) {
	if tree := c.trees[e]; tree != nil {
		for _, o := range tree.Comparisons() {
			name := c.column(o.Name)
			for _, param := range o.Params {
				o.Texts = append(o.Texts, cmp.Or(c.params[param], c.program.Params[param]))
			}
			c.found[name] = append(c.found[name], o.Texts...)
		}
	}
}

// lookup takes the keys of a table; those of several columns belong together, so that one row has to do for all.
func (c *choices) lookup(table string, names []string) {
	t := c.program.Table(table)
	if t == nil {
		return
	}
	rows := t.Rows
	if len(t.Keys) > 1 && len(rows) > 0 {
		rows = rows[:1]
	}
	for i, k := range t.Keys {
		if i < len(names) {
			c.keys(names[i], t, rows, k)
		}
	}
}

func (c *choices) keys(name string, t *expression.Table, rows []expression.TableRow, key int) {
	if name = c.column(name); name == "" || len(c.found[name]) > 0 {
		return
	}
	left, _ := t.Column("descriptor")
	for _, r := range rows {
		if left < 0 || r.Cells[left] != "" { // a value that is left out takes with it what needs it
			c.found[name] = append(c.found[name], r.Cells[key])
		}
	}
}

// descriptor takes the values that the table of a property's type knows.
func (c *choices) descriptor(p *bundle.Property) {
	tree := c.trees[bundle.ExprAt(p.Node)]
	if tree == nil {
		return
	}
	name, ok := tree.Name()
	if !ok {
		return
	}
	d := c.program.Bundle.Descriptors
	for _, typ := range slices.Concat(d.Vendor, d.Shared) {
		if !typ.FitsName(p.Name.Value) {
			continue
		}
		if _, t := c.program.DescriptorTable(typ.Type.Value); t != nil {
			c.keys(name, t, t.Rows, t.Keys[0])
		}
	}
}
