package mapping

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Lint is what the bundle is allowed to do and had better not (docs/bundle-format.md §10).
func (p *Program) Lint() diag.List { return slices.Clone(p.lints) }

// lintBundle looks at the whole of a bundle that compiles.
func (c *compiler) lintBundle() {
	c.lintUnused()
	c.lintVendorTypes()
	for _, e := range sortedExpressions(c) {
		c.lintLiterals(e)
	}
	c.lintExpectations()
	for _, src := range c.program.sources {
		c.lintSource(src)
	}
	for _, in := range c.program.inputs {
		c.lintHeaders(in)
		c.lintListScores(in.lists)
	}
	c.report.lints.list.Sort()
}

// lintUnused finds names that nothing uses.
func (c *compiler) lintUnused() {
	uses := &c.report.uses
	for _, def := range c.bundle.Params {
		if !uses.names[def.Name.Pos] {
			c.lint(def.Name.Pos, "remove it", "the parameter %q is used nowhere", def.Name.Value)
		}
	}
	for pos, sym := range uses.declared {
		if !uses.names[pos] && pos.File != "" {
			c.lint(pos, "use it, put its header under `ignore` with a reason, or remove it", "the %s %q is used nowhere", sym.What, sym.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		if t := c.tables[name]; !uses.tables[name] {
			c.lint(t.pos, "remove it", "the table %q is used nowhere", name)
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(c.rules)) {
		if r := c.rules[typ]; !uses.rules[typ] {
			c.lint(r.pos, "remove it", "no record holds a %s", typ)
		}
	}
}

// lintVendorTypes finds types that the usual claim set cannot create.
func (c *compiler) lintVendorTypes() {
	for _, typ := range slices.Sorted(maps.Keys(c.rules)) {
		r := c.rules[typ]
		since, ok := vendorTypes[typ]
		switch {
		case r.vendor == "":
		case !ok:
			c.lintError(r.pos, "list it under `shared`; a tenant may overlay its table", "a vendor's credential cannot create a %s", typ)
		case since != "":
			for _, s := range c.config.Standards {
				if expression.CompareDecimals(s.Version, since) < 0 {
					c.lintError(r.pos, "list it under `shared`", "before data standard %s a vendor's credential cannot create a %s", since, typ)
				}
			}
		}
	}
}

func (c *compiler) lintError(pos diag.Pos, fix, format string, args ...any) {
	p := diag.At(pos, diag.BundleLint, fix, format, args...)
	p.Level = diag.LevelError
	c.report.lints.add(p)
}

// sortedExpressions is all expressions in the order of the bundle.
func sortedExpressions(c *compiler) []*bundle.Expr {
	var all []*bundle.Expr
	for e, tree := range c.trees {
		if tree != nil {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *bundle.Expr) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return all
}

var (
	descriptorLike = regexp.MustCompile(`^uri://|Descriptor#|^[A-Za-z]+Descriptor$`)
	dateLike       = regexp.MustCompile(`^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$`)
)

// lintLiterals finds texts in quotes that belong into tables and parameters.
func (c *compiler) lintLiterals(e *bundle.Expr) {
	c.trees[e].Texts(func(text string, at diag.Pos) {
		switch {
		case descriptorLike.MatchString(text):
			c.lint(at, "put it into a parameter, or a table under `descriptors.shared`", "an expression holds the namespace or descriptor %q", text)
		case dateLike.MatchString(text):
			c.lint(at, `write dates as "2026-03-01"`, "%q looks like a date, but dates are ISO text", text)
		}
	})
}

// lintSource looks at the descriptors and the identifier of a record.
func (c *compiler) lintSource(src *source) {
	if src.def.Record == nil {
		return
	}
	lets := c.letsAround(src)
	c.lintCodes(src.def.Record)
	var identifier, assessment *bundle.Expr
	for _, p := range src.def.Record.Properties {
		switch p.Name.Value {
		case "studentAssessmentIdentifier":
			identifier = bundle.ExprAt(p.Node)
		case "assessmentReference":
			assessment = bundle.ExprAt(p.Node, "assessmentIdentifier")
		case "studentAssessmentReference":
			identifier, assessment = bundle.ExprAt(p.Node, "studentAssessmentIdentifier"), bundle.ExprAt(p.Node, "assessmentIdentifier")
		}
	}
	if identifier != nil && c.trees[identifier] != nil {
		c.lintIdentifier(src, identifier, assessment, lets)
	}
}

// letsAround is the `let`s that a record sees.
func (c *compiler) letsAround(src *source) map[string]*bundle.Expr {
	lets := map[string]*bundle.Expr{}
	put := func(list []*bundle.Let) {
		for _, l := range list {
			lets[l.Name.Value] = l.Expr
		}
	}
	put(c.bundle.Let)
	put(src.def.Let)
	if in := c.bundle.Input(src.def.From.Input); in != nil {
		put(in.Let)
		for _, l := range in.Path(src.def.From.Lists) {
			put(l.Let)
		}
	}
	return lets
}

// lintCodes finds descriptors that are written in the bundle instead of a table.
func (c *compiler) lintCodes(n bundle.Node) {
	switch n := n.(type) {
	case *bundle.Object:
		for _, p := range n.Properties {
			if e := bundle.ExprAt(p.Node); e != nil && strings.HasSuffix(p.Name.Value, "Descriptor") && c.trees[e] != nil && c.trees[e].GivesFixedText() {
				c.lint(e.Pos, "give the vendor's word, and map it in a table", "%s is a fixed code", p.Name.Value)
			}
			c.lintCodes(p.Node)
		}
	case *bundle.Array:
		for _, i := range n.Items {
			c.lintCodes(i)
		}
	case *bundle.Cond:
		c.lintCodes(n.Record)
	case *bundle.Each:
		if n.Record != nil {
			c.lintCodes(n.Record)
		}
	}
}

// lintIdentifier checks the identifier of an event: the vendor's record id, or a key(…), for all
// rows alike; it holds what tells sittings apart and nothing that stands in the natural key already.
func (c *compiler) lintIdentifier(src *source, identifier, assessment *bundle.Expr, lets map[string]*bundle.Expr) {
	tree := c.follow(identifier, lets)
	shape := tree.Shape()
	switch shape {
	case expression.Sum:
		c.lintError(identifier.Pos, "write key(…): it refuses blanks and never makes two events one", "studentAssessmentIdentifier is neither the vendor's record id nor a key(…) alone")
	case expression.Choice:
		c.lintError(identifier.Pos, "take the one or the other for all rows; an event that is resent with its id must not get a second life", "studentAssessmentIdentifier is neither the vendor's record id nor a key(…) alone")
	}
	holds := c.namesThrough(tree, lets)
	in := c.bundle.Input(src.def.From.Input)
	if in == nil {
		return
	}
	if fixed(holds) && !holds["params"] {
		c.lintError(identifier.Pos, "take the vendor's record id, or key(…) of what tells sittings apart", "studentAssessmentIdentifier is the same for all rows")
		return
	}
	students := append(bundle.Values(in.Student), "student")
	for _, name := range slices.Sorted(maps.Keys(holds)) {
		switch {
		case slices.Contains(students, name):
			c.lintError(identifier.Pos, "leave it out: the student stands in the natural key already", "studentAssessmentIdentifier holds %q", name)
		case strings.HasPrefix(name, "params."):
			c.lintError(identifier.Pos, "leave it out: it is the same for all rows", "studentAssessmentIdentifier holds %s", name)
		}
	}
	alone := c.lookedUpAlone(assessment, lets)
	direct := tree.Names()
	assessments := []string{alone}
	if assessment != nil {
		if word, ok := c.bareWord(assessment); ok {
			assessments = append(assessments, word)
		}
	}
	for _, name := range assessments {
		if name != "" && slices.Contains(direct, name) {
			c.lintError(identifier.Pos, "leave it out: the assessment stands in the natural key already", "studentAssessmentIdentifier holds %q", name)
		}
	}
	if shape != expression.CallOfKey {
		return
	}
	var sitting []string
	for _, k := range sittingKey(in, src) {
		if holds[k] {
			return
		}
		if !slices.Contains(students, k) && k != "layout" && !slices.Contains(assessments, k) {
			sitting = append(sitting, k)
		}
	}
	if len(sitting) > 0 {
		c.lint(identifier.Pos, "add what tells sittings apart to key(…)", "studentAssessmentIdentifier holds nothing that tells sittings apart: %s", strings.Join(sitting, ", "))
	}
}

// sittingKey is the names by which the input, or the list a record is made from, tells rows apart.
func sittingKey(in *bundle.Input, src *source) []string {
	key := in.Key
	for _, l := range in.Path(src.def.From.Lists) {
		if len(l.Key) > 0 {
			key = l.Key
		}
	}
	return bundle.Values(key)
}

// follow is the expression that a name stands for, as long as it is one `let` after the other.
func (c *compiler) follow(e *bundle.Expr, lets map[string]*bundle.Expr) *expression.Tree {
	for range len(lets) + 1 {
		name, ok := c.trees[e].Name()
		if !ok || lets[name] == nil || c.trees[lets[name]] == nil {
			break
		}
		e = lets[name]
	}
	return c.trees[e]
}

// namesThrough is the names that a value is made from, those behind `let`s too.
func (c *compiler) namesThrough(tree *expression.Tree, lets map[string]*bundle.Expr) map[string]bool {
	names := map[string]bool{}
	var walk func(t *expression.Tree)
	walk = func(t *expression.Tree) {
		for _, n := range t.Names() {
			if names[n] {
				continue
			}
			names[n] = true
			if e := lets[n]; e != nil && c.trees[e] != nil {
				walk(c.trees[e])
			}
		}
	}
	walk(tree)
	return names
}

// fixed reports whether a value made from these names is the same for every row.
func fixed(names map[string]bool) bool {
	for name := range names {
		switch {
		case name == "params", strings.HasPrefix(name, "params."), name == "ds", name == "null", expression.IsFunction(name):
		default:
			return false
		}
	}
	return true
}

// lintExpectations finds what is expected of nothing in the row, and so is met or missed by all.
func (c *compiler) lintExpectations() {
	for _, in := range c.bundle.Inputs {
		for _, e := range in.Expect {
			if tree := c.trees[e.That]; tree != nil && fixed(c.namesThrough(tree, nil)) {
				c.lint(e.That.Pos, "compare a column, or remove it", "what is expected is the same for every row")
			}
		}
	}
}

// lookedUpAlone is the name that the assessment alone is looked up from.
func (c *compiler) lookedUpAlone(assessment *bundle.Expr, lets map[string]*bundle.Expr) string {
	if assessment == nil || c.trees[assessment] == nil {
		return ""
	}
	name, _ := c.follow(assessment, lets).LookupKey()
	return name
}

// lintHeaders holds the headers of the fixtures, which stand for the layouts that are known, against
// the contract: each is bound, in a score table, or ignored with a reason.
func (c *compiler) lintHeaders(in *Input) {
	files, err := fs.Glob(c.bundle.FS, "fixtures/*/"+in.Name+"*.*")
	if err != nil || !table.FormatOf(in.Def.Format.Value).HasHeader {
		return
	}
	matched := map[diag.Pos]bool{}
	known := false
	for _, file := range files {
		base := strings.TrimSuffix(path.Base(file), path.Ext(file))
		if name, _, _ := strings.Cut(base, "#"); name != in.Name {
			continue
		}
		b, ok := c.fixtureBinding(in, file)
		if !ok {
			continue
		}
		known = true
		for _, n := range b.notes {
			if n.Code == diag.FileNewColumn {
				c.lint(diag.Pos{File: path.Join(c.bundle.Path, file), Line: 1}, "map it, or put it under `ignore` with a reason", "the column %q is neither used nor ignored", n.Column)
			}
		}
		for i, h := range b.headers {
			for _, g := range in.globs {
				if !b.bound[i] && bundle.MatchHeader(g.Value, h) {
					matched[g.Pos] = true
				}
			}
		}
	}
	for _, g := range in.globs {
		if known && !matched[g.Pos] {
			c.lint(g.Pos, "remove it, or add a fixture with the layout that has it", "`ignore` names %q, which no column of a known layout matches", g.Value)
		}
	}
}

// lintListScores finds scores of lists whose header is the same for all elements: a value there makes
// no element exist, and is lost where nothing else does.
func (c *compiler) lintListScores(lists []*List) {
	for _, l := range lists {
		for _, u := range l.scores {
			for _, r := range u.rows {
				if len(r.headers) > 0 && !l.names(r.headers) {
					c.lint(r.pos, "name a field in it, or put the row into a score table of the input", "the header %q names no field of the list %s: a value there makes no element exist, and is lost without one", strings.Join(bundle.Values(r.headers), "|"), l.Path)
				}
			}
		}
		c.lintListScores(l.lists)
	}
}

// fixtureBinding binds an input to the header of a fixture; false for those that are meant to fail.
func (c *compiler) fixtureBinding(in *Input, file string) (*binding, bool) {
	f, err := c.bundle.FS.Open(file)
	if err != nil {
		return nil, false
	}
	defer func() { _ = f.Close() }() // read only
	src, err := table.OpenReader(file, f, in.Def.TableOptions())
	if err != nil {
		return nil, false
	}
	b := newBinding(file, src.Header().Names)
	if !in.chooseLayout(b) {
		return nil, false
	}
	c.fork().bind(in, b)
	return b, len(b.missing) == 0
}
