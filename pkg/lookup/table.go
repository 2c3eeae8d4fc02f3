package lookup

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Table is a table of the bundle, with the rows of the tenant's overlay in it.
type Table struct {
	*expression.Table
	Pos     diag.Pos // in bundle.yaml, or of the CSV
	Shown   string   // how messages name the file
	Keyed   bool     // rows are found by key, so keys must be there and differ
	Decided []bool   // the kind of a column was declared, or follows from a lookup
	Overlay bool     // tenants may overlay it

	file string // in the bundle: tables/x.csv
	over string // how messages name the overlay file; empty without tenant
}

func newTable(name, file, shown string) *Table {
	return &Table{Table: &expression.Table{Name: name, Keys: []int{0}, From: -1, To: -1},
		Pos: diag.Pos{File: shown, Line: 1}, Shown: shown, file: file}
}

// columns gives a table its columns, of text unless said.
func (t *Table) columns(header []string) {
	t.Header, t.Kinds = header, make([]expression.Kind, len(header))
	t.Decided, t.Empty = make([]bool, len(header)), make([]bool, len(header))
	for i := range t.Kinds {
		t.Kinds[i] = expression.KindText
	}
}

// declare takes what `tables:` says of a table.
func (t *Table) declare(def *bundle.Table, problems *diag.Distinct) {
	t.Pos, t.Overlay = def.Pos, def.Overlay
	t.Keyed = def.Overlay // a tenant's row replaces the one with its key
	find := func(w bundle.Text) (int, bool) {
		i, ok := t.Column(w.Value)
		if !ok {
			problems.Add(diag.At(w.Pos, diag.BundleTable, "Its columns are "+strings.Join(t.Header, ", ")+".",
				"%s has no column %q%s", t.file, w.Value, diag.DidYouMean(w.Value, t.Header)))
		}
		return i, ok
	}
	if len(def.Key) > 0 {
		t.Keys, t.Keyed = nil, true
		for _, k := range def.Key {
			if i, ok := find(k); ok {
				t.Keys = append(t.Keys, i)
			}
		}
	}
	for _, k := range def.Types {
		if i, ok := find(k.Column); ok {
			t.decide(i, KindOf(k.Type))
		}
	}
	if def.Valid != nil {
		t.Keyed = true
		for _, end := range []struct {
			column bundle.Text
			into   *int
		}{{def.Valid.From, &t.From}, {def.Valid.To, &t.To}} {
			if i, ok := find(end.column); ok {
				*end.into = i
				t.decide(i, expression.KindDate)
			}
		}
	}
}

func (t *Table) decide(column int, k expression.Kind) { t.Kinds[column], t.Decided[column] = k, true }

// FindByText makes a column of texts the key.
func (t *Table) FindByText(column int) {
	t.Keys, t.Keyed = []int{column}, true
	t.decide(column, expression.KindText)
}

// read reads header and rows; a row that is ragged is a problem.
func (t *Table) read(text []byte, problems *diag.Distinct) bool {
	header, rows, problem := parse(t.Shown, text)
	if problem != nil {
		problems.Add(*problem)
		return false
	}
	for i, h := range header {
		if h == "" {
			problems.Add(diag.At(t.Pos, diag.BundleTable, "Name every column.", "column %d has no name", i+1))
			return false
		}
		if slices.Index(header, h) != i {
			problems.Add(diag.At(t.Pos, diag.BundleTable, "Rename one.", "the column %q occurs twice", h))
			return false
		}
	}
	t.columns(header)
	t.Rows = whole(rows, len(header), diag.BundleTable, problems)
	return true
}

// whole is the rows that have a cell for each column; the others are problems.
func whole(rows []expression.TableRow, width int, code diag.Code, problems *diag.Distinct) []expression.TableRow {
	out := rows[:0]
	for _, r := range rows {
		if len(r.Cells) != width {
			message, fix := ragged(r.Cells, width)
			problems.Add(diag.At(r.Pos, code, fix, "%s", message))
			continue
		}
		out = append(out, r)
	}
	return out
}

// parse reads a table; cells are trimmed.
func parse(shown string, text []byte) ([]string, []expression.TableRow, *diag.Problem) {
	header, records, problem := table.ReadAll(shown, text)
	if problem != nil {
		problem.Code = diag.BundleTable
		return nil, nil, problem
	}
	for i := range header {
		header[i] = expression.TrimSpace(header[i])
	}
	rows := make([]expression.TableRow, len(records))
	for k, r := range records {
		for i := range r.Cells {
			r.Cells[i] = expression.TrimSpace(r.Cells[i])
		}
		rows[k] = expression.TableRow{Cells: r.Cells, Pos: diag.Pos{File: shown, Line: r.Line}}
	}
	return header, rows, nil
}

// kinds are the kinds of declared types; any other type is text.
var kinds = map[bundle.Type]expression.Kind{bundle.TypeInteger: expression.KindInteger, bundle.TypeDecimal: expression.KindDecimal,
	bundle.TypeBoolean: expression.KindBoolean, bundle.TypeDate: expression.KindDate, bundle.TypeDateTime: expression.KindDateTime,
	bundle.TypeTime: expression.KindTime}

// KindOf is the kind of a declared type.
func KindOf(t bundle.Type) expression.Kind { return cmp.Or(kinds[t], expression.KindText) }
