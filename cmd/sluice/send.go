package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newSend() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "send RUN --tenant NAME",
		Short: "Load what passed",
		Long: `Loads the records that validate passed, in the target's dependency order. What the target
already holds is not sent again; what refers to a refused record is not sent at all, unless that is a
descriptor, assessment or objective that the target holds, or may hold. Every record that did not load
is listed in errors/, with the target's own message if it gave one, and its source row is in rejects/, to be
corrected and run again, unless it is only to be sent again.

Results that validate did not look for at the target are not sent (exit 5): another loader may have
brought the same ones under other identifiers, and they would be there twice. --accept-existing of
earlier versions is --accept-new of validate and run.

Whenever it is stopped, the same command goes on where it left off: nothing is lost, nothing doubled.`,
		Example: `  sluice send r1 --tenant gb
  sluice send r1 --tenant gb --dry-run       what would change, and change nothing`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRuns),
		PreRunE:           a.explicitTenant,
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runSend(cmd.Context(), args[0], dryRun)
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be created, updated and left alone; change nothing")
	return cmd
}

// concludeRehearsal ends a dry run: what a send would load, what would stay behind, and the send itself.
func (a *app) concludeRehearsal(r *runs.Run, outcome runs.Outcome, rep *report.Report) error {
	next := &step{words: []string{"send", shownPath(r.Path), "--tenant", r.Tenant}}
	if a.JSON {
		return a.screen.result(runResult{Run: r.Path, Exit: outcome, DryRun: true, Report: rep, Next: a.args(next)})
	}
	all, there := int64(0), int64(0)
	for _, l := range rep.Stage(runs.Send).Counts.(*runs.SendCounts).Resources {
		all, there = all+l.Staged-l.Duplicate, there+l.Created+l.Updated+l.Unchanged
	}
	say := a.screen.conclude(outcome)
	say("a dry run, and nothing was sent: %s of %s would be at the target", thousands(there), plural(int(all), "record"))
	for _, line := range joined(behind(r, rep), mostLines-2) { // without this one, and the next command
		say("  %s", line)
	}
	a.sayNext(say, next)
	return nil
}

func (a *app) runSend(ctx context.Context, name string, dryRun bool) (runs.Outcome, error) {
	r, err := a.findRun(name)
	if err != nil {
		return 0, err
	}
	x, err := a.writing("sluice send", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	if err := x.Open(r.Path); err != nil {
		return 0, err
	}
	if dryRun {
		outcome, rep, err := x.Rehearse(ctx)
		if err != nil {
			return outcome, err
		}
		a.screen.say("a dry run: nothing was sent, and nothing is remembered\n")
		a.printStage(rep, rep.Stage(runs.Send))
		return outcome, a.concludeRehearsal(x.Run(), outcome, rep)
	}
	outcome, err := x.Send(ctx)
	if err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, a.nextOf(x.Run()))
}
