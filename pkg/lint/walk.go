package lint

import (
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// around is what is known in a place of a record.
type around struct {
	def    *bundle.Resource
	lets   map[string]*bundle.Expr
	cells  map[string][]cell // names that stand for columns of tables
	scores []*bundle.ScoreUse
	lists  []*bundle.List  // that can be walked from here
	guards map[string]bool // names by which a `when` decides whether the place is used
}

func (a around) inner() around {
	a.lets, a.cells, a.guards = maps.Clone(a.lets), maps.Clone(a.cells), maps.Clone(a.guards)
	return a
}

// walkResource finds the references and descriptors in the records of a resource.
func (r *References) walkResource(def *bundle.Resource) {
	res, ok := r.program.Standard.Resource(def.Name.Value)
	if !ok || def.Record == nil {
		return
	}
	a := around{def: def, lets: r.letsAround(def), cells: map[string][]cell{}, guards: map[string]bool{}}
	r.columnsOf(def.From.Table, a)
	if in := r.bundle.Input(def.From.Input); in != nil {
		r.guard(in.When, a)
		a.scores, a.lists = in.Scores, in.Lists
		for _, l := range in.Path(def.From.Lists) {
			a = r.enter(l, a)
		}
	}
	r.guard(def.When, a)
	r.walk(res.Root, def.Record, a)
}

// enter is what is known in the elements of a list.
func (r *References) enter(l *bundle.List, a around) around {
	a = a.inner()
	for _, let := range l.Let {
		a.lets[let.Name.Value] = let.Expr
	}
	if l.Over.Table != nil {
		r.columnsOf(l.Over.Table.Value, a)
	}
	a.scores, a.lists = l.Scores, slices.Concat(l.Lists, a.lists)
	return a
}

// columnsOf lets names stand for the columns of a table.
func (r *References) columnsOf(table string, a around) {
	if t := r.program.Table(table); t != nil {
		for _, name := range t.Header {
			a.cells[name] = append(slices.Clone(a.cells[name]), cell{table, name})
		}
	}
}

// guard notes the names by which a condition decides. One that is only asked not to be null decides nothing.
func (r *References) guard(when *bundle.Expr, a around) {
	tree := r.trees[when]
	if when == nil || tree == nil {
		return
	}
	for name := range r.namesThrough(tree, a.lets) {
		if !slices.Contains(tree.NotNull(), name) {
			a.guards[name] = true
		}
	}
}

func (r *References) walk(o *schema.Object, n bundle.Node, a around) {
	switch n := n.(type) {
	case *bundle.Object:
		if o == nil {
			return
		}
		if o.Reference != nil {
			r.reference(o.Reference, n, a)
		}
		for _, prop := range n.Properties {
			switch p := o.ByName[prop.Name.Value]; {
			case p == nil:
			case p.Descriptor != "":
				r.descriptor(p.Descriptor, bundle.ExprAt(prop.Node), a)
			default:
				r.walk(p.Object, prop.Node, a)
			}
		}
	case *bundle.Array:
		for _, i := range n.Items {
			r.walk(o, i, a)
		}
	case *bundle.Cond:
		a = a.inner()
		r.guard(n.When, a)
		r.walk(o, n.Record, a)
	case *bundle.Each:
		r.walk(o, n.Record, r.each(n, a))
	}
}

// each is what is known in the elements that a record goes over.
func (r *References) each(n *bundle.Each, a around) around {
	a = a.inner()
	switch i := slices.IndexFunc(a.lists, func(l *bundle.List) bool { return l.Name.Value == n.Over.Value }); {
	case n.Table:
		r.columnsOf(n.Over.Value, a)
	case i >= 0:
		a = r.enter(a.lists[i], a)
	case n.Over.Value == "objectives":
		for _, use := range a.scores {
			a.cells["objective"] = append(slices.Clone(a.cells["objective"]), cell{use.Table.Value, "objective"})
		}
	}
	for _, let := range n.Let {
		a.lets[let.Name.Value] = let.Expr
	}
	r.guard(n.When, a)
	return a
}

// reference says what the columns hold that a reference is made of.
func (r *References) reference(ref *schema.Reference, n *bundle.Object, a around) {
	if ref.Abstract != "" || len(ref.Targets) != 1 {
		return
	}
	target := ref.Targets[0]
	for _, key := range ref.Keys {
		if !r.mayBeStaged(target, key, bundle.ExprAt(n, key.Name), a) {
			return
		}
	}
	for _, key := range ref.Keys {
		if len(key.Target) > 1 {
			continue // what the target itself refers to: it need not have a record for each
		}
		if values, ok := r.staged(target, key.Target.Leaf()); ok {
			r.fill(bundle.ExprAt(n, key.Name), a, "among the records of "+r.stagedFrom(target), values)
		}
	}
}

// mayBeStaged reports whether a part of a reference may be that of the records that the bundle stages: one that is
// the same for all rows must be written like theirs.
func (r *References) mayBeStaged(target string, key schema.ReferenceKey, e *bundle.Expr, a around) bool {
	tree := r.trees[e]
	if e == nil || tree == nil || !fixed(r.namesThrough(tree, a.lets)) {
		return true
	}
	for _, def := range r.bundle.Resources {
		if def.Name.Value != target {
			continue
		}
		theirs := bundle.ExprAt(def.Record, key.Target...)
		if theirs == nil || r.trees[theirs] == nil || r.follow(theirs, r.letsAround(def)) != r.follow(e, a.lets) && theirs.Source != e.Source {
			return false
		}
	}
	return true
}

// descriptor says what the columns hold that a mapped descriptor is made of.
func (r *References) descriptor(typ string, e *bundle.Expr, a around) {
	for _, d := range r.bundle.Descriptors.Shared {
		if d.Type.Value != typ || d.Table == nil {
			continue
		}
		t := r.program.Table(d.Table.Value)
		if t == nil {
			continue
		}
		var values []string
		for i := range t.Rows {
			values = append(values, t.Cell(i, "value"))
		}
		r.fill(e, a, "in "+r.fileOf(d.Table.Value), values)
	}
}

// fill says what the columns hold that an expression gives as they stand.
func (r *References) fill(e *bundle.Expr, a around, what string, values []string) {
	if e == nil || r.trees[e] == nil {
		return
	}
	for name := range r.namesThrough(r.trees[e], a.lets) {
		if a.guards[name] {
			return
		}
	}
	for _, at := range r.outcomes(e, a, 0) {
		if t := r.program.Table(at.table); t != nil && !slices.ContainsFunc(t.Header, func(h string) bool { return a.guards[h] }) {
			r.allow(at, what, values)
		}
	}
}

// outcomes is the columns of tables that an expression may give as they stand.
func (r *References) outcomes(e *bundle.Expr, a around, deep int) (all []cell) {
	if deep > len(a.lets) || r.trees[e] == nil {
		return nil
	}
	for _, o := range r.trees[e].Outcomes() {
		switch {
		case o.Table != "":
			all = append(all, cell{o.Table, o.Name})
		case a.lets[o.Name] != nil:
			all = append(all, r.outcomes(a.lets[o.Name], a, deep+1)...)
		default:
			all = append(all, a.cells[o.Name]...)
		}
	}
	return all
}
