package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/examples"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// What the demo runs.
const (
	demoBundle = "nwea-map-growth"
	demoFile   = "map-growth/results.csv" // in examples
	demoYear   = "school_year=2026"
)

func (a *app) newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The whole way on made-up data, with no setup",
		Long: `Runs the MAP Growth bundle over a made-up file in the vendor's layout, validates the records
and sends them to the built-in tenant "sandbox", an Ed-Fi API on loopback. Everything it needs
is in this binary; runs/ and state/ are written beside sluice.yaml, or into the current folder.

Run it twice: the second time nothing is posted, because the target already holds the records.`,
		Example: "  sluice demo\n  sluice demo --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.workplaceForWriting()
			if err != nil {
				return err
			}
			t, err := c.Tenant(tenant.Sandbox)
			if err != nil {
				return err
			}
			text, err := examples.FS.ReadFile(demoFile)
			if err != nil {
				return err
			}
			file := filepath.Join(c.StateFolder(t.Name), "demo", "results.csv")
			if err := durable.MkdirAll(filepath.Dir(file)); err != nil {
				return asDiskError(err)
			}
			if err := durable.WriteFile(file, text); err != nil {
				return asDiskError(err)
			}
			a.screen.say("the made-up vendor file: %s\n", shownPath(file))
			r, status, err := a.wholeWay(cmd.Context(), c, t, demoBundle, transformFlags{
				inputs: []string{"results=" + file}, params: []string{demoYear}}, "sluice demo")
			if err != nil {
				return err
			}
			return a.finish(r, status, "run it again: nothing will be posted")
		},
	}
}
