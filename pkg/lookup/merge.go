package lookup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// Merged is what the rows of a tenant did to a table.
type Merged struct{ Added, Replaced int }

// merge lets each of the rows replace the whole row with its key, or be added. Rows of one key with
// validity are replaced where they begin on the same day. A cell may be empty only in a column in which the
// table has empty cells without these rows.
func (t *Table) merge(rows []expression.TableRow, problems *diag.Distinct) (done Merged) {
	known := map[string]int{}
	for i, r := range t.Rows {
		known[t.keyOf(r)] = i
	}
	needed := t.needed()
	seen := map[string]diag.Pos{}
	for _, r := range rows {
		if t.lacks(r, needed, problems) {
			continue
		}
		key := t.keyOf(r)
		if first, ok := seen[key]; ok {
			problems.Add(diag.At(r.Pos, diag.BundleOverlay, "Remove one of them.", "the key is already in line %d", first.Line))
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
func (t *Table) keyOf(r expression.TableRow) string {
	var b []byte
	for _, k := range t.Keys {
		v, _ := expression.ParseValue(r.Cells[k], t.Kinds[k])
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
			slices.ContainsFunc(t.Rows, func(r expression.TableRow) bool { return r.Cells[i] == "" })
		if !optional || slices.Contains(t.Keys, i) {
			columns = append(columns, i)
		}
	}
	return columns
}

// lacks reports cells of a tenant's row that are empty and must not be.
func (t *Table) lacks(r expression.TableRow, needed []int, problems *diag.Distinct) bool {
	empty := slices.DeleteFunc(slices.Clone(needed), func(i int) bool { return r.Cells[i] != "" })
	if len(empty) > 0 && inOneCell(r.Cells, len(t.Header)) {
		message, fix := ragged(r.Cells, len(t.Header))
		problems.Add(diag.At(r.Pos, diag.BundleOverlay, fix, "%s", message))
		return true
	}
	for _, i := range empty {
		problems.Add(diag.At(r.Pos, diag.BundleOverlay, "Write "+t.Choice(i)+".", "%s is empty", t.Header[i]))
	}
	return len(empty) > 0
}

// inOneCell reports whether the first of some cells is a whole row of a table, and the others are empty.
func inOneCell(cells []string, width int) bool {
	return width > 1 && strings.Count(cells[0], ",") >= width-1 && !slices.ContainsFunc(cells[1:], func(c string) bool { return c != "" })
}

// ragged says what is wrong with a row that does not fit its header, and what can be done.
func ragged(cells []string, width int) (message, fix string) {
	if inOneCell(cells, width) {
		return fmt.Sprintf("the whole row %q is in one cell", cells[0]),
			"Put each value into a cell of its own; a spreadsheet does it with \"text to columns\", split at the comma."
	}
	return fmt.Sprintf("the row has %s, and the header has %d", diag.Counted(len(cells), "cell", "cells"), width),
		"Put each value into its cell; a value that holds a comma stands in quotes."
}

// otherHeader says what is wrong with the first line of a tenant's table, and what can be done.
func otherHeader(header, want []string) (message, fix string) {
	if inOneCell(header, len(want)) {
		return ragged(header, len(want))
	}
	line := []rune(strings.Join(header, ","))
	if most := 200; len(line) > most {
		line = append(line[:most], '…')
	}
	message = fmt.Sprintf("the first line is %q, and not that of the bundle's table", string(line))
	fix = "Make the first line " + strings.Join(want, ",") + "."
	for delimiter, name := range map[string]string{";": "semicolons", "\t": "tabs"} {
		if slices.Equal(header, []string{strings.Join(want, delimiter)}) {
			message, fix = "the cells are separated by "+name, "Save the file as CSV with commas."
		}
	}
	return message, fix
}

// unpadded is a table without the columns at its end that have neither a header nor a value: spreadsheets leave them.
func unpadded(header []string, rows []expression.TableRow) ([]string, []expression.TableRow) {
	blank := func(cells []string) bool { return !slices.ContainsFunc(cells, func(c string) bool { return c != "" }) }
	for last := len(header) - 1; last > 0 && header[last] == ""; last-- {
		if slices.ContainsFunc(rows, func(r expression.TableRow) bool { return len(r.Cells) > last && !blank(r.Cells[last:]) }) {
			break
		}
		header = header[:last]
		for i, r := range rows {
			rows[i].Cells = r.Cells[:min(len(r.Cells), last)]
		}
	}
	return header, rows
}
