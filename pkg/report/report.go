// Package report owns what a run says of itself: report.json, report.html and the summaries of
// its stages. It counts nothing again; it folds what the stages wrote into the run directory.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Report is report.json. Fields may be added, none renamed.
type Report struct {
	Run      string            `json:"run"`  // id
	Path     string            `json:"path"` // folder
	Created  time.Time         `json:"created"`
	Local    string            `json:"local"` // Created by the clock of the machine that wrote the report
	Tenant   string            `json:"tenant,omitempty"`
	Versions Versions          `json:"versions"`
	Target   *runs.Target      `json:"target,omitempty"`
	Params   map[string]string `json:"params"`
	Inputs   []runs.Input      `json:"inputs"`
	ReadAs   map[string]string `json:"readAs,omitempty"` // inputs whose files are not written as the bundle says
	Roster   *runs.Roster      `json:"roster,omitempty"` // how students were looked up; nil: they were not
	Stages   Stages            `json:"stages"`
	Stopped  *runs.Stop        `json:"stopped,omitempty"` // why the last command on the run stopped; nil: it did not
	Headline Headline          `json:"headline"`          // how the run stands
	Verdict  []Remark          `json:"verdict"`           // what the run came to
	Next     *runs.Next        `json:"next,omitempty"`    // the next command, if there is one
	Files    []File            `json:"files"`             // of the run's folder, for people
	Problems []Group           `json:"problems"`          // by cause, the gravest first, then those of most rows
	Totals   map[string]int64  `json:"totals"`            // problems per level: error, warning, note; once more as format and info; acknowledged of the warnings
}

// Versions are the three layers that are tracked apart, and the tool.
type Versions struct {
	Bundle       string `json:"bundle"`
	BundleDigest string `json:"bundleDigest"`
	Assessment   string `json:"assessment,omitempty"` // family and version
	DataStandard string `json:"dataStandard"`
	API          string `json:"api,omitempty"`
	Tool         string `json:"tool"`
}

// Timing says when a stage ran and how it ended.
type Timing struct {
	Start   time.Time     `json:"start,omitzero"`  // of a dry run: none
	Local   string        `json:"local,omitempty"` // Start by the clock of the machine that wrote the report
	Seconds float64       `json:"seconds"`
	Exit    *runs.Outcome `json:"exit,omitempty"` // nil: it has not ended, was killed, or is a dry run
}

// Stage is what a stage did: in JSON its timing and its counts in one object.
type Stage struct {
	runs.Stage
	Timing Timing
	Counts runs.Counts // not nil; empty if the stage counted nothing
}

// Stages are the stages that ran, in their order; in JSON an object by their names.
type Stages []Stage

// MarshalJSON writes {"transform": {…}, "validate": {…}}.
func (all Stages) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, s := range all {
		timing, err := json.Marshal(s.Timing)
		if err != nil {
			return nil, err
		}
		counts, err := json.Marshal(s.Counts)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s,%s", s.Name, bytes.TrimSuffix(timing, []byte("}")), bytes.TrimPrefix(counts, []byte("{")))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Stage finds a stage that ran, or nil.
func (rep *Report) Stage(name string) *Stage {
	for i := range rep.Stages {
		if rep.Stages[i].Name == name {
			return &rep.Stages[i]
		}
	}
	return nil
}

// Rehearsed is the report as it would be if the stage had ended with these counts.
func (rep *Report) Rehearsed(name string, counts runs.Counts) *Report {
	with := *rep
	with.Stages = nil
	for _, known := range runs.Stages() {
		if known.Name == name {
			with.Stages = append(with.Stages, Stage{Stage: known, Counts: counts})
		} else if s := rep.Stage(known.Name); s != nil {
			with.Stages = append(with.Stages, *s)
		}
	}
	return &with
}

// outline is what the manifest alone says of a run.
func outline(r *runs.Run) *Report {
	rep := &Report{Run: r.ID, Path: r.Path, Created: r.Created, Tenant: r.Tenant, Target: r.Target, Params: r.Params, Inputs: r.Inputs, ReadAs: r.ReadAs, Roster: r.Roster, Stopped: r.Stopped,
		Local: local(r.Created), Next: r.Next,
		Versions: Versions{Bundle: strings.TrimSpace(r.Bundle.Name + " " + r.Bundle.Version), BundleDigest: r.Bundle.Digest, Assessment: r.Bundle.Assessment, DataStandard: r.DataStandard, Tool: r.Tool},
		Totals:   map[string]int64{}}
	if r.Target != nil {
		rep.Versions.API = r.Target.APIVersion
	}
	for _, known := range runs.Stages() {
		x := r.Stages[known.Name]
		if x == nil {
			continue // what its lists say is of an earlier life of the folder
		}
		counts := r.Counts(known.Name)
		if counts == nil {
			counts = known.New()
		}
		rep.Stages = append(rep.Stages, Stage{Stage: known, Timing: timing(x), Counts: counts})
	}
	return rep
}

// Build folds the run directory into a report.
func Build(r *runs.Run) (*Report, error) {
	rep := outline(r)
	for _, s := range rep.Stages {
		if s.Timing.Exit == nil {
			continue // its lists are of an earlier time, or not whole
		}
		if err := rep.gather(r, s.Name); err != nil {
			return nil, err
		}
	}
	for i := range rep.Problems {
		rep.Problems[i].finish()
	}
	slices.SortStableFunc(rep.Problems, func(a, b Group) int {
		if a.Level != b.Level {
			return int(a.Level) - int(b.Level)
		}
		if known := a.Acknowledged != nil; known != (b.Acknowledged != nil) { // which need nobody
			if known {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(b.Count, a.Count))
	})
	rep.addMissing(r)
	rep.Headline, rep.Files = rep.headline(), files(r)
	rep.Verdict = rep.verdict(r)
	return rep, nil
}

func timing(x *runs.Execution) Timing {
	t := Timing{Start: x.Start, Local: local(x.Start), Exit: x.Exit}
	if x.End != nil {
		t.Seconds = float64(x.End.Sub(x.Start).Milliseconds()) / 1000
	}
	return t
}

// Write writes report.json and report.html.
func (rep *Report) Write(r *runs.Run) error {
	text, err := jsonl.Indented(rep)
	if err != nil {
		return err
	}
	page, err := rep.page()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(r.File("report.json"), text); err != nil {
		return unwritable(err)
	}
	return unwritable(durable.WriteFile(r.File("report.html"), page))
}

func unwritable(err error) error {
	return diag.Unwritable(err, "Free space, or choose another run directory.", "the report cannot be written")
}

// Summarise keeps summaries/<n>-<stage>.json: what this execution of the stage did, never rewritten.
func (rep *Report) Summarise(r *runs.Run, stage string) error {
	folder := r.File("summaries")
	if err := durable.MkdirAll(folder); err != nil {
		return unwritable(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unwritable(err)
	}
	n := 1
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			n++
		}
	}
	groups := make([]Group, 0, len(rep.Problems))
	for _, g := range rep.Problems {
		if g.Stage == stage {
			groups = append(groups, g)
		}
	}
	text, err := jsonl.Indented(map[string]any{"run": r.ID, "tenant": r.Tenant, "stage": stage, "tool": r.Tool,
		"execution": r.Stages[stage], "problems": groups})
	if err != nil {
		return err
	}
	return unwritable(durable.WriteFile(r.File("summaries", fmt.Sprintf("%d-%s.json", n, stage)), text))
}
