package lint

import (
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
)

// joined gathers by which columns tables are joined, and with what.
type joined struct {
	r       *References
	other   map[string]bool // tables that are used in another way, too: a row that nothing is joined with has a use
	columns map[cell]*column
}

// with notes that a table is joined by some columns, each with values that are known, or not (nil).
func (j *joined) with(table string, on []string, values func(name string) (all []string, what string)) {
	if len(on) == 0 {
		j.other[table] = true
	}
	for _, name := range on {
		all, what := values(name)
		c := j.columns[cell{table, name}]
		if c == nil {
			c = &column{what: what}
			j.columns[cell{table, name}] = c
		}
		c.open = c.open || all == nil
		for _, v := range all { // a row is of use where one of the places takes it
			if !slices.Contains(c.allowed, v) {
				c.allowed = append(c.allowed, v)
			}
		}
	}
}

func layouts(in *bundle.Input) ([]string, string) {
	if in == nil {
		return nil, ""
	}
	return slices.DeleteFunc(in.LayoutNames(), func(name string) bool { return name == "" }), "a layout of the input " + in.Name.Value
}

func (j *joined) scores(uses []*bundle.ScoreUse, in *bundle.Input) {
	for _, u := range uses {
		var on []string
		if u.On != nil {
			on = []string{u.On.Value}
		}
		j.with(u.Table.Value, on, func(name string) ([]string, string) {
			if name == "layout" {
				return layouts(in)
			}
			return nil, ""
		})
	}
}

func (j *joined) lists(lists []*bundle.List, in *bundle.Input) {
	for _, l := range lists {
		if l.Over.Table != nil {
			j.other[l.Over.Table.Value] = true
		}
		j.scores(l.Scores, in)
		j.lists(l.Lists, in)
	}
}

// node finds the tables that stand under `each` in a record.
func (j *joined) node(n bundle.Node, def *bundle.Resource) {
	switch n := n.(type) {
	case *bundle.Object:
		for _, p := range n.Properties {
			j.node(p.Node, def)
		}
	case *bundle.Array:
		for _, i := range n.Items {
			j.node(i, def)
		}
	case *bundle.Cond:
		j.node(n.Record, def)
	case *bundle.Each:
		if n.Table {
			j.with(n.Over.Value, bundle.Values(n.On), func(name string) ([]string, string) { return j.outer(name, def) })
		}
		j.node(n.Record, def)
	}
}

// outer is the values of a name around a record; nil if they are not known before the first row.
func (j *joined) outer(name string, def *bundle.Resource) (all []string, what string) {
	if name == "layout" && def.From.Input != "" {
		return layouts(j.r.bundle.Input(def.From.Input))
	}
	t := j.r.program.Table(def.From.Table)
	if t == nil {
		return nil, ""
	}
	i, ok := t.Column(name)
	if !ok {
		return nil, ""
	}
	for _, row := range t.Rows {
		if v := row.Cells[i]; v != "" {
			all = append(all, v)
		}
	}
	return all, "in " + j.r.fileOf(t.Name)
}
