package runs

import (
	"cmp"
	"encoding/json"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Problems writes problems/<stage>.jsonl and .csv. It is owned by one goroutine.
type Problems struct {
	run           *Run
	stage, tenant string
	listing       *Listing
	acknowledged  acknowledged
}

// problemColumns are the columns of problems/<stage>.csv.
var problemColumns = []string{"code", "level", "stage", "tenant", "input", "file", "line", "col", "column", "resource", "stagedLine",
	"path", "key", "value", "count", "message", "fix", "rule", "rejectLine", "acknowledged"}

// NewProblems begins the stage's lists of problems.
func (r *Run) NewProblems(stage string) (*Problems, error) {
	if err := durable.MkdirAll(r.File("problems")); err != nil {
		return nil, unwritable(err, r.Path)
	}
	l, err := NewListing(r.File("problems", stage), problemColumns...)
	if err != nil {
		return nil, unwritable(err, r.Path)
	}
	return &Problems{run: r, stage: stage, tenant: r.Tenant, listing: l, acknowledged: r.acknowledged()}, nil
}

// Add lists one problem; stage, tenant and, where it is empty, the code's resolution are filled in.
func (p *Problems) Add(d diag.Problem) error {
	d.Stage, d.Tenant = p.stage, p.tenant
	if d.Level == 0 {
		d.Level = diag.LevelOf(d.Code)
	}
	p.acknowledged.mark(&d)
	accepted := ""
	if d.Acknowledged != nil {
		accepted = "until " + d.Acknowledged.Until + ": " + d.Acknowledged.Why
	}
	e, _ := diag.Explain(d.Code)
	d.Fix = cmp.Or(d.Fix, e.Resolution)
	return p.listing.Add(d, string(d.Code), d.Level.String(), d.Stage, d.Tenant, d.Input, d.File, NumberCell(d.Line), NumberCell(d.Col), d.Column,
		d.Resource, NumberCell(d.StagedLine), d.Path, d.Key, d.Value, NumberCell(d.Count), d.Message, d.Fix, d.Rule, NumberCell(d.RejectLine), accepted)
}

// Commit gives both files their names.
func (p *Problems) Commit() error { return p.listing.Commit() }

// Close discards files that were not committed.
func (p *Problems) Close() error { return p.listing.Close() }

// EachProblem calls yield for each problem that a stage listed; a stage that listed none is no error.
func (r *Run) EachProblem(stage string, yield func(diag.Problem)) error {
	return jsonl.Each(r.File("problems", stage+".jsonl"), func(line jsonl.Line) error {
		var p diag.Problem
		if err := json.Unmarshal(line.Text, &p); err != nil {
			return diag.Fail(diag.CouldNotRun, diag.ConfigRun, "Delete this list, then run the same command again: it is written anew with its stage.",
				"line %d of %s is damaged", line.Number, r.File("problems", stage+".jsonl"))
		}
		yield(p)
		return nil
	})
}
