package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/fixture"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newBundleTest() *cobra.Command {
	var o fixture.Options
	cmd := &cobra.Command{
		Use:   "test BUNDLE",
		Short: "Run a bundle's fixtures: what CI runs when a bundle changes",
		Long: `Runs every fixture of the bundle's folder and compares what it stages, rejects and reports with
what is expected, for every embedded data standard that the bundle covers; each staged record
must also fit that standard. Ends with 2 if a fixture differs. With --update it rewrites what is
expected, for review.`,
		Example:           "  sluice bundle test ./bundles/nwea-map-growth\n  sluice bundle test ./bundles/mine --case awkward --update\n  sluice bundle test ./bundles/mine --format junit > fixtures.xml",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: first(a.completeBundles),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runBundleTest(cmd.Context(), args[0], o)
		}),
	}
	cmd.Flags().BoolVar(&o.Update, "update", false, "rewrite what is expected, then review the difference")
	cmd.Flags().StringArrayVar(&o.Cases, "case", nil, "only the fixture of this `NAME`; again for more")
	addFormat(cmd)
	completes(cmd, "case", a.completeOf("", fixturesOf))
	return cmd
}

func (a *app) runBundleTest(ctx context.Context, ref string, o fixture.Options) (runs.Outcome, error) {
	b, all, err := a.openBundle(ref)
	if err != nil {
		return 0, err
	}
	o.Standards, o.Workers = all, a.Workers
	results, err := fixture.Test(ctx, b, o)
	if err != nil {
		return 0, err
	}
	return a.printFixtures(ref, o.Cases, b, results)
}

func (a *app) printFixtures(ref string, cases []string, b *bundle.Bundle, results []fixture.Result) (runs.Outcome, error) {
	failed := 0
	for _, r := range results {
		word := paint(a.screen.outColour, green, "ok  ")
		if !r.OK {
			failed++
			word = paint(a.screen.outColour, red, "FAIL")
		}
		a.screen.say("%s  %s", word, r.Case)
		for _, f := range r.Updated {
			a.screen.say("      rewritten: %s", f)
		}
		if !a.JSON && !a.Quiet {
			a.screen.problems(a.screen.out, r.Problems)
		}
		if r.Diff != "" {
			a.screen.say("%s", r.Diff)
		}
	}
	if err := a.printFindings(byFixture(results), nil); err != nil {
		return runs.Misused, err
	}
	result := map[string]any{"bundle": b.Name, "version": b.Version, "cases": results, "failed": failed}
	words := []string{"bundle", "test", ref, "--update"}
	for _, name := range cases {
		words = append(words, "--case", name)
	}
	next := &step{why: "if the change is meant: ", words: words}
	if failed > 0 {
		result["next"] = a.args(next)
	}
	if err := a.screen.result(result); err != nil || failed == 0 {
		return runs.Done, err
	}
	if a.JSON {
		return runs.Misused, nil
	}
	a.screen.sayError("%s, of %d (exit 2) [%s]", diag.Counted(failed, "fixture differs", "fixtures differ"), len(results), diag.BundleFixture)
	a.sayNext(a.screen.sayError, next)
	return runs.Misused, nil
}
