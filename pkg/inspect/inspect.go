// Package inspect owns `sluice inspect`: what a file is, column by column, and which bundle it fits. What
// may be a student's is left out as far as it can be told: values are shown for columns that hold few
// different ones, and ranges for numbers, but neither for columns whose names suggest people or identifiers.
package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// File says what a file is.
type File struct {
	Path      string   `json:"path"`
	Bytes     int64    `json:"bytes"`
	Encoding  string   `json:"encoding"`
	Delimiter string   `json:"delimiter"`
	LineEnds  string   `json:"lineEnds"` // LF, CRLF, CR, mixed, or none
	Rows      int64    `json:"rows"`     // blank ones left out
	Odd       int64    `json:"odd"`      // rows with another number of cells than the header, or with wrong quotes
	FirstOdd  int64    `json:"firstOdd,omitempty"`
	NoHeader  bool     `json:"noHeader,omitempty"` // the first line seems to be a row: neither it nor values are shown
	Columns   []Column `json:"columns"`
	Fits      []Fit    `json:"fits"` // best first
}

// Separator is what separates the cells, in words.
func (f *File) Separator() string { return table.DelimiterName(f.Delimiter) }

// Read reads a whole file; name is what messages call it. Bundles that it may fit come from the contracts.
func Read(ctx context.Context, path, name string, contracts []Contract) (*File, error) {
	h, err := ReadHead(path, name, contracts)
	if err != nil {
		return nil, err
	}
	f := &File{Path: name, Bytes: h.size, Delimiter: h.Delimiter, LineEnds: lineEnds(h.Text), Fits: h.Fits(contracts)}
	var shape table.Options
	var hidden []string
	if len(f.Fits) > 0 {
		shape, hidden = f.Fits[0].contract.Options, f.Fits[0].contract.Personal
	}
	r, err := table.Open(path, h.as(shape, h.Delimiter))
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // read only
	f.Encoding = r.Header().Encoding
	return f, f.rows(ctx, r, hidden)
}

// lineEnds says how the lines of a text end.
func lineEnds(text []byte) string {
	crlf := bytes.Count(text, []byte("\r\n"))
	lf, cr := bytes.Count(text, []byte("\n"))-crlf, bytes.Count(text, []byte("\r"))-crlf
	switch {
	case crlf > 0 && lf == 0 && cr == 0:
		return "CRLF"
	case lf > 0 && crlf == 0 && cr == 0:
		return "LF"
	case cr > 0 && crlf == 0 && lf == 0:
		return "CR"
	case crlf+lf+cr > 0:
		return "mixed"
	}
	return "none"
}

// rows reads all rows; hidden are patterns of headers that are personal by a bundle that the file fits.
func (f *File) rows(ctx context.Context, r table.Reader, hidden []string) error {
	names := r.Header().Names
	tallies := make([]*tally, len(names))
	for i, name := range names {
		tallies[i] = newTally(name, slices.ContainsFunc(hidden, func(pattern string) bool { return bundle.MatchHeader(pattern, name) }))
	}
	var block table.Block
	var parser table.Parser
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := r.Next(&block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for row := range block.Rows(&parser) {
			if row.Blank {
				continue
			}
			f.Rows++
			if len(row.Cells) != len(names) || row.Malformed != "" {
				if f.Odd++; f.Odd == 1 {
					f.FirstOdd = row.Line
				}
			}
			for i := range min(len(row.Cells), len(names)) {
				tallies[i].add(strings.TrimSpace(row.Cells[i]))
			}
		}
	}
	f.NoHeader = len(f.Fits) == 0 && slices.ContainsFunc(tallies, (*tally).headerIsCell)
	for _, t := range tallies {
		if f.NoHeader {
			t.about.Header, t.about.Hidden = "", true
		}
		f.Columns = append(f.Columns, t.column())
	}
	return nil
}
