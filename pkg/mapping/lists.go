package mapping

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// elementsIn binds the elements of a list that stand in this place: at the row, or in an outer
// element. Those that have no column in the file are left out and counted.
func (c *compiler) elementsIn(l *List, at around) []*element {
	var out []*element
	for i := range l.elements {
		if c.stopped() || c.inferring() && len(out) > 0 { // where nothing is evaluated, all elements are alike
			break
		}
		guards, keep := c.join(l, i, at.scope)
		if !keep {
			continue
		}
		if c.plan.full {
			break
		}
		if c.plan.full = len(c.plan.elements) >= maxElements; c.plan.full {
			c.add(l.Def.Name.Pos, diag.BundleList, "Let `on` join the inner list, or give them fewer elements.",
				"the lists of %s have more than %d elements in all", c.plan.input.Name, maxElements)
			break
		}
		t := maps.Clone(at.texts)
		if t == nil {
			t = map[string]string{}
		}
		l.fieldTexts(i, t)
		if !at.headers.ideal && !c.present(l, i, at.scope, at.headers, t) {
			at.headers.absent(l, c.expected(l, i, at.scope, at.headers, t))
			continue
		}
		e := c.element(l, i, around{at.scope, at.headers, t, at.element})
		e.guards = guards
		out = append(out, e)
	}
	return out
}

// maxElements bounds the elements that a row may have, those of inner lists among them: each is bound to columns, and
// asked for on each row.
const maxElements = 10_000

// fieldTexts adds what stands for an element's fields in headers. A column in `on` is the outer name
// itself, and has its text; where that is known only with the row it is the table's.
func (l *List) fieldTexts(at int, texts map[string]string) {
	for k, f := range l.fields {
		if _, outer := texts[f.name]; !f.on || !outer {
			texts[f.name] = l.elements[at][k].text
		}
	}
}

// ownCells takes from the elements' own cells those that other elements bind too: they say nothing
// of whether one is there. Elements around an element, and in it, are not others. An element that
// is left without any is not in the file's layout; if no layout has one for a list, it is a problem.
func (c *compiler) ownCells(b *binding) {
	binders := map[int][]*element{}
	for _, e := range c.plan.elements {
		for _, i := range e.bound {
			binders[i] = append(binders[i], e)
		}
	}
	shares := map[*element]bool{}
	for _, e := range c.plan.elements {
		e.own = slices.DeleteFunc(e.own, func(o ownCell) bool {
			shared := slices.ContainsFunc(binders[o.index], func(b *element) bool { return !b.within(e) && !e.within(b) })
			shares[e] = shares[e] || shared
			return shared
		})
	}
	able, some := map[*element]bool{}, map[*List]bool{}
	b.able = some
	for _, e := range c.plan.elements {
		for o := e; o != nil && len(e.own) > 0; o = o.outer {
			able[o], some[o.list] = true, true
		}
	}
	for _, e := range c.plan.elements {
		switch {
		case !shares[e] || able[e]:
		case !b.ideal:
			b.absent(e.list, nil)
		case !some[e.list] && !c.inferring():
			c.add(e.list.Def.Name.Pos, diag.BundleList, "Let a header name the fields of the lists around it, too, as in \"{subject} Part {n}\".",
				"no element of %s can exist: other elements bind the columns of its headers", e.list.Path)
		}
	}
}

// within reports whether an element is another one, or stands in it.
func (e *element) within(o *element) bool {
	for ; e != nil; e = e.outer {
		if e == o {
			return true
		}
	}
	return false
}

// element binds one element of a list; outer is what surrounds it. Its own headers are those whose pattern names a field of the list;
// ownCells takes away what others bind too.
func (c *compiler) element(l *List, i int, outer around) *element {
	e := &element{id: len(c.plan.elements), at: i, number: c.numbers[l], list: l, outer: outer.element, scope: outer.scope.child()}
	at := around{e.scope, outer.headers, outer.texts, e}
	c.numbers[l]++
	c.plan.elements = append(c.plan.elements, e)
	e.scope.lists = map[string][]*element{}
	c.fields(e.scope, l.fields, l.elements[i], "field")
	for _, col := range l.columns {
		bc := c.bindColumn(at, col)
		if bc.index < 0 {
			continue
		}
		if col.canFail {
			e.columns = append(e.columns, bc)
		}
		e.bind(bc.index, &col.Cell, col.def.Name.Pos, col.def.Headers)
	}
	c.lets(e.scope, l.Def.Let)
	c.scoreScope(at, l.scores, "the list "+l.Path)
	if e.scope.scores != nil {
		for _, sc := range e.scope.scores.all {
			if sc.index >= 0 {
				e.bind(sc.index, sc.cell, sc.pos, sc.headers)
			}
		}
	}
	for _, inner := range l.lists {
		c.listName(e.scope, inner)
		nested := c.elementsIn(inner, at)
		e.scope.lists[inner.Def.Name.Value] = nested
		e.nested = append(e.nested, nested...)
		for _, n := range nested {
			for _, cell := range n.content {
				e.content = append(e.content, contentCell{tag: contentTag(inner.Def.Name.Pos, fmt.Sprint(n.at, cell.tag)), index: cell.index, cell: cell.cell})
			}
		}
	}
	e.content = orderContent(e.content)
	e.key, e.by = c.keyOf(e.scope, l.Def.Key, l.Def.Duplicates)
	if len(e.key) > 0 {
		i := slices.IndexFunc(c.plan.listKeys, func(k *listKey) bool { return k.list == l })
		if i < 0 {
			i = len(c.plan.listKeys)
			c.plan.listKeys = append(c.plan.listKeys, &listKey{list: l})
		}
		c.plan.listKeys[i].elements = append(c.plan.listKeys[i].elements, e)
	}
	return e
}

// bind notes a cell of an element, and whether it is its own.
func (e *element) bind(index int, cell *expression.Cell, declared diag.Pos, headers []bundle.Text) {
	e.bound = append(e.bound, index)
	e.content = append(e.content, contentCell{tag: contentTag(declared), index: index, cell: cell})
	if e.list.names(headers) {
		e.own = append(e.own, ownCell{index, cell.Nulls})
	}
}

// fields adds the fields of an element, or the columns of a table's row, as constants.
func (c *compiler) fields(s *scope, fields []field, values []fieldValue, what string) {
	for i, f := range fields {
		if f.on || expression.IsFunction(f.name) {
			continue // a field that is called like a function can be used in headers, not in expressions
		}
		v := expression.ConstantCode(values[i].value, f.typ)
		v.Data, v.Constant = true, !c.inferring()
		c.declare(s, &expression.Symbol{Name: f.name, What: what, Pos: f.pos, Code: v})
	}
}

// listName checks the name of a list against those that are visible where it stands.
func (c *compiler) listName(s *scope, l *List) {
	name := l.Def.Name
	if old, ok := s.names.Find(name.Value); ok {
		c.add(name.Pos, diag.BundleName, "Give one of them another name; no name may shadow another.", "the list %q is already the name of a %s here (%s)", name.Value, old.What, old.Pos)
	}
	if expression.IsWord(name.Value) {
		c.add(name.Pos, diag.BundleName, "Choose another name.", "%q cannot be the name of a list: it is a word of the language", name.Value)
	}
}

// join says whether an element stands in this place: `on` compares its columns with outer names.
// What is known only with the row becomes a guard.
func (c *compiler) join(l *List, at int, s *scope) (guards []guard, keep bool) {
	for i, f := range l.fields {
		if !f.on {
			continue
		}
		on := l.Def.On[slices.IndexFunc(l.Def.On, func(o bundle.Text) bool { return o.Value == f.name })]
		sym, ok := s.names.Find(f.name)
		if !ok {
			c.add(on.Pos, diag.BundleList, "Name a column of the table that is a name outside, too.", "`on` names %q, but there is no such name outside the list%s", f.name, diag.DidYouMean(f.name, s.names.Known()))
			return nil, false
		}
		c.report.uses.names[sym.Pos] = true
		g, keep, ok := c.joinColumn(sym.Code, l.elements[at][i], f.typ)
		if !ok {
			c.add(on.Pos, diag.BundleList, "Give the table `types:`.", "%q is %s outside and %s in the table: they are never equal", f.name, expression.WithArticle(sym.Code.Kind), expression.WithArticle(f.typ.Kind))
			return nil, false
		}
		if !keep {
			return nil, false
		}
		if g != nil {
			guards = append(guards, *g)
		}
	}
	return guards, true
}

// joinable says whether `on` may keep an element, as far as that is known before the names around it
// are bound.
func (c *compiler) joinable(l *List, at int, s *scope) bool {
	for i, f := range l.fields {
		if !f.on {
			continue
		}
		if sym, ok := s.names.Find(f.name); ok {
			if _, keep, _ := c.joinColumn(sym.Code, l.elements[at][i], f.typ); !keep {
				return false
			}
		}
	}
	return true
}

// joinColumn compares an outer name with a column's value: at once if both are known.
func (c *compiler) joinColumn(outer expression.Code, inner fieldValue, t expression.Type) (g *guard, keep, ok bool) {
	if outer.Bad || c.inferring() {
		return nil, true, true
	}
	if !expression.Comparable(outer.Kind, t.Kind) {
		return nil, false, false
	}
	if inner.value.IsNull() {
		return nil, false, true // null equals nothing
	}
	if outer.Constant {
		return nil, outer.Fault == nil && !outer.Value.IsNull() && expression.Equal(outer.Value, inner.value), true
	}
	return &guard{outer, inner.value}, true, true
}

// present reports whether an element has a column in the file: a header of its own, or one of an
// element in it.
func (c *compiler) present(l *List, at int, s *scope, b *binding, texts map[string]string) bool {
	return c.anyOwn(l, at, s, b, texts, func(header string) bool {
		_, ok := b.index[header]
		return ok
	})
}

// expected is the headers that an element may have in files of this layout.
func (c *compiler) expected(l *List, at int, s *scope, b *binding, texts map[string]string) (all []string) {
	c.anyOwn(l, at, s, b, texts, func(header string) bool {
		all = append(all, header)
		return false
	})
	return all
}

// anyOwn asks is of each header that an element, or one in it, may have of its own in files of this
// layout, until it is true.
func (c *compiler) anyOwn(l *List, at int, s *scope, b *binding, texts map[string]string, is func(header string) bool) bool {
	has := func(patterns []bundle.Text) bool {
		return slices.ContainsFunc(patterns, func(p bundle.Text) bool {
			if !namesField(p.Value, l.fields) {
				return false
			}
			h, _ := fill(p.Value, texts)
			return is(h)
		})
	}
	for _, col := range l.columns {
		if col.def.In(b.layout) && has(col.def.Headers) {
			return true
		}
	}
	for _, u := range l.scores {
		on := texts[u.on]
		if u.on == "layout" && b.layout != "" {
			on = b.layout
		}
		for _, r := range u.rows {
			if u.onCol >= 0 && on != "" && on != u.table.Rows[r.row].Cells[u.onCol] {
				continue
			}
			if has(r.headers) {
				return true
			}
		}
	}
	if len(l.lists) == 0 {
		return false
	}
	around := s.child()
	c.fields(around, l.fields, l.elements[at], "field")
	for _, inner := range l.lists {
		for i := range inner.elements {
			t := maps.Clone(texts)
			inner.fieldTexts(i, t)
			if c.joinable(inner, i, around) && c.anyOwn(inner, i, around, b, t, is) {
				return true
			}
		}
	}
	return false
}

// exists reports whether an element is there on the row: some cell of its own is not null, or an
// element in it is there. One that `on` does not join, or that a key dropped, is not.
func (r *Worker) exists(e *element) bool {
	seen := &r.elements[e.id]
	if seen.row != r.frame.Row {
		seen.there, seen.fault = r.there(e)
		seen.row = r.frame.Row
	}
	return seen.there
}

// there gives the fault too that keeps `on` from telling whether the element is joined: it is there
// if it has a value, so that no value goes lost, and what is made from it is rejected.
func (r *Worker) there(e *element) (bool, *expression.Fault) {
	var doubt *expression.Fault
	for i := range e.guards {
		v, f := e.guards[i].outer.Eval(&r.frame)
		switch {
		case f != nil:
			doubt = f
		case v.IsNull() || !expression.Equal(v, e.guards[i].want):
			return false, nil
		}
	}
	if r.wasDropped(e) {
		return false, nil
	}
	for i := range e.own {
		if o := &e.own[i]; !expression.IsNullCell(expression.TrimSpace(r.frame.Cells[o.index]), o.nulls) {
			return true, doubt
		}
	}
	for _, n := range e.nested {
		if r.exists(n) {
			return true, doubt
		}
	}
	return false, nil
}

// joinFailed reports an element of which `on` could not tell whether it is joined.
func (r *Worker) joinFailed(e *element, path string) bool {
	if !r.exists(e) || r.elements[e.id].fault == nil {
		return false
	}
	r.fail(r.elements[e.id].fault, path)
	return true
}

// badCells gives the bad cells of an element: they reject the records from it and those that reach it.
func (r *Worker) badCells(columns []*boundColumn, path string) bool {
	bad := false
	for _, bc := range columns {
		if _, f := bc.code.Eval(&r.frame); f != nil {
			r.fail(f, path)
			bad = true
		}
	}
	return bad
}
