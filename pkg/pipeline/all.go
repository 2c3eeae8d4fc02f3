package pipeline

import (
	"context"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// All makes a new run and goes the whole way with it. A stage follows one that ended done or partly;
// the worst outcome counts. Address and credential are proven before anything is prepared.
func (x *Execution) All(ctx context.Context, q Request) (runs.Outcome, error) {
	api, err := x.Connect(ctx)
	if err != nil {
		return x.ended(ctx, 0, err)
	}
	if _, err := api.Enter(ctx); err != nil {
		return x.ended(ctx, 0, err)
	}
	if err := x.Create(q); err != nil {
		return x.ended(ctx, 0, err)
	}
	worst := runs.Done
	for _, stage := range []func(context.Context) (runs.Outcome, error){x.Transform, x.Validate, x.Send} {
		outcome, err := stage(ctx)
		if err != nil {
			return outcome, err
		}
		worst = max(worst, outcome)
	}
	return worst, nil
}
