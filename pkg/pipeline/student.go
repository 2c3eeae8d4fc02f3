package pipeline

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// studentColumns is, by bundle and input, the column that the tenant's last run that was loaded took the
// student from, by the bundle's name.
type studentColumns map[string]map[string]string

// studentFile is where the tenant's columns are kept.
func (x *Execution) studentFile() string { return x.place.stateFile(x.tenant, "student-columns.json") }

func (x *Execution) studentColumns() (studentColumns, error) {
	all := studentColumns{}
	text, err := os.ReadFile(x.studentFile())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err == nil && all == nil {
		err = errors.New("it holds null")
	}
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Move the file away, and name the student's column with --student.",
			"%s, which says where students' ids were read from, cannot be read", x.studentFile())
	}
	return all, nil
}

// lastStudents is the columns that a new run must take students' ids from, by input; none where a person
// asks for one.
func (x *Execution) lastStudents(bundle, asked string) (map[string]string, error) {
	if x.tenant == nil || asked != "" {
		return nil, nil
	}
	all, err := x.studentColumns()
	return all[bundle], err
}

// checkStudents refuses a run that took students' ids from another column than the last run of its bundle
// that was loaded. That one may have been loaded after this one was transformed.
func (x *Execution) checkStudents() error {
	all, err := x.studentColumns()
	if err != nil || x.run.StudentAsked {
		return err
	}
	last := all[x.run.Bundle.Name]
	for _, in := range x.run.Inputs {
		if in.Student != nil && last[in.Name] != "" && last[in.Name] != in.Student.Name {
			return diag.Fail(diag.Guarded, diag.FileDrift, "Run transform again, with --student "+last[in.Name]+", or with --student "+in.Student.Name+" if that holds the ids that the target knows.",
				"the run took the student from the column %s (%s), but the last run of the bundle that was loaded took it from %s: one student could be loaded as two",
				in.Student.Header, in.Student.Name, last[in.Name])
		}
	}
	return nil
}

// rememberStudents keeps where the ids of the run come from, once the target holds records of it. The
// tenant is locked.
func (x *Execution) rememberStudents() error {
	counts, ok := x.run.Counts(runs.Send).(*runs.SendCounts)
	if !ok || !counts.Loaded() {
		return nil
	}
	columns := map[string]string{}
	for _, in := range x.run.Inputs {
		if in.Student != nil {
			columns[in.Name] = in.Student.Name
		}
	}
	if len(columns) == 0 {
		return nil
	}
	all, err := x.studentColumns()
	if err != nil {
		return err
	}
	if known := all[x.run.Bundle.Name]; known != nil { // of inputs that this run does not have
		maps.Copy(known, columns)
		columns = known
	}
	all[x.run.Bundle.Name] = columns
	text, err := jsonl.Indented(all)
	if err != nil {
		return err
	}
	return DiskError(durable.WriteFile(x.studentFile(), text))
}
