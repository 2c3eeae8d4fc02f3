package runs

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"
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

// reconciled stands for the counts of a stage to come.
type reconciled struct{ Held, Missing int64 }

func (c *reconciled) Equations() []Equation    { return nil }
func (c *reconciled) Staged() map[string]int64 { return nil }
func (c *reconciled) Partly() bool             { return c.Missing > 0 }

// TestANewStageIsAnEntry: the manifest keeps a stage as soon as it is in the table, and decodes its counts.
func TestANewStageIsAnEntry(t *testing.T) {
	known := stages
	defer func() { stages = known }()
	stages = append(Stages(), Stage{Name: "reconcile", About: Resources, Done: "reconciled", New: func() Counts { return &reconciled{} }})
	path := filepath.Join(t.TempDir(), "r")
	r, err := Create(path, Manifest{Pass: &Pass{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := errors.Join(r.Begin("reconcile", now), r.End("reconcile", now, Partly, &reconciled{Held: 5, Missing: 2})); err != nil {
		t.Fatal(err)
	}
	back, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	counts, _ := back.Counts("reconcile").(*reconciled)
	if counts == nil || *counts != (reconciled{5, 2}) || !counts.Partly() || !back.Finished("reconcile") || back.Pass == nil {
		t.Errorf("%+v", back.Manifest)
	}
}
