package transform

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/rejects"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// runDirectory is the sink of a run directory: staged records with their origins, problems, rejected
// rows, and two tables. Files get their names when all is done, but those of rejected rows, each when
// the next one begins: what is thrown away takes them along.
type runDirectory struct {
	run      *runs.Run
	problems *runs.Problems
	staged   []*stagedFile
	rejects  *rejects.Writer // of the file at hand
	place    mapping.Place   // of that file
	rejected []runs.Reject   // those that have their names
	reasons  []diag.Problem  // of the row that is to be rejected next
	unmapped *runs.TextTable
	mapped   *runs.TextTable
}

// ToRun is the sink of a run's directory. It does not touch the manifest, see Result.Keep.
func ToRun(run *runs.Run) Sink { return &runDirectory{run: run} }

// stagedFile is the file of a resource, with that of its origins.
type stagedFile struct {
	resource string
	records  *jsonl.Writer
	origins  *jsonl.Writer
}

func (d *runDirectory) Begin() (err error) {
	*d = runDirectory{run: d.run}
	if d.problems, err = d.run.NewProblems(runs.Transform); err != nil {
		return err
	}
	if d.unmapped, err = runs.NewTextTable(d.run.File("unmapped.csv"), UnmappedColumns...); err != nil {
		return unwritable(err)
	}
	d.mapped, err = runs.NewTextTable(d.run.File("mappings.csv"), "resource", "path", "descriptorType", "vendorValue", "sent", "count", "rule", "version")
	return unwritable(err)
}

// Row keeps nothing: a run directory holds the counts alone.
func (d *runDirectory) Row(mapping.Place, int64, RowFate) error { return nil }

func (d *runDirectory) Staged(resource string, l Lines) error {
	f, err := d.file(resource)
	if err != nil {
		return unwritable(err)
	}
	if err := f.records.Write(l.Records, l.N); err != nil {
		return unwritable(err)
	}
	return unwritable(f.origins.Write(l.Origins, l.N))
}

// file is the file of a resource; it begins with the first record.
func (d *runDirectory) file(resource string) (*stagedFile, error) {
	for _, f := range d.staged {
		if f.resource == resource {
			return f, nil
		}
	}
	records, err := jsonl.Create(d.run.StagedFile(resource))
	if err != nil {
		return nil, err
	}
	origins, err := jsonl.Create(d.run.OriginFile(resource))
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	f := &stagedFile{resource, records, origins}
	d.staged = append(d.staged, f)
	return f, nil
}

// Problem lists a problem. Those that reject a row come before the row.
func (d *runDirectory) Problem(p diag.Problem) error {
	if p.RejectLine > 0 && p.Level <= diag.LevelError {
		d.reasons = append(d.reasons, p)
	}
	return unwritable(d.problems.Add(p))
}

func (d *runDirectory) Rejected(f *RejectFile, raw string) error {
	if d.rejects == nil || d.place != f.Place {
		if err := d.nextRejects(f.Place); err != nil {
			return unwritable(err)
		}
	}
	why := rejects.Because(d.reasons)
	d.reasons = d.reasons[:0]
	return unwritable(d.rejects.Row(f.Head, raw, why))
}

// nextRejects goes on to the rejected rows of another file.
func (d *runDirectory) nextRejects(place mapping.Place) error {
	if err := d.commitRejects(); err != nil {
		return err
	}
	d.place, d.rejects = place, rejects.NewWriter(d.run, place.Input, place.Number, place.File)
	return nil
}

func (d *runDirectory) commitRejects() error {
	if d.rejects == nil {
		return nil
	}
	if err := d.rejects.Commit(); err != nil {
		return err
	}
	d.rejected = append(d.rejected, d.rejects.Reject)
	return nil
}

func (d *runDirectory) Unmapped(v Unmapped) error { return unwritable(d.unmapped.Row(v.Row()...)) }

func (d *runDirectory) Mapped(m Mapped) error {
	return unwritable(d.mapped.Row(m.Resource, m.Path, m.Type, m.Value, m.Sent, strconv.FormatInt(m.Count, 10), m.Rule.Rule(), m.Version))
}

func (d *runDirectory) Commit(r *Result) error {
	for _, commit := range []func() error{d.commitRejects, d.unmapped.Commit, d.mapped.Commit, d.problems.Commit} {
		if err := commit(); err != nil {
			return unwritable(err)
		}
	}
	r.Staged, r.Rejects = map[string]jsonl.Digest{}, d.rejected
	for _, f := range d.staged {
		digest, err := f.records.Commit()
		if err != nil {
			return unwritable(err)
		}
		if _, err := f.origins.Commit(); err != nil {
			return unwritable(err)
		}
		r.Staged[f.resource] = digest
	}
	return nil
}

func (d *runDirectory) Close() error {
	var errs []error
	if d.problems != nil {
		errs = append(errs, d.problems.Close())
	}
	for _, t := range []*runs.TextTable{d.unmapped, d.mapped} {
		if t != nil {
			errs = append(errs, t.Close())
		}
	}
	if d.rejects != nil {
		errs = append(errs, d.rejects.Close())
	}
	for _, r := range d.rejected { // those of files that were read to their end
		for _, name := range []string{r.File, runs.Beside(r.File, "reasons")} {
			if err := os.Remove(d.run.File(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	for _, f := range d.staged {
		errs = append(errs, f.records.Close(), f.origins.Close())
	}
	return errors.Join(errs...)
}

// unwritable is what a sink says where its folder cannot be written.
func unwritable(err error) error {
	if _, ok := diag.AsError(err); ok || err == nil {
		return err
	}
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "", "the run directory cannot be written")
}
