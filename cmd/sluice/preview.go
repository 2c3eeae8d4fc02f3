package main

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

// maxPreview bounds a preview, which is for eyes and is held in memory.
const maxPreview = 10000

// previewResult is the --json object of transform --preview.
type previewResult struct {
	Exit     runs.Outcome              `json:"exit"`
	Rows     []transform.PreviewRow    `json:"rows"`
	Records  []transform.PreviewRecord `json:"records"`
	Problems diag.List                 `json:"problems"`
}

// runPreview prints what the first rows give.
func (a *app) runPreview(ctx context.Context, ref string, o transformOptions, rows int) (runs.Outcome, error) {
	if rows < 1 || rows > maxPreview {
		return 0, usage("Write --preview 10.", "--preview must be from 1 to %d rows", maxPreview)
	}
	if o.run != "" {
		return 0, usage("Leave one of them out.", "--preview writes nothing, so --run makes no sense with it")
	}
	q, err := o.request(a, ref)
	if err != nil {
		return 0, err
	}
	place, err := a.workplace()
	if err != nil {
		return 0, err
	}
	x, err := pipeline.New(place, a.Tenant, "sluice transform --preview")
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	preview, outcome, err := x.Preview(ctx, q, rows)
	if err != nil {
		return outcome, err
	}
	preview.Problems.Sort()
	if !a.JSON && (!a.Quiet || outcome != runs.Done) {
		a.screen.problems(a.screen.err, preview.Problems)
	}
	// What is empty is a list in JSON all the same.
	result := previewResult{outcome, append([]transform.PreviewRow{}, preview.Rows...), []transform.PreviewRecord{}, append(diag.List{}, preview.Problems...)}
	for _, row := range preview.Rows {
		result.Records = append(result.Records, row.Records...)
		if err := a.sayRow(row); err != nil {
			return 0, err
		}
	}
	a.concludePreview(outcome, preview.Rows)
	return outcome, a.screen.result(result)
}

// concludePreview says what became of the rows.
func (a *app) concludePreview(outcome runs.Outcome, rows []transform.PreviewRow) {
	used := 0
	for _, row := range rows {
		if row.Became == transform.Used {
			used++
		}
	}
	say := a.screen.note // the records alone are the result
	if a.Quiet && !a.JSON && outcome != runs.Done {
		say = a.screen.sayError
	}
	say("a preview, and nothing was written: %d of %s gave records", used, plural(len(rows), "row"))
}

// sayRow prints the records of a row under its place, or why it has none.
func (a *app) sayRow(row transform.PreviewRow) error {
	where := diag.Pos{File: row.File, Line: int(row.Line)}.String()
	if row.Became != transform.Used {
		a.screen.say("%s  %s", paint(a.screen.outColour, bold, where), paint(a.screen.outColour, yellow, string(row.Became)))
	}
	for _, r := range row.Records {
		var text bytes.Buffer
		if err := json.Indent(&text, r.Record, "", "  "); err != nil {
			return err
		}
		a.screen.say("%s  %s\n%s", paint(a.screen.outColour, bold, where), r.Resource, text.String())
	}
	return nil
}
