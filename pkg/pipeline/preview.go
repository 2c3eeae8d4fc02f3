package pipeline

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

// Preview maps the first rows of each input. It makes no run, takes no lock and leaves nothing behind;
// while it works, standard input or a pipe lies as a copy in the folder for temporary files. The
// outcome is that of a transform of these rows.
func (x *Execution) Preview(ctx context.Context, q Request, rows int) (*transform.Preview, runs.Outcome, error) {
	m, err := x.prepare(q)
	if err != nil {
		return nil, OutcomeOf(ctx, err), err
	}
	files, remove, err := source.Fetch(ctx, m.inputs, os.TempDir(), x.place.Stdin)
	if err != nil {
		return nil, OutcomeOf(ctx, err), err
	}
	preview := &transform.Preview{}
	_, err = transform.Run(ctx, m.program, transform.Options{Sink: preview, Inputs: files, Workers: x.place.workers(), Rows: rows})
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
