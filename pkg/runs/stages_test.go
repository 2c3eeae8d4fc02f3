package runs

import (
	"encoding/json"
	"testing"
)

// TestCounts says of each stage's counts which of them leave something behind.
func TestCounts(t *testing.T) {
	for name, c := range map[string]struct {
		counts Counts
		partly bool
	}{
		"all used":       {&TransformCounts{Inputs: map[string]InputCounts{"a": {Read: 3, Used: 1, Filtered: 1, Duplicate: 1}}}, false},
		"a row rejected": {&TransformCounts{Inputs: map[string]InputCounts{"a": {Read: 1, Rejected: 1}}}, true},
		"a record rejected": {&TransformCounts{Inputs: map[string]InputCounts{"a": {Read: 1, Used: 1}},
			Resources: map[string]StagedCounts{"students": {Rejected: 1}}}, true},
		"all valid":             {&ValidateCounts{Resources: map[string]Verdicts{"students": {Staged: 2, Valid: 2, Duplicate: 1}}}, false},
		"marked":                {&ValidateCounts{Resources: map[string]Verdicts{"students": {Staged: 2, Valid: 2, Marked: 1}}}, true},
		"unchecked":             {&ValidateCounts{Resources: map[string]Verdicts{"students": {Staged: 2, Valid: 1, Unchecked: 1}}}, true},
		"open for the target":   {&ValidateCounts{OpenForTarget: true, Resources: map[string]Verdicts{"students": {Staged: 1, Unchecked: 1}}}, false},
		"invalid, open besides": {&ValidateCounts{OpenForTarget: true, Resources: map[string]Verdicts{"students": {Staged: 2, Unchecked: 1, Invalid: 1}}}, true},
		"loaded":                {&SendCounts{Resources: map[string]Loaded{"students": {Staged: 3, Created: 1, Unchanged: 1, Duplicate: 1}}}, false},
		"blocked":               {&SendCounts{Resources: map[string]Loaded{"students": {Staged: 1, Blocked: 1}}}, true},
		"pending":               {&SendCounts{Resources: map[string]Loaded{"students": {Staged: 1, Pending: 1}}}, true},
	} {
		if c.counts.Partly() != c.partly {
			t.Errorf("%s: %v", name, !c.partly)
		}
		for _, e := range c.counts.Equations() {
			if !e.Holds() {
				t.Errorf("%s: %+v does not add up", name, e)
			}
		}
	}
	if e := (Loaded{Staged: 2, Created: 1}).Equation("students"); e.Holds() {
		t.Errorf("%+v adds up", e)
	}
}

// TestStages checks what each entry of the table of stages must have.
func TestStages(t *testing.T) {
	for _, s := range Stages() {
		if s.Name == "" || s.Done == "" || s.About != Inputs && s.About != Resources {
			t.Errorf("%+v", s)
		}
		if text, err := json.Marshal(s.New()); err != nil || text[0] != '{' || len(text) == 2 {
			t.Errorf("the counts of %s are %s, %v", s.Name, text, err)
		}
	}
}
