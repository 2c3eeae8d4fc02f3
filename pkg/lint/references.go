package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// References is what the cells of a bundle's tables refer to, a tenant's rows included. It follows from how the
// bundle uses them:
//
//   - a column whose cells become a part of a reference holds what that part is in the records that other
//     tables of the bundle stage;
//   - a column whose cells become a descriptor that a table maps holds the values of that table;
//   - a column by which a table is joined (`on`) holds what it is joined with.
//
// Nothing is said of a column where that is not known before the first row, or where a `when` decides by it.
type References struct {
	linter
	program *mapping.Program
	known   func(typ string) []string
	columns map[cell]*column
}

// cell is a column of a table.
type cell struct{ table, name string }

// column is what the cells of a column may be.
type column struct {
	allowed []string
	what    string // where allowed values stand, as in "in assessments.csv"
	open    bool   // other values may be meant, too
}

// Refer finds what the cells of a program's tables refer to. known lists the descriptors of a type that ship
// with the data standard; nil: they are not known.
func Refer(p *mapping.Program, known func(typ string) []string) *References {
	r := &References{linter: linter{bundle: p.Bundle, trees: p.Trees()}, program: p, known: known, columns: map[cell]*column{}}
	for _, def := range p.Bundle.Resources {
		r.walkResource(def)
	}
	r.joins()
	return r
}

// Allowed is the values that a cell of a column may have; none if that is not known.
func (r *References) Allowed(table, name string) []string {
	if typ := r.mappedBy(table); typ != "" && name == "descriptor" {
		return r.descriptors(typ)
	}
	if c := r.columns[cell{table, name}]; c != nil && !c.open {
		return c.allowed
	}
	return nil
}

// Problems lists cells that refer to nothing.
func (r *References) Problems() diag.List {
	r.found = nil
	for at, c := range r.columns {
		t := r.program.Table(at.table)
		if t == nil || c.open {
			continue
		}
		i, ok := t.Column(at.name)
		if !ok {
			continue
		}
		for _, row := range t.Rows {
			if v := row.Cells[i]; v != "" && !slices.Contains(c.allowed, v) {
				r.dangling(row, fmt.Sprintf("%s is %q, which is not %s%s", at.name, v, c.what, diag.DidYouMean(v, c.allowed)),
					"Write "+expression.OneOf(c.allowed)+".")
			}
		}
	}
	for _, d := range r.bundle.Descriptors.Shared {
		r.unknownDescriptors(d)
	}
	r.found.Sort()
	return r.found
}

func (r *References) dangling(row expression.TableRow, message, fix string) {
	r.found = append(r.found, diag.At(row.Pos, r.program.CodeOf(row.Pos, diag.BundleTable), fix, "%s", message))
}

// unknownDescriptors warns of descriptors in the namespace of Ed-Fi that the data standard does not bring: a target
// may have them all the same.
func (r *References) unknownDescriptors(d *bundle.DescriptorType) {
	_, t := r.program.DescriptorTable(d.Type.Value)
	if t == nil || r.known == nil {
		return
	}
	i, ok := t.Column("descriptor")
	known := r.known(d.Type.Value)
	if !ok || len(known) == 0 { // of a data standard whose descriptors are not embedded
		return
	}
	for _, row := range t.Rows {
		to := row.Cells[i]
		if to != "" && !strings.Contains(to, "#") {
			to = standardNamespace + d.Type.Value + "#" + to
		}
		if !strings.HasPrefix(to, standardNamespace) || slices.Contains(known, to) {
			continue
		}
		p := diag.At(row.Pos, r.program.CodeOf(row.Pos, diag.BundleLint), "Write a descriptor that the target has; `sluice validate` asks it.",
			"%q is not a descriptor of data standard %s%s", to, r.program.Standard.Version, diag.DidYouMean(to, known))
		p.Level = diag.LevelWarning
		r.found = append(r.found, p)
	}
}

const standardNamespace = "uri://ed-fi.org/"

// mappedBy is the descriptor type that a table maps; "" if it maps none.
func (r *References) mappedBy(table string) string {
	for _, d := range r.bundle.Descriptors.Shared {
		if d.Table != nil && d.Table.Value == table || d.Host != nil && d.Type.Value == table {
			return d.Type.Value
		}
	}
	return ""
}

// descriptors is the descriptors of a type that are known: those of the data standard, and those of its table.
func (r *References) descriptors(typ string) []string {
	var all []string
	if r.known != nil {
		all = slices.Clone(r.known(typ))
	}
	if _, t := r.program.DescriptorTable(typ); t != nil {
		for i := range t.Rows {
			if d := t.Cell(i, "descriptor"); d != "" && !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all
}

// allow says what the cells of columns may be.
func (r *References) allow(at cell, what string, values []string) {
	c := r.columns[at]
	if c == nil {
		r.columns[at] = &column{allowed: slices.Clone(values), what: what}
		return
	}
	c.allowed = slices.DeleteFunc(c.allowed, func(v string) bool { return !slices.Contains(values, v) }) // each use must take it
}

// staged is what a part of the key is in the records of a resource that tables stage; false if others stage some, too.
func (r *References) staged(resource, part string) (values []string, ok bool) {
	for _, def := range r.bundle.Resources {
		if def.Name.Value != resource {
			continue
		}
		if ok = def.From.Table != ""; !ok {
			return nil, false
		}
	}
	for _, t := range r.program.TableRecords() {
		if !ok || r.program.Resources()[t.Resource] != resource {
			continue
		}
		var record map[string]any
		if json.Unmarshal(t.Text, &record) != nil {
			return nil, false
		}
		if v, text := record[part].(string); text && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, ok && len(values) > 0
}

// stagedFrom names the tables that a resource is made from, for messages.
func (r *References) stagedFrom(resource string) string {
	var files []string
	for _, def := range r.bundle.Resources {
		if def.Name.Value == resource {
			files = append(files, r.fileOf(def.From.Table))
		}
	}
	slices.Sort(files)
	return strings.Join(slices.Compact(files), ", ")
}

// fileOf is the name of a table's file.
func (r *References) fileOf(table string) string {
	all, _ := r.bundle.TableFiles() // those of a bundle that compiles are there
	return path.Base(all[table])
}

// joins finds the columns by which tables are joined, of those that are used in no other way.
func (r *References) joins() {
	other := map[string]bool{}
	for _, tree := range r.trees {
		tree.Lookups(func(table string, _ []string) { other[table] = true })
	}
	for _, d := range slices.Concat(r.bundle.Descriptors.Shared, r.bundle.Descriptors.Vendor) {
		if d.Table != nil {
			other[d.Table.Value] = true
		}
	}
	uses := joined{r: r, other: other, columns: map[cell]*column{}}
	for _, def := range r.bundle.Resources {
		uses.other[def.From.Table] = true
	}
	for _, in := range r.bundle.Inputs {
		uses.scores(in.Scores, in)
		uses.lists(in.Lists, in)
	}
	for _, def := range r.bundle.Resources {
		uses.node(def.Record, def)
	}
	for _, at := range slices.Collect(maps.Keys(uses.columns)) {
		if c := uses.columns[at]; !c.open && !uses.other[at.table] && r.columns[at] == nil {
			r.columns[at] = c
		}
	}
}
