package mapping

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// Plan is an input bound to the headers of one file: what is done with each of its rows. Names have
// become slots, lists their elements, and what does not depend on a row is encoded already.
// Immutable, shared by the workers.
type Plan struct {
	input       *Input
	Layout      string
	headers     []string
	needed      int // cells that a row must have
	slots       int
	columns     []*boundColumn  // of the row; those that can spoil it
	district    *boundColumn    // nil: all rows are the tenant's
	leaCodes    map[string]bool // the tenant's districts
	when        *expression.Code
	whenNames   []namedCode // what `when` looks at, for the message that nothing is left
	expects     []boundExpect
	key         []expression.Code
	by          *expression.Code
	elements    []*element // all, inner ones after their outer
	full        bool       // there were more of them than a row may have
	listKeys    []*listKey
	units       []*unit
	content     []contentCell    // for rows that are equal in every bound cell
	studentCode *expression.Code // the student as the file names it, or as the roster knows it
	students    []*boundColumn   // with a roster: the columns of ids
	matched     int              // with a roster: the slot of how the student was found
	decisions   []*Decision
	sites       int
	Student     string // header that the student's id is read from; empty: the file has none
	StudentName string // the bundle's name of that column
	Notes       diag.List
	unnamed     []int // columns without header
	doubles     []double
}

// boundColumn is a column of the file that a name is bound to.
type boundColumn struct {
	*column
	header string
	index  int
	code   expression.Code
}

// namedCode is a name with what it stands for.
type namedCode struct {
	name string
	code expression.Code
}

type boundExpect struct {
	def   *bundle.Expect
	that  expression.Code
	names []namedCode // what it looks at
}

// element is one element of a list, bound to the file's columns.
type element struct {
	id      int
	number  int // among all elements of its list, those of other outer elements too
	at      int // in list.elements
	list    *List
	outer   *element
	own     []ownCell
	guards  []guard
	nested  []*element
	columns []*boundColumn // that can spoil it
	scope   *scope
	key     []expression.Code
	by      *expression.Code
	bound   []int         // columns, without those of the elements in it
	content []contentCell // with them
}

// ownCell is a cell that makes an element exist.
type ownCell struct {
	index int
	nulls []string
}

// guard keeps an element only where an outer name equals a field of it.
type guard struct {
	outer expression.Code
	want  expression.Value
}

// listKey is a list whose elements are compared over all rows.
type listKey struct {
	list     *List
	elements []*element
}

func (c *compiler) slot() int {
	c.plan.slots++
	return c.plan.slots - 1
}

// bind binds an input to headers.
func (c *compiler) bind(in *Input, b *binding) *Plan {
	c.plan = &Plan{input: in, Layout: b.layout}
	c.numbers = map[*List]int{}
	pl, def := c.plan, in.Def
	row := c.top.child()
	row.lists = map[string][]*element{}
	if len(def.Layouts) > 0 {
		layout := expression.ConstantCode(expression.TextValue(b.layout), expression.Type{Kind: expression.KindText})
		layout.Data = true
		if b.ideal && c.inferring() {
			layout.Constant = false
		}
		c.put(row, &expression.Symbol{Name: "layout", What: "layout", Code: layout})
	}
	at := around{scope: row, headers: b}
	all := map[string]*boundColumn{}
	for _, col := range in.columns {
		bc := c.bindColumn(at, col)
		all[col.def.Name.Value] = bc
		if bc.index >= 0 && col.canFail {
			pl.columns = append(pl.columns, bc)
		}
	}
	c.addStudent(row, in, all, b)
	kept := c.notNullIn(def.When) // in the rows that are kept
	row.names.NotNull = kept
	c.lets(row, def.Let)
	c.scoreScope(at, in.scores, def.Name.Value)
	for _, l := range in.lists {
		c.listName(row, l)
		row.lists[l.Def.Name.Value] = c.elementsIn(l, at)
	}
	c.ownCells(b)
	if def.District != nil {
		if bc := all[def.District.Value]; bc != nil {
			c.district(bc, b)
		}
	}
	c.conditions(row, def, kept)
	pl.key, pl.by = c.keyOf(row, def.Key, def.Duplicates)
	for _, src := range in.sources {
		c.units(src, row)
	}
	pl.headers = b.headers
	for i, h := range pl.headers {
		if h == "" && !in.ignored(h) {
			pl.unnamed = append(pl.unnamed, i)
		}
	}
	if !b.ideal {
		c.newColumns(in, b)
	}
	pl.needed = b.needed()
	pl.content = orderContent(pl.content)
	return pl
}

// conditions compiles `when` and `expect` of an input; kept is the names that are not null in the rows that are kept.
func (c *compiler) conditions(row *scope, def *bundle.Input, kept []string) {
	pl := c.plan
	if def.When != nil {
		row.names.NotNull = nil
		when := c.condition(def.When, row)
		pl.when = &when
		pl.whenNames = namesIn(c.trees[def.When], row)
		row.names.NotNull = kept
	}
	for _, e := range def.Expect {
		that := c.expression(e.That, row)
		pl.expects = append(pl.expects, boundExpect{e, that, namesIn(c.trees[e.That], row)})
		if !that.Bad && that.Kind != expression.KindBoolean {
			c.add(e.That.Pos, diag.BundleExpression, "", "what is expected must be true or false, but this is %s", expression.WithArticle(that.Kind))
		}
	}
}

// district makes the plan compare a tenant's districts. A file of a layout that has no such column
// cannot be told apart by district, and is refused to a tenant that needs that.
func (c *compiler) district(bc *boundColumn, b *binding) {
	c.report.uses.names[bc.def.Name.Pos] = true
	if len(c.config.LEACodes) == 0 {
		return
	}
	if bc.index < 0 {
		if !b.ideal && !bc.def.In(b.layout) {
			b.missing = append(b.missing, want{headers: bundle.Values(bc.def.Headers), what: "the district, which lea_codes are compared with", pos: bc.def.Pos})
		}
		return
	}
	c.plan.district, c.plan.leaCodes = bc, map[string]bool{}
	for _, code := range c.config.LEACodes { // each as the column would read it
		v, f := bc.Read(code, bc.header, nil)
		if f != nil || v.IsNull() {
			c.add(diag.Pos{File: "lea_codes"}, diag.ConfigTenant, "Correct lea_codes of the tenant.",
				"no cell of %s can be %q: the column %s holds %s", bc.header, code, bc.def.Name.Value, expression.WithArticle(bc.Kind))
		}
		c.plan.leaCodes[v.Text()] = true
	}
}

// around is where columns and scores are bound: the scope, the file's headers, and the element, if
// they are a list's, whose fields its headers name.
type around struct {
	scope   *scope
	headers *binding
	texts   map[string]string // what stands for fields in headers
	element *element
}

// fill fills headers of a declaration in.
func (c *compiler) fill(at around, patterns []bundle.Text) []string {
	var headers []string
	for _, p := range patterns {
		filled, unknown := fill(p.Value, at.texts)
		for _, u := range unknown {
			c.add(p.Pos, diag.BundleList, "", "the header names the field {%s}, and there is no such field%s", u, diag.DidYouMean(u, slices.Sorted(maps.Keys(at.texts))))
		}
		headers = append(headers, filled)
	}
	return headers
}

// bindColumn binds a declared column and adds its name to the scope.
func (c *compiler) bindColumn(at around, col *column) *boundColumn {
	def, b := col.def, at.headers
	w := want{headers: c.fill(at, def.Headers), what: def.Name.Value, pos: def.Pos, optional: def.Optional || !def.In(b.layout), inList: at.element != nil, nulls: col.Nulls}
	bc := &boundColumn{column: col, index: -1, header: w.headers[0]}
	if def.In(b.layout) {
		bc.index = b.find(w)
	}
	if bc.index >= 0 {
		bc.header = b.headers[bc.index]
		c.plan.content = append(c.plan.content, contentCell{contentTag(def.Name.Pos, w.headers...), bc.index, &col.Cell, col.ID && c.config.Students != nil})
		b.describe(bc.index, ContractColumn{Type: def.Type, Formats: col.Formats.Sources(), Required: def.Required})
		if at.element == nil {
			b.named[def.Name.Value] = bc.header
		}
	}
	bc.code = c.columnCode(bc)
	c.declare(at.scope, &expression.Symbol{Name: def.Name.Value, What: "column", Pos: def.Name.Pos, Code: bc.code, Header: bc.header})
	return bc
}

// columnCode reads the cell once a row.
func (c *compiler) columnCode(bc *boundColumn) expression.Code {
	if bc.index < 0 {
		out := expression.ConstantCode(expression.Value{}, expression.Type{Kind: bc.Kind, Nullable: true})
		out.Data = true
		return out
	}
	slot, index, header, cell := c.slot(), bc.index, bc.header, &bc.Cell
	return expression.Code{Personal: bc.def.Personal, Type: expression.Type{Kind: bc.Kind, Nullable: !bc.Required}, Eval: func(r *expression.Frame) (expression.Value, *expression.Fault) {
		s := &r.Slots[slot] // as expression.Memo does, without a second call for each cell
		if s.Row != r.Row {
			s.Value, s.Fault = cell.Read(r.Cells[index], header, r)
			s.Row = r.Row
		}
		return s.Value, s.Fault
	}}
}

// scoreScope binds the score tables of a row or an element and makes them the scope's.
func (c *compiler) scoreScope(at around, uses []*scoreUse, where string) {
	s, b := at.scope, at.headers
	if len(uses) == 0 {
		s.scores, s.noScores = nil, where
		return
	}
	set := &scoreSet{}
	for _, r := range c.picked(uses, func(on *bundle.Text) (expression.Value, bool) { return c.outerConstant(s, on, at.element) }) {
		sc := &score{scoreRow: r, index: -1, cell: &expression.Cell{Kind: r.kind(), Nulls: c.plan.input.Def.Nulls}}
		if r.name != "" {
			sym, ok := s.names.Find(r.name)
			if !ok {
				c.add(r.pos, diag.BundleScores, "", "there is no name %q here%s", r.name, diag.DidYouMean(r.name, s.names.Known()))
				continue
			}
			c.report.uses.names[sym.Pos] = true
			sc.named, sc.personal = &sym.Code, sym.Code.Personal
			if sym.What == "let" {
				b.note(diag.Problem{Code: diag.CellScoreDerived, File: b.file, Rule: r.pos.Rule(), Message: fmt.Sprintf("the score %s is computed by the bundle (%s)", r.method, r.name)})
			}
		} else {
			w := want{headers: c.fill(at, r.headers), what: "score " + r.method, pos: r.pos, optional: r.optional, inList: at.element != nil, nulls: sc.cell.Nulls}
			sc.index = b.find(w)
			sc.header = w.headers[0]
			if sc.index < 0 {
				continue // optional, or drift
			}
			sc.header = b.headers[sc.index]
			sc.personal = c.plan.input.Def.MayBePersonal(sc.header)
			c.plan.content = append(c.plan.content, contentCell{tag: contentTag(r.pos, w.headers...), index: sc.index, cell: sc.cell})
			b.describe(sc.index, ContractColumn{Score: &ContractScore{r.datatype, r.minimum, r.maximum}})
		}
		set.add(sc)
	}
	s.scores, s.noScores = set, ""
}

// outerConstant is the value of a name in `on` of a score table: a field, or the layout.
func (c *compiler) outerConstant(s *scope, on *bundle.Text, e *element) (expression.Value, bool) {
	if e != nil {
		for i, f := range e.list.fields {
			if f.name == on.Value {
				c.report.uses.names[f.pos] = true
				return expression.TextValue(e.list.elements[e.at][i].text), true
			}
		}
	}
	sym, ok := s.names.Find(on.Value)
	if !ok {
		c.add(on.Pos, diag.BundleScores, "Name a field of the list, or `layout`.", "`on` names %q, but there is no such name here%s", on.Value, diag.DidYouMean(on.Value, s.names.Known()))
		return expression.Value{}, false
	}
	c.report.uses.names[sym.Pos] = true
	if !sym.Code.Constant {
		if !c.inferring() {
			c.add(on.Pos, diag.BundleScores, "Name a field of the list, or `layout`.", "%q is known only with the row; `on` of a score table needs what is known before", on.Value)
		}
		return expression.Value{}, false
	}
	return sym.Code.Value, true
}

// keyOf compiles `key` and `duplicates`.
func (c *compiler) keyOf(s *scope, key []bundle.Text, duplicates *bundle.Duplicates) ([]expression.Code, *expression.Code) {
	name := func(t bundle.Text, what string) (expression.Code, bool) {
		sym, ok := s.names.Find(c.student(t.Value))
		if !ok {
			c.add(t.Pos, diag.BundleValue, "Name columns, fields or `let`s of this place.", "%s names %q, but there is no such name here%s", what, t.Value, diag.DidYouMean(t.Value, s.names.Known()))
			return expression.BadCode, false
		}
		c.report.uses.names[sym.Pos] = true
		return sym.Code, true
	}
	var codes []expression.Code
	for _, k := range key {
		if part, ok := name(k, "`key`"); ok {
			codes = append(codes, part)
		}
	}
	if duplicates == nil {
		return codes, nil
	}
	if duplicates.By != nil {
		if by, ok := name(*duplicates.By, "`by`"); ok {
			return codes, &by
		}
	}
	return codes, nil
}

// namesIn is the names of an expression that depend on the row.
func namesIn(tree *expression.Tree, s *scope) []namedCode {
	if tree == nil {
		return nil
	}
	var out []namedCode
	for _, n := range tree.Names() {
		sym, ok := s.names.Find(n)
		if ok && !sym.Code.Constant && !slices.ContainsFunc(out, func(o namedCode) bool { return o.name == n }) {
			out = append(out, namedCode{n, sym.Code})
		}
	}
	return out
}
