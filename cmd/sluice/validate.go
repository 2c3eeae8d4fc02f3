package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newValidate() *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "validate RUN",
		Short: "Would the target take the staged records?",
		Long: `Judges every staged record as the target would: schema, descriptors, natural keys and
references, against the target's own documents and data; or, offline, against the embedded
data standard. Writes a verdict for each record and the pass that send asks for. An offline
pass opens nothing. The source rows of records that do not pass join those in rejects/.`,
		Example: `  sluice validate latest --tenant gb
  sluice validate r1 --offline`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRuns),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runValidate(cmd.Context(), args[0], offline)
		}),
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "judge against the embedded data standard; the pass opens nothing")
	return cmd
}

func (a *app) runValidate(ctx context.Context, name string, offline bool) (runs.Outcome, error) {
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
