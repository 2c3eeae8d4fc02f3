package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/pkg/validate"
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
func (a *app) tenantAtWork(cmd *cobra.Command) (*tenant.Config, *tenant.Tenant, error) {
	if a.Tenant == "" {
		return nil, nil, usage("add --tenant NAME", "`%s` needs a tenant", cmd.CommandPath())
	}
	c, err := a.workplaceForWriting()
	if err != nil {
		return nil, nil, err
	}
	t, err := c.Tenant(a.Tenant)
	return c, t, err
}

func (a *app) newTargetCheck() *cobra.Command {
	var ref, runPath string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Pre-flight: is the target there, does it take the credential, does it fit the bundle?",
		Long: `Asks the tenant's target what it is, enters it with the tenant's credential, and compares what it
says with what a bundle or a run needs: data standard, resources, namespaces, permissions.
It changes nothing. Ends with 0 if nothing stands in the way, 3 if something does.`,
		Example: "  sluice target check --tenant gb\n  sluice target check --tenant gb --bundle nwea-map-growth\n  sluice target check --tenant gb --run r1",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, t, err := a.tenantAtWork(cmd)
			if err != nil {
				return err
			}
			open, err := a.open(cmd.Context(), c, t)
			if err != nil {
				return err
			}
			defer open.close()
			return a.checkTarget(cmd.Context(), c, t, open, ref, runPath)
		},
	}
	cmd.Flags().StringVar(&ref, "bundle", "", "compare with what this bundle needs")
	cmd.Flags().StringVar(&runPath, "run", "", "compare with what this run has staged")
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

func (a *app) checkTarget(ctx context.Context, c *tenant.Config, t *tenant.Tenant, open *access, ref, runPath string) error {
	needed, wanted, err := a.neededResources(c, ref, runPath)
	if err != nil {
		return err
	}
	about, err := open.enter(ctx)
	if err != nil {
		return err
	}
	found := []finding{{Subject: "address", OK: true, Says: open.identity.BaseURL},
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
	found = append(found, finding{Subject: "credential", OK: true, Says: "accepted, key " + open.clientID})
	o, err := a.validateOptions(c, t, nil)
	if err != nil {
		return err
	}
	o.Client, o.Target = open.client, open.target()
	live, _, err := validate.TargetStandard(ctx, o)
	if err != nil {
		return target.Explain(err, "")
	}
	found = append(found, finding{Subject: "resources", OK: true, Says: fmt.Sprintf("%d, descriptors among them", len(live.Names()))})
	for _, name := range needed {
		if _, ok := live.Resource(name); !ok {
			found = append(found, finding{"resource " + name, false, diag.ResourceUnknown, "the target does not have it"})
		}
	}
	found = append(found, permissions(ctx, open.client, live, needed)...)
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
	if !ok {
		a.exit = exitPartly
	}
	return a.screen.result(map[string]any{"tenant": t.Name, "ok": ok, "findings": found})
}

// neededResources is what a bundle or a run will load, and the data standard that it is for.
func (a *app) neededResources(c *tenant.Config, ref, runPath string) ([]string, func(string) error, error) {
	switch {
	case ref != "":
		b, err := a.openBundle(c, ref)
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
			_, err := standards(b, version)
			return err
		}, nil
	case runPath != "":
		r, err := runs.Open(runPath)
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
			c, t, err := a.tenantAtWork(cmd)
			if err != nil {
				return err
			}
			return a.withLedger(cmd.Context(), c, t, "sluice target accept", ledger.Open, func(d send.Destination) error {
				before, after, err := send.Accept(cmd.Context(), d)
				if err != nil {
					return err
				}
				a.screen.say("tenant %s: data standard %s accepted (before: %s)", t.Name, after.DataStandard, orNone(before.DataStandard))
				return a.screen.result(map[string]any{"tenant": t.Name, "before": before.DataStandard, "accepted": after.DataStandard})
			})
		},
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (a *app) newLedger() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ledger",
		Short:   "What the tenant's target holds, as sluice knows it",
		Example: "  sluice ledger rebuild --tenant gb",
		Args:    onlyCommands,
		RunE:    a.needSubcommand,
	}
	cmd.AddCommand(a.newLedgerRebuild())
	return cmd
}

func (a *app) newLedgerRebuild() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Read back from the target what it holds, after it was emptied, restored or replaced",
		Long: `Replaces the tenant's ledger by what the target really holds. It changes nothing at the target.
What is read back is sent again by the next send, which the target takes as an update.`,
		Example: "  sluice ledger rebuild --tenant gb",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, t, err := a.tenantAtWork(cmd)
			if err != nil {
				return err
			}
			return a.withLedger(cmd.Context(), c, t, "sluice ledger rebuild", ledger.OpenToRebuild, func(d send.Destination) error {
				counts, err := send.Rebuild(cmd.Context(), d)
				if err != nil {
					return err
				}
				total := int64(0)
				var rows [][]string
				for _, name := range slices.Sorted(maps.Keys(counts)) {
					total += counts[name]
					rows = append(rows, []string{name, fmt.Sprint(counts[name])})
				}
				a.screen.grid([]string{"resource", "at the target"}, rows)
				a.screen.say("the ledger of tenant %s now knows %d records; the next send proves or renews them", t.Name, total)
				return a.screen.result(map[string]any{"tenant": t.Name, "resources": counts, "records": total})
			})
		},
	}
}

// withLedger opens target and ledger of a tenant under its lock.
func (a *app) withLedger(ctx context.Context, c *tenant.Config, t *tenant.Tenant, command string,
	openBook func(string, ledger.Identity) (*ledger.Ledger, error), work func(send.Destination) error) error {
	lock, err := a.lockTenant(c, t, command)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	open, err := a.open(ctx, c, t)
	if err != nil {
		return err
	}
	defer open.close()
	book, err := a.openLedger(c, t, open.identity, openBook)
	if err != nil {
		return err
	}
	defer book.Close()
	d := send.Destination{Tenant: t.Name, ClientID: open.clientID, Client: open.client, Ledger: book, Concurrency: t.Concurrency, Logger: a.log.logger}
	if d.Standard, err = a.targetStandard(ctx, c, t, open); err != nil {
		return err
	}
	return target.Explain(work(d), "")
}

// targetStandard is the data standard as the target describes itself.
func (a *app) targetStandard(ctx context.Context, c *tenant.Config, t *tenant.Tenant, open *access) (*schema.Standard, error) {
	o, err := a.validateOptions(c, t, nil)
	if err != nil {
		return nil, err
	}
	o.Client, o.Target = open.client, open.target()
	live, _, err := validate.TargetStandard(ctx, o)
	return live, target.Explain(err, "")
}
