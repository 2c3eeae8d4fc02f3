package pipeline

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/adopted"
	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

// AdoptedFile is where the identifiers are kept that the tenant's target already had for its events.
func (x *Execution) AdoptedFile() string { return x.place.stateFile(x.tenant, adopted.File) }

// adoptedTable is what transform looks up; nil: there is none.
func (x *Execution) adoptedTable() (*adopted.Table, error) {
	if x.tenant == nil {
		return nil, nil
	}
	t, err := adopted.Load(x.AdoptedFile())
	return t, x.adoptedError(err)
}

// adoptedError gives an error of the table its code and a way out.
func (x *Execution) adoptedError(err error) error {
	if err = DiskError(err); err == nil {
		return nil
	}
	if _, ok := diag.AsError(err); ok {
		return err
	}
	return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Correct it, or put back a copy of it. Without it, events that the target has under other identifiers are found again by validate.",
		"%s, the table of adopted identifiers, cannot be read", x.AdoptedFile())
}

// AdoptedRows is the whole table.
func (x *Execution) AdoptedRows() ([]adopted.Row, error) {
	rows, err := adopted.Rows(x.AdoptedFile())
	return rows, x.adoptedError(err)
}

// Adopted is what came of adopting what a run found.
type Adopted struct {
	Found     int `json:"found"`     // events that the run found under other identifiers
	Fresh     int `json:"adopted"`   // of these: not in the table before, or with another identifier
	Undecided int `json:"undecided"` // for a person to decide, and not picked
}

// Adopt keeps the identifiers that validate found for the events of the run. picked names, by staged line, the
// identifier that a person chose.
func (x *Execution) Adopt(ctx context.Context, picked map[int]string) (Adopted, error) {
	if x.run.Tenant != x.tenant.Name {
		return Adopted{}, diag.Fail(diag.Usage, diag.ConfigTenant, "Name the tenant of the run.", "the run in %s was made for tenant %s, not for %s", x.run.Path, x.run.Tenant, x.tenant.Name)
	}
	if x.run.Records != "" {
		return Adopted{}, diag.Fail(diag.Usage, diag.ConfigRun, "Give the records the identifiers of the column atTarget of problems/same-events.csv, then run `"+
			x.place.command("validate", x.run.Records, "--tenant", x.tenant.Name)+"`.", "the run in %s was made of another tool's records, which have the identifiers that it gave them", x.run.Path)
	}
	events, err := x.run.SameEvents()
	if err != nil {
		return Adopted{}, err
	}
	if len(events) == 0 {
		return Adopted{}, diag.Fail(diag.Usage, diag.ConfigRun, "Run `"+x.place.command("validate", x.run.Path, "--tenant", x.tenant.Name)+"` first, and look at what it finds.",
			"the run in %s has no list of events that the target holds under other identifiers", x.run.Path)
	}
	for line, identifier := range picked {
		i := slices.IndexFunc(events, func(e runs.SameEvent) bool { return e.StagedLine == line })
		if i < 0 || !slices.Contains(events[i].AtTarget, identifier) {
			return Adopted{}, diag.Fail(diag.Usage, diag.ConfigUsage, "Write LINE=IDENTIFIER with the columns stagedLine and atTarget of problems/same-events.csv.",
				"--pick %d=%s is not a choice of the run", line, identifier)
		}
		events[i].AtTarget, events[i].Why = []string{identifier}, "picked"
	}
	return x.adopt(ctx, events)
}

// adopt puts those of the events into the table for which something speaks.
func (x *Execution) adopt(ctx context.Context, events []runs.SameEvent) (a Adopted, err error) {
	a.Found = len(events)
	var rows []adopted.Row
	lines := map[adopted.Row]int{} // by what is at the target
	for _, e := range events {
		if e.Why == "" {
			a.Undecided++
			continue
		}
		row := adopted.Row{Student: e.Student, Assessment: e.Assessment, Namespace: e.Namespace, Own: e.Identifier, Target: e.AtTarget[0], Run: filepath.Base(x.run.Path)}
		of := row
		of.Own = ""
		if lines[of]++; lines[of] > 1 {
			return a, diag.Fail(diag.Usage, diag.ConfigUsage, "Pick it for one of them. If the other one is a result of its own, transform again after that, and validate with --accept-new.",
				"--pick gives the identifier %s to two results of the run, of which one would overwrite the other", row.Target)
		}
		rows = append(rows, row)
	}
	lock, err := x.lockTenant()
	if err != nil {
		return a, err
	}
	defer lock.Unlock()
	a.Fresh, err = adopted.Add(ctx, x.AdoptedFile(), rows)
	return a, x.adoptedError(err)
}

// RemoveAdopted takes out of the table what was adopted from a run, which is named by its folder: a run that is made
// again has another id.
func (x *Execution) RemoveAdopted(ctx context.Context, run string) (int, error) {
	lock, err := x.lockTenant()
	if err != nil {
		return 0, err
	}
	defer lock.Unlock()
	n, err := adopted.Remove(ctx, x.AdoptedFile(), run)
	return n, x.adoptedError(err)
}

// heal lets events keep the identifiers that they had before a part of their key was corrected, and makes the run
// again with these: what is staged is then what the same files and the same table give. Input that cannot be read
// twice is not: its next run has them.
func (x *Execution) heal(ctx context.Context) (outcome runs.Outcome, again bool, err error) {
	counts, ok := x.run.Counts(runs.Validate).(*runs.ValidateCounts)
	if !ok || counts.SameEvents.Sure == 0 {
		return 0, false, nil
	}
	events, err := x.run.SameEvents()
	if err != nil {
		return 0, false, err
	}
	a, err := x.adopt(ctx, slices.DeleteFunc(events, func(e runs.SameEvent) bool { return !e.Sure }))
	if err != nil {
		return 0, false, err
	}
	what := diag.Counted(a.Found, "event keeps the identifier that it", "events keep the identifiers that they") + " had before a part of the key was corrected"
	if !x.rereadable() {
		x.place.Observer.note("%s, from the next run of the file on", what)
		return 0, false, nil
	}
	x.place.Observer.note("%s; the run is made again", what)
	x.log.close() // the folder of the run is emptied
	x.logger.Info("events keep their identifiers, and the run is made again", "events", a.Found)
	outcome, err = x.Transform(ctx)
	if err != nil {
		return outcome, true, err
	}
	validated, err := x.Validate(ctx)
	return max(outcome, validated), true, err
}

// rereadable reports whether the files of the run can be read once more.
func (x *Execution) rereadable() bool {
	for _, in := range x.prepared.inputs {
		for _, path := range in.Paths {
			if info, err := os.Stat(path); path == source.Stdin || err != nil || info.Mode()&fs.ModeType != 0 {
				return false
			}
		}
	}
	return true
}

// ForgetEvents drops what is kept of the target's results. They are read again when they are needed.
func (x *Execution) ForgetEvents() error {
	files, err := filepath.Glob(filepath.Join(x.place.stateFile(x.tenant, "cache"), "*", catalog.EventFiles))
	for _, f := range files {
		if err == nil {
			err = os.Remove(f)
		}
	}
	if err != nil {
		return DiskError(fmt.Errorf("forget the target's results: %w", err))
	}
	return nil
}
