package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/lookup"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// unit is one record that a row may give: of the row itself, or of one element of a list.
type unit struct {
	source  *source
	element *element
	when    *expression.Code
	node    node
	day     *expression.Code // of a result; nil: it has none
	pos     diag.Pos         // of the table's row, for records from tables
	broken  bool             // something in it was reported: what the rest would give says nothing
}

// source is one place of the bundle that makes records of a resource.
type source struct {
	def      *bundle.Resource
	resource int // in Program.resources
	name     string
	parts    map[string]int // of the natural key, by path
	names    []string       // of the parts
	rule     string         // file:line
}

// recordCompiler compiles the record of one source in one place.
type recordCompiler struct {
	c      *compiler
	source *source
	row    diag.Pos // of the table's row, for records from tables
	day    *expression.Code
}

// unit compiles a record; nil if it can never be.
func (c *compiler) unit(src *source, s *scope, e *element, row diag.Pos) *unit {
	res, ok := c.standard.Resource(src.name)
	if !ok {
		return nil // reported by Compile
	}
	met := c.report.problems.Met
	x := recordCompiler{c: c, source: src, row: row}
	inner := s.child()
	c.lets(inner, src.def.Let)
	u := &unit{source: src, element: e, pos: row}
	if src.def.When != nil {
		when := c.condition(src.def.When, inner)
		inner.names.NotNull = c.notNullIn(src.def.When)
		if never(when) {
			return nil
		}
		if !when.Constant || when.Fault != nil {
			u.when = &when
		}
	}
	if src.def.Record == nil {
		return nil
	}
	u.node = x.object(res.Root, src.def.Record, inner, "$", []string{})
	if u.node == nil {
		u.node = &objectNode{rule: src.def.Pos, path: "$"}
	}
	u.day = x.day
	u.broken = c.report.problems.Met > met
	return u
}

// units compiles the records of a source for each element of its list, or for the row.
func (c *compiler) units(src *source, row *scope) {
	if len(src.def.From.Lists) == 0 {
		if u := c.unit(src, row, nil, diag.Pos{}); u != nil {
			c.plan.units = append(c.plan.units, u)
		}
		return
	}
	var walk func(s *scope, path []string)
	walk = func(s *scope, path []string) {
		for _, e := range s.lists[path[0]] {
			if len(path) > 1 {
				walk(e.scope, path[1:])
				continue
			}
			if u := c.unit(src, e.scope, e, diag.Pos{}); u != nil {
				c.plan.units = append(c.plan.units, u)
			}
		}
	}
	walk(row, src.def.From.Lists)
}

// bad reports a problem of a record, with the data standard it breaks. One that all rows of a table
// share is reported for the first of them.
func (x *recordCompiler) bad(pos diag.Pos, fix, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if x.row.File != "" {
		if x.c.report.problems.Shared(diag.At(pos, diag.BundleRecord, fix, "%s", message), x.row) {
			return
		}
		message += fmt.Sprintf(" (for the row %s)", x.row.Rule())
	}
	if len(x.c.config.Standards) > 1 {
		message += " (data standard " + x.c.standard.Version + ")"
	}
	x.c.add(pos, diag.BundleRecord, fix, "%s", message)
}

// object compiles an object; nil if it has no value.
func (x *recordCompiler) object(o *schema.Object, n *bundle.Object, s *scope, path string, keys []string) node {
	out := &objectNode{rule: n.Pos, path: path}
	bit := map[string]uint64{}
	for _, p := range o.Properties {
		if p.Required && len(bit) < 64 {
			bit[p.Name] = 1 << len(bit)
			out.required |= bit[p.Name]
			out.names = append(out.names, p.Name)
		}
	}
	given := map[string]bool{}
	for _, prop := range n.Properties {
		name := prop.Name.Value
		p := o.ByName[name]
		if p == nil && x.decidedAway(prop.Node, s) {
			x.leaveOut(path + "." + name)
			continue
		}
		if p == nil {
			p = o.Undeclared(name, maps.Keys(x.c.rules))
		}
		if p == nil {
			var known []string
			for _, p := range o.Properties {
				known = append(known, p.Name)
			}
			x.bad(prop.Name.Pos, "", "%s has no property %q%s", x.place(path), name, diag.DidYouMean(name, known))
			continue
		}
		inner := append(slices.Clone(keys), name)
		value, early := x.property(p, prop.Node, s, path+"."+name, inner)
		if !early {
			given[name] = true
		} else {
			x.leaveOut(path + "." + name)
		}
		if value == nil {
			continue
		}
		if i, ok := x.source.parts[strings.Join(inner, ".")]; ok {
			value = &keyNode{i, value}
		}
		out.props = append(out.props, propNode{name: append(jsonl.AppendString([]byte{','}, name), ':'), node: value, bits: bit[name]})
	}
	for _, p := range o.Properties {
		if p.Required && !given[p.Name] {
			x.bad(n.Pos, "Map it.", "%s lacks %s, which the API requires", x.place(path), p.Name)
		}
	}
	return out.fold()
}

// leaveOut notes what is not in the records of the data standard that is shaped for.
func (x *recordCompiler) leaveOut(path string) {
	if x.c.standard == x.c.config.Standards[0] {
		x.c.report.leftOut[x.source.name+strings.TrimPrefix(path, "$")] = true
	}
}

// decidedAway reports whether parameters and data standard alone leave a node out: then it need not
// fit the data standard.
func (x *recordCompiler) decidedAway(n bundle.Node, s *scope) bool {
	cond, ok := n.(*bundle.Cond)
	return ok && decided(x.c.condition(cond.When, s))
}

// never reports whether a condition leaves out what it stands before, whatever the row.
func never(test expression.Code) bool {
	return test.Constant && test.Fault == nil && !test.Value.IsTrue()
}

// decided reports whether parameters and data standard alone say so.
func decided(test expression.Code) bool { return never(test) && !test.Data && !test.Bad }

func (x *recordCompiler) place(path string) string {
	if path == "$" {
		return x.source.name
	}
	return strings.TrimPrefix(path, "$.")
}

// fold joins constants, and makes a constant of an object that has nothing else.
func (n *objectNode) fold() node {
	var props []propNode
	have, all := uint64(0), true
	for _, p := range n.props {
		k, ok := p.node.(*constNode)
		if !ok {
			all = false
			props = append(props, p)
			continue
		}
		have |= p.bits
		text := append(slices.Clone(p.name), k.text...)
		if last := len(props) - 1; last >= 0 && props[last].node == nil {
			props[last].name = append(props[last].name, text...)
			props[last].log = append(props[last].log, k.log...)
			props[last].bits |= p.bits
			continue
		}
		props = append(props, propNode{name: text, log: slices.Clone(k.log), bits: p.bits})
	}
	n.props = props
	if len(props) == 0 && n.required == 0 {
		return nil
	}
	if all && len(props) == 1 && n.required&^have == 0 {
		return &constNode{text: append(append([]byte{'{'}, props[0].name[1:]...), '}'), log: props[0].log}
	}
	return n
}

// property compiles the value of a property; nil if it has none. early says that parameters and
// data standard alone leave it out.
func (x *recordCompiler) property(p *schema.Property, n bundle.Node, s *scope, path string, keys []string) (out node, early bool) {
	if cond, ok := n.(*bundle.Cond); ok {
		out, test := x.when(cond.When, s, path, func(x *recordCompiler, s *scope) node {
			inner, _ := x.property(p, cond.Record, s, path, keys)
			return inner
		})
		return out, decided(test) && !x.c.inferring()
	}
	if p.Kind == schema.KindAny {
		p = as(p, n)
	}
	if p.Kind == schema.KindArray {
		part := x.many(p, n, s, path)
		switch part := part.(type) {
		case nil:
			return nil, false
		case *constNode:
			return &constNode{text: append(append([]byte{'['}, part.text[1:]...), ']'), log: part.log}, false
		}
		return &arrayNode{part}, false
	}
	switch n := n.(type) {
	case *bundle.Object:
		if p.Kind != schema.KindObject {
			x.bad(n.Pos, "Write an expression.", "%s is not an object, but %s", x.place(path), kindWord(p))
			return nil, false
		}
		return x.object(p.Object, n, s, path, keys), false
	case *bundle.Scalar:
		if p.Kind == schema.KindObject {
			x.bad(n.Pos, "Write its properties.", "%s is an object", x.place(path))
			return nil, false
		}
		return x.leaf(p, n, s, path)
	}
	x.bad(n.Position(), "Write one value.", "%s is not a list, but %s", x.place(path), kindWord(p))
	return nil, false
}

// as is a property of extension data with the kind that the bundle gives it.
func as(p *schema.Property, n bundle.Node) *schema.Property {
	out := *p
	switch n.(type) {
	case *bundle.Object:
		out.Kind = schema.KindObject
	case *bundle.Array, *bundle.Each:
		out.Kind = schema.KindArray
	}
	return &out
}

// unused compiles what a parameter switches off, so that its names count as used; what is wrong with
// it is no problem.
func (x *recordCompiler) unused(compile func(x *recordCompiler)) {
	walk := *x
	walk.c = x.c.fork()
	compile(&walk)
	x.c.report.uses.take(&walk.c.report.uses)
}

func kindWord(p *schema.Property) string {
	if p.Descriptor != "" {
		return "a descriptor"
	}
	return map[schema.Kind]string{schema.KindString: "text", schema.KindInteger: "an integer", schema.KindNumber: "a number", schema.KindBoolean: "true or false",
		schema.KindDate: "a date", schema.KindDateTime: "a date and time", schema.KindTime: "a time", schema.KindObject: "an object", schema.KindArray: "a list"}[p.Kind]
}

// leaf compiles an expression for its property.
func (x *recordCompiler) leaf(p *schema.Property, n *bundle.Scalar, s *scope, path string) (out node, early bool) {
	var v expression.Code
	if n.Expr == nil {
		var wrong, fix string
		if v, wrong, fix = expression.Literal(n.Literal); v.Bad {
			x.bad(n.Pos, fix, "%s %s", n.Literal, wrong)
		}
	} else {
		v = x.c.expression(n.Expr, s)
	}
	v.Pos = n.Pos
	if p.Name == "administrationDate" && path == "$."+p.Name {
		x.day = &v
	}
	switch {
	case v.Bad:
		return nil, false
	case v.Constant && v.Fault != nil:
		if !v.Data {
			x.bad(n.Pos, "", "%s has no value: %s", x.place(path), v.Fault.Message)
			return nil, false
		}
		return &faultNode{v.Fault, path}, false
	case v.Kind == expression.KindNull || v.Constant && (v.Value.IsNull() || v.Value.Kind.IsText() && expression.IsBlank(v.Value.S)):
		return nil, !v.Data && v.Constant && !x.c.inferring()
	}
	if p.Descriptor != "" {
		return x.descriptorLeaf(p, v, n, path), false
	}
	write := writers[p.Kind][v.Kind]
	if write == nil {
		fix := ""
		switch {
		case p.Kind == schema.KindInteger && v.Kind.IsText():
			fix = "Write int(…), or give the column `type: integer`."
		case p.Kind == schema.KindInteger:
			fix = "Write int(…), floor(…) or round(…)."
		case p.Kind == schema.KindString:
			fix = "Write text(…)."
		}
		x.bad(n.Pos, fix, "%s is %s, but %s is %s", v.Source, expression.WithArticle(v.Kind), x.place(path), kindWord(p))
		return nil, false
	}
	if p.Name == "namespace" && v.Kind.IsText() && !x.ofDescriptors() {
		write = x.c.writeNamespace
		x.c.checkNamespaces(v.From)
	}
	if !v.Constant {
		return &leafNode{v, write, path}, false
	}
	text, wrong := write(nil, v.Value)
	if wrong != "" {
		if p.Name == "namespace" && v.Kind.IsText() {
			x.c.notANamespace(v.Value.S, n.Pos, diag.BundleRecord)
			return nil, false
		}
		x.bad(n.Pos, "", "%s %s", v.Source, wrong)
		return nil, false
	}
	if length := jsonl.UTF16Length(v.Value.Text()); p.Kind == schema.KindString && (p.MaxLength > 0 && length > p.MaxLength || length < p.MinLength) {
		x.bad(n.Pos, "", "%s has %d characters, but %s takes %d to %d", v.Source, length, x.place(path), p.MinLength, p.MaxLength)
		return nil, false
	}
	return &constNode{text: text}, false
}

// ofDescriptors reports whether the record's namespace is that of descriptors, with their type behind it.
func (x *recordCompiler) ofDescriptors() bool {
	res, ok := x.c.standard.Resource(x.source.name)
	return ok && res.Descriptor != "" || x.source.name == "descriptorMappings"
}

func (x *recordCompiler) descriptorLeaf(p *schema.Property, v expression.Code, n *bundle.Scalar, path string) node {
	rule := x.c.rule(p.Descriptor, n.Pos)
	if rule == nil {
		return nil
	}
	if !v.Kind.IsText() && !v.Kind.IsNumber() {
		x.bad(n.Pos, "Give the vendor's word as text.", "%s is %s, but %s is a descriptor", v.Source, expression.WithArticle(v.Kind), x.place(path))
		return nil
	}
	if !v.Constant {
		x.c.plan.sites++
		return &descriptorNode{v, descriptorSite{id: x.c.plan.sites - 1, rule: rule, resource: x.source.name, path: path, column: strings.Join(v.Headers, ", "), personal: v.Personal, pos: v.Pos}}
	}
	if x.c.inferring() {
		return &constNode{text: []byte(`""`)}
	}
	return x.constantDescriptor(rule, v.Value.Text(), n.Pos, path, v.Data)
}

// constantDescriptor decides a value that is known before the first row.
func (x *recordCompiler) constantDescriptor(rule *descriptorRule, text string, pos diag.Pos, path string, data bool) node {
	d := decide(&descriptorSite{rule: rule, resource: x.source.name, path: path, pos: pos}, text, &x.c.plan.decisions, 0)
	switch {
	case d.fail != nil && !data:
		x.bad(pos, d.fail.Fix, "%s: %s: %q", x.place(path), d.fail.Message, text)
		return nil
	case d.fail != nil:
		return &faultNode{d.fail, path}
	case d.text == nil:
		return nil
	}
	return &constNode{text: d.text, log: []int32{d.id}}
}

// many compiles the elements of an array; nil if there can be none.
func (x *recordCompiler) many(p *schema.Property, n bundle.Node, s *scope, path string) node {
	switch n := n.(type) {
	case *bundle.Array:
		var seq partNodes
		for _, i := range n.Items {
			if part := x.many(p, i, s, path); part != nil {
				seq = append(seq, part)
			}
		}
		return seq.fold()
	case *bundle.Object:
		return item(x.object(p.Object, n, s, path+"[*]", []string{"[*]"})) // nothing in a list is part of the key
	case *bundle.Cond:
		out, _ := x.when(n.When, s, path, func(x *recordCompiler, s *scope) node { return x.many(p, n.Record, s, path) })
		return out
	case *bundle.Each:
		return x.each(p, n, s, path)
	case *bundle.Scalar:
		if n.Expr != nil {
			if word, ok := x.c.bareWord(n.Expr); ok && (word == "scores" || word == "levels") {
				return x.scoreItems(p, s, word, n.Pos, path)
			}
		}
		x.bad(n.Pos, "Write a list of objects, `scores`, `levels`, or `each:`.", "%s is a list", x.place(path))
	}
	return nil
}

// when compiles a part of a record under a condition, if there is one.
func (x *recordCompiler) when(when *bundle.Expr, s *scope, path string, part func(*recordCompiler, *scope) node) (out node, test expression.Code) {
	if when == nil {
		return part(x, s), test
	}
	test = x.c.condition(when, s)
	if never(test) {
		if !test.Bad {
			x.unused(func(x *recordCompiler) { part(x, s) })
		}
		return nil, test
	}
	within := s.child()
	within.names.NotNull = x.c.notNullIn(when)
	inner := part(x, within)
	if inner == nil || test.Constant && test.Fault == nil {
		return inner, test
	}
	return &condNode{test, inner, path}, test
}

// bareWord is the one name that an expression is.
func (c *compiler) bareWord(e *bundle.Expr) (string, bool) {
	tree := c.tree(e)
	if tree == nil {
		return "", false
	}
	return tree.Name()
}

// item is one element of an array.
func item(n node) node {
	switch n := n.(type) {
	case nil:
		return nil
	case *constNode:
		return &constNode{append([]byte{','}, n.text...), n.log}
	}
	return &itemNode{n}
}

// fold joins constants that stand side by side.
func (n partNodes) fold() node {
	var out partNodes
	for _, part := range n {
		k, ok := part.(*constNode)
		if last := len(out) - 1; ok && last >= 0 {
			if before, ok := out[last].(*constNode); ok {
				out[last] = &constNode{slices.Concat(before.text, k.text), slices.Concat(before.log, k.log)}
				continue
			}
		}
		out = append(out, part)
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return out
}

// each compiles what is repeated, once for every element, row or objective: what does not depend on
// the vendor's row is a constant then.
func (x *recordCompiler) each(p *schema.Property, n *bundle.Each, s *scope, path string) node {
	name := n.Over.Value
	var seq partNodes
	add := func(i node) {
		if i != nil {
			seq = append(seq, i)
		}
	}
	switch {
	case n.Table:
		x.eachRow(p, n, s, path, add)
	case name == "scores" || name == "levels":
		if n.Record != nil || len(n.Let) > 0 {
			x.bad(n.Pos, "Leave `record` and `let` out.", "`each: %s` gives the %s as they are", name, name)
			return nil
		}
		out, _ := x.when(n.When, s, path, func(x *recordCompiler, s *scope) node { return x.scoreItems(p, s, name, n.Over.Pos, path) })
		return out
	case name == "objectives":
		if s.scores == nil {
			x.bad(n.Over.Pos, "Give it a score table.", "%s has no score tables, so there are no objectives", s.noScores)
			return nil
		}
		for _, g := range s.scores.groups {
			if g.objective == "" {
				continue
			}
			inner := s.child()
			inner.scores = &scoreSet{groups: []*scoreGroup{{scores: g.scores, levels: g.levels}}}
			objective := expression.ConstantCode(expression.TextValue(g.objective), expression.Type{Kind: expression.KindText})
			objective.Data = true
			x.c.put(inner, &expression.Symbol{Name: "objective", What: "objective", Pos: n.Over.Pos, Code: objective})
			if part := x.repeated(p, n, inner, path); part != nil {
				add(&groupNode{g, part})
			}
		}
	default:
		elements, ok := s.list(name)
		if !ok {
			x.bad(n.Over.Pos, "Name a list of the input, scores, levels, objectives, or tables.x.", "there is no list %q here%s", name, diag.DidYouMean(name, s.knownLists()))
			return nil
		}
		for _, e := range elements {
			inner := s.child()
			inner.lists, inner.scores, inner.noScores = e.scope.lists, e.scope.scores, e.scope.noScores
			for _, sym := range e.scope.names.Own() {
				x.c.put(inner, sym)
			}
			if part := x.repeated(p, n, inner, path); part != nil {
				add(&elementNode{e, part, path})
			}
		}
	}
	return seq.fold()
}

// eachRow repeats for the rows of a table; `on` keeps those whose columns equal names outside.
func (x *recordCompiler) eachRow(p *schema.Property, n *bundle.Each, s *scope, path string, add func(node)) {
	t := x.c.table(n.Over, diag.BundleRecord)
	if t == nil {
		return
	}
	fields := x.c.rowFields(t, n.On)
	outer := map[int]expression.Code{}
	for _, on := range n.On {
		col, ok := t.Column(on.Value)
		if !ok {
			x.bad(on.Pos, "Its columns are "+strings.Join(t.Header, ", ")+".", "the table %q has no column %q%s", t.Name, on.Value, diag.DidYouMean(on.Value, t.Header))
			return
		}
		sym, ok := s.names.Find(on.Value)
		if !ok {
			x.bad(on.Pos, "Name a column that is a name outside, too.", "`on` names %q, but there is no such name here%s", on.Value, diag.DidYouMean(on.Value, s.names.Known()))
			return
		}
		x.c.report.uses.names[sym.Pos] = true
		outer[col] = sym.Code
	}
	kept := 0
	for i := range t.Rows {
		if x.c.stopped() || x.c.inferring() && i > 0 { // where nothing is evaluated, all rows are alike
			return
		}
		values := rowValues(t, i)
		guards, keep := []guard(nil), true
		for col, name := range t.Header {
			out, ok := outer[col]
			if !ok || !keep {
				continue
			}
			g, same, ok := x.c.joinColumn(out, values[col], fields[col].typ)
			if !ok {
				x.bad(n.Pos, "Give the table `types:`.", "%q is %s outside and %s in the table: they are never equal", name, expression.WithArticle(out.Kind), expression.WithArticle(fields[col].typ.Kind))
				return
			}
			keep = keep && same
			if g != nil {
				guards = append(guards, *g)
			}
		}
		if !keep {
			continue
		}
		if kept++; kept > maxElements {
			x.bad(n.Pos, "Keep fewer of them with `on`.", "`each: tables.%s` gives more than %d elements", t.Name, maxElements)
			return
		}
		inner := s.child()
		x.c.fields(inner, fields, values, "table column")
		part := x.repeated(p, n, inner, path)
		if part != nil && len(guards) > 0 {
			part = &guardNode{guards, part, path}
		}
		add(part)
	}
}

// rowFields is the columns of a table as names.
func (c *compiler) rowFields(t *lookup.Table, on []bundle.Text) []field {
	fields := make([]field, len(t.Header))
	for i, h := range t.Header {
		fields[i] = field{name: h, typ: t.TypeOf(i), pos: diag.Pos{File: t.Shown, Line: 1, Col: i + 1},
			on: slices.ContainsFunc(on, func(o bundle.Text) bool { return o.Value == h })}
	}
	return fields
}

func rowValues(t *lookup.Table, i int) []fieldValue {
	values := make([]fieldValue, len(t.Header))
	for k, cell := range t.Rows[i].Cells {
		values[k].text = cell
		if t.Values != nil {
			values[k].value = t.Values[i][k]
		}
	}
	return values
}

// repeated compiles let, when and record of `each` in the scope of one element.
func (x *recordCompiler) repeated(p *schema.Property, n *bundle.Each, s *scope, path string) node {
	if n.Record == nil {
		x.bad(n.Pos, "Say what to make of each: `record: {…}`.", "`each: %s` has no `record`", n.Over.Value)
		return nil
	}
	x.c.lets(s, n.Let)
	out, _ := x.when(n.When, s, path, func(x *recordCompiler, s *scope) node { return x.many(p, n.Record, s, path) })
	return out
}

// scoreItems compiles `scores` or `levels` of the innermost row, element or objective.
func (x *recordCompiler) scoreItems(p *schema.Property, s *scope, word string, pos diag.Pos, path string) node {
	if s.scores == nil {
		x.bad(pos, "Give it a score table.", "%s has no score tables, so there are no %s", s.noScores, word)
		return nil
	}
	need := []string{"assessmentReportingMethodDescriptor", "resultDatatypeTypeDescriptor", "result"}
	if word == "levels" {
		need = []string{"assessmentReportingMethodDescriptor", "performanceLevelDescriptor"}
	}
	for _, name := range need {
		if p.Object == nil || p.Object.ByName[name] == nil {
			x.bad(pos, "", "`%s` does not fit %s: its items have no %s", word, x.place(path), name)
			return nil
		}
	}
	g := s.scores.group("")
	if g == nil {
		return nil
	}
	out := &scoreNode{path: path}
	list := g.scores
	if word == "levels" {
		list = g.levels
	}
	method := x.c.rule(p.Object.ByName[need[0]].Descriptor, pos)
	second := x.c.rule(p.Object.ByName[need[1]].Descriptor, pos)
	if method == nil || second == nil || x.c.inferring() {
		return nil
	}
	suffix := "}"
	if met := p.Object.ByName["performanceLevelMet"]; word == "levels" && met != nil && met.Required { // until Data Standard 3.3
		suffix = `,"performanceLevelMet":true}`
	}
	for _, sc := range list {
		item := scoreItem{score: sc, suffix: []byte(suffix)}
		item.prefix = append(item.prefix, `,{"assessmentReportingMethodDescriptor":`...)
		if !x.appendConstant(&item, method, sc.method, sc.pos, path+"[*]."+need[0]) {
			continue
		}
		if word == "levels" {
			item.prefix = append(item.prefix, `,"performanceLevelDescriptor":`...)
			item.site = descriptorSite{id: x.c.plan.sites, rule: second, resource: x.source.name, path: path + "[*]." + need[1], column: sc.header, personal: sc.personal, method: sc.method, pos: sc.pos}
			x.c.plan.sites++
		} else {
			item.prefix = append(item.prefix, `,"resultDatatypeTypeDescriptor":`...)
			if !x.appendConstant(&item, second, sc.datatype, sc.pos, path+"[*]."+need[1]) {
				continue
			}
			item.prefix = append(item.prefix, `,"result":`...)
		}
		out.list = append(out.list, item)
	}
	if len(out.list) == 0 {
		return nil
	}
	return out
}

// appendConstant encodes a descriptor of a score table; one that is left out would take all scores
// of the row with it.
func (x *recordCompiler) appendConstant(item *scoreItem, rule *descriptorRule, text string, pos diag.Pos, path string) bool {
	if d, f := rule.resolve(text, "", pos); f == nil && d.Sent == "" {
		array, property, _ := strings.Cut(x.place(path), "[*].")
		x.bad(pos, "Give the value a descriptor there.", "%q is left out by %s, but %s[*] needs its %s", text, d.Rule.Rule(), array, property)
		return false
	}
	k, ok := x.constantDescriptor(rule, text, pos, path, false).(*constNode)
	if !ok {
		return false
	}
	item.prefix = append(item.prefix, k.text...)
	item.log = append(item.log, k.log...)
	return true
}
