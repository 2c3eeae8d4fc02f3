package report

import (
	"errors"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestRowsThatAreLoaded: rows are called loaded only where that follows from what is known.
func TestRowsThatAreLoaded(t *testing.T) {
	transformed := runs.InputCounts{Read: 10, Used: 7, Filtered: 1, Rejected: 2}
	all := runs.Loaded{Staged: 7, Created: 7}
	some := runs.Loaded{Staged: 7, Created: 4, Rejected: 2, Blocked: 1}
	three := []runs.Reject{{Input: "results", File: "rejects/results.csv", Rows: 4, Lost: 1, LostFile: "rejects/results.lost.csv", Why: "in.csv is not there any more",
		Because: map[runs.Fate]int64{runs.RowRejected: 2, runs.RecordRefused: 2, runs.RecordBlocked: 1}}}
	for name, c := range map[string]struct {
		sent   runs.Loaded
		left   []runs.Reject
		change func(r *runs.Run, transform *runs.TransformCounts)
		want   []string
	}{
		"all": {all, []runs.Reject{{File: "rejects/results.csv", Rows: 2, Because: map[runs.Fate]int64{runs.RowRejected: 2}}}, nil,
			[]string{"7 of 10 rows are loaded, 1 left out", "7 of 7 records are at the target", "2 rows to correct: 2 rejected"}},
		"some": {some, three, nil, []string{"4 of 10 rows are loaded, 1 left out", "4 of 7 records are at the target",
			"4 rows to correct: 2 rejected, 2 refused by the target; 1 row to run again once the record that it needs is corrected",
			"1 of these is not in rejects, only listed by line: in.csv is not there any more. Take these lines from the file as it was", "2 records were refused by the target",
			"1 record was not sent, because one that it needs was not accepted"}},
		"pending": {runs.Loaded{Staged: 7, Created: 6, Pending: 1}, nil, nil, []string{"7 of 10 rows gave records, 1 left out", "6 of 7 records are at the target",
			"2 rows were rejected", "1 record is pending: there is nothing to correct, only to send it again"}},
		"staged by hand": {all, nil, func(r *runs.Run, _ *runs.TransformCounts) { r.Staged["studentAssessments"] = jsonl.Digest{Lines: 6} },
			[]string{"7 of 10 rows gave records, 1 left out", "7 of 7 records are at the target", "2 rows were rejected"}},
		"records of several rows": {some, three, func(_ *runs.Run, c *runs.TransformCounts) {
			c.Resources["studentAssessments"] = runs.StagedCounts{Staged: 7, Duplicate: 1}
		}, []string{"7 of 10 rows gave records, 1 left out"}},
		"an earlier build": {all, nil, func(r *runs.Run, _ *runs.TransformCounts) { r.Inputs[0].Written = nil }, []string{"7 of 10 rows gave records, 1 left out"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			r, err := runs.Create(t.TempDir(), runs.Manifest{Inputs: []runs.Input{{Name: "results", Written: &runs.Written{}}}, ToCorrect: c.left,
				Staged: map[string]jsonl.Digest{"studentAssessments": {Lines: 7}}, Verdicts: map[string]jsonl.Digest{"studentAssessments": {Lines: 7}}})
			if err != nil {
				t.Fatal(err)
			}
			made := &runs.TransformCounts{Inputs: map[string]runs.InputCounts{"results": transformed}, Resources: map[string]runs.StagedCounts{"studentAssessments": {Staged: 7}}}
			if c.change != nil {
				c.change(r, made)
			}
			sent := &runs.SendCounts{Resources: map[string]runs.Loaded{"studentAssessments": c.sent}}
			verdicts := r.Verdicts
			err = errors.Join(r.Begin(runs.Transform, now), r.End(runs.Transform, now, runs.Partly, made),
				r.Begin(runs.Send, now), r.End(runs.Send, now, runs.Partly, sent))
			if r.Verdicts = verdicts; err != nil {
				t.Fatal(err)
			}
			rep, err := Build(r)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				if i >= len(rep.Verdict) || rep.Verdict[i].Text != want {
					t.Errorf("%d: want %q of %+v", i, want, rep.Verdict)
				}
			}
		})
	}
}
