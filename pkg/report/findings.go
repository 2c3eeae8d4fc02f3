package report

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Findings are what a command found, for programs that read SARIF or JUnit. They hold no more of a student's data
// than the screen shows.
type Findings struct {
	Version string // of sluice
	Command string // as "sluice validate"
	Strict  bool   // warnings count, unless somebody has acknowledged them
	Folder  string // paths of files begin there
	Stopped *diag.Error
	Suites  []Suite
}

// Suite is what was found of one resource, one file or one fixture.
type Suite struct {
	Name    string
	Passed  string // what was looked at, as "3 records"
	Skipped string // what could not be; empty: nothing
	Found   []Finding
}

// Finding is a problem, or several of one cause.
type Finding struct {
	Group
	Col int // character in the line of the first place
}

// FindingOf is a problem of a file that people write.
func FindingOf(p diag.Problem) Finding {
	g := Group{Stage: p.Stage, Code: p.Code, Level: p.Level, Input: p.Input, Column: p.Column, Resource: p.Resource, Path: p.Path,
		Message: p.Message, Fix: p.Fix, Rule: p.Rule, RuleID: p.RuleID, Count: int64(max(p.Count, 1)), Acknowledged: p.Acknowledged}
	if p.File != "" {
		g.Lines = []Place{{p.File, p.Line}}
	}
	return Finding{g, p.Col}
}

// Judged are the findings of validate, by resource: each resource is there, also one of which nothing was found.
func (rep *Report) Judged(r *runs.Run) (all []Suite) {
	counts, _ := r.Counts(runs.Validate).(*runs.ValidateCounts)
	if counts == nil {
		return nil
	}
	for _, e := range counts.Equations() {
		v := counts.Resources[e.Of]
		s := Suite{Name: e.Of, Passed: diag.Counted(int(v.Valid), "record is valid", "records are valid")}
		if v.Unchecked > 0 {
			s.Skipped = diag.Counted(int(v.Unchecked), "record could not be checked", "records could not be checked")
		}
		all = append(all, s)
	}
	run := Suite{Name: "run", Passed: "the run itself"}
	for _, g := range rep.Problems {
		if g.Stage != runs.Validate && (g.Stage != runs.Transform || r.Records == "") {
			continue
		}
		g.Lines = slices.Clone(g.Lines)
		for i, p := range g.Lines { // which the run names from where transform ran
			if path := filepath.Join(r.Folder, p.File); !filepath.IsAbs(p.File) && r.Folder != "" {
				if _, err := os.Stat(path); err == nil {
					g.Lines[i].File = path
				}
			}
		}
		if len(g.Lines) == 0 { // the list says where the records stand
			g.Lines = []Place{{File: r.File("problems", g.Stage+".csv")}}
		}
		if i := slices.IndexFunc(all, func(s Suite) bool { return s.Name == g.Resource }); i >= 0 {
			all[i].Found = append(all[i].Found, Finding{Group: g})
			continue
		}
		run.Found = append(run.Found, Finding{Group: g})
	}
	if len(run.Found) > 0 {
		all = append(all, run)
	}
	return all
}

// fails reports whether a finding counts against what was looked at.
func (f *Findings) fails(one Finding) bool {
	return one.Level <= diag.LevelError || f.Strict && one.Level == diag.LevelWarning && one.Acknowledged == nil
}

// text says what was found, and of what.
func (one Finding) text() string {
	of := ""
	for _, part := range []string{one.Resource, one.Column, one.Path} {
		if part != "" {
			of += part + " "
		}
	}
	message := strings.TrimPrefix(one.Message, one.Column+": ")
	if of == "" {
		return message
	}
	return strings.TrimSpace(of) + ": " + message
}

// path is a file as programs find it from the folder: relative if it lies there, with slashes.
func (f *Findings) path(file string) string {
	if !filepath.IsAbs(file) {
		return path.Clean(filepath.ToSlash(file))
	}
	if rel, err := filepath.Rel(f.Folder, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(file)
}

// where are the first places of a finding.
func (f *Findings) where(one Finding) string {
	var all []string
	for _, p := range one.Lines {
		text := f.path(p.File)
		if p.Line > 0 {
			text = fmt.Sprintf("%s:%d", text, p.Line)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// advice is what to do about a code, for the table of rules.
func advice(code diag.Code) diag.Entry {
	for _, e := range diag.Codes() {
		if e.Code == code {
			return e
		}
	}
	return diag.Entry{Code: code, Level: diag.LevelError, Meaning: string(code), Resolution: "See the message."}
}
