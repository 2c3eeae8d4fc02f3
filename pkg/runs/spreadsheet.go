package runs

import (
	"encoding/csv"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// TextTable writes a CSV file that a person will open, maybe in a spreadsheet: a cell that a
// spreadsheet would take for a formula gets an apostrophe in front.
type TextTable struct {
	file *durable.File
	csv  *csv.Writer
}

// NewTextTable begins the file with its header.
func NewTextTable(path string, header ...string) (*TextTable, error) {
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	t := &TextTable{file: f, csv: csv.NewWriter(f)}
	return t, t.csv.Write(header)
}

// Row appends a row.
func (t *TextTable) Row(cells ...string) error { return t.csv.Write(TextCells(cells)) }

// TextCells is cells as a TextTable has them: none is a formula.
func TextCells(cells []string) []string {
	cells = slices.Clone(cells)
	for i, c := range cells {
		first, _ := utf8.DecodeRuneInString(c)
		if c != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", first) { // some spreadsheets read the full-width ones as the others
			if _, err := strconv.ParseFloat(c, 64); err != nil {
				cells[i] = "'" + c
			}
		}
	}
	return cells
}

// Commit gives the file its name.
func (t *TextTable) Commit() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return errors.Join(err, t.file.Close())
	}
	return t.file.Commit()
}

// Close discards a file that was not committed.
func (t *TextTable) Close() error { return t.file.Close() }
