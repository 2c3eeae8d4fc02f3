package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Drift is how the header of a file differs from what is expected of it.
type Drift struct {
	Input, File string
	Hint        string // of the header, on a wrong delimiter; or empty
	Headers     []string
	Have        int       // columns that are expected, and there
	Missing     []Missing // those that are not
	Unknown     []string  // headers that nothing reads; what is ignored may be what a column became
	New         []string  // of these, those that are not ignored either
}

// Missing is a column that is expected, and not there.
type Missing struct {
	Headers []string // alternatives
	What    string   // what is read from it
	Fix     string   // may be empty
	Rule    string   // file:line of the bundle
}

// mostColumns is how many columns are listed one by one.
const mostColumns = 10

// Error says which columns are missing, and what they may be called now. What is new is named only where
// most of the header is known: else it may be a row, and hold a student's data.
func (d *Drift) Error() error {
	of := fmt.Sprintf("does not have %d of the %d columns that are read", len(d.Missing), len(d.Missing)+d.Have)
	if d.Hint != "" || len(d.Missing) > mostColumns || len(d.Missing) > d.Have {
		return d.Stop(nil, of)
	}
	var missing, others []string
	for _, m := range d.Missing {
		missing = append(missing, m.Headers[0])
	}
	renames := Renames(missing, d.Unknown)
	var list diag.List
	for _, m := range d.Missing {
		list = append(list, diag.Problem{Column: m.Headers[0], Rule: m.Rule, Message: d.lacks(m, renames), Fix: m.Fix})
	}
	for _, h := range d.New {
		if i := strings.LastIndex(h, " ("); i > 0 && slices.Contains(missing, h[:i]) {
			continue // one of several columns of that name
		}
		if !slices.ContainsFunc(renames, func(r Rename) bool { return r.New == h }) {
			others = append(others, fmt.Sprintf("column %d, %q", d.column(h), h))
		}
	}
	if n := len(others); n > 0 && n <= mostColumns {
		list = append(list, diag.Problem{Code: diag.FileNewColumn, Count: n, Message: "new in the header: " + strings.Join(others, "; ")})
	}
	return d.Stop(list, of)
}

// column is the number of a column, from 1.
func (d *Drift) column(header string) int { return slices.Index(d.Headers, header) + 1 }

// lacks says of a column that it is missing, and what it may be called now.
func (d *Drift) lacks(m Missing, renames []Rename) string {
	old := m.Headers[0]
	if twice := d.column(old + " (1)"); twice > 0 {
		return fmt.Sprintf("%q occurs more than once in the header, first as column %d, which is read as %q; it is not clear which is meant", old, twice, old+" (1)")
	}
	i := slices.IndexFunc(renames, func(r Rename) bool { return r.Old == old })
	if i < 0 {
		return fmt.Sprintf("%s is missing (%s)", `"`+strings.Join(m.Headers, `" or "`)+`"`, m.What)
	}
	name := renames[i].New
	switch column := d.column(name); {
	case Alike(old, name):
		return fmt.Sprintf("column %d looks like %q, but differs in its blanks or its Unicode form: %+q, not %+q", column, old, name, old)
	case renames[i].Sure:
		return fmt.Sprintf("column %d is now called %q; it was %q", column, name, old)
	default:
		return fmt.Sprintf("%q is missing (%s); column %d, %q, is new and may be it", old, m.What, column, name)
	}
}

// Stop is the error of a file whose header does not fit; a list of one says what is wrong by itself.
func (d *Drift) Stop(list diag.List, what string) error {
	e := &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Message: d.File + " " + cmp.Or(d.Hint, what),
		Next: "Compare the file with an earlier one, or ask the vendor what has changed."}
	switch {
	case len(list) == 0 || d.Hint != "" || len(list) > mostColumns+1:
		list = diag.List{{Message: e.Message}}
	case len(list) == 1:
		e.Message, e.Next = d.File+": "+list[0].Message, cmp.Or(list[0].Fix, e.Next)
	}
	for i := range list {
		p := &list[i]
		p.Code, p.Input, p.File = cmp.Or(p.Code, diag.FileDrift), d.Input, d.File
		p.Level = diag.LevelOf(p.Code)
	}
	e.Problems = list
	return e
}
