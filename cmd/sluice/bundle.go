package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/fixture"
	samples "github.com/sluice-edfi/sluice/pkg/sample"
	"github.com/sluice-edfi/sluice/pkg/transform"
)

func (a *app) newBundle() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bundle",
		Short:   "Work on bundles: list, lint, test, sample",
		Example: "  sluice bundle list\n  sluice bundle lint ./bundles/mine\n  sluice bundle test ./bundles/mine",
		Args:    onlyCommands,
		RunE:    a.needSubcommand,
	}
	cmd.AddCommand(a.newBundleList(), a.newBundleLint(), a.newBundleTest(), a.newBundleSample())
	return cmd
}

func (a *app) newBundleList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The bundles there are: own ones of sluice.yaml, then those in this binary",
		Example: "  sluice bundle list\n  sluice bundle list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.workplace()
			if err != nil {
				return err
			}
			all, err := a.library(c).List()
			if err != nil {
				return err
			}
			var rows [][]string
			for _, b := range all {
				state := "ok"
				if b.Problems > 0 {
					state = fmt.Sprintf("%d problems; see `sluice bundle lint %s`", b.Problems, b.Name)
				}
				rows = append(rows, []string{b.Name, b.Version, b.Family, b.Origin, state})
			}
			a.screen.grid([]string{"bundle", "version", "assessment", "from", ""}, rows)
			return a.screen.result(all)
		},
	}
}

func (a *app) newBundleLint() *cobra.Command {
	return &cobra.Command{
		Use:   "lint BUNDLE",
		Short: "Everything that is wrong with a bundle, without a file",
		Long: `Loads and compiles a bundle against every embedded data standard in its range, and checks the
rules that bundles keep: every header of the contract bound, in a score table or ignored with
a reason; every name used; identifiers that hold what they must; no descriptor in an expression.

Ends with 2 if the bundle cannot be used, with 0 if it can; with --strict warnings make it 3.`,
		Example:           "  sluice bundle lint nwea-map-growth\n  sluice bundle lint ./bundles/mine --strict",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: a.completeBundles,
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.workplace()
			if err != nil {
				return err
			}
			b, problems, err := a.library(c).Open(args[0])
			if err != nil {
				return err
			}
			var checked []string
			if b != nil && !problems.Blocks() {
				all, err := standards(b, "")
				if err != nil {
					return err
				}
				for _, s := range all {
					checked = append(checked, s.Version)
				}
				program, found := transform.Compile(transform.Config{Bundle: b, Standards: all, Samples: true})
				problems = append(problems, found...)
				if !problems.Blocks() {
					problems = append(problems, program.Lint()...)
				}
			}
			problems.Sort()
			if problems.Blocks() {
				return bundleProblems(args[0], problems)
			}
			a.screen.problems(a.screen.err, problems)
			if a.Strict && len(problems) > 0 {
				a.exit = exitPartly
			}
			unchecked := notEmbedded(b)
			a.screen.say("%s %s: %s; checked against Data Standard %s", b.Name, b.Version, plural(len(problems), "warning"), strings.Join(checked, ", "))
			if len(unchecked) > 0 {
				a.screen.say("in its range %s but not embedded here, so not checked: %s", b.DataStandard.Value, strings.Join(unchecked, ", "))
			}
			if problems == nil {
				problems = diag.List{}
			}
			return a.screen.result(map[string]any{"bundle": b.Name, "version": b.Version, "dataStandards": checked, "unchecked": unchecked, "problems": problems})
		},
	}
}

// published are the data standards that Ed-Fi has published for the APIs in use.
var published = []string{"3.3", "4.0", "5.0", "5.1", "5.2", "6.0"}

// notEmbedded are the published data standards in the bundle's range that this binary cannot check.
func notEmbedded(b *bundle.Bundle) []string {
	within, err := semver.NewConstraint(b.DataStandard.Value)
	if err != nil {
		return nil
	}
	var all []string
	for _, v := range published {
		if version, err := semver.NewVersion(v); err == nil && within.Check(version) && !slices.Contains(schemaVersions(), v) {
			all = append(all, v)
		}
	}
	return all
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if n == 0 {
		return "no " + what + "s"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (a *app) newBundleTest() *cobra.Command {
	var update bool
	var cases []string
	cmd := &cobra.Command{
		Use:   "test BUNDLE",
		Short: "Run a bundle's fixtures: what CI runs when a bundle changes",
		Long: `Runs every fixture of the bundle's folder and compares what it stages, rejects and reports with
what is expected; each staged record must also fit the data standard. Ends with 2 if a fixture
differs. With --update it rewrites what is expected, for review.`,
		Example:           "  sluice bundle test ./bundles/nwea-map-growth\n  sluice bundle test ./bundles/mine --case awkward --update",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: a.completeBundles,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.workplace()
			if err != nil {
				return err
			}
			b, err := a.openBundle(c, args[0])
			if err != nil {
				return err
			}
			all, err := standards(b, "")
			if err != nil {
				return err
			}
			results, err := fixture.Test(cmd.Context(), b, fixture.Options{Standards: all, Update: update, Cases: cases, Workers: a.Workers})
			if err != nil {
				return err
			}
			return a.printFixtures(b, results)
		},
	}
	cmd.Flags().BoolVar(&update, "update", false, "rewrite what is expected, then review the difference")
	cmd.Flags().StringArrayVar(&cases, "case", nil, "only this fixture; again for more")
	return cmd
}

func (a *app) printFixtures(b *bundle.Bundle, results []fixture.Result) error {
	type shown struct {
		Case     string    `json:"case"`
		OK       bool      `json:"ok"`
		Problems diag.List `json:"problems,omitempty"`
		Diff     string    `json:"diff,omitempty"`
		Updated  []string  `json:"updated,omitempty"`
	}
	var all []shown
	failed := 0
	for _, r := range results {
		all = append(all, shown{r.Case, r.OK(), r.Problems, r.Diff, r.Updated})
		word := paint(a.screen.outColour, green, "ok  ")
		if !r.OK() {
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
	if err := a.screen.result(map[string]any{"bundle": b.Name, "version": b.Version, "cases": all, "failed": failed}); err != nil {
		return err
	}
	if failed > 0 {
		a.exit = exitUsage
		a.screen.note("%s of %d differ [%s]\n  → if the change is meant, run it with --update and review the difference", plural(failed, "fixture"), len(results), diag.BundleFixture)
	}
	return nil
}

func (a *app) newBundleSample() *cobra.Command {
	var q samples.Request
	var params []string
	var out string
	cmd := &cobra.Command{
		Use:   "sample BUNDLE",
		Short: "Write a synthetic vendor file that fits a bundle's contract",
		Long: `Writes a made-up file in the vendor's layout, from the bundle's contract: its header, then rows
with plausible values, each row another sitting. The same seed makes the same file. Students
are 600000 to 699999 and schools 2559013xx, which the sandbox knows.`,
		Example:           "  sluice bundle sample nwea-map-growth --rows 1000 --seed 1 -o sample.csv\n  sluice bundle sample curriculum-associates-i-ready --layout math --rows 10",
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: a.completeBundles,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.workplace()
			if err != nil {
				return err
			}
			b, err := a.openBundle(c, args[0])
			if err != nil {
				return err
			}
			if q.Rows < 0 {
				return usage("give a number from 0 up", "--rows must not be negative")
			}
			if q.Params, err = pairs("--param", params); err != nil {
				return err
			}
			all, err := standards(b, "")
			if err != nil {
				return err
			}
			program, problems := transform.Compile(transform.Config{Bundle: b, Standards: all, Params: q.Params, Samples: true})
			if problems.Blocks() {
				return bundleProblems(args[0], problems)
			}
			return a.writeSample(cmd.Context(), program, q, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&q.Input, "input", "", "which input (default: the only one)")
	flags.StringVar(&q.Layout, "layout", "", "which layout (default: the first)")
	flags.Int64Var(&q.Rows, "rows", 100, "how many rows")
	flags.Uint64Var(&q.Seed, "seed", 1, "the same seed makes the same file")
	flags.StringArrayVarP(&params, "param", "p", nil, "NAME=VALUE, a parameter of the bundle that the values follow")
	flags.StringVarP(&out, "output", "o", "", "the file to write (default: stdout)")
	return cmd
}

// writeSample streams the file to stdout, or to a file that is complete or absent.
func (a *app) writeSample(ctx context.Context, p *transform.Program, q samples.Request, out string) error {
	if out == "" {
		if a.JSON {
			return usage("add -o FILE", "--json and the sample cannot both go to stdout")
		}
		w := bufio.NewWriterSize(cancellable{ctx, a.out}, 1<<16)
		err := samples.Write(w, p, q)
		if err == nil {
			err = w.Flush()
		}
		if errors.Is(err, syscall.EPIPE) {
			return nil // the reader has enough
		}
		return err
	}
	f, err := durable.Create(out)
	if err != nil {
		return asDiskError(err)
	}
	w := bufio.NewWriterSize(cancellable{ctx, f}, 1<<16)
	if err := samples.Write(w, p, q); err != nil {
		return errors.Join(asDiskError(err), f.Close())
	}
	if err := w.Flush(); err != nil {
		return errors.Join(asDiskError(err), f.Close())
	}
	if err := f.Commit(); err != nil {
		return asDiskError(err)
	}
	path, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	a.screen.note("%d rows: %s", q.Rows, shownPath(path))
	return a.screen.result(map[string]any{"file": path, "rows": q.Rows, "seed": q.Seed})
}

// cancellable stops a long write when the command is interrupted.
type cancellable struct {
	ctx context.Context
	w   io.Writer
}

func (c cancellable) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
