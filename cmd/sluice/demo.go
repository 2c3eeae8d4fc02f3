package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/examples"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// What the demo runs.
const (
	demoBundle = "nwea-map-growth"
	demoFile   = "map-growth/results.csv" // in examples
	demoYear   = "2026"
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
		RunE: a.action(func(cmd *cobra.Command, _ []string) (runs.Outcome, error) {
			return a.runDemo(cmd.Context())
		}),
	}
}

func (a *app) runDemo(ctx context.Context) (runs.Outcome, error) {
	x, err := a.writing("sluice demo", tenant.Sandbox)
	if err != nil {
		return 0, err
	}
	defer a.closing(x)
	text, err := examples.FS.ReadFile(demoFile)
	if err != nil {
		return 0, err
	}
	file := filepath.Join(x.Place().Config.StateFolder(tenant.Sandbox), "demo", "results.csv")
	if err := durable.MkdirAll(filepath.Dir(file)); err != nil {
		return 0, pipeline.DiskError(err)
	}
	if err := durable.WriteFile(file, text); err != nil {
		return 0, pipeline.DiskError(err)
	}
	a.screen.say("the made-up vendor file: %s\n", shownPath(file))
	outcome, err := x.All(ctx, pipeline.Request{Bundle: demoBundle, Inputs: []string{"results=" + file},
		Params: map[string]string{"school_year": demoYear}})
	if err != nil {
		return outcome, err
	}
	return outcome, a.finish(x.Run(), outcome, "run it again: nothing will be posted")
}
