package roster

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// The columns of a roster file beside those of ids.
var personal = []string{UniqueID, "lastSurname", "firstName", "birthDate", "schoolId", "gradeLevel", "entryDate", "exitWithdrawDate", "schoolYear"}

// idPrefix heads a column of ids whose system is none of the standard's descriptors.
const idPrefix = "id."

// standardSystems are the codes of the standard's StudentIdentificationSystemDescriptor: columns with these
// headers hold ids.
var standardSystems = []string{"Canadian SIN", "District", "Family", "Federal", "Local", "National Migrant", "Other", "SSN", "School", "State", "State Migrant", "Student Number"}

// Import is what an import did.
type Import struct {
	*About
	Format  string         // csv, or OneRoster with its version
	Unread  []string       // columns that were passed over
	Skipped int64          // rows that are no students', or were marked as deleted
	Left    map[string]int // ids that are not kept, by identification system
}

// ImportOptions says how files are taken over.
type ImportOptions struct {
	UniqueID    string // OneRoster: the column that holds the studentUniqueId; empty: identifier
	AcceptFewer bool
	Crosswalk   []Own
	Now         time.Time
	Progress    *Progress // nil: nobody looks
}

// ImportFiles makes the index at path of files: CSV files with a column studentUniqueId, or one OneRoster package,
// a folder or a ZIP file. The index is replaced when all were read without a problem.
func ImportFiles(path string, files []string, o ImportOptions) (*Import, error) {
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	before, err := Open(path)
	if err == nil {
		_ = before.Close() // only its size is asked for; Windows does not replace an open file
	}
	w := Create(path)
	defer w.Close() //nolint:errcheck // it is committed, or an error is on its way
	in := &importing{ImportOptions: o, w: w, done: &Import{Format: "csv", Left: map[string]int{}}}
	if err := in.files(files); err != nil {
		return nil, err
	}
	if err := addCrosswalk(w, o.Crosswalk); err != nil {
		return nil, err
	}
	w.Accept = func(about *About) error { return guardFewer(before, about, o.AcceptFewer, "the import has") }
	in.done.About, err = w.Commit(Origin{From: Imported, Pulled: o.Now}, o.Now)
	return in.done, err
}

// importing is an import at work.
type importing struct {
	ImportOptions
	w    *Writer
	done *Import
}

func (in *importing) files(files []string) error {
	for _, file := range files {
		pack, err := openPackage(file)
		switch {
		case err != nil:
			return err
		case pack != nil && len(files) > 1:
			_ = pack.close()
			return diag.Fail(diag.Usage, diag.ConfigUsage, "Import one OneRoster package at a time: each replaces the one before.", "%s is a OneRoster package among other files", file)
		case pack != nil:
			return errors.Join(in.oneRoster(pack), pack.close())
		}
		if err := in.csv(file); err != nil {
			return err
		}
	}
	return nil
}

// csv takes over a CSV file.
func (in *importing) csv(file string) error {
	r, err := table.Open(file, table.Options{})
	if err != nil {
		return err
	}
	var ids []string
	err = in.rows(file, r, func(c *columns) {
		c.need(UniqueID)
		ids = in.idColumns(c)
	}, func(row row) error { return in.w.Add(in.student(row, ids)) })
	return errors.Join(err, r.Close())
}

// idColumns are the headers of columns of ids; the rest is noted as passed over.
func (in *importing) idColumns(c *columns) (ids []string) {
	for _, name := range c.others(personal) {
		system := strings.TrimPrefix(name, idPrefix)
		standard := slices.ContainsFunc(standardSystems, func(s string) bool { return strings.EqualFold(s, name) })
		switch {
		case slices.Contains(unkept, fold(system)):
			in.done.Left[system] = 0
			ids = append(ids, name)
		case standard || system != name && system != "":
			ids = append(ids, name)
		case !slices.Contains(in.done.Unread, name):
			in.done.Unread = append(in.done.Unread, name)
		}
	}
	return ids
}

func (in *importing) student(row row, ids []string) *Student {
	s := &Student{UniqueID: row.must(UniqueID), LastName: row.text("lastSurname"), FirstName: row.text("firstName"), BirthDate: row.date("birthDate")}
	e := Enrollment{School: row.text("schoolId"), Grade: Code(row.text("gradeLevel")), Entry: row.date("entryDate"), Exit: row.date("exitWithdrawDate"), SchoolYear: row.text("schoolYear")}
	if e.School == "" && e != (Enrollment{}) {
		row.fail("schoolId", "is blank, but the line tells of an enrollment")
	}
	if e.School != "" {
		s.Enrollments = []Enrollment{e}
	}
	for _, name := range ids {
		in.addID(s, strings.TrimPrefix(name, idPrefix), row.text(name))
	}
	return s
}

// addID gives a student an id, unless its system is one that is not kept.
func (in *importing) addID(s *Student, system, value string) {
	switch {
	case value == "":
	case slices.Contains(unkept, fold(system)):
		in.done.Left[system]++
	default:
		s.IDs = append(s.IDs, ID{System: system, Value: value})
	}
}

// rows calls use with all rows of a file, however long it is, and ends with all that is wrong with it.
func (in *importing) rows(name string, r table.Reader, begin func(*columns), use func(row) error) error {
	c := newColumns(name, r.Header().Cells)
	if hint := r.Header().Hint; hint != "" {
		c.fail(1, "", "", "the header "+hint)
	}
	if begin(c); len(c.problems) > 0 {
		return unusable(name, c.problems)
	}
	var block table.Block
	var parser table.Parser
	for len(c.problems) < most {
		if err := r.Next(&block); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		for cut := range block.Rows(&parser) {
			if cut.Blank {
				continue
			}
			if cut.Malformed != "" {
				c.fail(int(cut.Line), "", "", cut.Malformed)
				continue
			}
			before := len(c.problems)
			if row := c.row(cut.Cells, int(cut.Line)); len(c.problems) == before {
				if err := use(row); err != nil && len(c.problems) == before {
					return err
				}
			}
			in.Progress.Done.Add(1)
		}
	}
	return unusable(name, c.problems)
}
