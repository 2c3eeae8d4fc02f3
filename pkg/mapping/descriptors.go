package mapping

import (
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

// descriptorRule is how values of one descriptor type are made (docs/bundle-format.md §7).
type descriptorRule struct {
	typ    string
	pos    diag.Pos
	vendor string        // uri up to the code, of a type whose values are the vendor's
	host   string        // of a type that is as written
	table  *lookup.Table // of a mapped type; of a vendor's, its descriptions; of a host's, the tenant's
	broken bool          // its table is not there, which was reported
}

// standardHost is where a bare code of a shared table lives.
const standardHost = "uri://ed-fi.org"

// descriptorRules reads `descriptors`, tables without their values.
func (c *compiler) descriptorRules(d *bundle.Descriptors) {
	c.rules = map[string]*descriptorRule{}
	put := func(typ bundle.Text, r *descriptorRule) {
		r.typ, r.pos = typ.Value, typ.Pos
		c.rules[typ.Value] = r
	}
	for _, v := range d.Vendor {
		r := &descriptorRule{vendor: "#"}
		if v.Table != nil {
			if r.table = c.descriptorTable(v.Table, []string{"value", "description"}, []string{"code"}); r.table != nil {
				r.table.Texts = true
			}
		}
		put(v.Type, r)
	}
	for _, s := range d.Shared {
		switch {
		case s.Host != nil:
			put(s.Type, &descriptorRule{host: s.Host.Value})
		case s.Table != nil:
			r := &descriptorRule{table: c.descriptorTable(s.Table, []string{"value", "descriptor"}, nil)}
			if r.broken = r.table == nil; !r.broken {
				r.table.Overlay = true
			}
			put(s.Type, r)
		}
	}
}

// mergeOverlay puts the tenant's rows into the tables; those of a type that is as written are a table of their own.
func (c *compiler) mergeOverlay() {
	c.program.Overlays = c.tables.Merge(&c.report.problems)
	for typ, r := range c.rules {
		if r.host != "" {
			r.table = c.tables.AsWritten(typ)
		}
	}
}

// vendorNamespace puts the vendor's namespace, known before the first row, into the rules of its descriptors.
func (c *compiler) vendorNamespace() {
	d := &c.bundle.Descriptors
	namespace := c.namespace(d)
	for _, v := range d.Vendor {
		if r := c.rules[v.Type.Value]; r != nil {
			r.vendor = namespace + "/" + r.typ + "#"
		}
	}
}

func (c *compiler) namespace(d *bundle.Descriptors) string {
	if d.Namespace == nil {
		if len(d.Vendor) > 0 {
			c.add(d.Pos, diag.BundleDescriptor, "Write `namespace: params.namespace`.", "the vendor's descriptors need a `namespace`")
		}
		return ""
	}
	n := c.expression(d.Namespace, c.top)
	switch {
	case n.Bad || c.inferring():
	case !n.Constant || n.Fault != nil || !n.Kind.IsText() || expression.IsBlank(n.Value.S):
		c.add(d.Namespace.Pos, diag.BundleDescriptor, "Use a parameter, as in params.namespace.", "the namespace must be a text that is known before the first row")
	case !c.isNamespace(n.Value.S):
		c.notANamespace(n.Value.S, d.Namespace.Pos, diag.BundleDescriptor)
	}
	return n.Value.S
}

// isNamespace reports whether a text is a namespace, or holds what stands for one that is not given yet.
func (c *compiler) isNamespace(s string) bool {
	return bundle.IsNamespace(s) || c.config.Samples && strings.Contains(s, standIn)
}

// writeNamespace writes a namespace into a record; what is not one fits no record.
func (c *compiler) writeNamespace(dst []byte, v expression.Value) ([]byte, string) {
	if !c.isNamespace(v.S) {
		return dst, "is not a namespace (uri://host/path)"
	}
	return expression.WriteText(dst, v)
}

// checkNamespaces checks the column of a table that namespaces are looked up in.
func (c *compiler) checkNamespaces(from *expression.Cells) {
	if from == nil || c.inferring() {
		return
	}
	for _, r := range from.Table.Rows {
		if text := r.Cells[from.Column]; text != "" && !c.isNamespace(text) {
			c.notANamespace(text, r.Pos, c.config.Overlay.CodeOf(r.Pos, diag.BundleTable))
		}
	}
}

// notANamespace reports a text; a parameter that was given is to blame, and not the bundle, where it begins the text and
// is not a namespace, or stands in it and could be no part of one.
func (c *compiler) notANamespace(text string, pos diag.Pos, code diag.Code) {
	for _, name := range slices.Sorted(maps.Keys(c.config.Params)) {
		v := expression.TrimSpace(c.config.Params[name])
		part := bundle.IsNamespace("uri://host/" + strings.TrimPrefix(v, "uri://"))
		if v != "" && (strings.HasPrefix(text, v) && !bundle.IsNamespace(v) || strings.Contains(text, v) && !part) {
			pos, code = diag.Pos{File: "--param " + name}, diag.ConfigParam
		}
	}
	c.add(pos, code, bundle.NamespaceFix, "%q is not a namespace", text)
}

// descriptorTable is a table found by its column `value`.
func (c *compiler) descriptorTable(name *bundle.Text, need, may []string) *lookup.Table {
	t := c.table(*name, diag.BundleDescriptor)
	if t == nil {
		return nil
	}
	for _, col := range need {
		if _, ok := t.Column(col); !ok {
			c.add(name.Pos, diag.BundleDescriptor, "Give it the columns "+strings.Join(need, ",")+".", "the table %q has no column %q", t.Name, col)
			return nil
		}
	}
	for _, col := range t.Header {
		if !slices.Contains(need, col) && !slices.Contains(may, col) {
			c.add(diag.Pos{File: t.Shown, Line: 1}, diag.BundleDescriptor, "Remove it.", "a table of descriptors has no column %q%s", col, diag.DidYouMean(col, slices.Concat(need, may)))
		}
	}
	i, _ := t.Column("value")
	t.FindByText(i)
	return t
}

// rule finds the rule of a type; a type that is used and not listed is a problem.
func (c *compiler) rule(typ string, pos diag.Pos) *descriptorRule {
	r := c.rules[typ]
	if r == nil {
		c.add(pos, diag.BundleDescriptor, "List it under `descriptors.vendor` or `descriptors.shared`.", "the descriptor type %s is used, but not listed", typ)
		return nil
	}
	c.report.uses.rules[typ] = true
	if r.broken {
		c.report.problems.Met++
		return nil
	}
	return r
}

// Decision is one descriptor that was decided: a line of mappings.csv.
type Decision struct {
	Resource string
	Path     string
	Type     string
	Value    string   // the vendor's
	Sent     string   // the URI; empty where it is left out
	Rule     diag.Pos // the line that says so
	Code     string   // for a vendor's type: the code, to be staged as a descriptor
	Method   string   // for a level of a score table: its reporting method
	Personal bool     // Value may be a student's
}

// descriptorSite is one place in the records that holds a descriptor.
type descriptorSite struct {
	id       int // in a worker's memory of what it decided there
	rule     *descriptorRule
	resource string
	path     string
	column   string // header
	personal bool   // a personal column has a part in the value
	method   string // of a level in a score table
	pos      diag.Pos
}

// resolved is what became of one value at one place.
type resolved struct {
	id   int32  // of the decision
	text []byte // the URI as JSON; nil where it is left out
	fail *expression.Fault
}

// resolve decides a value.
func (d *descriptorRule) resolve(text string, column string, rule diag.Pos) (Decision, *expression.Fault) {
	out := Decision{Type: d.typ, Value: text, Rule: lineOf(rule)}
	row := -1
	if d.table != nil {
		row = d.table.FindText(text)
	}
	if row >= 0 {
		out.Rule = lineOf(d.table.Rows[row].Pos)
	}
	asWritten := func(code string) *expression.Fault {
		if wrong, problem := schema.BadCode(code); wrong != "" {
			return &expression.Fault{Code: problem, Rule: rule, Column: column, Value: text,
				Message: "the value cannot be a code of " + d.typ + ": " + wrong}
		}
		return nil
	}
	switch {
	case d.vendor != "":
		out.Code = text
		if row >= 0 {
			out.Code = codeIn(d.table, row)
		}
		out.Sent = d.vendor + out.Code
		return out, asWritten(out.Code)
	case row >= 0:
		to := d.table.Cell(row, "descriptor")
		if to != "" && !strings.Contains(to, "#") {
			to = standardHost + "/" + d.typ + "#" + to
		}
		out.Sent = to
	case d.host != "":
		out.Sent = d.host + "/" + d.typ + "#" + text
		return out, asWritten(text)
	default:
		m := &expression.Miss{Table: d.table.Table, Keys: []string{text}}
		return out, m.Fault(rule, column, false)
	}
	return out, nil
}

// lineOf is the line of a place: what decides stands in a row or a rule, not in a column of it.
func lineOf(pos diag.Pos) diag.Pos {
	pos.Col = 0
	return pos
}

// decide resolves a value and notes the decision in the list.
func decide(at *descriptorSite, text string, list *[]*Decision, base int) *resolved {
	text = strings.Clone(text)
	made, f := at.rule.resolve(text, at.column, at.pos)
	if f != nil {
		f.Personal = at.personal
		return &resolved{fail: f, id: -1}
	}
	made.Resource, made.Path, made.Method, made.Personal = at.resource, at.path, at.method, at.personal
	*list = append(*list, &made)
	out := &resolved{id: int32(base + len(*list) - 1)}
	if made.Sent != "" {
		out.text = jsonl.AppendString(nil, made.Sent)
	}
	return out
}

// checkDescriptors checks the tables of shared descriptors once their rows are known.
func (c *compiler) checkDescriptors() {
	for _, name := range slices.Sorted(maps.Keys(c.rules)) {
		d := c.rules[name]
		if d.vendor != "" {
			if _, ok := c.standard.DescriptorResource(d.typ); !ok {
				c.add(d.pos, diag.BundleDescriptor, "Correct the name.", "data standard %s has no %s%s", c.standard.Version, d.typ, diag.DidYouMean(d.typ, c.descriptorTypes()))
			}
			c.checkCodes(d)
			continue
		}
		if d.table == nil {
			continue
		}
		for i := range d.table.Rows {
			c.checkShared(d, i)
		}
	}
}

// checkShared checks what a row of a shared type's table points at.
func (c *compiler) checkShared(d *descriptorRule, row int) {
	to, pos := d.table.Cell(row, "descriptor"), d.table.Rows[row].Pos
	namespace, code, whole := strings.Cut(to, "#")
	if !whole {
		namespace, code = standardHost+"/"+d.typ, to
	}
	namespace, typed := strings.CutSuffix(namespace, "/"+d.typ)
	wrong, _ := schema.BadCode(code)
	switch {
	case to == "":
	case !typed || !bundle.IsNamespace(namespace) || strings.HasPrefix(code, "uri:") || code == "":
		c.add(pos, c.config.Overlay.CodeOf(pos, diag.BundleDescriptor), "Write uri://host/"+d.typ+"#code, or a code of "+standardHost+".",
			"%q is not a value of %s", to, d.typ)
	case wrong != "":
		c.add(pos, c.config.Overlay.CodeOf(pos, diag.BundleDescriptor), "Write a code that the target has.", "%q cannot be a code of %s: %s", code, d.typ, wrong)
	}
}

// checkCodes finds values of a vendor's table that would become one code, and resources that the
// bundle makes although they are staged by themselves.
func (c *compiler) checkCodes(d *descriptorRule) {
	if res, ok := c.standard.DescriptorResource(d.typ); ok {
		for _, def := range c.bundle.Resources {
			if def.Name.Value == res.Name {
				c.add(def.Name.Pos, diag.BundleDescriptor, "Remove the resource, and give the descriptors' texts in a table: {"+d.typ+": tables.x}.",
					"%s is listed under `vendor`, so its descriptors are staged by themselves", d.typ)
			}
		}
	}
	if d.table == nil {
		return
	}
	first := map[string]int{}
	for i := range d.table.Rows {
		code, pos := codeIn(d.table, i), d.table.Rows[i].Pos
		if wrong, _ := schema.BadCode(d.table.Cell(i, "code")); wrong != "" {
			c.add(pos, c.config.Overlay.CodeOf(pos, diag.BundleDescriptor), "Write another code.", "%q cannot be a code of %s: %s", code, d.typ, wrong)
		}
		if other, ok := first[code]; ok && d.table.Cell(i, "value") != d.table.Cell(other, "value") {
			c.add(pos, c.config.Overlay.CodeOf(pos, diag.BundleDescriptor), "Give each value a code of its own.",
				"the code %q is already in line %d", code, d.table.Rows[other].Pos.Line)
			continue
		}
		first[code] = i
	}
}

// codeIn is the code of a row of a vendor's descriptors: its own, or the value.
func codeIn(t *lookup.Table, row int) string {
	if code := t.Cell(row, "code"); code != "" {
		return code
	}
	return t.Cell(row, "value")
}

func (c *compiler) descriptorTypes() []string {
	var types []string
	for _, name := range c.standard.Names() {
		if r, ok := c.standard.Resource(name); ok && r.Descriptor != "" {
			types = append(types, r.Descriptor)
		}
	}
	return types
}

// Table is a table of the bundle; nil if there is none.
func (p *Program) Table(name string) *expression.Table {
	if t := p.compiler.tables.Table(name); t != nil {
		return t.Table
	}
	return nil
}

// CodeOf is the code of a problem in a table's row: another one where the row is a tenant's.
func (p *Program) CodeOf(row diag.Pos, code diag.Code) diag.Code {
	return p.compiler.config.Overlay.CodeOf(row, code)
}

// DescriptorTable is the table of a descriptor type, keyed by the vendor's value; nil if it has none. The
// namespace is that of a type whose descriptors are the vendor's.
func (p *Program) DescriptorTable(typ string) (namespace string, t *expression.Table) {
	rule := p.compiler.rules[typ]
	if rule == nil {
		return "", nil
	}
	if rule.table != nil {
		t = rule.table.Table
	}
	return strings.TrimSuffix(rule.vendor, "#"), t
}
