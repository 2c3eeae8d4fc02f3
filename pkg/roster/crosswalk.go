package roster

import (
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Own is a row of the tenant's crosswalk: an id that a person matched with a student.
type Own struct{ System, ID, Student, From, Until string }

// The columns of a crosswalk. All but the second and third may be missing.
const (
	columnSystem = "system"
	columnID     = "id"
	columnFrom   = "effectiveDate"
	columnUntil  = "endDate"
)

func addCrosswalk(w *Writer, rows []Own) error {
	for _, o := range rows {
		id := ID{System: o.System, Value: o.ID, From: o.From, Until: o.Until, Own: true}
		if err := w.AddOwn(&Student{UniqueID: o.Student, IDs: []ID{id}}); err != nil {
			return err
		}
	}
	return nil
}

// CrosswalkForm says what in a file is a crosswalk.
type CrosswalkForm struct {
	System string   // of rows that name none; empty: Crosswalk
	IDs    []string // headers of the columns of ids; none: id
}

// ReadCrosswalk reads a crosswalk; one that is not there has no rows. Rows without a studentUniqueId are passed
// over: nobody has decided them yet. The error lists all that is wrong, with line and value.
func ReadCrosswalk(path, shown string, form CrosswalkForm) (rows []Own, undecided int, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the file's permissions.", "%s cannot be read", shown)
	}
	header, records, problem := table.ReadAll(shown, text)
	if problem != nil {
		problem.Code = diag.ConfigFile
		return nil, 0, unusable(shown, diag.List{*problem})
	}
	columns := newColumns(shown, header)
	wanted := form.IDs
	if len(wanted) == 0 {
		wanted = []string{columnID}
	}
	columns.need(append([]string{UniqueID}, wanted...)...)
	for _, r := range records {
		row := columns.row(r.Cells, r.Line)
		own := Own{System: cmp.Or(row.text(columnSystem), form.System, Crosswalk), Student: row.text(UniqueID), From: row.date(columnFrom), Until: row.date(columnUntil)}
		if own.Student == "" {
			undecided++
			continue
		}
		if own.Until != "" && own.Until < own.From {
			row.fail(columnUntil, "the end date lies before the effective date")
		}
		for _, name := range wanted {
			if own.ID = row.text(name); own.ID != "" {
				rows = append(rows, own)
				columns.twice(rows, row.line)
			}
		}
	}
	return rows, undecided, unusable(shown, columns.problems)
}

// twice refuses a row that gives an id to another student than a row before, for the same time.
func (c *columns) twice(rows []Own, line int) {
	if c.owners == nil {
		c.owners = map[[2]string][]int{}
	}
	last := rows[len(rows)-1]
	key := [2]string{fold(last.System), last.ID}
	for _, i := range c.owners[key] {
		if rows[i].Student != last.Student && rows[i].meets(last) {
			c.fail(line, columnID, last.ID, "the id is given to two students for the same time")
			break
		}
	}
	c.owners[key] = append(c.owners[key], len(rows)-1)
}

// meets reports whether two rows count on the same day.
func (o Own) meets(other Own) bool {
	return (o.Until == "" || other.From <= o.Until) && (other.Until == "" || o.From <= other.Until)
}

// MergeCrosswalk adds rows to a crosswalk. A later decision about an id replaces those before it for the same
// time; replaced is how many had another student or other dates.
func MergeCrosswalk(rows, fresh []Own) (merged []Own, added, replaced int) {
	known := map[[2]string][]Own{}
	for _, o := range fresh {
		key := [2]string{fold(o.System), o.ID}
		known[key] = append(known[key], o)
	}
	same := map[Own]bool{}
	for _, o := range rows {
		later := known[[2]string{fold(o.System), o.ID}]
		switch {
		case slices.Contains(later, o):
			same[o] = true
		case slices.ContainsFunc(later, o.meets):
			replaced++
			continue
		}
		merged = append(merged, o)
	}
	for _, o := range fresh {
		if !same[o] {
			same[o], merged, added = true, append(merged, o), added+1
		}
	}
	return merged, added, replaced
}

// WriteCrosswalk writes a crosswalk that a person can edit.
func WriteCrosswalk(path string, rows []Own) error {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Own) int {
		return cmp.Or(strings.Compare(a.System, b.System), strings.Compare(a.ID, b.ID), strings.Compare(a.From, b.From))
	})
	return durable.WriteWith(path, func(out io.Writer) error {
		w := csv.NewWriter(out)
		lines := [][]string{{columnSystem, columnID, UniqueID, columnFrom, columnUntil}}
		for _, o := range rows {
			lines = append(lines, []string{o.System, o.ID, o.Student, o.From, o.Until})
		}
		return w.WriteAll(lines)
	})
}

// Renew writes the index at path again with another crosswalk; the error is fs.ErrNotExist if there is none.
func Renew(path string, rows []Own, now time.Time) (*About, error) {
	before, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer before.Close() //nolint:errcheck // again, where it failed on the way
	w := Create(path)
	defer w.Close() //nolint:errcheck // it is committed, or an error is on its way
	err = before.Each(func(s *Student) error {
		s.IDs = slices.DeleteFunc(s.IDs, func(id ID) bool { return id.Own })
		return w.Add(s)
	})
	if err == nil {
		err = addCrosswalk(w, rows)
	}
	if err := errors.Join(err, before.Close()); err != nil { // Windows does not replace an open file
		return nil, err
	}
	return w.Commit(before.About().Origin, now)
}
