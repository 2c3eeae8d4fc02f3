package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/rejects"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// work is what a stage does. Its counts are nil if nothing was done; they may come beside an error.
type work func(context.Context) (runs.Counts, error)

// stage runs one stage: it keeps manifest, log, report and summary. The error, if any, is what ended
// the stage early.
func (x *Execution) stage(ctx context.Context, name string, do work) (runs.Outcome, error) {
	if begin := x.place.Observer.Begin; begin != nil {
		begin(name)
	}
	r := x.run
	before, next := r.Stages[name], r.Next
	if r.Today = time.Now().Format(time.DateOnly); x.tenant != nil {
		r.Acknowledgements = x.tenant.Acknowledge
	}
	x.began = true
	if err := r.Begin(name, time.Now()); err != nil {
		return runs.CouldNotRun, err
	}
	if name == runs.Transform && x.place.Next != nil { // if it is killed, it is to be run again
		if r.Next = x.place.Next(r); r.Next != nil {
			if err := r.Save(); err != nil {
				return runs.CouldNotRun, err
			}
		}
	}
	if err := x.log.into(r.File("log.jsonl")); err != nil {
		return runs.CouldNotRun, err
	}
	if err := x.announce(); err != nil {
		return runs.CouldNotRun, errors.Join(err, r.Undo(name, before))
	}
	x.logger.Info("stage begins", "run", r.ID, "tenant", r.Tenant, "stage", name, "bundle", r.Bundle.Name+"@"+r.Bundle.Version)
	counts, err := do(ctx)
	err = DiskError(err)
	if counts == nil && runs.Loads(name) { // a guard stopped it before anything was sent
		x.logger.Info("stage was stopped before it began", "stage", name)
		r.Next = next
		return OutcomeOf(ctx, err), errors.Join(err, r.Undo(name, before), x.report())
	}
	if name == runs.Send || name == runs.Validate && err == nil {
		err = errors.Join(err, x.collectRows(name))
	}
	outcome := OutcomeOf(ctx, err)
	if err == nil && (counts.Partly() || x.place.Strict && x.hasWarnings(name)) {
		outcome = runs.Partly
	}
	x.logger.Info("stage ends", "stage", name, "exit", outcome)
	if err == nil && x.log.hasFailed() {
		outcome, err = runs.CouldNotRun, diag.Fail(diag.CouldNotRun, diag.MachineDisk, "Free space, then run the command again.",
			"the run's log could not be written")
	}
	err = errors.Join(err, x.keep(ctx, err))
	rep, repErr := x.remember(name, outcome, counts)
	if err == nil && repErr != nil {
		err, outcome = repErr, OutcomeOf(ctx, repErr)
	}
	if end := x.place.Observer.End; end != nil && rep != nil && counts != nil {
		end(rep, rep.Stage(name))
	}
	return outcome, err
}

// announce says in the page and in the list of runs that a stage has begun, so that they are true while it is at
// work and if it is killed.
func (x *Execution) announce() error {
	if !x.listed {
		x.listed = true
		_ = report.WriteIndex(x.place.Config.Runs) // Close writes it again, and says if it cannot
	}
	return x.report()
}

// collectRows makes rejects/ hold the source rows of what the stage left behind, beside those that transform
// rejected.
func (x *Execution) collectRows(stage string) error {
	online := x.tenant != nil && x.run.Pass != nil && x.run.Pass.Online
	kept, err := rejects.Update(x.run, rejects.Options{Stage: stage, Unchecked: online && !x.tenant.AcceptUnchecked})
	for _, name := range kept {
		x.place.Observer.note("rows to correct had been edited and were written anew: the edited ones are kept in %s", x.place.Observer.path(x.run.File(name)))
		x.logger.Warn("edited rows to correct are kept", "file", name)
	}
	return err
}

// hasWarnings reports whether the stage listed a warning.
func (x *Execution) hasWarnings(name string) bool {
	found := false
	err := x.run.EachProblem(name, func(p diag.Problem) { found = found || p.Level == diag.LevelWarning && p.Acknowledged == nil })
	return found || err != nil
}

// remember records how the stage ended, in the manifest, the report and the summary.
func (x *Execution) remember(name string, outcome runs.Outcome, counts runs.Counts) (*report.Report, error) {
	if err := x.run.End(name, time.Now(), outcome, counts); err != nil {
		return nil, err
	}
	if next := x.place.Next; next != nil && outcome.Finished() {
		if x.run.Next = next(x.run); x.run.Next != nil {
			if err := x.run.Save(); err != nil {
				return nil, err
			}
		}
	}
	rep, err := report.Build(x.run)
	if err != nil {
		return nil, err
	}
	if err := rep.Write(x.run); err != nil {
		return rep, err
	}
	return rep, rep.Summarise(x.run, name)
}
