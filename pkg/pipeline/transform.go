package pipeline

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

// Transform makes the run directory and stages the records; Create comes first.
func (x *Execution) Transform(ctx context.Context) (runs.Outcome, error) {
	r, err := runs.Create(x.prepared.path, x.prepared.manifest)
	if err != nil {
		return x.ended(ctx, 0, err)
	}
	x.run, x.working = r, runs.Transform
	if err := x.keepRules(x.prepared.rules); err != nil {
		return x.ended(ctx, 0, err)
	}
	if x.place.Config.File == "" {
		x.place.Observer.note("no sluice.yaml here: runs and state go into %s", x.place.Config.Folder)
	}
	if err := runs.Remember(x.place.Config.Runs, r.Path); err != nil {
		return x.ended(ctx, 0, DiskError(err))
	}
	for _, o := range x.prepared.program.Overlays {
		x.place.Observer.note("with the tenant's table %s: %s added, %d replaced", o.Path, diag.Counted(o.Added, "row", "rows"), o.Replaced)
	}
	outcome, err := x.stage(ctx, runs.Transform, x.transform)
	return x.ended(ctx, outcome, err)
}

func (x *Execution) transform(ctx context.Context) (runs.Counts, error) {
	p, copied := &transform.Progress{}, &counted{Reader: x.place.Stdin}
	defer x.place.Observer.watch(runs.Transform, func() Progress {
		if n := copied.bytes.Load(); n > 0 && p.BytesTotal.Load() == 0 {
			return Progress{Doing: "copying standard input,", Done: n, Bytes: true}
		}
		return Progress{"reading", p.BytesRead.Load(), p.BytesTotal.Load(), true, p.Rows.Load(), "rows mapped"}
	})()
	files, remove, err := source.Fetch(ctx, x.prepared.inputs, x.run.Path, copied)
	if err != nil {
		return nil, err
	}
	o := transform.Options{Sink: transform.ToRun(x.run), Inputs: files, Workers: x.place.workers(), Progress: p, Student: x.prepared.student,
		Known: x.known, Allowed: x.references.Allowed}
	if o.Adopted, err = x.adoptedTable(); err != nil {
		return nil, errors.Join(err, remove())
	}
	x.prepared.students.options(&o)
	out, err := transform.Run(ctx, x.prepared.program, o)
	if out == nil {
		return nil, errors.Join(x.unread(ctx, x.prepared, files, err), remove())
	}
	err = errors.Join(err, remove())
	out.Keep(&x.run.Manifest)
	if x.run.Roster = x.prepared.students.describe(out.Students); err == nil {
		err = x.keepChoices(ctx, x.prepared.students)
	}
	return out.Counts, err
}

// counted counts what is read of standard input; others may ask at any time.
type counted struct {
	io.Reader
	bytes atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	if c.Reader == nil { // no standard input is an empty one
		return 0, io.EOF
	}
	n, err := c.Reader.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// Preview maps the first rows of each input. It makes no run, takes no lock and leaves nothing behind;
// while it works, standard input or a pipe lies as a copy in the folder for temporary files. The
// outcome is that of a transform of these rows.
func (x *Execution) Preview(ctx context.Context, q Request, rows int) (*transform.Preview, runs.Outcome, error) {
	m, err := x.prepare(ctx, q)
	if err != nil {
		return nil, OutcomeOf(ctx, err), err
	}
	files, remove, err := source.Fetch(ctx, m.inputs, os.TempDir(), x.place.Stdin)
	if err != nil {
		return nil, OutcomeOf(ctx, err), err
	}
	preview := &transform.Preview{}
	table, err := x.adoptedTable()
	if err != nil {
		return nil, OutcomeOf(ctx, err), errors.Join(err, remove())
	}
	o := transform.Options{Sink: preview, Inputs: files, Workers: x.place.workers(), Rows: rows, Student: m.student, Adopted: table}
	m.students.options(&o)
	out, err := transform.Run(ctx, m.program, o)
	if out == nil {
		err = x.unread(ctx, m, files, err)
	}
	if err := DiskError(errors.Join(err, remove())); err != nil {
		return nil, OutcomeOf(ctx, err), err
	}
	outcome := runs.Done
	if slices.ContainsFunc(preview.Rows, func(r transform.PreviewRow) bool { return r.Became == transform.Rejected }) ||
		x.place.Strict && slices.ContainsFunc(preview.Problems, func(p diag.Problem) bool { return p.Level == diag.LevelWarning }) {
		outcome = runs.Partly
	}
	return preview, outcome, nil
}
