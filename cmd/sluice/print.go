package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// printStage prints a stage's counts, its equations and its problems by cause.
func (a *app) printStage(rep *report.Report, stage *report.Stage) {
	s := a.screen
	where := cmp.Or(rep.Tenant, "no tenant")
	title := fmt.Sprintf("%s  %s · Data Standard %s · %s", stage.Name, rep.Versions.Bundle, rep.Versions.DataStandard, where)
	s.say("%s", paint(s.outColour, bold, title))
	a.printEquations(rep, stage)
	switch counts := stage.Counts.(type) {
	case *runs.TransformCounts:
		a.printStaged(counts)
		a.printStudents(rep)
	case *runs.SendCounts:
		a.sayWhyNothing(counts)
	}
	a.printCauses(rep, stage.Name)
	s.say("")
}

// printEquations prints a stage's equations as a table.
func (a *app) printEquations(rep *report.Report, stage *report.Stage) {
	var header []string
	var rows [][]string
	lines := map[string]int64{}
	if stage.Name == runs.Transform {
		for _, in := range rep.Inputs {
			lines[in.Name] += in.Lines
		}
	}
	for _, e := range stage.Counts.Equations() {
		row := []string{e.Of}
		header = []string{stage.About}
		if n, ok := lines[e.Of]; ok { // more than the rows where one has lines of several
			header, row = append(header, "lines"), append(row, fmt.Sprint(n))
		}
		header, row = append(header, e.Left.Name), append(row, fmt.Sprint(e.Left.Count))
		for _, t := range e.Right {
			header = append(header, t.Name)
			row = append(row, fmt.Sprint(t.Count))
		}
		adds := "="
		if !e.Holds() {
			adds = "≠ does not add up"
		}
		header = append(header, "")
		rows = append(rows, append(row, adds))
	}
	a.screen.grid(header, rows)
}

// printStaged prints what transform made of the rows.
func (a *app) printStaged(counts *runs.TransformCounts) {
	var rows [][]string
	for _, resource := range slices.Sorted(maps.Keys(counts.Resources)) {
		c := counts.Resources[resource]
		rows = append(rows, []string{resource, fmt.Sprint(c.Staged), fmt.Sprint(c.Duplicate), fmt.Sprint(c.Rejected)})
	}
	a.screen.say("")
	a.screen.grid([]string{"resource", "staged", "repeated", "rejected"}, rows)
}

// printStudents prints where students' ids were read from.
func (a *app) printStudents(rep *report.Report) {
	var said []string
	for _, in := range rep.Inputs {
		if in.Student == nil {
			continue
		}
		line := fmt.Sprintf("students' ids of %s: the column %s", in.Name, in.Student.Header)
		if !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	for _, line := range said {
		a.screen.say("  %s", line)
	}
}

// printCauses prints a stage's problems, by cause.
func (a *app) printCauses(rep *report.Report, stage string) {
	s, shown := a.screen, 0
	for _, g := range rep.Problems {
		if g.Stage != stage {
			continue
		}
		if shown == 0 {
			s.say("")
		}
		if shown++; shown > mostGroups {
			continue
		}
		s.say("  %s", a.groupLine(g))
		if g.Fix != "" && g.Level <= diag.LevelWarning {
			s.say("      %s %s", paint(s.outColour, dim, "→"), g.Fix)
		}
	}
	if shown > mostGroups {
		s.say("  … and %d more causes", shown-mostGroups)
	}
	if shown > 0 {
		s.say("  all of them, with file, line and column: %s", shownPath(filepath.Join(rep.Path, "problems", stage+".csv")))
	}
}

// sayWhyNothing explains a send that posted nothing.
func (a *app) sayWhyNothing(counts *runs.SendCounts) {
	sent, unchanged := int64(0), int64(0)
	for _, l := range counts.Resources {
		sent += l.Created + l.Updated + l.Rejected
		unchanged += l.Unchanged
	}
	if sent == 0 && unchanged > 0 && !counts.DryRun {
		a.screen.say("\n  nothing was posted: the target already holds %s as they are", plural(int(unchanged), "record"))
	}
}

// mostGroups is how many causes are printed; the rest stand in report.html and problems/.
const mostGroups = 12

func (a *app) groupLine(g report.Group) string {
	where := ""
	for _, part := range []string{g.Input, g.Resource, g.Column, g.Path} {
		if part != "" {
			where += " " + part
		}
	}
	return fmt.Sprintf("%d × %s%s: %s", g.Count, paint(a.screen.outColour, styles[g.Level], string(g.Code)), where, g.Message)
}

// runResult is the --json object of transform, validate, send, run and demo.
type runResult struct {
	Run    string         `json:"run"` // path of the run directory
	Exit   runs.Outcome   `json:"exit"`
	Report *report.Report `json:"report"`
	Next   string         `json:"next,omitempty"`
}

// finish prints the path of the run and the next command, or the JSON object.
func (a *app) finish(r *runs.Run, outcome runs.Outcome, next string) error {
	if a.JSON {
		rep, err := report.Build(r)
		if err != nil {
			return err
		}
		return a.screen.result(runResult{r.Path, outcome, rep, next})
	}
	a.sayWhere(r)
	if next != "" {
		a.screen.say("next: %s", next)
	}
	return nil
}

// sayWhere prints where the run lies, and its report if there is one.
func (a *app) sayWhere(r *runs.Run) {
	a.screen.say("run: %s", shownPath(r.Path))
	if _, err := os.Stat(r.File("report.html")); err == nil {
		a.screen.say("report: %s", shownPath(r.File("report.html")))
	}
}

// plural is a count with its noun.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if n == 0 {
		return "no " + what + "s"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
