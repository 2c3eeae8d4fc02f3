package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/send"
)

func (a *app) newTargetCheck() *cobra.Command {
	var bundle, run string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Is the target there, does it take the key, does it fit the bundle?",
		Long: `Asks the tenant's target what it is, enters it with the tenant's credential, and compares what it
says with what a bundle or a run needs: data standard, resources, namespaces, permissions.
It changes nothing. Ends with 0 if nothing would stop a load, 3 if something would.`,
		Example: "  sluice target check --tenant gb\n  sluice target check --tenant gb --bundle nwea-map-growth\n  sluice target check --tenant gb --run r1",
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
	needs, wanted, err := needsOf(x.Place(), a.Tenant, bundle, run)
	if err != nil {
		return 0, err
	}
	api, err := x.Connect(ctx)
	if err != nil {
		return 0, err
	}
	about, err := api.Enter(ctx)
	if err != nil {
		return 0, err
	}
	found := []catalog.Finding{{Subject: "address", OK: true, Says: api.Identity.BaseURL},
		{Subject: "API", OK: true, Says: cmp.Or(about.Version, "of an unknown version")},
		{Subject: "data standard", OK: true, Says: cmp.Or(about.Standard(), "unknown")}}
	if wanted != nil {
		if err := wanted(about.Standard()); err != nil {
			found[2] = catalog.Finding{Subject: "data standard", Code: diag.StandardMismatch, Says: err.Error()}
		}
	}
	for _, note := range about.Notes {
		found = append(found, catalog.Finding{Subject: "note", OK: true, Says: note})
	}
	found = append(found, catalog.Finding{Subject: "credential", OK: true, Says: "accepted, key " + api.ClientID})
	offered, err := x.Catalog(ctx)
	if err != nil {
		return 0, err
	}
	found = append(found, offered.Fits(needs)...)
	outcome := a.sayFindings(found)
	return outcome, a.screen.result(map[string]any{"tenant": a.Tenant, "ok": outcome == runs.Done, "findings": found})
}

// sayFindings says what was found, and the verdict; under --quiet only what is wrong.
func (a *app) sayFindings(found []catalog.Finding) runs.Outcome {
	wrong := 0
	for _, f := range found {
		if f.OK {
			a.sayFinding(a.screen.say, f)
			continue
		}
		wrong++
		a.sayFinding(a.screen.conclude(runs.Partly), f)
	}
	if wrong > 0 {
		a.screen.conclude(runs.Partly)("%d of %s would stop a load (exit 3)", wrong, plural(len(found), "check"))
		return runs.Partly
	}
	a.screen.say("nothing that was checked would stop a load")
	return runs.Done
}

// needsOf is what a bundle or a run will load, and a check of the data standard that it is for.
func needsOf(place *pipeline.Workplace, tenant, bundle, run string) (needs catalog.Needs, fits func(version string) error, err error) {
	switch {
	case bundle != "":
		b, err := place.Bundle(bundle)
		if err != nil {
			return needs, nil, err
		}
		for _, r := range b.Resources {
			needs.Resources = append(needs.Resources, r.Name.Value)
		}
		for _, d := range b.Descriptors.Vendor {
			needs.Descriptors = append(needs.Descriptors, d.Type.Value)
		}
		return needs, func(version string) error { return place.Suits(b, version) }, nil
	case run != "":
		r, err := runs.Find(place.Config.Runs, tenant, run)
		if err != nil {
			return needs, nil, err
		}
		needs.Resources, err = r.StagedResources()
		return needs, func(version string) error {
			if version != "" && !schema.SameMajor(version, r.DataStandard) {
				return fmt.Errorf("%s; the run was shaped for %s", version, r.DataStandard)
			}
			return nil
		}, err
	}
	return needs, nil, nil
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
	if !f.OK {
		mark = paint(a.screen.outColour, red, "NO ")
	}
	if f.Code != "" {
		f.Says += " [" + string(f.Code) + "]"
	}
	say("%s %-16s %s", mark, f.Subject, f.Says)
}
