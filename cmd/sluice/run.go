package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newRun() *cobra.Command {
	var f transformFlags
	cmd := &cobra.Command{
		Use:   "run BUNDLE --input NAME=FILE … --tenant NAME",
		Short: "transform, validate and send in one go, with one report and the same gate",
		Long: `Runs the three stages one after the other over one run directory. It goes on after a stage
that ended with 0 or 3, stops otherwise, and ends with the worst of their exit statuses.`,
		Example:           `  sluice run nwea-map-growth --input results=export.csv --param school_year=2026 --tenant gb`,
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: a.completeBundles,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := a.explicitTenant(cmd)
			if err != nil {
				return err
			}
			c, err := a.workplaceForWriting()
			if err != nil {
				return err
			}
			t, err := c.Tenant(name)
			if err != nil {
				return err
			}
			r, status, err := a.wholeWay(cmd.Context(), c, t, args[0], f, "sluice run")
			if err != nil {
				return err
			}
			return a.finish(r, status, nextAfterRun(r, status, args[0], f))
		},
	}
	f.add(cmd)
	return cmd
}

// wholeWay runs the three stages under one lock of the run and returns the worst exit status.
func (a *app) wholeWay(ctx context.Context, c *tenant.Config, t *tenant.Tenant, ref string, f transformFlags, command string) (*runs.Run, runs.Outcome, error) {
	open, err := a.open(ctx, c, t)
	if err != nil {
		return nil, 0, err
	}
	defer open.close()
	if _, err := open.enter(ctx); err != nil { // credentials are checked before the first row
		return nil, 0, err
	}
	p, err := a.prepare(c, t, ref, f)
	if err != nil {
		return nil, 0, err
	}
	lock, err := p.lock(command)
	if err != nil {
		return nil, 0, err
	}
	defer lock.Unlock()
	r, worst, err := a.transform(ctx, c, t, p)
	if err != nil {
		return r, 0, err
	}
	status, err := a.validate(ctx, c, t, r, false, open)
	if err != nil {
		return r, 0, err
	}
	worst = max(worst, status)
	status, err = a.send(ctx, c, t, r, false, open)
	return r, max(worst, status), err
}

// nextAfterRun is the command that runs the corrected rows, with the inputs that have any.
func nextAfterRun(r *runs.Run, status runs.Outcome, ref string, f transformFlags) string {
	rejects, err := filepath.Glob(r.File("rejects", "*.csv"))
	if status != exitPartly || err != nil || len(rejects) == 0 {
		return ""
	}
	words := []string{"sluice run", ref}
	for _, file := range rejects {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".csv"), "-") // results-2.csv is of results
		words = append(words, "--input", name+"="+shownPath(file))
	}
	for _, p := range f.params {
		words = append(words, "--param", p)
	}
	return "correct the rows in " + shownPath(r.File("rejects")) + ", then: " + strings.Join(append(words, "--tenant", r.Tenant), " ")
}
