package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/roster"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// RosterFile is where the index of a tenant's students lies.
func (w *Workplace) RosterFile(tenant string) string {
	return filepath.Join(w.Config.StateFolder(tenant), "roster", "index")
}

// CrosswalkFile is where a tenant's own ids of students lie, for a person to edit.
func (w *Workplace) CrosswalkFile(tenant string) string {
	return filepath.Join(w.Config.StateFolder(tenant), "roster", "crosswalk.csv")
}

// Roster opens the index of the tenant's students.
func (w *Workplace) Roster(tenant string) (*roster.Index, error) {
	path := w.RosterFile(tenant)
	index, err := roster.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, diag.FailWith(nil, diag.Usage, diag.ConfigFile, "Run `"+w.command("roster", "pull", "--tenant", tenant)+"`.", "tenant %s has no roster yet", tenant)
	case err != nil:
		return nil, diag.FailWith(err, diag.CouldNotRun, diag.ConfigFile, "Run `"+w.command("roster", "pull", "--tenant", tenant)+"`, which writes it anew.",
			"the roster of tenant %s cannot be used", tenant)
	}
	return index, nil
}

// lockRoster takes the lock of the tenant's roster, removes what killed commands left, and reads the crosswalk.
func (x *Execution) lockRoster() (crosswalk []roster.Own, unlock func() error, err error) {
	folder := filepath.Dir(x.place.RosterFile(x.tenant.Name))
	if err := durable.MkdirAll(folder); err != nil {
		return nil, nil, DiskError(err)
	}
	lock, err := x.lockFolder(folder, "on the roster of tenant "+x.tenant.Name)
	if err != nil {
		return nil, nil, err
	}
	err = DiskError(durable.Sweep(folder))
	if err == nil {
		path := x.place.CrosswalkFile(x.tenant.Name)
		crosswalk, _, err = roster.ReadCrosswalk(path, x.place.Observer.path(path), roster.CrosswalkForm{})
	}
	if err != nil {
		return nil, nil, errors.Join(err, lock.Unlock())
	}
	return crosswalk, lock.Unlock, nil
}

// PullRoster reads the students of the tenant's target.
func (x *Execution) PullRoster(ctx context.Context, o roster.PullOptions) (done *roster.Pull, err error) {
	crosswalk, unlock, err := x.lockRoster()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := x.guardDistrict(ctx); err != nil {
		return nil, err
	}
	offered, err := x.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	o.Codes, o.Target, o.Crosswalk, o.Now = codesOf(offered.Standard()), x.target.Identity.String(), crosswalk, time.Now()
	done, err = roster.PullFrom(ctx, x.target.Client, x.place.RosterFile(x.tenant.Name), o)
	return done, DiskError(err)
}

// codesOf is the resource that has the students' identification codes; empty: there is none.
func codesOf(std *schema.Standard) string {
	if _, ok := std.Resource(roster.Codes); ok {
		return roster.Codes
	}
	if r, ok := std.Resource(roster.Associations); ok && r.Root.ByName[roster.Codes] != nil {
		return roster.Associations
	}
	return ""
}

// ImportRoster takes students over from files.
func (x *Execution) ImportRoster(files []string, o roster.ImportOptions) (done *roster.Import, err error) {
	crosswalk, unlock, err := x.lockRoster()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	o.Crosswalk, o.Now = crosswalk, time.Now()
	done, err = roster.ImportFiles(x.place.RosterFile(x.tenant.Name), files, o)
	return done, DiskError(err)
}

// Crosswalk is what an import of a crosswalk did.
type Crosswalk struct {
	Rows      int           `json:"rows"` // there are now
	Added     int           `json:"added"`
	Replaced  int           `json:"replaced"`
	Undecided int           `json:"undecided"` // rows without a studentUniqueId
	Roster    *roster.About `json:"roster"`    // nil: there is none yet
}

// ImportCrosswalk adds the rows of files to the tenant's crosswalk, and takes that into the roster. Without files
// it takes in what a person edited.
func (x *Execution) ImportCrosswalk(files []string, form roster.CrosswalkForm) (done *Crosswalk, err error) {
	rows, unlock, err := x.lockRoster()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	done = &Crosswalk{}
	for _, file := range files {
		fresh, undecided, err := roster.ReadCrosswalk(file, x.place.Observer.path(file), form)
		if err != nil {
			return nil, err
		}
		var added, replaced int
		rows, added, replaced = roster.MergeCrosswalk(rows, fresh)
		done.Added, done.Replaced, done.Undecided = done.Added+added, done.Replaced+replaced, done.Undecided+undecided
	}
	done.Rows = len(rows)
	if len(files) > 0 {
		if err := roster.WriteCrosswalk(x.place.CrosswalkFile(x.tenant.Name), rows); err != nil {
			return nil, DiskError(err)
		}
	}
	done.Roster, err = roster.Renew(x.place.RosterFile(x.tenant.Name), rows, time.Now())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return done, DiskError(err)
}

// oldRoster is when a roster is old: each school week brings new students.
const oldRoster = 7 * 24 * time.Hour

// checkRoster says how old the tenant's roster is; nothing if there is none.
func (w *Workplace) checkRoster(name string) []Check {
	index, err := roster.Open(w.RosterFile(name))
	pull := "Run `" + w.command("roster", "pull", "--tenant", name) + "`."
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []Check{wrong("roster", diag.ConfigFile, runs.Partly, err.Error(), pull)}
	}
	defer index.Close() //nolint:errcheck // read only
	about := index.About()
	age := time.Since(about.Origin.Pulled)
	old := diag.Counted(int(age.Hours()), "hour", "hours")
	if age >= 48*time.Hour {
		old = diag.Counted(int(age.Hours()/24), "day", "days")
	}
	says := fmt.Sprintf("%s, read %s ago", diag.Counted(int(about.Students), "student", "students"), old)
	if age > oldRoster {
		return []Check{wrong("roster", "", runs.Partly, says+": students who came since are not known", pull)}
	}
	return []Check{good("roster", says)}
}
