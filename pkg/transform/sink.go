package transform

import (
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/rejects"
)

// Sink takes what a run gives, in the order of the inputs, one call at a time: the run directory is one,
// the memory of a test another. It may use what it is given during the call only.
type Sink interface {
	// Begin starts with nothing. It is called again, after Close, where everything is handed on once
	// more.
	Begin() error
	// Row takes what became of a row; its records may have been handed on before or come after.
	Row(at mapping.Place, line int64, became RowFate) error
	// Staged takes records of a resource.
	Staged(resource string, l Lines) error
	// Problem takes what is wrong or worth knowing, already cut to what a person can read.
	Problem(p diag.Problem) error
	// Rejected takes a row as it stands in its file. The rows of a file come one after the other.
	Rejected(f *RejectFile, raw string) error
	// Unmapped takes a value that no table knows, Mapped a descriptor that was decided.
	Unmapped(v Unmapped) error
	Mapped(m Mapped) error
	// Commit makes everything permanent.
	Commit(r *Result) error
	// Close throws away what was not committed.
	Close() error
}

// RowFate is what became of a row, as the counts of a run call it.
type RowFate string

// What became of a row.
const (
	Used      RowFate = "used"
	Filtered  RowFate = "filtered"
	Duplicate RowFate = "duplicate"
	Other     RowFate = "other"
	Rejected  RowFate = "rejected"
)

// Lines are records, a line each, with the lines that say where they come from.
type Lines struct {
	N       int
	Records []byte
	Origins []byte
}

// RejectFile is a file whose rejected rows are kept under its header.
type RejectFile struct {
	Place mapping.Place
	Head  rejects.Head
}

// Unmapped is a value that no table knows, with what makes it known: a row of unmapped.csv.
type Unmapped struct {
	Table   string
	Value   string
	Count   int64
	First   string   // origin
	Nearest []string // keys of the table
	File    string   // that the row belongs into
	Header  string   // its first line
	Missing string   // the row to paste, and to complete

	FilledFrom string // the key of the row that cells were taken from; empty: none is near
	Allowed    string // the values that cells may have, a column to a line
}

// UnmappedColumns are the columns of unmapped.csv.
var UnmappedColumns = []string{"lookup", "value", "count", "firstLine", "nearest", "file", "header", "row", "filledFrom", "allowed"}

// Row is the row of unmapped.csv.
func (v Unmapped) Row() []string {
	return []string{v.Table, v.Value, strconv.FormatInt(v.Count, 10), v.First, strings.Join(v.Nearest, "; "), v.File, v.Header, v.Missing, v.FilledFrom, v.Allowed}
}

// Mapped is a descriptor that was decided, with how often: a row of mappings.csv.
type Mapped struct {
	mapping.Decision
	Count   int64
	Version string // of the bundle
}
