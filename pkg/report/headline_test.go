package report

import (
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestHeadline: how runs of every kind are summed up, and that nothing is said that is not known.
func TestHeadline(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	stage := func(name string, minute int, exit runs.Outcome, counts runs.Counts) Stage {
		s := Stage{Counts: counts, Timing: Timing{Start: start.Add(time.Duration(minute) * time.Minute), Exit: &exit}}
		for _, known := range runs.Stages() {
			if known.Name == name {
				s.Stage = known
			}
		}
		return s
	}
	rows := func(in runs.InputCounts) runs.Counts {
		return &runs.TransformCounts{Inputs: map[string]runs.InputCounts{"results": in}}
	}
	judged := func(v runs.Verdicts) runs.Counts {
		return &runs.ValidateCounts{Online: true, Resources: map[string]runs.Verdicts{testResults: v}}
	}
	sent := func(l runs.Loaded) runs.Counts {
		return &runs.SendCounts{Resources: map[string]runs.Loaded{testResults: l}}
	}
	some := stage(runs.Transform, 0, runs.Partly, rows(runs.InputCounts{Read: 27, Used: 10, Rejected: 15, Filtered: 1, Duplicate: 1}))
	all := stage(runs.Transform, 0, runs.Done, rows(runs.InputCounts{Read: 9, Used: 9}))
	valid := stage(runs.Validate, 1, runs.Done, judged(runs.Verdicts{Staged: 9, Valid: 9}))
	atWork := stage(runs.Send, 2, runs.Done, &runs.SendCounts{})
	atWork.Timing.Exit = nil
	for name, c := range map[string]struct {
		stages  []Stage
		stopped *runs.Stop
		want    Headline
	}{
		"nothing": {nil, nil, Headline{"unfinished", "Not started", "Nothing has run yet. Nothing was loaded."}},
		"partly": {[]Stage{some, stage(runs.Validate, 1, runs.Partly, judged(runs.Verdicts{Staged: 10, Valid: 9, Invalid: 1})), stage(runs.Send, 2, runs.Partly, sent(runs.Loaded{Staged: 10, Created: 9, Invalid: 1}))}, nil,
			Headline{"partly", "Partly loaded", "9 of 27 tests loaded · 15 rows rejected · 2 rows left out · 1 record not valid"}},
		"rows rejected, the rest sent with 0": {[]Stage{some, valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 10, Created: 10}))}, nil,
			Headline{"partly", "Partly loaded", "10 of 27 tests loaded · 15 rows rejected · 2 rows left out"}},
		"loaded":    {[]Stage{all, valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 9, Created: 9}))}, nil, Headline{"done", "Loaded", "9 of 9 tests loaded"}},
		"unchanged": {[]Stage{all, valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 9, Unchanged: 9}))}, nil, Headline{"done", "Loaded", "9 of 9 tests loaded · nothing new to send"}},
		"unchanged, rows rejected again": {[]Stage{some, valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 10, Unchanged: 10}))}, nil,
			Headline{"partly", "Partly loaded", "10 of 27 tests loaded · 15 rows rejected · 2 rows left out"}},
		"strict": {[]Stage{stage(runs.Transform, 0, runs.Partly, rows(runs.InputCounts{Read: 9, Used: 9})), valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 9, Created: 9}))}, nil,
			Headline{"partly", "Loaded, with warnings", "9 of 9 tests loaded"}},
		"refused": {[]Stage{all, valid, stage(runs.Send, 2, runs.Partly, sent(runs.Loaded{Staged: 9, Rejected: 8, Blocked: 1}))}, nil,
			Headline{"partly", "No test was loaded", "0 of 9 tests loaded · 8 records refused · 1 record held back"}},
		"several tests of a row": {[]Stage{all, valid, stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 18, Created: 18}))}, nil, Headline{"done", "Loaded", "18 of 18 tests loaded"}},
		"no tests": {[]Stage{all, stage(runs.Send, 2, runs.Done, &runs.SendCounts{Resources: map[string]runs.Loaded{"students": {Staged: 5, Created: 4, Duplicate: 1}}})}, nil,
			Headline{"done", "Loaded", "4 of 4 records loaded"}},
		"stopped before it loads": {[]Stage{all}, &runs.Stop{Stage: runs.Validate, Code: "AUTH-REFUSED", Message: "the key was refused."},
			Headline{"stopped", "Validate was stopped", "the key was refused (AUTH-REFUSED). Nothing was loaded."}},
		"stopped in send": {[]Stage{all, valid, stage(runs.Send, 2, runs.Interrupted, sent(runs.Loaded{Staged: 9, Created: 4, Pending: 5}))}, &runs.Stop{Stage: runs.Send, Code: diag.MachineInterrupt, Message: "interrupted"},
			Headline{"stopped", "Send was stopped", "interrupted (" + string(diag.MachineInterrupt) + "). So far: 4 of 9 tests loaded, 5 records pending."}},
		"killed in send": {[]Stage{all, valid, atWork}, nil,
			Headline{"unfinished", "Send has not ended", "It began at 2026-05-01 12:02:00 UTC, and is at work or was killed."}},
		"validated after it was sent": {[]Stage{all, stage(runs.Validate, 3, runs.Done, judged(runs.Verdicts{Staged: 9, Valid: 9})), stage(runs.Send, 2, runs.Done, sent(runs.Loaded{Staged: 9, Created: 9}))}, nil,
			Headline{"done", "Validated again, not sent since", "9 of 9 records valid. So far: 9 of 9 tests loaded."}},
		"offline": {[]Stage{all, stage(runs.Validate, 1, runs.Done, &runs.ValidateCounts{OpenForTarget: true, Resources: map[string]runs.Verdicts{testResults: {Staged: 9, Valid: 3, Unchecked: 6}}})}, nil,
			Headline{"done", "Validated, not yet sent", "3 of 9 records valid · 6 records that only the target can check"}},
	} {
		rep := &Report{Stages: c.stages, Stopped: c.stopped}
		if got := rep.headline(); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}
