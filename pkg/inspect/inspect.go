// Package inspect owns `sluice inspect`: what a file is, column by column, and which bundle it fits. What
// may be a student's is left out as far as it can be told: values are shown for columns that hold few
// different ones, and ranges for numbers, but neither for columns whose names suggest people or identifiers.
package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
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
	NoHeader  bool     `json:"noHeader,omitempty"` // the first line seems to be a row: no values are shown
	Columns   []Column `json:"columns"`
	Fits      []Fit    `json:"fits"` // best first
}

// usualDelimiters are tried in this order.
var usualDelimiters = []string{",", "\t", ";", "|"}

// DelimiterName is a delimiter in words.
func DelimiterName(delimiter string) string {
	if i := slices.Index(usualDelimiters, delimiter); i >= 0 {
		return []string{"commas", "tabs", "semicolons", "bars"}[i]
	}
	return strconv.Quote(delimiter)
}

// headBytes is how much of a file decides how it is written.
const headBytes = 256 << 10

// Read reads a whole file. Names of bundles that it may fit come from the contracts.
func Read(ctx context.Context, path string, contracts []Contract) (*File, error) {
	head, size, err := readHead(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Bytes: size}
	f.LineEnds = lineEnds(head)
	options, err := f.options(path, head, usualDelimiters)
	if err != nil {
		return nil, err
	}
	r, err := table.Open(path, options)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // read only
	if err := f.rows(ctx, r); err != nil {
		return nil, err
	}
	f.Fits = Fits(r.Header().Names, contracts)
	return f, nil
}

// Header is how a file's columns are called, and what separates them: a usual delimiter, or the one that
// was expected.
func Header(path, expected string) (names []string, delimiter string, err error) {
	head, _, err := readHead(path)
	if err != nil {
		return nil, "", err
	}
	f := &File{}
	options, err := f.options(path, head, append([]string{expected}, usualDelimiters...))
	if err != nil {
		return nil, "", err
	}
	r, err := table.OpenReader(path, bytes.NewReader(head), options)
	if err != nil {
		return nil, "", err
	}
	return r.Header().Names, f.Delimiter, nil
}

// readHead reads the beginning of a file.
func readHead(path string) (head []byte, size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, diag.FailWith(err, diag.Usage, diag.ConfigFile, "check the path", "the file cannot be read")
	}
	if !info.Mode().IsRegular() {
		return nil, 0, diag.Fail(diag.Usage, diag.ConfigFile, "name a file", "%s is not a file", path)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, 0, diag.FailWith(err, diag.Usage, diag.ConfigFile, "check the file's permissions", "the file cannot be read")
	}
	defer in.Close() //nolint:errcheck // read only
	head, err = io.ReadAll(io.LimitReader(in, headBytes))
	if err != nil {
		return nil, 0, diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "", "%s cannot be read", path)
	}
	return head, info.Size(), nil
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

// options finds out how a file is written; what is not a table is an error that says what it is.
func (f *File) options(path string, head []byte, delimiters []string) (table.Options, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	no := func(what, next string) (table.Options, error) {
		return table.Options{}, diag.Fail(diag.Usage, diag.ConfigFile, next, "%s is %s, not a table", path, what)
	}
	const export = "export it as CSV"
	switch {
	case len(text) == 0:
		return no("empty", "ask for the export again")
	case text[0] == '{', text[0] == '[':
		return no("JSON", export)
	case bytes.HasPrefix(text, []byte("<?xml")):
		return no("XML", export)
	case text[0] == '<':
		return no("a web page", "log in to the vendor's site again, and export it again")
	}
	if !validHead(head) {
		f.Encoding = "windows-1252"
	}
	var best table.Options
	most := 0
	for _, delimiter := range delimiters {
		o := table.Options{Delimiter: delimiter, Encoding: f.Encoding}
		r, err := table.OpenReader(path, bytes.NewReader(head), o)
		if err != nil {
			return o, err
		}
		if h := r.Header(); len(h.Names) > most {
			best, most = o, len(h.Names)
			f.Delimiter, f.Encoding = delimiter, h.Encoding
		}
	}
	best.Encoding = f.Encoding
	return best, nil
}

// validHead reports whether a beginning is UTF-8, a character that it cuts in two aside, or has a mark
// that says what it is.
func validHead(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	for range utf8.UTFMax - 1 {
		if len(head) < headBytes || utf8.Valid(head) {
			break
		}
		head = head[:len(head)-1]
	}
	return utf8.Valid(head)
}

// rows reads all rows.
func (f *File) rows(ctx context.Context, r table.Reader) error {
	names := r.Header().Names
	f.NoHeader = slices.ContainsFunc(names, isCell)
	tallies := make([]*tally, len(names))
	for i, name := range names {
		tallies[i] = newTally(name, f.NoHeader)
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
	for _, t := range tallies {
		f.Columns = append(f.Columns, t.column())
	}
	return nil
}
