package main

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"

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
	demoFolder = "map-growth" // in examples
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
		Args:    exactArgs(),
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
	folder := filepath.Join(x.Place().Config.StateFolder(tenant.Sandbox), "demo")
	if err := writeDemo(folder); err != nil {
		return 0, pipeline.DiskError(err)
	}
	file := filepath.Join(folder, "results.csv")
	a.screen.say("the made-up vendor file: %s\n", shownPath(file))
	outcome, err := x.All(ctx, pipeline.Request{Bundle: demoBundle, Inputs: []string{"results=" + file},
		Params: map[string]string{"school_year": demoYear}, Tables: filepath.Join(folder, "tables")})
	if err != nil {
		return outcome, err
	}
	next := &step{why: "run it again, and nothing will be posted: ", words: []string{"demo"}}
	if sent, ok := x.Run().Counts(runs.Send).(*runs.SendCounts); ok && !slices.ContainsFunc(sent.Equations(), func(e runs.Equation) bool { return !unchanged(e) }) {
		next = &step{why: "look at a file of your own: ", words: []string{"inspect", "FILE"}}
	}
	return outcome, a.finish(x.Run(), outcome, next)
}

// writeDemo writes the demo's files: the vendor's, and the tables of the demo's tenant.
func writeDemo(folder string) error {
	root, err := fs.Sub(examples.FS, demoFolder)
	if err != nil {
		return err
	}
	return fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(folder, filepath.FromSlash(path))
		if err := durable.MkdirAll(filepath.Dir(to)); err != nil {
			return err
		}
		return durable.WriteFile(to, text)
	})
}
