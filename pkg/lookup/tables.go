// Package lookup reads the tables of a bundle, with the rows that a tenant has of its own:
//
//	tables/*.csv  ──Load──►  Tables  ──Merge──►  the tenant's rows in them  ──Fill──►  cells typed, rows found by key
//
// Load takes what the bundle says of its tables. How they are used says more: by what rows are found, and by which
// types. So whoever compiles the bundle may still change a Table, and fill it again; once the bundle is compiled, its
// tables are immutable. What is wrong goes to a collector of problems.
package lookup

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Tables is the tables of a bundle.
type Tables struct {
	bundle  *bundle.Bundle
	overlay *Overlay
	named   map[string]*Table
	unread  map[string]bool   // could not be read, which was reported
	written map[string]*Table // the tenant's, of descriptor types that are as written
}

// Load reads every tables/*.csv, and what `tables:` says of them.
func Load(b *bundle.Bundle, overlay *Overlay, problems *diag.Distinct) *Tables {
	ts := &Tables{bundle: b, overlay: overlay, named: map[string]*Table{}, unread: map[string]bool{}, written: map[string]*Table{}}
	declared := map[string]bool{}
	for _, t := range b.Tables {
		declared[t.Name.Value] = true
	}
	files, err := fs.Glob(b.FS, "tables/*.csv")
	if err != nil {
		problems.Add(diag.At(diag.Pos{File: b.Path}, diag.BundleTable, "", "the folder tables cannot be read: %v", err))
	}
	var known []string
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".csv")
		if known = append(known, name); !declared[name] {
			ts.load(name, file, nil, problems)
		}
	}
	for _, t := range b.Tables {
		file := "tables/" + t.Name.Value + ".csv"
		if t.File != nil {
			file = path.Clean(t.File.Value)
		}
		if _, err := fs.Stat(b.FS, file); err != nil {
			ts.unread[t.Name.Value] = true
			problems.Add(diag.At(t.Name.Pos, diag.BundleTable, "Put the CSV there, or name it under `file:`.",
				"there is no %s%s", file, diag.DidYouMean(t.Name.Value, known)))
			continue
		}
		ts.load(t.Name.Value, file, t, problems)
	}
	return ts
}

func (ts *Tables) load(name, file string, def *bundle.Table, problems *diag.Distinct) {
	t := newTable(name, file, path.Join(ts.bundle.Path, file))
	text, err := fs.ReadFile(ts.bundle.FS, file)
	if err != nil {
		problems.Add(diag.At(t.Pos, diag.BundleTable, "", "the table cannot be read: %v", err))
	}
	if err != nil || !t.read(text, problems) {
		ts.unread[name] = true
		return
	}
	ts.named[name] = t
	if def != nil {
		t.declare(def, problems)
	}
}

// Table is a table by its name; nil if there is none.
func (ts *Tables) Table(name string) *Table { return ts.named[name] }

// Unread reports whether a table is there, or should be, and could not be read: this was reported.
func (ts *Tables) Unread(name string) bool { return ts.unread[name] }

// Names is the names of the tables, sorted.
func (ts *Tables) Names() []string { return slices.Sorted(maps.Keys(ts.named)) }

// AsWritten is the tenant's table of a descriptor type whose values are as written; nil if it has none.
func (ts *Tables) AsWritten(typ string) *Table { return ts.written[typ] }

// Fill types the cells and builds the indexes, once it is known what is looked up.
func (ts *Tables) Fill(problems *diag.Distinct) {
	for _, some := range []map[string]*Table{ts.named, ts.written} {
		for _, name := range slices.Sorted(maps.Keys(some)) {
			ts.fill(some[name], problems)
		}
	}
}

// fill fills a table, and says where what it lacks belongs: into the tenant's overlay, or into the
// bundle's file.
func (ts *Tables) fill(t *Table, problems *diag.Distinct) {
	t.Place = t.Shown
	switch {
	case t.Overlay && t.over != "":
		t.Place = t.over
	case ts.bundle.Origin != bundle.Embedded:
	case t.Overlay:
		t.Remedy = "Name a tenant with --tenant: its own table " + path.Base(t.file) + " may have the row."
	default:
		t.Remedy = "Copy the bundle with `sluice bundle copy " + ts.bundle.Name + " DIR`, and add the row to DIR/" + t.file + "."
	}
	t.Fill(t.Keyed, func(p diag.Problem) {
		p.Code = ts.overlay.CodeOf(p.Pos(), p.Code)
		problems.Add(p)
	})
}
