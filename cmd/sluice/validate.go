package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newValidate() *cobra.Command {
	var offline, showPlan bool
	cmd := &cobra.Command{
		Use:   "validate RUN",
		Short: "Would the target take the staged records?",
		Long: `Judges every staged record as the target would: schema, descriptors, natural keys and
references, against the target's own documents and data; or, offline, against the embedded
data standard. Writes a verdict for each record and the pass that send asks for. An offline
pass opens nothing. The source rows of records that do not pass join those in rejects/.

What the target must be asked is asked in bulk, in the cheaper way: one by one by key, or by
reading a whole collection. --show-plan says which way it would be and what it costs, and
does nothing: it only counts collections at the target.`,
		Example: `  sluice validate latest --tenant gb
  sluice validate r1 --offline
  sluice validate r1 --tenant gb --show-plan`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRuns),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runValidate(cmd.Context(), args[0], offline, showPlan)
		}),
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "judge against the embedded data standard; the pass opens nothing")
	cmd.Flags().BoolVar(&showPlan, "show-plan", false, "say how the target would be asked, and what it costs; do nothing")
	cmd.MarkFlagsMutuallyExclusive("offline", "show-plan")
	return cmd
}

func (a *app) runValidate(ctx context.Context, name string, offline, showPlan bool) (runs.Outcome, error) {
	r, err := a.findRun(name)
	if err != nil {
		return 0, err
	}
	if !offline && a.Tenant == "" {
		return 0, usage("Add --tenant "+cmp.Or(r.Tenant, "NAME")+", or --offline.", "validate asks the target of a tenant, and none is named")
	}
	x, err := a.writing("sluice validate", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	if err := x.Open(r.Path); err != nil {
		return 0, err
	}
	if showPlan {
		return a.runPlan(ctx, x)
	}
	validate := x.Validate
	if offline {
		validate = x.ValidateOffline
	}
	outcome, err := validate(ctx)
	if err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, a.nextOf(x.Run()))
}

func (a *app) runPlan(ctx context.Context, x *pipeline.Execution) (runs.Outcome, error) {
	plan, err := x.ShowPlan(ctx)
	if err != nil {
		return 0, err
	}
	a.sayPlan(plan)
	return runs.Done, a.screen.result(plan)
}
