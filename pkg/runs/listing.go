package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Listing writes each of its rows twice: to <name>.jsonl for programs and to <name>.csv for people. It
// is owned by one goroutine.
type Listing struct {
	json *jsonl.Writer
	csv  *TextTable
}

// NewListing begins the two files, whose folder must exist. name is their path without the extension.
func NewListing(name string, columns ...string) (*Listing, error) {
	var l Listing
	var err error
	if l.json, err = jsonl.Create(name + ".jsonl"); err != nil {
		return nil, err
	}
	if l.csv, err = NewTextTable(name+".csv", columns...); err != nil {
		return nil, errors.Join(err, l.json.Close())
	}
	return &l, nil
}

// Add appends a row: as JSON, and as the cells of its columns.
func (l *Listing) Add(row any, cells ...string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return err
	}
	if err := l.json.Write(b.Bytes(), 1); err != nil {
		return err
	}
	return l.csv.Row(cells...)
}

// Commit gives both files their names.
func (l *Listing) Commit() error {
	if _, err := l.json.Commit(); err != nil {
		return errors.Join(err, l.csv.Close())
	}
	return l.csv.Commit()
}

// Close discards files that were not committed.
func (l *Listing) Close() error { return errors.Join(l.json.Close(), l.csv.Close()) }

// NumberCell is a number as lists for people have it: none is an empty cell.
func NumberCell(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
