package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Input is what a bundle says of one kind of file, compiled as far as that needs no headers.
type Input struct {
	Def     *bundle.Input
	Name    string
	columns []*column
	scores  []*scoreUse
	lists   []*List
	globs   []bundle.Text // the patterns of `ignore`
	sources []*source     // the resources that are made from it, in the order written
}

// List is columns that repeat; its elements are known before the first row.
type List struct {
	Def      *bundle.List
	Path     string // parts of tests: tests.parts
	input    *Input
	Outer    *List
	fields   []field
	elements [][]fieldValue // by element, in the order of fields
	columns  []*column
	scores   []*scoreUse
	lists    []*List
}

type field struct {
	name string
	typ  expression.Type
	pos  diag.Pos
	on   bool // it is the outer name itself, and adds none
}

type fieldValue struct {
	value expression.Value
	text  string // in headers
}

func (c *compiler) compileInput(def *bundle.Input) *Input {
	in := &Input{Def: def, Name: def.Name.Value}
	for _, d := range def.Columns {
		col := c.column(d, def.Nulls)
		if col.ID = slices.Contains(bundle.Values(def.Student), d.Name.Value); col.ID {
			col.canFail = true
		}
		in.columns = append(in.columns, col)
	}
	for _, g := range def.Ignore {
		for _, t := range g.Globs {
			in.globs = append(in.globs, bundle.Text{Value: expression.TrimSpace(t.Value), Pos: t.Pos})
		}
	}
	in.scores = c.scoreUses(def.Scores)
	for _, d := range def.Lists {
		in.lists = append(in.lists, c.compileList(in, nil, d))
	}
	c.checkInput(in)
	return in
}

// checkInput checks the names that an input's keys point at.
func (c *compiler) checkInput(in *Input) {
	def := in.Def
	if err := table.CheckEncoding(def.Encoding.Value); err != nil {
		c.add(def.Encoding.Pos, diag.BundleValue, "", "%v", err)
	}
	var names, layouts []string
	for _, col := range def.Columns {
		names = append(names, col.Name.Value)
	}
	for _, l := range def.Layouts {
		layouts = append(layouts, l.Name.Value)
	}
	known := func(t bundle.Text, what string) {
		if !slices.Contains(names, t.Value) {
			c.add(t.Pos, diag.BundleValue, "Name one of its columns.", "%s names %q, which is not a column of the input%s", what, t.Value, diag.DidYouMean(t.Value, names))
		}
	}
	for _, s := range def.Student {
		known(s, "`student`")
	}
	if def.District != nil {
		known(*def.District, "`district`")
		for _, col := range def.Columns {
			if col.Name.Value == def.District.Value && col.Optional {
				c.add(col.Pos, diag.BundleValue, "Remove `optional`; name the layouts that have the column, if only some do.", "the district's column cannot be optional: without it nobody could tell whose rows these are")
			}
		}
	}
	if def.District == nil && len(c.config.LEACodes) > 0 {
		c.add(def.Name.Pos, diag.ConfigTenant, "Add `district:` to the input of the bundle, or take lea_codes off the tenant if its files hold no other district's rows.",
			"the tenant has lea_codes, and input %s names no column of the district: nobody could tell whose rows these are", def.Name.Value)
	}
	for _, col := range def.AllColumns() {
		for _, l := range col.Layouts {
			if !slices.Contains(layouts, l.Value) {
				c.add(l.Pos, diag.BundleValue, "Name one of its layouts.", "there is no layout %q%s", l.Value, diag.DidYouMean(l.Value, layouts))
			}
		}
	}
}

func (c *compiler) compileList(in *Input, outer *List, def *bundle.List) *List {
	l := &List{Def: def, input: in, Outer: outer, Path: def.Name.Value}
	met := c.report.problems.Met
	nulls := in.Def.Nulls
	if outer != nil {
		l.Path = outer.Path + "." + l.Path
	}
	c.elementsOf(l)
	if len(def.Key) > 0 && len(in.Def.Student) == 0 {
		c.add(def.Key[0].Pos, diag.BundleList, "Add `student:` to the input, the columns that may hold a student's id.",
			"the list %s has a key, and the input does not say whose rows they are: elements of two students could be taken for one", l.Path)
	}
	for _, d := range def.Columns {
		l.columns = append(l.columns, c.column(d, nulls))
	}
	l.scores = c.scoreUses(def.Scores)
	for _, d := range def.Lists {
		l.lists = append(l.lists, c.compileList(in, l, d))
	}
	if !l.hasOwn() && !c.inferring() && c.report.problems.Met == met {
		c.add(def.Name.Pos, diag.BundleList, "Let a header name a field of the list, as in \"Goal{n}Name\".",
			"no element of %q can exist: none of its headers names a field of its own", def.Name.Value)
	}
	return l
}

// elementsOf reads what `over` says.
func (c *compiler) elementsOf(l *List) {
	over := l.Def.Over
	switch {
	case over.Table != nil:
		t := c.table(*over.Table, diag.BundleList)
		if t == nil {
			return
		}
		l.fields = c.rowFields(t, l.Def.On)
		for i := range l.fields {
			l.fields[i].pos.Col = 0 // messages name the line
		}
		for _, o := range l.Def.On {
			if _, ok := t.Column(o.Value); !ok {
				c.add(o.Pos, diag.BundleList, "Its columns are "+strings.Join(t.Header, ", ")+".", "the table %q has no column %q%s", t.Name, o.Value, diag.DidYouMean(o.Value, t.Header))
			}
		}
		for i := range t.Rows {
			l.elements = append(l.elements, rowValues(t, i))
		}
	case over.Range:
		l.fields = []field{{name: over.Field.Value, typ: expression.Type{Kind: expression.KindInteger}, pos: over.Field.Pos}}
		for n := over.From; n <= over.To; n++ {
			l.elements = append(l.elements, []fieldValue{{expression.IntegerValue(int64(n)), fmt.Sprintf("%0*d", over.Width, n)}})
		}
	default:
		l.fields = []field{{name: over.Field.Value, typ: expression.Type{Kind: expression.KindText}, pos: over.Field.Pos}}
		for _, w := range over.Words {
			l.elements = append(l.elements, []fieldValue{{expression.TextValue(w.Value), w.Value}})
		}
	}
	if over.Table == nil && len(l.Def.On) > 0 {
		c.add(l.Def.On[0].Pos, diag.BundleList, "Use `over: tables.x`.", "`on` needs a list over a table")
	}
}

// hasOwn reports whether a header of the list, or of a list in it, can be an element's own.
func (l *List) hasOwn() bool {
	return slices.ContainsFunc(l.Def.Columns, func(col *bundle.Column) bool { return l.names(col.Headers) }) ||
		slices.ContainsFunc(l.scores, func(u *scoreUse) bool {
			return slices.ContainsFunc(u.rows, func(r *scoreRow) bool { return l.names(r.headers) })
		}) || slices.ContainsFunc(l.lists, (*List).hasOwn)
}

// names reports whether one of the headers names a field of the list, so that it is an element's own.
func (l *List) names(headers []bundle.Text) bool {
	return slices.ContainsFunc(headers, func(h bundle.Text) bool { return namesField(h.Value, l.fields) })
}

// namesField reports whether a pattern names a field that is not in `on`.
func namesField(pattern string, fields []field) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return !f.on && strings.Contains(pattern, "{"+f.name+"}") })
}

// fill replaces the {field}s of a pattern by the texts of the elements around.
func fill(pattern string, texts map[string]string) (string, []string) {
	if !strings.Contains(pattern, "{") {
		return expression.TrimSpace(pattern), nil
	}
	var unknown []string
	out := bundle.Field.ReplaceAllStringFunc(pattern, func(m string) string {
		text, ok := texts[m[1:len(m)-1]]
		if !ok {
			unknown = append(unknown, m[1:len(m)-1])
		}
		return text
	})
	return expression.TrimSpace(out), unknown
}

// Contract is what the files of an input look like in one layout: for samples.
type Contract struct {
	Input     string
	Layout    string // empty if the input has no layouts
	Format    string
	Delimiter string
	Columns   []ContractColumn // each header once, in the order in which the bundle names them
	Student   []string         // headers that may hold a student's id
	District  string           // header
}

// ContractColumn is one header of a contract. One that the bundle ignores under its very name has
// nothing else.
type ContractColumn struct {
	Header   string
	Type     bundle.Type
	Formats  []string
	Required bool
	Score    *ContractScore
}

// ContractScore is what a score column holds.
type ContractScore struct {
	Datatype         string
	Minimum, Maximum string
}

// Contracts describes the files of an input, one for each layout.
func (p *Program) Contracts(name string) ([]*Contract, error) {
	for _, in := range p.inputs {
		if in.Name != name {
			continue
		}
		var all []*Contract
		for _, layout := range in.Def.LayoutNames() {
			all = append(all, p.contract(in, layout))
		}
		return all, nil
	}
	names := p.InputNames()
	return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Its inputs are "+strings.Join(names, ", ")+".", "the bundle %s has no input %q%s", p.Bundle.Name, name, diag.DidYouMean(name, names))
}

func (p *Program) contract(in *Input, layout string) *Contract {
	b := p.compiler.ideal(in, layout)
	out := &Contract{Input: in.Name, Layout: layout, Format: in.Def.Format.Value, Delimiter: in.Def.Delimiter, Columns: b.contract}
	reserve := func(header string) {
		if !slices.ContainsFunc(out.Columns, func(o ContractColumn) bool { return o.Header == header }) {
			out.Columns = append(out.Columns, ContractColumn{Header: header})
		}
	}
	for _, l := range in.Def.Layouts {
		if l.Name.Value == layout {
			for _, h := range l.Has {
				reserve(expression.TrimSpace(h.Value))
			}
		}
	}
	for _, g := range in.globs {
		if !strings.Contains(g.Value, "*") {
			reserve(g.Value)
		}
	}
	for _, s := range in.Def.Student {
		if h := b.named[s.Value]; h != "" {
			out.Student = append(out.Student, h)
		}
	}
	if in.Def.District != nil {
		out.District = b.named[in.Def.District.Value]
	}
	return out
}
