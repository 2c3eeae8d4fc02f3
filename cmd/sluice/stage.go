package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// stage runs one stage over a run directory: it keeps manifest, log, report and summary, and
// returns the stage's exit status. The error, if any, is what ended it early.
func (a *app) stage(ctx context.Context, r *runs.Run, name string, work func(context.Context) (runs.Counts, error)) (runs.Outcome, error) {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(100)
	}
	a.current = r
	before := r.Stages[name]
	if err := r.Begin(name, time.Now()); err != nil {
		return exitCouldNotRun, err
	}
	if err := a.log.into(r); err != nil {
		return exitCouldNotRun, err
	}
	a.log.logger.Info("stage begins", "run", r.ID, "tenant", r.Tenant, "stage", name, "bundle", r.Bundle.Name+"@"+r.Bundle.Version)
	counts, err := work(ctx)
	err = asDiskError(err)
	status := exitStatus(ctx, err)
	if err == nil && counts.Partly() {
		status = exitPartly
	}
	if name == runs.Send && counts == nil {
		return status, errors.Join(err, a.undo(r, name, before)) // a guard stopped it before anything was sent
	}
	if err == nil && a.Strict && status == exitDone && a.hasWarnings(r, name) {
		status = exitPartly
	}
	a.log.logger.Info("stage ends", "stage", name, "exit", status)
	if err == nil && a.log.file.hasFailed() {
		err = diag.Fail(diag.CouldNotRun, diag.MachineDisk, "free space, then run the command again", "the run's log could not be written")
		status = exitCouldNotRun
	}
	rep, repErr := a.close(r, name, status, counts)
	if err == nil && repErr != nil {
		err, status = repErr, exitStatus(ctx, repErr)
	}
	if rep != nil && counts != nil {
		a.printStage(rep, rep.Stage(name))
	}
	return status, err
}

// hasWarnings reports whether the stage listed a warning.
func (a *app) hasWarnings(r *runs.Run, name string) bool {
	found := false
	err := r.EachProblem(name, func(p diag.Problem) { found = found || p.Level == diag.LevelWarning })
	return found || err != nil
}

// undo leaves the manifest as if the stage had not begun: such a run may still be replaced.
func (a *app) undo(r *runs.Run, name string, before *runs.Execution) error {
	if r.Stages[name] = before; before == nil {
		delete(r.Stages, name)
	}
	a.log.logger.Info("stage was stopped before it began", "stage", name)
	return r.Save()
}

// rehearse prints what a dry run would do; the run directory does not remember it.
func (a *app) rehearse(r *runs.Run, counts runs.Counts) error {
	rep, err := report.Build(r)
	if err != nil {
		return err
	}
	rep = rep.Rehearsed(runs.Send, counts)
	a.screen.say("a dry run: nothing was sent, and nothing is remembered\n")
	a.printStage(rep, rep.Stage(runs.Send))
	return a.screen.result(runResult{Run: r.Path, Exit: a.exit, Report: rep})
}

// close records how the stage ended, in the manifest, the report and the summary.
func (a *app) close(r *runs.Run, name string, status runs.Outcome, counts runs.Counts) (*report.Report, error) {
	if err := r.End(name, time.Now(), status, counts); err != nil {
		return nil, err
	}
	rep, err := report.Build(r)
	if err != nil {
		return nil, err
	}
	if err := rep.Write(r); err != nil {
		return rep, err
	}
	return rep, rep.Summarise(r, name)
}

// asDiskError gives errors of the file system that no package explained a code and advice.
func asDiskError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := diag.AsError(err); ok {
		return err
	}
	var path *fs.PathError
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.As(err, &path) {
		return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "free space or choose another folder, then run the same command again", "a file could not be written or read")
	}
	return err
}

// printStage prints a stage's counts, its equations and its problems by cause.
func (a *app) printStage(rep *report.Report, stage *report.Stage) {
	s := a.screen
	where := cmp.Or(rep.Tenant, "no tenant")
	s.say("%s", paint(s.outColour, bold, fmt.Sprintf("%s  %s · Data Standard %s · %s", stage.Name, rep.Versions.Bundle, rep.Versions.DataStandard, where)))
	a.printEquations(stage)
	switch counts := stage.Counts.(type) {
	case *runs.TransformCounts:
		a.printStaged(counts)
	case *runs.SendCounts:
		a.sayWhyNothing(counts)
	}
	a.printCauses(rep, stage.Name)
	s.say("")
}

// printEquations prints a stage's equations as a table.
func (a *app) printEquations(stage *report.Stage) {
	var header []string
	var rows [][]string
	for _, e := range stage.Counts.Equations() {
		header = []string{stage.About, e.Left.Name}
		row := []string{e.Of, strconv.FormatInt(e.Left.Count, 10)}
		for _, t := range e.Right {
			header = append(header, t.Name)
			row = append(row, strconv.FormatInt(t.Count, 10))
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
		rows = append(rows, []string{resource, strconv.FormatInt(c.Staged, 10), strconv.FormatInt(c.Duplicate, 10), strconv.FormatInt(c.Rejected, 10)})
	}
	a.screen.say("")
	a.screen.grid([]string{"resource", "staged", "repeated", "rejected"}, rows)
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
		a.screen.say("\n  nothing was posted: the target already holds %s as they are, says the ledger", plural(int(unchanged), "record"))
	}
}

// mostGroups is how many causes are printed; the rest stand in report.html and problems/.
const mostGroups = 12

func (a *app) groupLine(g report.Group) string {
	style := map[diag.Level]string{diag.LevelFormat: red, diag.LevelError: red, diag.LevelWarning: yellow, diag.LevelInfo: cyan}[g.Level]
	where := ""
	for _, part := range []string{g.Input, g.Resource, g.Column, g.Path} {
		if part != "" {
			where += " " + part
		}
	}
	return fmt.Sprintf("%d × %s%s: %s", g.Count, paint(a.screen.outColour, style, string(g.Code)), where, g.Message)
}

// shownPath is the path as a person would type it from here.
func shownPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || len(rel) >= len(path) || len(rel) > 2 && rel[:2] == ".." {
		return path
	}
	return rel
}

// runResult is the --json object of transform, validate, send, run and demo.
type runResult struct {
	Run    string         `json:"run"` // path of the run directory
	Exit   runs.Outcome   `json:"exit"`
	Report *report.Report `json:"report"`
	Next   string         `json:"next,omitempty"`
}

// finish prints the path of the run and the next command, or the JSON object, and sets the exit status.
func (a *app) finish(r *runs.Run, status runs.Outcome, next string) error {
	a.exit = status
	if a.JSON {
		rep, err := report.Build(r)
		if err != nil {
			return err
		}
		return a.screen.result(runResult{r.Path, status, rep, next})
	}
	a.screen.say("run: %s", shownPath(r.Path))
	a.screen.say("report: %s", shownPath(r.File("report.html")))
	if next != "" {
		a.screen.say("next: %s", next)
	}
	return nil
}
