// Package mapping binds a bundle to a data standard and to the header of a file, and gives a program
// that turns one row into records.
//
//	bundle, tables,   ──Compile──►  Program  ──Bind(header)──►  Plan  ──NewWorker──►  Worker.Map(row)
//	data standard     infer, build                              columns bound,       records, problems
//	                                                            constants encoded
//
// Compile walks over the bundle several times: first to infer by which types tables are looked up,
// then to build, once for each data standard that the bundle is for. Program and Plan are immutable
// and belong to everybody, a Worker to one goroutine. What must be known of all rows, like which of
// two with one key stays, comes in as Decided. The package opens no files but the
// bundle's fixtures, for Lint; its tables, with the tenant's rows, come from package lookup.
package mapping

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/lookup"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Config is what a bundle is compiled with.
type Config struct {
	Bundle    *bundle.Bundle
	Standards []*schema.Standard // the first is the one shaped for; the others of the bundle's range are checked too
	Params    map[string]string
	Overlay   *lookup.Overlay // nil: no tenant, or one without tables
	LEACodes  []string        // the tenant's districts; rows of others are `other`. Empty: all rows are the tenant's

	// RosterColumn is the vendor's column (its header, or the bundle's name for it) that holds the
	// studentUniqueId, or the only ids that are looked up. Empty: the first of the input's `student` that the
	// file has, or all of them.
	RosterColumn string
	Students     Students // nil: ids are taken as they stand

	// Samples stands in for parameters that are required and not given, so that a bundle can be
	// checked and described without a tenant.
	Samples bool
}

// Program is a compiled bundle: what can be known before a file is known. It is immutable, and safe
// for any number of goroutines.
type Program struct {
	Bundle   *bundle.Bundle
	Standard *schema.Standard
	Params   map[string]string    // as used, defaults among them
	Overlays []lookup.OverlayFile // tenant tables that took part
	LeftOut  []string             // properties of the bundle's records that data standard and parameters leave out

	compiler  *compiler // as it stood at the end; Bind works on copies of it
	inputs    []*Input
	sources   []*source
	resources []string // names, in the order of their first source
	records   []TableRecord
	tablePlan *Plan
}

// Inputs is what the bundle reads, in its order.
func (p *Program) Inputs() []*Input { return p.inputs }

// Resources is the names of the resources that it makes, in the order of their first source.
func (p *Program) Resources() []string { return p.resources }

// InputNames is the inputs of the bundle, in its order.
func (p *Program) InputNames() []string {
	var names []string
	for _, in := range p.inputs {
		names = append(names, in.Name)
	}
	return names
}

// compiler walks over a bundle. What all walks share is not changed once the program is built; what
// a walk finds is in its report, what it makes in its plan.
type compiler struct {
	ctx     context.Context // ends the walks; nil once the program is built
	config  Config
	bundle  *bundle.Bundle
	program *Program
	trees   map[*bundle.Expr]*expression.Tree
	tables  *lookup.Tables
	rules   map[string]*descriptorRule
	params  map[string]*expression.Symbol
	built   bool // trees are not added to any more

	standard  *schema.Standard
	top       *scope
	inference *inference // nil once the program is built
	report    *report
	plan      *Plan
	numbers   map[*List]int
}

// fork is a compiler for a walk of its own, with a report of its own.
func (c *compiler) fork() *compiler {
	walk := *c
	walk.report = newReport()
	return &walk
}

// inference finds the types of the columns that lookups find rows by: they follow from what is
// looked up, so everything is walked before the tables are read.
type inference struct {
	walking bool // only names and kinds are known: nothing is evaluated
	learned bool // something that the tables did not know
}

func (c *compiler) inferring() bool { return c.inference != nil && c.inference.walking }

func (c *compiler) add(pos diag.Pos, code diag.Code, fix, format string, args ...any) {
	c.report.problems.Add(diag.At(pos, code, fix, format, args...))
}

// lint notes what is allowed and unwise.
func (c *compiler) lint(pos diag.Pos, fix, format string, args ...any) {
	c.report.lints.Add(diag.At(pos, diag.BundleLint, fix, format, args...))
}

// Compile compiles a bundle. The list is everything that is wrong with it; the program is nil if
// any of it blocks. The error is for a context that ended.
func Compile(ctx context.Context, cfg Config) (*Program, diag.List, error) {
	p := &Program{Bundle: cfg.Bundle, Standard: cfg.Standards[0], Params: map[string]string{}}
	c := &compiler{ctx: ctx, config: cfg, bundle: cfg.Bundle, program: p, standard: cfg.Standards[0],
		trees: map[*bundle.Expr]*expression.Tree{}, inference: &inference{}, report: newReport(), plan: &Plan{}}
	c.compileParams()
	c.tables = lookup.Load(cfg.Bundle, cfg.Overlay, &c.report.problems)
	c.descriptorRules(&cfg.Bundle.Descriptors)
	c.infer()
	c.mergeOverlay()
	c.build()
	c.stageTables()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	found := &c.report.problems.List
	found.Sort()
	if found.Blocks() {
		return nil, *found, nil
	}
	p.LeftOut = slices.Sorted(maps.Keys(c.report.leftOut))
	c.built, c.inference, c.ctx = true, nil, nil
	p.compiler = c
	return p, *found, nil
}

// stopped reports whether there is no use in going on: whoever compiles was interrupted.
func (c *compiler) stopped() bool { return c.ctx != nil && c.ctx.Err() != nil }

// infer finds the types of key columns. It walks twice, because a key's type may be another table's.
func (c *compiler) infer() {
	c.inference.walking = true
	for range 2 {
		walk := c.fork()
		walk.topScope()
		walk.vendorNamespace()
		walk.compileAll()
		c.report.uses.take(&walk.report.uses)
	}
	c.inference.walking = false
}

// build reads the tables and compiles everything against each data standard. Rows that a tenant
// added may bring lookups of which the inference knew nothing: then it is done again.
func (c *compiler) build() {
	for !c.stopped() {
		walk := c.fork()
		c.inference.learned = false
		walk.tables.Fill(&walk.report.problems)
		for _, standard := range slices.Backward(c.config.Standards) { // the one shaped for comes last, its program stays
			walk.standard = standard
			walk.topScope()
			walk.vendorNamespace()
			walk.checkDescriptors()
			walk.compileAll()
		}
		if !c.inference.learned {
			c.standard, c.top = walk.standard, walk.top
			c.report.take(walk.report)
			return
		}
	}
}

// compileParams reads the parameters' values.
func (c *compiler) compileParams() {
	c.params = map[string]*expression.Symbol{}
	var names []string
	for _, def := range c.bundle.Params {
		name := def.Name.Value
		names = append(names, name)
		sym := &expression.Symbol{Name: name, What: "parameter", Pos: def.Name.Pos, Code: expression.BadCode}
		c.params[name] = sym
		if v, ok := c.paramValue(def); ok {
			c.program.Params[name] = v.Text()
			sym.Code = expression.ConstantCode(v, expression.Type{Kind: lookup.KindOf(def.Type)})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Params)) {
		if c.params[name] == nil && !slices.Contains(names, name) {
			c.add(diag.Pos{File: "--param " + name}, diag.ConfigParam, "Its parameters are "+strings.Join(names, ", ")+".", "the bundle %s has no parameter %q%s", c.bundle.Name, name, diag.DidYouMean(name, names))
		}
	}
}

// standIn is a text that stands for a required parameter while a bundle is looked at without a tenant.
const standIn = "sample"

// paramValue is the value of a parameter: the one given, or its default.
func (c *compiler) paramValue(def *bundle.Param) (v expression.Value, ok bool) {
	name := def.Name.Value
	text, given := c.config.Params[name]
	pos, code := diag.Pos{File: "--param " + name}, diag.ConfigParam
	switch {
	case given:
	case def.Default != nil:
		text, pos, code = def.Default.Value, def.Default.Pos, diag.BundleValue
	case c.config.Samples && len(def.OneOf) > 0:
		text = def.OneOf[0].Value
	case c.config.Samples:
		text = map[bundle.Type]string{bundle.TypeInteger: "2024", bundle.TypeDecimal: "1.5", bundle.TypeBoolean: "true", bundle.TypeDate: "2024-03-01"}[def.Type]
		if text == "" {
			text = standIn
		}
	default:
		about := ""
		if def.About != "" {
			about = ": " + def.About
		}
		c.add(pos, code, "Give it with --param "+name+"=…, or under `params:` of the tenant.", "the parameter %q is missing%s", name, about)
		return v, false
	}
	v, ok = expression.ParseValue(expression.TrimSpace(text), lookup.KindOf(def.Type))
	if !ok || v.IsNull() {
		c.add(pos, code, strings.TrimSpace(def.About), "the parameter %q must be %s, and is %q", name, expression.WithArticle(lookup.KindOf(def.Type)), text)
		return v, false
	}
	if len(def.OneOf) > 0 {
		var allowed []string
		for _, o := range def.OneOf {
			one, ok := expression.ParseValue(o.Value, lookup.KindOf(def.Type))
			if !ok {
				c.add(o.Pos, diag.BundleValue, "",
					"%q is not %s, so the parameter %q can never be it", o.Value, expression.WithArticle(lookup.KindOf(def.Type)), name)
				continue
			}
			allowed = append(allowed, one.Text())
		}
		if !slices.Contains(allowed, v.Text()) {
			c.add(pos, code, "Choose one of "+strings.Join(allowed, ", ")+".", "the parameter %q cannot be %q%s", name, v.Text(), diag.DidYouMean(v.Text(), allowed))
			return v, false
		}
	}
	return v, true
}

// topScope is what is visible everywhere: the data standard's number and the bundle's `let`.
func (c *compiler) topScope() {
	c.top = &scope{names: expression.NewScope(nil), noScores: "this place"}
	c.put(c.top, &expression.Symbol{Name: "ds", What: "data standard", Code: expression.ConstantCode(expression.Value{Kind: expression.KindDecimal, S: c.standard.Version}, expression.Type{Kind: expression.KindDecimal})})
	c.lets(c.top, c.bundle.Let)
}

// compileAll compiles inputs and resources against the standard at hand, for every layout.
func (c *compiler) compileAll() {
	p := c.program
	p.inputs, p.sources, p.resources = nil, nil, nil
	for _, def := range c.bundle.Inputs {
		p.inputs = append(p.inputs, c.compileInput(def))
	}
	p.tablePlan = &Plan{input: &Input{Name: "tables"}}
	for _, def := range c.bundle.Resources {
		c.compileSource(def)
	}
	for _, in := range p.inputs {
		for _, layout := range in.Def.LayoutNames() {
			b := newBinding(in.Name, nil)
			b.ideal, b.layout = true, layout
			c.bind(in, b)
		}
	}
}

// compileSource finds what a resource is made from.
func (c *compiler) compileSource(def *bundle.Resource) {
	p := c.program
	src := &source{def: def, name: def.Name.Value, rule: def.Pos.Rule()}
	res, ok := c.standard.Resource(src.name)
	if !ok {
		c.add(def.Name.Pos, diag.BundleRecord, "Use the name of the API's endpoint.", "data standard %s has no resource %q%s", c.standard.Version, src.name, diag.DidYouMean(src.name, c.standard.Names()))
		return
	}
	src.parts, src.names = map[string]int{}, nil
	for i, part := range res.Identity {
		src.parts[strings.Join(part.Path, ".")] = i
		src.names = append(src.names, part.Path[len(part.Path)-1])
	}
	if src.resource = slices.Index(p.resources, src.name); src.resource < 0 {
		src.resource = len(p.resources)
		p.resources = append(p.resources, src.name)
	}
	p.sources = append(p.sources, src)
	from := def.From
	if from.Table != "" {
		c.tableSource(src)
		return
	}
	for _, in := range p.inputs {
		if in.Name != from.Input {
			continue
		}
		found := in.Def.Path(from.Lists)
		if n := len(found); n < len(from.Lists) {
			lists, known := in.Def.Lists, []string(nil)
			if n > 0 {
				lists = found[n-1].Lists
			}
			for _, l := range lists {
				known = append(known, l.Name.Value)
			}
			c.add(from.Pos, diag.BundleRecord, "", "%s has no list %q%s", strings.Join(append([]string{in.Name}, from.Lists[:n]...), "."), from.Lists[n], diag.DidYouMean(from.Lists[n], known))
			return
		}
		in.sources = append(in.sources, src)
		return
	}
	known := append(p.InputNames(), "tables."+strings.Join(c.tables.Names(), ", tables."))
	c.add(from.Pos, diag.BundleRecord, "Name an input, a list of it, or tables.x.", "there is no input %q%s", from.Input, diag.DidYouMean(from.Input, known))
}

// tableSource compiles the records that a table gives, one for each row.
func (c *compiler) tableSource(src *source) {
	t := c.table(bundle.Text{Value: src.def.From.Table, Pos: src.def.From.Pos}, diag.BundleRecord)
	if t == nil {
		return
	}
	if len(t.Rows) > maxTableRecords {
		c.add(src.def.From.Pos, diag.BundleRecord, "Give them as an input, which is read row by row.",
			"records are made of tables of up to %d rows, and %q has %d", maxTableRecords, t.Name, len(t.Rows))
		return
	}
	c.plan = c.program.tablePlan
	fields := c.rowFields(t, nil)
	for i := range t.Rows {
		if c.stopped() || c.inferring() && i > 0 { // where nothing is evaluated, all rows are alike
			return
		}
		s := c.top.child()
		s.noScores = "a table"
		c.fields(s, fields, rowValues(t, i), "table column")
		if u := c.unit(src, s, nil, t.Rows[i].Pos); u != nil {
			c.plan.units = append(c.plan.units, u)
		}
	}
}

// maxTableRecords bounds the rows of a table that records are made of: each row is compiled by itself, and kept.
const maxTableRecords = 100_000
