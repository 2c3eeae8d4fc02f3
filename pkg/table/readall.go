package table

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// Table is a small table, read whole: one of a bundle's, not a vendor's.
type Table struct {
	Headers []Header
	Rows    []Row // without blank ones; Cells are as many as the line has, see Ragged
}

// ReadAll reads a whole table. The error is a *diag.Error.
func ReadAll(name string, text []byte, o Options) (*Table, error) {
	s, err := OpenReader(name, bytes.NewReader(text), o)
	if err != nil {
		return nil, err
	}
	t := &Table{Headers: s.Headers()}
	var parser Parser
	for {
		var b Block
		err := s.Next(&b)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		for row := range b.Rows(&parser) {
			if !row.Blank {
				row.Cells = slices.Clone(row.Cells)
				t.Rows = append(t.Rows, row)
			}
		}
	}
}

// Ragged reports whether the row has not as many cells as the table has columns.
func (t *Table) Ragged(r *Row) bool { return len(r.Cells) != len(t.Headers) }
