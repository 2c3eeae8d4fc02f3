package main

import (
	"context"
	"encoding/csv"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/adopted"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
)

func (a *app) newTargetAdopt() *cobra.Command {
	var list bool
	var remove string
	var picks []string
	cmd := &cobra.Command{
		Use:   "adopt RUN",
		Short: "Keep the identifiers that the target has for events of a run",
		Long: `Where another loader brought the same events to the target, or a part of their key was corrected,
validate lists them in problems/same-events.csv of the run: student, assessment, the identifier that
sluice makes and the one that the target has. This command keeps the latter in the tenant's state,
as ` + adopted.File + `. From then on transform gives these events the identifiers of the
target, so that they are updated there and not doubled. What only a person can decide is left out,
unless it is picked.

It changes nothing at the target. To undo it, remove what came from the run.`,
		Example: `  sluice target adopt latest --tenant gb
  sluice target adopt r1 --tenant gb --pick 12=711386357
  sluice target adopt --list --tenant gb > adopted.csv
  sluice target adopt --remove r1 --tenant gb`,
		Args: func(cmd *cobra.Command, args []string) error {
			if list || remove != "" {
				return exactArgs()(cmd, args)
			}
			return exactArgs("RUN")(cmd, args)
		},
		ValidArgsFunction: first(a.completeRuns),
		PreRunE:           a.needTenant,
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := a.writing("sluice target adopt", a.Tenant)
			if err != nil {
				return err
			}
			defer a.closing(x)
			switch {
			case list:
				return a.listAdopted(x)
			case remove != "":
				return a.removeAdopted(cmd.Context(), x, remove)
			}
			return a.runTargetAdopt(cmd.Context(), x, args[0], picks)
		},
	}
	cmd.Flags().StringArrayVar(&picks, "pick", nil, "decide a case by hand: `LINE=IDENTIFIER`, as problems/same-events.csv has them; again for more")
	cmd.Flags().BoolVar(&list, "list", false, "print the tenant's table as CSV")
	cmd.Flags().StringVar(&remove, "remove", "", "take out what was adopted from this `RUN`, as the table names it")
	cmd.MarkFlagsMutuallyExclusive("list", "remove", "pick")
	return cmd
}

func (a *app) runTargetAdopt(ctx context.Context, x *pipeline.Execution, name string, picks []string) error {
	pairs, err := pairs("--pick", picks)
	if err != nil {
		return err
	}
	picked := map[int]string{}
	for line, identifier := range pairs {
		n, err := strconv.Atoi(line)
		if err != nil {
			return usage("Write LINE=IDENTIFIER with the columns stagedLine and atTarget of problems/same-events.csv.", "--pick %s=%s does not begin with a line", line, identifier)
		}
		picked[n] = identifier
	}
	r, err := a.findRun(name)
	if err != nil {
		return err
	}
	if err := x.Open(r.Path); err != nil {
		return err
	}
	adopted, err := x.Adopt(ctx, picked)
	if err != nil {
		return err
	}
	a.screen.say("tenant %s: %s adopted from this run, %d of them new", a.Tenant, plural(adopted.Found-adopted.Undecided, "identifier"), adopted.Fresh)
	if adopted.Undecided > 0 {
		a.screen.say("%s only a person can decide: see %s, and pick with --pick LINE=IDENTIFIER", plural(adopted.Undecided, "case"), shownPath(r.File("problems", "same-events.csv")))
	}
	a.screen.say("next: run transform again, or `sluice run`: the events have these identifiers then")
	return a.screen.result(map[string]any{"tenant": a.Tenant, "table": x.AdoptedFile(), "found": adopted})
}

// listAdopted prints the table, or gives it as JSON.
func (a *app) listAdopted(x *pipeline.Execution) error {
	rows, err := x.AdoptedRows()
	if err != nil {
		return err
	}
	if a.JSON {
		return a.screen.result(map[string]any{"tenant": a.Tenant, "adopted": rows})
	}
	var text strings.Builder
	out := csv.NewWriter(&text)
	all := [][]string{adopted.Header}
	for _, r := range rows {
		all = append(all, r.Cells())
	}
	if err := out.WriteAll(all); err != nil {
		return err
	}
	_, err = io.WriteString(a.screen.out, text.String())
	return err
}

func (a *app) removeAdopted(ctx context.Context, x *pipeline.Execution, run string) error {
	if r, err := a.findRun(run); err == nil {
		run = filepath.Base(r.Path)
	}
	n, err := x.RemoveAdopted(ctx, run)
	if err != nil {
		return err
	}
	if n == 0 {
		return usage("Name one that stands in the column run of `sluice target adopt --list --tenant "+a.Tenant+"`.", "nothing was adopted from a run %q", run)
	}
	a.screen.say("tenant %s: %s removed; transform gives these events their own identifiers again, and validate finds them at the target", a.Tenant, plural(n, "identifier"))
	return a.screen.result(map[string]any{"tenant": a.Tenant, "removed": n})
}
