package mapping

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Lint lists what the bundle is allowed to do and had better not do, as far as that shows when it is compiled: names that
// nothing uses, headers that nothing binds, values that may be null. The other rules are package lint's.
func (p *Program) Lint() diag.List {
	c := p.compiler.fork()
	c.report.uses.take(&p.compiler.report.uses)
	for _, d := range p.compiler.report.lints.List {
		c.report.lints.Add(d)
	}
	c.lintUnused()
	for _, in := range p.inputs {
		c.lintHeaders(in)
		c.lintListScores(in.lists)
	}
	c.report.lints.List.Sort()
	return c.report.lints.List
}

// Trees is the expressions of the bundle, parsed; nobody may change the map.
func (p *Program) Trees() map[*bundle.Expr]*expression.Tree { return p.compiler.trees }

// lintUnused finds names that nothing uses.
func (c *compiler) lintUnused() {
	uses := &c.report.uses
	for _, def := range c.bundle.Params {
		if !uses.names[def.Name.Pos] {
			c.lint(def.Name.Pos, "Remove it.", "the parameter %q is used nowhere", def.Name.Value)
		}
	}
	for pos, sym := range uses.declared {
		if !uses.names[pos] && pos.File != "" {
			c.lint(pos, "Use it, put its header under `ignore` with a reason, or remove it.", "the %s %q is used nowhere", sym.What, sym.Name)
		}
	}
	for _, name := range c.tables.Names() {
		if !uses.tables[name] {
			c.lint(c.tables.Table(name).Pos, "Remove it.", "the table %q is used nowhere", name)
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(c.rules)) {
		if r := c.rules[typ]; !uses.rules[typ] {
			c.lint(r.pos, "Remove it.", "no record holds a %s", typ)
		}
	}
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
				c.lint(diag.Pos{File: path.Join(c.bundle.Path, file), Line: 1}, "Map it, or put it under `ignore` with a reason.", "the column %q is neither used nor ignored", n.Column)
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
	if !known && c.bundle.Origin != bundle.Embedded { // which carries no fixtures
		c.lint(in.Def.Name.Pos, "Put a file of the vendor's as fixtures/<case>/"+in.Name+".csv, its students made up.",
			"no fixture has a header of the input %s: whether each column is used or ignored was not checked", in.Name)
	}
	for _, g := range in.globs {
		if known && !matched[g.Pos] {
			c.lint(g.Pos, "Remove it, or add a fixture with the layout that has it.", "`ignore` names %q, which no column of a known layout matches", g.Value)
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
					c.lint(r.pos, "Name a field in it, or put the row into a score table of the input.", "the header %q names no field of the list %s: a value there does not make an element, and is lost if there is none", strings.Join(bundle.Values(r.headers), "|"), l.Path)
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
