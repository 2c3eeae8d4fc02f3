// Package report owns what a run says of itself: report.json, report.html and the summaries of
// its stages. It counts nothing anew; it folds what the stages wrote into the run directory.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Report is report.json. Fields may be added, none renamed.
type Report struct {
	Run      string            `json:"run"`  // id
	Path     string            `json:"path"` // folder
	Created  time.Time         `json:"created"`
	Tenant   string            `json:"tenant,omitempty"`
	Versions Versions          `json:"versions"`
	Target   *runs.Target      `json:"target,omitempty"`
	Params   map[string]string `json:"params"`
	Inputs   []runs.Input      `json:"inputs"`
	Stages   Stages            `json:"stages"`
	Problems []Group           `json:"problems"` // by cause, gravest and most frequent first
	Totals   map[string]int64  `json:"totals"`   // problems per level: format, error, warning, info
}

// Versions are the three layers that are tracked apart (NI-V1), and the tool.
type Versions struct {
	Bundle       string `json:"bundle"`
	BundleDigest string `json:"bundleDigest"`
	DataStandard string `json:"dataStandard"`
	API          string `json:"api,omitempty"`
	Tool         string `json:"tool"`
}

// Stages are the counts of the stages that ran.
type Stages struct {
	Transform *Transform `json:"transform,omitempty"`
	Validate  *Validate  `json:"validate,omitempty"`
	Send      *Send      `json:"send,omitempty"`
}

// Timing says when a stage ran and how it ended.
type Timing struct {
	Start   time.Time `json:"start"`
	Seconds float64   `json:"seconds"`
	Exit    *int      `json:"exit"`
}

// Transform is the stage's counts.
type Transform struct {
	Timing
	runs.TransformCounts
}

// Validate is the stage's counts.
type Validate struct {
	Timing
	runs.ValidateCounts
}

// Send is the stage's counts.
type Send struct {
	Timing
	runs.SendCounts
}

// Group is the problems of one cause.
type Group struct {
	Stage    string     `json:"stage"`
	Code     diag.Code  `json:"code"`
	Level    diag.Level `json:"level"`
	Input    string     `json:"input,omitempty"`
	Column   string     `json:"column,omitempty"`
	Resource string     `json:"resource,omitempty"`
	Path     string     `json:"path,omitempty"`
	Message  string     `json:"message"` // of the first; a student's data is never in it
	Fix      string     `json:"fix,omitempty"`
	Rule     string     `json:"rule,omitempty"`
	First    string     `json:"first,omitempty"` // where the first is: file:line
	Count    int64      `json:"count"`
}

// groupIdentity is what makes a cause.
type groupIdentity struct {
	stage, input, column, resource, path, rule string
	code                                       diag.Code
}

var index = regexp.MustCompile(`\[\d+\]`)

// Build folds the run directory into a report.
func Build(r *runs.Run) (*Report, error) {
	rep := &Report{Run: r.ID, Path: r.Path, Created: r.Created, Tenant: r.Tenant, Target: r.Target, Params: r.Params, Inputs: r.Inputs,
		Versions: Versions{Bundle: r.Bundle.Name + " " + r.Bundle.Version, BundleDigest: r.Bundle.Digest, DataStandard: r.DataStandard, Tool: r.Tool},
		Totals:   map[string]int64{}}
	if r.Target != nil {
		rep.Versions.API = r.Target.APIVersion
	}
	if s := r.Stages[runs.Transform]; s != nil {
		rep.Stages.Transform = &Transform{Timing: timing(s)}
		r.CountsOf(runs.Transform, &rep.Stages.Transform.TransformCounts)
	}
	if s := r.Stages[runs.Validate]; s != nil {
		rep.Stages.Validate = &Validate{Timing: timing(s)}
		r.CountsOf(runs.Validate, &rep.Stages.Validate.ValidateCounts)
	}
	if s := r.Stages[runs.Send]; s != nil {
		rep.Stages.Send = &Send{Timing: timing(s)}
		r.CountsOf(runs.Send, &rep.Stages.Send.SendCounts)
	}
	for _, stage := range []string{runs.Transform, runs.Validate, runs.Send} {
		if r.Stages[stage] == nil {
			continue // problems of an earlier life of the folder
		}
		if err := rep.gather(r, stage); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(rep.Problems, func(a, b Group) int {
		if a.Level != b.Level {
			return int(a.Level) - int(b.Level)
		}
		return int(b.Count - a.Count)
	})
	return rep, nil
}

func timing(s *runs.Stage) Timing {
	t := Timing{Start: s.Start, Exit: s.Exit}
	if s.End != nil {
		t.Seconds = float64(s.End.Sub(s.Start).Milliseconds()) / 1000
	}
	return t
}

// gather reads a stage's problems and adds them up by cause.
func (rep *Report) gather(r *runs.Run, stage string) error {
	at := map[groupIdentity]int{}
	return r.EachProblem(stage, func(p diag.Problem) {
		n := int64(max(p.Count, 1))
		rep.Totals[p.Level.String()] += n
		path := index.ReplaceAllString(p.Path, "[]")
		id := groupIdentity{stage, p.Input, p.Column, p.Resource, path, p.Rule, p.Code}
		i, known := at[id]
		if !known {
			i = len(rep.Problems)
			at[id] = i
			rep.Problems = append(rep.Problems, Group{Stage: stage, Code: p.Code, Level: p.Level, Input: p.Input, Column: p.Column,
				Resource: p.Resource, Path: path, Message: masked(p), Fix: p.Fix, Rule: p.Rule, First: place(p)})
		}
		rep.Problems[i].Count += n
	})
}

// masked is the problem's message without what may be a student's data. The values of a lookup are
// the vendor's words, and the reader needs them.
func masked(p diag.Problem) string {
	if p.Code == diag.Unmapped {
		return p.Message
	}
	message := p.Message
	if p.Value != "" {
		message = hidden(message, p.Value)
	}
	for part := range strings.SplitSeq(p.Key, ", ") {
		if name, value, ok := strings.Cut(part, "="); ok && value != "" && (name == "studentUniqueId" || name == "studentAssessmentIdentifier") {
			message = hidden(message, value)
		}
	}
	return message
}

// hidden replaces a value where it stands by itself, not where it is a part of another word.
func hidden(message, value string) string {
	word := func(c byte) bool {
		return c >= utf8.RuneSelf || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	var b strings.Builder
	for {
		i := strings.Index(message, value)
		if i < 0 {
			b.WriteString(message)
			return b.String()
		}
		end := i + len(value)
		inside := i > 0 && word(message[i-1]) && word(value[0]) || end < len(message) && word(message[end]) && word(value[len(value)-1])
		b.WriteString(message[:i])
		if inside {
			b.WriteString(value)
		} else {
			b.WriteString("…")
		}
		message = message[end:]
	}
}

func place(p diag.Problem) string {
	switch {
	case p.File != "" && p.Line > 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	case p.File != "":
		return p.File
	case p.Resource != "" && p.StagedLine > 0:
		return fmt.Sprintf("staged/%s.jsonl:%d", p.Resource, p.StagedLine)
	}
	return ""
}

// Equation says in words whether a stage's counts add up.
type Equation struct {
	Stage, Of string
	Left      int64
	Right     []Term
	Holds     bool
}

// Term is one summand.
type Term struct {
	Name  string
	Count int64
}

// Equations are the equations of design §1 for everything that ran.
func (rep *Report) Equations() []Equation {
	var all []Equation
	if t := rep.Stages.Transform; t != nil {
		for _, name := range slices.Sorted(maps.Keys(t.Inputs)) {
			c := t.Inputs[name]
			all = append(all, Equation{runs.Transform, name, c.Read, []Term{{"used", c.Used}, {"filtered", c.Filtered}, {"duplicate", c.Duplicate},
				{"other", c.Other}, {"unmatched", c.Unmatched}, {"rejected", c.Rejected}}, c.Holds()})
		}
	}
	if v := rep.Stages.Validate; v != nil {
		for _, name := range slices.Sorted(maps.Keys(v.Resources)) {
			c := v.Resources[name]
			all = append(all, Equation{runs.Validate, name, c.Staged, []Term{{"valid", c.Valid}, {"invalid", c.Invalid}, {"unchecked", c.Unchecked}}, c.Holds()})
		}
	}
	if s := rep.Stages.Send; s != nil {
		for _, name := range slices.Sorted(maps.Keys(s.Resources)) {
			c := s.Resources[name]
			all = append(all, Equation{runs.Send, name, c.Staged, []Term{{"created", c.Created}, {"updated", c.Updated}, {"unchanged", c.Unchanged},
				{"duplicate", c.Duplicate}, {"invalid", c.Invalid}, {"blocked", c.Blocked}, {"rejected", c.Rejected}, {"pending", c.Pending}}, c.Holds()})
		}
	}
	return all
}

// Write writes report.json and report.html.
func (rep *Report) Write(r *runs.Run) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(rep); err != nil {
		return err
	}
	if err := durable.WriteFile(r.File("report.json"), b.Bytes()); err != nil {
		return unwritable(err)
	}
	page, err := rep.page()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(r.File("report.html"), page); err != nil {
		return unwritable(err)
	}
	return nil
}

func unwritable(err error) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "free space, or choose another run directory", "the report cannot be written")
}

// Summarise keeps summaries/<n>-<stage>.json: what this execution of the stage did, never rewritten (OP-3).
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
	text, err := json.MarshalIndent(map[string]any{"run": r.ID, "tenant": r.Tenant, "stage": stage, "tool": r.Tool,
		"execution": r.Stages[stage], "problems": groups}, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(r.File("summaries", fmt.Sprintf("%d-%s.json", n, stage)), append(text, '\n')); err != nil {
		return unwritable(err)
	}
	return nil
}
