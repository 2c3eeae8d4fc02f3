package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newRun() *cobra.Command {
	var o transformOptions
	var acceptNew, allOrNothing bool
	cmd := &cobra.Command{
		Use:   "run BUNDLE --input NAME=FILE … --tenant NAME",
		Short: "Transform, validate and send in one go, with one report",
		Long: `Runs the three stages one after the other over one run directory. It goes on after a stage
that ended with 0 or 3, stops otherwise, and ends with the worst of their exit statuses.

If more than 5% of the rows of an input and more than 20 were rejected, it stops before it sends
(exit 5); guards.max_rejected of the tenant sets another limit. ` + "`sluice send`" + ` loads the rest. Rows that were
rejected before (--only-rejects-of) do not count.
With --all-or-nothing one row or record that stayed behind is enough, and ` + "`send`" + ` loads nothing either.`,
		Example: `  sluice run nwea-map-growth --input results=export.csv --param school_year=2026 --tenant gb
  sluice run nwea-map-growth -i results='inbound/*.csv' -p school_year=2026 -t gb --allow-empty
  sluice run nwea-map-growth -i results=export.csv -p school_year=2026 -t gb --all-or-nothing
  sluice run nwea-map-growth --only-rejects-of latest -t gb`,
		Args:              a.bundleAndInputs,
		ValidArgsFunction: first(a.completeBundles),
		PreRunE:           a.explicitTenant,
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			outcome, err := a.runRun(cmd.Context(), args[0], o, acceptNew, allOrNothing)
			return o.ended(a, outcome, err)
		}),
	}
	o.add(cmd.Flags())
	a.completeInputs(cmd)
	addAcceptNew(cmd.Flags(), &acceptNew)
	addAllOrNothing(cmd.Flags(), &allOrNothing)
	return cmd
}

func (a *app) runRun(ctx context.Context, ref string, o transformOptions, acceptNew, allOrNothing bool) (runs.Outcome, error) {
	q, err := o.request(a, ref)
	if err != nil {
		return 0, err
	}
	x, err := a.writing("sluice run", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	x.AcceptNew, x.AllOrNothing = acceptNew, allOrNothing
	outcome, err := x.All(ctx, q)
	if err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, a.nextOf(x.Run()))
}
