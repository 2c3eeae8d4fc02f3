package transform

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Config is what a bundle is compiled with.
type Config struct {
	Bundle    *bundle.Bundle
	Standards []*schema.Standard // the first is the one shaped for; the others of the bundle's range are checked too
	Params    map[string]string
	Overlay   *Overlay // nil: no tenant, or one without tables
	LEACodes  []string // the tenant's districts; rows of others are `other`. Empty: all rows are the tenant's

	// RosterColumn is the vendor's column (its header, or the bundle's name for it) that holds the
	// studentUniqueId. Empty: the first of the input's `student` that the file has.
	RosterColumn string
	Tenant       string // empty: none

	// Samples stands in for parameters that are required and not given, so that a bundle can be
	// checked and described without a tenant.
	Samples bool
}

// Program is a compiled bundle: what could be known before a file is known. Immutable, but that its
// methods may not run at the same time.
type Program struct {
	Bundle    *bundle.Bundle
	Standard  *schema.Standard
	Params    map[string]string // as used, defaults among them
	Overlays  []runs.FileDigest // tenant tables that took part
	config    Config
	compiler  *compiler
	inputs    []*input
	sources   []*source
	resources []string // names, in the order of their first source
	tables    []tableRecord
	tablePlan *plan
	lints     diag.List
}

// InputNames is the inputs of the bundle, in its order.
func (p *Program) InputNames() []string {
	var names []string
	for _, in := range p.inputs {
		names = append(names, in.name)
	}
	return names
}

// compiler is the work of Compile; bind uses a copy of it for each file.
type compiler struct {
	config   Config
	bundle   *bundle.Bundle
	program  *Program
	standard *schema.Standard
	problems *problems
	lints    *problems

	trees      map[*bundle.Expr]*expression.Tree
	tables     map[string]*lookupTable
	rules      map[string]*descriptorRule
	shared     []*descriptorRule // those with a host: a tenant may overlay them
	params     map[string]*expression.Symbol
	top        *scope
	used       map[diag.Pos]bool // declarations that something uses
	declared   map[diag.Pos]*expression.Symbol
	usedTables map[string]bool

	inferring bool // the first walks: types of key columns are found, nothing is folded or reported
	pl        *plan
	numbers   map[*list]int
}

func (c *compiler) add(pos diag.Pos, code diag.Code, fix, format string, args ...any) {
	c.problems.add(diag.At(pos, code, fix, format, args...))
}

// lint notes what is allowed and unwise.
func (c *compiler) lint(pos diag.Pos, fix, format string, args ...any) {
	c.lints.add(diag.At(pos, diag.BundleLint, fix, format, args...))
}

// Compile compiles a bundle. The list is everything that is wrong with it; the program is nil if
// any of it blocks.
func Compile(cfg Config) (*Program, diag.List) {
	p := &Program{Bundle: cfg.Bundle, Standard: cfg.Standards[0], Params: map[string]string{}, config: cfg}
	c := &compiler{config: cfg, bundle: cfg.Bundle, program: p, standard: cfg.Standards[0], problems: &problems{}, lints: &problems{},
		trees: map[*bundle.Expr]*expression.Tree{}, used: map[diag.Pos]bool{}, declared: map[diag.Pos]*expression.Symbol{}, usedTables: map[string]bool{}, pl: &plan{}}
	p.compiler = c
	c.compileParams()
	c.topScope()
	c.loadTables()
	c.descriptorRules(&cfg.Bundle.Descriptors)

	// Which type a key column has follows from what is looked up in it, so everything is walked
	// before the tables are read: twice, because a key's type may be another table's.
	reported, linted := c.problems, c.lints
	c.inferring = true
	for range 2 {
		c.problems, c.lints = &problems{}, &problems{}
		c.compileAll()
	}
	c.inferring = false
	c.problems, c.lints = reported, linted

	c.overlays()
	c.finishTables()
	for i := len(cfg.Standards) - 1; i >= 0; i-- { // the one shaped for comes last, its program stays
		c.standard = cfg.Standards[i]
		c.topScope()
		c.checkDescriptors()
		c.compileAll()
	}
	c.stageTables()
	c.problems.list.Sort()
	if c.problems.list.Blocks() {
		return nil, c.problems.list
	}
	c.lintBundle()
	p.lints = c.lints.list
	return p, c.problems.list
}

// compileParams reads the parameters' values.
func (c *compiler) compileParams() {
	c.params = map[string]*expression.Symbol{}
	var names []string
	for _, def := range c.bundle.Params {
		name := def.Name.Value
		names = append(names, name)
		if !expression.IsName(name) {
			c.add(def.Name.Pos, diag.BundleName, "use small letters, digits and _, a letter first", "%q cannot be the name of a parameter", name)
		}
		v, text, ok := c.paramValue(def)
		if !ok {
			continue
		}
		c.program.Params[name] = text
		c.params[name] = &expression.Symbol{Name: name, What: "parameter", Pos: def.Name.Pos, Code: expression.ConstantCode(v, expression.Type{Kind: kindOf(def.Type)})}
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Params)) {
		if c.params[name] == nil && !slices.Contains(names, name) {
			c.add(diag.Pos{File: "--param " + name}, diag.ConfigParam, "its parameters are "+strings.Join(names, ", "), "the bundle %s has no parameter %q%s", c.bundle.Name, name, diag.DidYouMean(name, names))
		}
	}
}

func (c *compiler) paramValue(def *bundle.Param) (expression.Value, string, bool) {
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
			text = "sample"
		}
	default:
		about := ""
		if def.About != "" {
			about = ": " + def.About
		}
		c.add(pos, code, "give it with --param "+name+"=…, or under `params:` of the tenant", "the parameter %q is missing%s", name, about)
		c.params[name] = &expression.Symbol{Name: name, What: "parameter", Pos: def.Name.Pos, Code: expression.BadCode}
		return expression.Value{}, "", false
	}
	v, ok := tableCell(expression.TrimSpace(text), kindOf(def.Type))
	if !ok || v.IsNull() {
		c.add(pos, code, "", "the parameter %q must be %s", name, expression.WithArticle(kindOf(def.Type)))
		c.params[name] = &expression.Symbol{Name: name, What: "parameter", Pos: def.Name.Pos, Code: expression.BadCode}
		return expression.Value{}, "", false
	}
	if len(def.OneOf) > 0 {
		allowed := texts(def.OneOf)
		if !slices.Contains(allowed, v.Text()) {
			c.add(pos, code, "choose one of "+strings.Join(allowed, ", "), "the parameter %q cannot be %q%s", name, v.Text(), diag.DidYouMean(v.Text(), allowed))
			c.params[name] = &expression.Symbol{Name: name, What: "parameter", Pos: def.Name.Pos, Code: expression.BadCode}
			return expression.Value{}, "", false
		}
	}
	return v, v.Text(), true
}

func (c *compiler) paramNames() []string { return slices.Sorted(maps.Keys(c.params)) }

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
	p.tablePlan = &plan{input: &input{name: "tables"}}
	for _, def := range c.bundle.Resources {
		c.compileSource(def)
	}
	for _, in := range p.inputs {
		for _, layout := range in.layoutNames() {
			b := newBinding(in.name, nil)
			b.ideal, b.layout = true, layout
			c.plan(in, b)
		}
	}
}

// compileSource finds what a resource is made from.
func (c *compiler) compileSource(def *bundle.Resource) {
	p := c.program
	src := &source{def: def, name: def.Name.Value}
	if _, ok := c.standard.Resource(src.name); !ok {
		c.add(def.Name.Pos, diag.BundleRecord, "use the name of the API's endpoint", "data standard %s has no resource %q%s", c.standard.Version, src.name, diag.DidYouMean(src.name, c.standard.Names()))
		return
	}
	src.resource = -1
	for i, name := range p.resources {
		if name == src.name {
			src.resource = i
		}
	}
	if src.resource < 0 {
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
		if in.name != from.Input {
			continue
		}
		lists, path := in.lists, ""
		for _, name := range from.Lists {
			var found *list
			var known []string
			for _, l := range lists {
				known = append(known, l.def.Name.Value)
				if l.def.Name.Value == name {
					found = l
				}
			}
			if found == nil {
				c.add(from.Pos, diag.BundleRecord, "", "%s has no list %q%s", in.name+path, name, diag.DidYouMean(name, known))
				return
			}
			lists, path = found.lists, path+"."+name
		}
		in.sources = append(in.sources, src)
		return
	}
	known := append(p.InputNames(), "tables."+strings.Join(slices.Sorted(maps.Keys(c.tables)), ", tables."))
	c.add(from.Pos, diag.BundleRecord, "name an input, a list of it, or tables.x", "there is no input %q%s", from.Input, diag.DidYouMean(from.Input, known))
}

// tableSource compiles the records that a table gives, one for each row.
func (c *compiler) tableSource(src *source) {
	t := c.tables[src.def.From.Table]
	if t == nil {
		c.add(src.def.From.Pos, diag.BundleRecord, "put it at tables/"+src.def.From.Table+".csv", "there is no table %q%s", src.def.From.Table, diag.DidYouMean(src.def.From.Table, slices.Sorted(maps.Keys(c.tables))))
		return
	}
	c.usedTables[t.Name] = true
	c.pl = c.program.tablePlan
	fields := c.rowFields(t, nil)
	for i := range t.rows {
		s := c.top.child()
		s.noScores = "a table"
		c.fields(s, fields, t.rowValues(i), "table column")
		if u := c.unit(src, s, nil, t.rows[i].pos); u != nil {
			c.pl.units = append(c.pl.units, u)
		}
	}
}
