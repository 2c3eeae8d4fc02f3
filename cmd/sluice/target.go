package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newTarget() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "target",
		Short:   "A tenant's target: check what it is and allows, accept a new data standard",
		Example: "  sluice target check --tenant gb --bundle nwea-map-growth",
		Args:    onlyCommands,
		RunE:    a.needSubcommand,
	}
	cmd.AddCommand(a.newTargetCheck(), a.newTargetAccept())
	return cmd
}

// tenantAtWork finds the tenant that a command needs.
func (a *app) tenantAtWork(cmd *cobra.Command) (*pipeline.Workplace, *tenant.Tenant, error) {
	if a.Tenant == "" {
		return nil, nil, usage("add --tenant NAME", "`%s` needs a tenant", cmd.CommandPath())
	}
	place, err := a.workplaceForWriting()
	if err != nil {
		return nil, nil, err
	}
	t, err := place.Config.Tenant(a.Tenant)
	return place, t, err
}

// targetCheckOptions are the flags of target check.
type targetCheckOptions struct{ bundle, run string }

func (o *targetCheckOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.bundle, "bundle", "", "compare with what this bundle needs")
	flags.StringVar(&o.run, "run", "", "compare with what this run has staged")
}

func (a *app) newTargetCheck() *cobra.Command {
	var o targetCheckOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Pre-flight: is the target there, does it take the credential, does it fit the bundle?",
		Long: `Asks the tenant's target what it is, enters it with the tenant's credential, and compares what it
says with what a bundle or a run needs: data standard, resources, namespaces, permissions.
It changes nothing. Ends with 0 if nothing stands in the way, 3 if something does.`,
		Example: "  sluice target check --tenant gb\n  sluice target check --tenant gb --bundle nwea-map-growth\n  sluice target check --tenant gb --run r1",
		Args:    cobra.NoArgs,
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			place, t, err := a.tenantAtWork(cmd)
			if err != nil {
				return 0, err
			}
			return a.runTargetCheck(cmd.Context(), place, t, o)
		}),
	}
	o.add(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("bundle", "run")
	if err := cmd.RegisterFlagCompletionFunc("bundle", a.completeBundles); err != nil {
		panic(err) // a flag that does not exist: a defect of this function
	}
	return cmd
}

// finding is one line of the pre-flight.
type finding struct {
	Subject string    `json:"subject"`
	OK      bool      `json:"ok"`
	Code    diag.Code `json:"code,omitempty"`
	Says    string    `json:"says"`
}

func (a *app) runTargetCheck(ctx context.Context, place *pipeline.Workplace, t *tenant.Tenant, o targetCheckOptions) (runs.Outcome, error) {
	x := pipeline.New(place, t, "sluice target check")
	defer a.closing(x)
	api, err := x.Connect(ctx)
	if err != nil {
		return 0, err
	}
	needed, wanted, err := neededResources(place, o)
	if err != nil {
		return 0, err
	}
	about, err := api.Enter(ctx)
	if err != nil {
		return 0, err
	}
	found := []finding{{Subject: "address", OK: true, Says: api.Identity.BaseURL},
		{Subject: "API", OK: true, Says: about.Version},
		{Subject: "data standard", OK: true, Says: about.Standard()}}
	if wanted != nil {
		if err := wanted(about.Standard()); err != nil {
			found[2] = finding{"data standard", false, diag.StandardMismatch, err.Error()}
		}
	}
	for _, note := range about.Notes {
		found = append(found, finding{Subject: "note", OK: true, Says: note})
	}
	found = append(found, finding{Subject: "credential", OK: true, Says: "accepted, key " + api.ClientID})
	live, err := x.TargetStandard(ctx)
	if err != nil {
		return 0, err
	}
	found = append(found, finding{Subject: "resources", OK: true, Says: fmt.Sprintf("%d, descriptors among them", len(live.Names()))})
	for _, name := range needed {
		if _, ok := live.Resource(name); !ok {
			found = append(found, finding{"resource " + name, false, diag.ResourceUnknown, "the target does not have it"})
		}
	}
	found = append(found, permissions(ctx, api.Client, live, needed)...)
	ok := true
	for _, f := range found {
		ok = ok && f.OK
		mark := paint(a.screen.outColour, green, "ok ")
		if !f.OK {
			mark = paint(a.screen.outColour, red, "NO ")
		}
		code := ""
		if f.Code != "" {
			code = " [" + string(f.Code) + "]"
		}
		a.screen.say("%s %-16s %s%s", mark, f.Subject, f.Says, code)
	}
	outcome := runs.Done
	if !ok {
		outcome = runs.Partly
	}
	return outcome, a.screen.result(map[string]any{"tenant": t.Name, "ok": ok, "findings": found})
}

// neededResources is what a bundle or a run will load, and the data standard that it is for.
func neededResources(place *pipeline.Workplace, o targetCheckOptions) ([]string, func(string) error, error) {
	switch {
	case o.bundle != "":
		b, err := place.Bundle(o.bundle)
		if err != nil {
			return nil, nil, err
		}
		set := map[string]bool{}
		for _, r := range b.Resources {
			set[r.Name.Value] = true
		}
		for _, d := range b.Descriptors.Vendor {
			set[strings.ToLower(d.Type.Value[:1])+d.Type.Value[1:]+"s"] = true
		}
		return slices.Sorted(maps.Keys(set)), func(version string) error {
			_, err := place.Standards(b, version)
			return err
		}, nil
	case o.run != "":
		r, err := runs.Open(o.run)
		if err != nil {
			return nil, nil, err
		}
		names, err := r.StagedResources()
		return names, func(version string) error {
			if major(version) != major(r.DataStandard) {
				return fmt.Errorf("%s; the run was shaped for %s", version, r.DataStandard)
			}
			return nil
		}, err
	}
	return nil, nil, nil
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// permissions compares what the target says of the credential with what is needed. Older APIs say
// less; what they do not say is no finding.
func permissions(ctx context.Context, client *target.Client, live *schema.Standard, needed []string) []finding {
	info, err := client.TokenInfo(ctx)
	if err != nil {
		return []finding{{Subject: "permissions", OK: true, Says: "the target does not say what the credential may do"}}
	}
	found := []finding{}
	if info.ClaimSet.Name != "" {
		found = append(found, finding{Subject: "claim set", OK: true, Says: info.ClaimSet.Name})
	}
	if len(info.NamespacePrefixes) > 0 {
		found = append(found, finding{Subject: "namespaces", OK: true, Says: strings.Join(info.NamespacePrefixes, ", ")})
	}
	if len(info.Resources) == 0 {
		return found
	}
	may := map[string][]string{}
	for _, p := range info.Resources {
		may[strings.ToLower(p.Resource)] = p.Operations
	}
	for _, name := range needed {
		r, ok := live.Resource(name)
		if !ok {
			continue
		}
		operations := may["/"+strings.ToLower(r.Segment+"/"+name)]
		for _, want := range []string{"Create", "Update"} {
			if !slices.ContainsFunc(operations, func(o string) bool { return strings.EqualFold(o, want) }) {
				found = append(found, finding{"resource " + name, false, diag.AuthForbidden, "the credential lacks " + want})
			}
		}
	}
	return found
}

func (a *app) newTargetAccept() *cobra.Command {
	return &cobra.Command{
		Use:   "accept",
		Short: "Accept that the target has another major data standard than before",
		Long: `A target that was upgraded to another major data standard stops a send (exit 5), because records
shaped for the old one may be wrong for the new one. This command records the new one.`,
		Example: "  sluice target accept --tenant gb",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, t, err := a.tenantAtWork(cmd)
			if err != nil {
				return err
			}
			return a.runTargetAccept(cmd.Context(), place, t)
		},
	}
}

func (a *app) runTargetAccept(ctx context.Context, place *pipeline.Workplace, t *tenant.Tenant) error {
	x := pipeline.New(place, t, "sluice target accept")
	defer a.closing(x)
	return x.AtLedger(ctx, ledger.Open, func(d send.Destination) error {
		before, after, err := send.Accept(ctx, d)
		if err != nil {
			return err
		}
		a.screen.say("tenant %s: data standard %s accepted (before: %s)", t.Name, after.DataStandard, cmp.Or(before.DataStandard, "none"))
		return a.screen.result(map[string]any{"tenant": t.Name, "before": before.DataStandard, "accepted": after.DataStandard})
	})
}
