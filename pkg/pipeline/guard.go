package pipeline

import (
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// guardRejected stops a run of which too many rows were rejected: what is left may be a file that the
// bundle no longer understands, and to load it is for a person to decide. A row that was filtered, or
// is another district's, says nothing about the file and is not counted.
func (x *Execution) guardRejected() error {
	counts, ok := x.run.Counts(runs.Transform).(*runs.TransformCounts)
	if !ok {
		return nil
	}
	most, least, limit := x.tenant.RejectLimit()
	if x.tenant.MaxRejected != nil {
		limit += ", guards.max_rejected of the tenant"
	} else {
		limit += "; guards.max_rejected of the tenant sets another"
	}
	for _, e := range counts.Equations() {
		in := counts.Inputs[e.Of]
		rows := in.Used + in.Unmatched + in.Rejected
		if in.Rejected <= least || float64(in.Rejected) <= most*float64(rows) {
			continue
		}
		return diag.Fail(diag.Guarded, diag.GuardRejected, fmt.Sprintf("Look at %s; to load the rest anyway: %s.",
			x.place.Observer.path(x.run.File("problems", "transform.csv")),
			x.place.command("send", x.place.Observer.path(x.run.Path), "--tenant", x.tenant.Name)),
			"%d of %d rows of input %s were rejected, so nothing was sent (the limit is %s)", in.Rejected, rows, e.Of, limit)
	}
	return nil
}
