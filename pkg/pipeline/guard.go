package pipeline

import (
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// guardRejected stops a run of which too many rows were rejected: what is left may be a file that the
// bundle no longer understands, and to load it is for a person to decide. A row that was filtered, or
// is another district's, says nothing about the file and is not counted.
func (x *Execution) guardRejected() error {
	counts, ok := x.run.Counts(runs.Transform).(*runs.TransformCounts)
	if !ok || x.prepared != nil && x.prepared.request.Retry { // what was rejected before tells nothing of a file
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

// leftBehind is how many rows of the run transform left behind, and how many records do not pass.
func (x *Execution) leftBehind(judged *runs.ValidateCounts) (rows, records int64) {
	for _, v := range judged.Resources {
		records += v.Invalid + v.Marked
		if !judged.OpenForTarget {
			records += v.Unchecked
		}
	}
	made, _ := x.run.Counts(runs.Transform).(*runs.TransformCounts)
	if made == nil {
		return rows, records
	}
	for _, in := range made.Inputs {
		rows += in.Rejected + in.Unmatched
	}
	if rows == 0 { // else they are counted
		for _, r := range made.Resources {
			records += r.Rejected
		}
	}
	return rows, records
}

// guardWhole stops a run that is to be loaded as a whole or not at all; it has no pass.
func (x *Execution) guardWhole() error {
	judged, ok := x.run.Counts(runs.Validate).(*runs.ValidateCounts)
	if !x.AllOrNothing || !ok {
		return nil
	}
	rows, records := x.leftBehind(judged)
	var left []string
	if rows > 0 {
		left = append(left, diag.Counted(int(rows), "row gave no records", "rows gave no records"))
	}
	if records > 0 {
		left = append(left, diag.Counted(int(records), "record does not pass", "records do not pass"))
	}
	if len(left) == 0 {
		return nil
	}
	next := ""
	if x.tenant != nil {
		next = fmt.Sprintf("Correct what the report lists and run it again; to load the rest anyway, validate it without the flag: `%s`.",
			x.place.command("validate", x.place.Observer.path(x.run.Path), "--tenant", x.tenant.Name))
	}
	return diag.Fail(diag.Guarded, diag.GuardWhole, next, "%s, so nothing of the run may be sent (--all-or-nothing)", strings.Join(left, ", and "))
}
