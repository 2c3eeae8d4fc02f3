package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Merged is what the rows of a tenant did to a table.
type Merged struct{ Added, Replaced int }

// Merge lets each of the rows replace the whole row with its key, or be added. Rows of one key with
// validity are replaced where they begin on the same day. A cell may be empty only in a column in which the
// table has empty cells without these rows.
func (t *Table) Merge(rows []TableRow, report func(diag.Problem)) (done Merged) {
	known := map[string]int{}
	for i, r := range t.Rows {
		known[t.keyOf(r)] = i
	}
	needed := t.needed()
	seen := map[string]diag.Pos{}
	for _, r := range rows {
		if t.lacks(r, needed, report) {
			continue
		}
		key := t.keyOf(r)
		if first, ok := seen[key]; ok {
			report(diag.At(r.Pos, diag.BundleOverlay, "Remove one of them.", "the key is already in line %d", first.Line))
			continue
		}
		seen[key] = r.Pos
		if i, ok := known[key]; ok {
			t.Rows[i] = r
			done.Replaced++
		} else {
			t.Rows = append(t.Rows, r)
			done.Added++
		}
	}
	return done
}

// keyOf is by what a row replaces another one.
func (t *Table) keyOf(r TableRow) string {
	var b []byte
	for _, k := range t.Keys {
		v, _ := ParseValue(r.Cells[k], t.Kinds[k])
		b = v.AppendKey(b)
	}
	if t.From >= 0 {
		b = append(b, r.Cells[t.From]...)
	}
	return string(b)
}

// needed is the columns that no row leaves empty, but for those of validity; the key is never empty.
func (t *Table) needed() (columns []int) {
	for i := range t.Header {
		optional := t.Texts || i == t.From || i == t.To || len(t.Rows) == 0 ||
			slices.ContainsFunc(t.Rows, func(r TableRow) bool { return r.Cells[i] == "" })
		if !optional || slices.Contains(t.Keys, i) {
			columns = append(columns, i)
		}
	}
	return columns
}

// lacks reports cells of a tenant's row that are empty and must not be.
func (t *Table) lacks(r TableRow, needed []int, report func(diag.Problem)) bool {
	empty := slices.DeleteFunc(slices.Clone(needed), func(i int) bool { return r.Cells[i] != "" })
	if len(empty) > 0 && inOneCell(r.Cells, len(t.Header)) {
		message, fix := Ragged(r.Cells, len(t.Header))
		report(diag.At(r.Pos, diag.BundleOverlay, fix, "%s", message))
		return true
	}
	for _, i := range empty {
		report(diag.At(r.Pos, diag.BundleOverlay, "Write "+t.Choice(i)+".", "%s is empty", t.Header[i]))
	}
	return len(empty) > 0
}

// inOneCell reports whether the first of some cells is a whole row of a table, and the others are empty.
func inOneCell(cells []string, width int) bool {
	return width > 1 && strings.Count(cells[0], ",") >= width-1 && !slices.ContainsFunc(cells[1:], func(c string) bool { return c != "" })
}

// Ragged says what is wrong with a row that does not fit its header, and what can be done.
func Ragged(cells []string, width int) (message, fix string) {
	if inOneCell(cells, width) {
		return fmt.Sprintf("the whole row %q is in one cell", cells[0]),
			"Put each value into a cell of its own; a spreadsheet does it with \"text to columns\", split at the comma."
	}
	return fmt.Sprintf("the row has %s, and the header has %d", diag.Counted(len(cells), "cell", "cells"), width),
		"Put each value into its cell; a value that holds a comma stands in quotes."
}

// OtherHeader says what is wrong with the first line of a tenant's table, and what can be done.
func OtherHeader(header, want []string) (message, fix string) {
	if inOneCell(header, len(want)) {
		return Ragged(header, len(want))
	}
	line := []rune(strings.Join(header, ","))
	if most := 200; len(line) > most {
		line = append(line[:most], '…')
	}
	message, fix = fmt.Sprintf("the first line is %q, and not that of the bundle's table", string(line)), "Make the first line "+strings.Join(want, ",")+"."
	for delimiter, name := range map[string]string{";": "semicolons", "\t": "tabs"} {
		if slices.Equal(header, []string{strings.Join(want, delimiter)}) {
			message, fix = "the cells are separated by "+name, "Save the file as CSV with commas."
		}
	}
	return message, fix
}

// Unpadded is a table without the columns at its end that have neither a header nor a value: spreadsheets leave them.
func Unpadded(header []string, rows []TableRow) ([]string, []TableRow) {
	blank := func(cells []string) bool { return !slices.ContainsFunc(cells, func(c string) bool { return c != "" }) }
	for last := len(header) - 1; last > 0 && header[last] == ""; last-- {
		if slices.ContainsFunc(rows, func(r TableRow) bool { return len(r.Cells) > last && !blank(r.Cells[last:]) }) {
			break
		}
		header = header[:last]
		for i, r := range rows {
			rows[i].Cells = r.Cells[:min(len(r.Cells), last)]
		}
	}
	return header, rows
}

// mostChoices is how many values a message lists.
const mostChoices = 12

// Choice is the values that a column has, for advice.
func (t *Table) Choice(column int) string {
	var all []string
	for _, r := range t.Rows {
		if c := r.Cells[column]; c != "" && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return OneOf(all)
}

// OneOf lists values for advice.
func OneOf(all []string) string {
	switch n := len(all); {
	case n == 0:
		return "a value"
	case n > mostChoices:
		return "one of " + strings.Join(all[:mostChoices], ", ") + ", …"
	}
	return "one of " + strings.Join(all, ", ")
}
