package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/lint"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newBundleLint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint BUNDLE",
		Short: "Everything that is wrong with a bundle, without a file",
		Long: `Loads and compiles a bundle against every embedded data standard in its range, and checks the
rules that bundles keep: every header of the contract bound, in a score table or ignored with
a reason; every name used; identifiers that hold what they must; no descriptor in an expression.

Ends with 2 if the bundle cannot be used, with 0 if it can; with --strict warnings make it 3.`,
		Example:           "  sluice bundle lint nwea-map-growth\n  sluice bundle lint ./bundles/mine --strict\n  sluice bundle lint ./bundles/mine --format sarif > lint.sarif",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: first(a.completeBundles),
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runBundleLint(cmd.Context(), args[0])
		}),
	}
	addFormat(cmd)
	return cmd
}

func (a *app) runBundleLint(ctx context.Context, ref string) (runs.Outcome, error) {
	place, err := a.workplace()
	if err != nil {
		return 0, err
	}
	b, problems, err := place.Library().Open(ref)
	if err != nil {
		return 0, err
	}
	if problems.Blocks() {
		return 0, place.Unusable(ref, problems)
	}
	all, err := place.Standards(b)
	if err != nil {
		return 0, err
	}
	var checked []string
	for _, s := range all {
		checked = append(checked, s.Version)
	}
	program, found, err := mapping.Compile(ctx, mapping.Config{Bundle: b, Standards: all, Samples: true})
	if err != nil {
		return 0, err
	}
	problems = append(problems, found...)
	if found, err = place.Rules(b, all); err != nil {
		return 0, err
	}
	problems = append(problems, found...)
	if !problems.Blocks() {
		problems = append(append(problems, lint.Bundle(program, checked)...), place.References(program).Problems()...)
	}
	if problems.Blocks() {
		return 0, place.Unusable(ref, problems)
	}
	problems.Sort()
	outcome := runs.Done
	if a.Strict && len(problems) > 0 {
		outcome = runs.Partly
	}
	if !a.JSON && (!a.Quiet || outcome != runs.Done) {
		a.screen.problems(a.screen.err, problems)
	}
	unchecked := place.NotEmbedded(b)
	a.screen.conclude(outcome)("%s %s: %s; checked against Data Standard %s", b.Name, b.Version, plural(len(problems), "warning"), strings.Join(checked, ", "))
	if len(unchecked) > 0 {
		a.screen.say("in its range %s but not embedded here, so not checked: %s", b.DataStandard.Value, strings.Join(unchecked, ", "))
	}
	if problems == nil {
		problems = diag.List{}
	}
	suites := byFile(problems)
	if len(suites) == 0 {
		suites = []report.Suite{{Name: b.Name, Passed: "checked against Data Standard " + strings.Join(checked, ", ")}}
	}
	if err := a.printFindings(suites, nil); err != nil {
		return outcome, err
	}
	return outcome, a.screen.result(map[string]any{"bundle": b.Name, "version": b.Version,
		"dataStandards": checked, "unchecked": unchecked, "problems": problems})
}
