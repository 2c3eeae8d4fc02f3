package expression

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Table is what lookup finds rows in: keys, and rows of typed values that may be valid for some days
// only. It is filled before the first row is mapped, and immutable from then on.
type Table struct {
	Name   string
	Header []string
	Rows   []TableRow
	Keys   []int // columns
	From   int   // columns of validity, or -1
	To     int
	Kinds  []Kind // of the columns
	Place  string // the file that a missing row belongs into, for messages
	Remedy string // how a missing row is added, where that is not as simple
	Texts  bool   // what stands beside the key describes it, and may be empty

	Values [][]Value // by row and column; nil until the table is filled
	Empty  []bool    // a column has empty cells
	index  map[string][]int32
}

// TableRow is a row as written.
type TableRow struct {
	Cells []string // trimmed
	Pos   diag.Pos
}

// Column finds a column by its name.
func (t *Table) Column(name string) (int, bool) {
	i := slices.Index(t.Header, name)
	return i, i >= 0
}

// Cell is a cell's text; empty if there is no such column.
func (t *Table) Cell(row int, column string) string {
	if i, ok := t.Column(column); ok {
		return t.Rows[row].Cells[i]
	}
	return ""
}

// TypeOf is what a column holds.
func (t *Table) TypeOf(col int) Type { return Type{Kind: t.Kinds[col], Nullable: t.Empty[col]} }

// dated reports whether rows have days on which they are valid.
func (t *Table) dated() bool { return t.From >= 0 || t.To >= 0 }

// keyNames is the columns of the key, for messages.
func (t *Table) keyNames() string {
	names := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		names[i] = t.Header[k]
	}
	return strings.Join(names, ", ")
}

// keyText is the key of a row for people.
func (t *Table) keyText(row int) string {
	parts := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		parts[i] = t.Rows[row].Cells[k]
	}
	return strings.Join(parts, KeySeparator)
}

// KeyTexts is the keys of all rows.
func (t *Table) KeyTexts() []string {
	all := make([]string, len(t.Rows))
	for i := range t.Rows {
		all[i] = t.keyText(i)
	}
	return all
}

// Fill types the cells. Rows are found by key if the table is keyed: then keys must be there, and
// differ.
func (t *Table) Fill(keyed bool, report func(diag.Problem)) {
	t.Values, t.Empty, t.index = make([][]Value, len(t.Rows)), make([]bool, len(t.Header)), make(map[string][]int32, len(t.Rows))
	for i, r := range t.Rows {
		bad := func(fix, format string, args ...any) { report(diag.At(r.Pos, diag.BundleTable, fix, format, args...)) }
		t.Values[i] = make([]Value, len(t.Header))
		for k, cell := range r.Cells {
			v, ok := ParseValue(cell, t.Kinds[k])
			if !ok {
				bad("Correct the cell, or the type under `tables:`.", "column %q: %q is not %s", t.Header[k], cell, WithArticle(t.Kinds[k]))
			}
			t.Values[i][k] = v
			t.Empty[k] = t.Empty[k] || v.IsNull()
		}
		if from, to := t.validity(i); to != "" && from > to {
			bad("Swap the two dates.", "the row is valid from %s to %s: on no day", from, to)
		}
		if !keyed {
			continue
		}
		key, ok := t.key(i)
		if !ok {
			bad("Fill the key in, or remove the row.", "the key (%s) is empty", t.keyNames())
			continue
		}
		for _, other := range t.index[string(key)] {
			at := t.Rows[other].Pos
			if !t.dated() {
				bad("Remove one of the two rows.", "the key (%s) %q is already in line %d of %s", t.keyNames(), t.keyText(i), at.Line, at.File)
			} else if t.overlap(i, int(other)) {
				bad("Let one end before the other begins.", "the validity overlaps that of line %d of %s, which has the same key", at.Line, at.File)
			}
		}
		t.index[string(key)] = append(t.index[string(key)], int32(i))
	}
}

// key is the key of a row as Find takes it; false if a part of it is null.
func (t *Table) key(row int) (key []byte, ok bool) {
	ok = true
	for _, k := range t.Keys {
		ok = ok && !t.Values[row][k].IsNull()
		key = t.Values[row][k].AppendKey(key)
	}
	return key, ok
}

// Find is the row of a key, valid on a day; -1 if there is none.
func (t *Table) Find(key []byte, day string) int {
	for _, i := range t.index[string(key)] {
		if !t.dated() {
			return int(i)
		}
		from, to := t.validity(int(i))
		if day >= from && (to == "" || day <= to) {
			return int(i)
		}
	}
	return -1
}

// FindText is the row of a text in a table with one column of it as key; -1 if there is none, or no
// table.
func (t *Table) FindText(text string) int {
	if t == nil {
		return -1
	}
	return t.Find(TextValue(text).AppendKey(nil), "")
}

// validity is the first and last day of a row, empty if open.
func (t *Table) validity(row int) (from, to string) {
	if t.From >= 0 {
		from = t.Values[row][t.From].S
	}
	if t.To >= 0 {
		to = t.Values[row][t.To].S
	}
	return from, to
}

// gap is the days around one on which no row of a key is valid, empty if open.
func (t *Table) gap(rows []int32, day string) (from, to string) {
	beside := func(day string, days int) string {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return ""
		}
		return at.AddDate(0, 0, days).Format(time.DateOnly)
	}
	for _, i := range rows {
		first, last := t.validity(int(i))
		switch {
		case last != "" && last < day:
			from = max(from, beside(last, 1))
		case to == "" || first <= to:
			to = beside(first, -1)
		}
	}
	return from, to
}

func (t *Table) overlap(a, b int) bool {
	from, to := t.validity(a)
	from2, to2 := t.validity(b)
	return (to == "" || from2 <= to) && (to2 == "" || from <= to2)
}
