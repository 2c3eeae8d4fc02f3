package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
)

func (a *app) newTargetCheck() *cobra.Command {
	var bundle, run string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Is the target there, does it take the key, does it fit the bundle?",
		Long: `Says what the tenant's target is (API, data standard, extensions, addresses), what the tenant's
credential may do there (claim set, namespaces, education organizations, resources), and whether
it is the tenant's own district, as far as its lea_codes tell. With --bundle or --run it says which
of the resources and namespaces that are needed the credential may write, and which descriptor
values the target lacks, by the rules of validate.

A line begins with ok, NO or ?: what the target does not say is not known, and never ok. It changes
nothing. Ends with 0 if nothing is known that would stop a load, 3 if something is; with
--strict also if something is doubtful.`,
		Example: `  sluice target check --tenant gb
  sluice target check --tenant gb --bundle nwea-map-growth
  sluice target check --tenant gb --run r1 --json`,
		Args:    exactArgs(),
		PreRunE: a.needTenant,
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			return a.runTargetCheck(cmd.Context(), bundle, run)
		}),
	}
	cmd.Flags().StringVar(&bundle, "bundle", "", "compare with what this `BUNDLE` needs")
	cmd.Flags().StringVar(&run, "run", "", "compare with what this `RUN` has staged")
	cmd.MarkFlagsMutuallyExclusive("bundle", "run")
	completes(cmd, "bundle", a.completeBundles)
	completes(cmd, "run", a.completeRuns)
	return cmd
}

func (a *app) runTargetCheck(ctx context.Context, bundle, run string) (runs.Outcome, error) {
	x, err := a.writing("sluice target check", a.Tenant)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	var needed []catalog.Finding
	switch { // first: a bundle or a run that is not there ends the command before the target is asked much
	case bundle != "":
		needed, err = x.CheckBundle(ctx, bundle)
	case run != "":
		needed, err = x.CheckRun(ctx, run)
	}
	if err != nil {
		return 0, err
	}
	found, err := x.CheckTarget(ctx)
	if err != nil {
		return 0, err
	}
	found = append(found, needed...)
	outcome := a.sayFindings(found)
	return outcome, a.screen.result(map[string]any{"tenant": a.Tenant, "ok": outcome == runs.Done, "findings": found})
}

// sayFindings says what was found, and the verdict; under --quiet only what is wrong.
func (a *app) sayFindings(found []catalog.Finding) runs.Outcome {
	wrong, unknown, doubtful := 0, 0, false
	for _, f := range found {
		say := a.screen.say
		switch {
		case f.OK:
		case f.Unknown:
			unknown++
			doubtful = doubtful || f.Code != ""
		default:
			wrong++
			say = a.screen.conclude(runs.Partly)
		}
		a.sayFinding(say, f)
		if f.Fix != "" {
			say("   %s %s", paint(a.screen.outColour, dim, "→"), f.Fix)
		}
	}
	also := ""
	if unknown > 0 {
		also = fmt.Sprintf("; not known or doubtful: %d", unknown)
	}
	switch {
	case wrong > 0:
		a.screen.conclude(runs.Partly)("%d of %s would stop a load%s (exit 3)", wrong, plural(len(found), "check"), also)
	case doubtful && a.Strict:
		a.screen.conclude(runs.Partly)("nothing that is known would stop a load%s (exit 3, as --strict asks)", also)
	default:
		a.screen.say("nothing that is known would stop a load%s", also)
		return runs.Done
	}
	return runs.Partly
}

func (a *app) newTargetAccept() *cobra.Command {
	return &cobra.Command{
		Use:   "accept",
		Short: "Accept that the target has another major data standard than before",
		Long: `A target that was upgraded to another major data standard stops a send (exit 5), because records
shaped for the old one may be wrong for the new one. This command records the new one.`,
		Example: "  sluice target accept --tenant gb",
		Args:    exactArgs(),
		PreRunE: a.needTenant,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runTargetAccept(cmd.Context()) },
	}
}

func (a *app) runTargetAccept(ctx context.Context) error {
	x, err := a.writing("sluice target accept", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	return x.AtLedger(ctx, ledger.Open, func(d send.Destination) error {
		before, after, err := send.Accept(ctx, d)
		if err != nil {
			return err
		}
		a.screen.say("tenant %s: data standard %s accepted (before: %s)", a.Tenant, after.DataStandard, cmp.Or(before.DataStandard, "none"))
		return a.screen.result(map[string]any{"tenant": a.Tenant, "before": before.DataStandard, "accepted": after.DataStandard})
	})
}

// sayFinding says one thing that was looked at.
func (a *app) sayFinding(say func(format string, args ...any), f catalog.Finding) {
	mark := paint(a.screen.outColour, green, "ok ")
	switch {
	case f.Unknown:
		mark = paint(a.screen.outColour, yellow, "?  ")
	case !f.OK:
		mark = paint(a.screen.outColour, red, "NO ")
	}
	if f.Code != "" {
		f.Says += " [" + string(f.Code) + "]"
	}
	say("%s %-16s %s", mark, f.Subject, folded(a.screen.columns(), strings.Repeat(" ", 21), f.Says))
}
