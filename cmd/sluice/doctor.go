package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newDoctor() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check all that is not data: settings, secrets, disk, target",
		Long: `Looks at the settings of a tenant, its secrets, the folders and the free disk, who is working now, runs
that were killed, the tenant's own certificates, the proxy, and the target: its address, certificate
and clock, and whether it takes the credential. It changes nothing. Without --tenant it looks at this machine only; with --all at
every tenant.

Ends with 0 if nothing is wrong, otherwise as other commands would end because of the first thing that is
wrong: 1, 2 or 4; 3 if it stops none of them.`,
		Example: "  sluice doctor --tenant gb\n  sluice doctor --all --json",
		Args:    exactArgs(),
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			return a.runDoctor(cmd.Context(), all)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "all tenants of sluice.yaml")
	return cmd
}

func (a *app) runDoctor(ctx context.Context, all bool) (runs.Outcome, error) {
	place, broken := a.workplace()
	var tenants []string
	switch {
	case all:
		tenants = place.Config.Names()
	case a.Tenant != "":
		tenants = []string{a.Tenant}
	}
	checks := place.Doctor(ctx, tenants, broken)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	outcome, of, wrong := runs.Done, "", 0
	for _, c := range checks {
		say := a.screen.say
		if !c.OK && !c.Unknown {
			wrong++
			say = a.screen.conclude(runs.Partly)
		}
		if c.Tenant != of {
			of = c.Tenant
			say("\ntenant %s", of)
		}
		if outcome == runs.Done || outcome == runs.Partly && c.Exit != runs.Done {
			outcome = c.Exit
		}
		a.sayFinding(say, c.Finding)
		if c.Next != "" {
			say("   %s %s", paint(a.screen.outColour, dim, "→"), c.Next)
		}
	}
	if wrong > 0 {
		a.screen.conclude(outcome)("\n%d of %s failed (exit %d)", wrong, plural(len(checks), "check"), outcome)
	} else {
		a.screen.say("\nnothing that was checked is wrong")
	}
	return outcome, a.screen.result(map[string]any{"ok": outcome == runs.Done, "checks": checks})
}
