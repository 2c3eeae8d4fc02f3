package main

import (
	"bytes"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newTenantList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The tenants of sluice.yaml, and the built-in one",
		Example: "  sluice tenant list\n  sluice tenant list --json",
		Args:    exactArgs(),
		RunE:    func(*cobra.Command, []string) error { return a.runTenantList() },
	}
}

func (a *app) runTenantList() error {
	c, err := a.config()
	if err != nil {
		return err
	}
	type listed struct {
		Name        string `json:"name"`
		BaseURL     string `json:"baseUrl"`
		Environment string `json:"environment"`
		Problem     string `json:"problem,omitempty"`
	}
	all := []listed{}
	var rows [][]string
	for _, name := range c.Names() {
		l := listed{Name: name, BaseURL: "built-in sandbox", Environment: tenant.Sandbox}
		t, err := c.Tenant(name)
		if t.API != nil {
			l.BaseURL, l.Environment = t.API.BaseURL, t.API.Environment
		}
		if err != nil {
			l.Problem = err.Error()
		}
		all = append(all, l)
		rows = append(rows, []string{l.Name, l.Environment, l.BaseURL, l.Problem})
	}
	t := newTable([]string{"tenant", "environment", "target", "problem"}, rows)
	if problem := 3; !slices.ContainsFunc(t.column(problem), func(text string) bool { return text != "" }) {
		t = t.without(problem)
	}
	a.screen.print(t)
	return a.screen.result(map[string]any{"tenants": all})
}

func (a *app) newTenantShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "The settings in force for a tenant, and where each comes from",
		Example:           "  sluice tenant show gb",
		Args:              exactArgs("NAME"),
		ValidArgsFunction: first(a.completeTenants),
		RunE:              func(_ *cobra.Command, args []string) error { return a.runTenantShow(args[0]) },
	}
}

func (a *app) runTenantShow(name string) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	t, err := c.Tenant(name)
	if err != nil {
		return err
	}
	settings := c.Settings(t)
	var rows [][]string
	for _, s := range settings {
		rows = append(rows, []string{s.Name, s.Value, s.From})
	}
	a.screen.grid([]string{"setting", "value", "from"}, rows)
	return a.screen.result(map[string]any{"tenant": name, "settings": settings})
}

func (a *app) newTenantClone() *cobra.Command {
	var year int
	cmd := &cobra.Command{
		Use:   "clone OLD NEW",
		Short: "Copy a tenant under a new name, for the next school year",
		Long: `Copies the lines of a tenant in sluice.yaml, comments included, under a new name. The copy needs a
key of its own: two tenants with one client_id are refused when they are used.`,
		Example:           "  sluice tenant clone gb-2026 gb-2027 --school-year 2027",
		Args:              exactArgs("OLD", "NEW"),
		ValidArgsFunction: first(a.completeTenants),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTenantClone(cmd.Context(), args[0], args[1], year)
		},
	}
	cmd.Flags().IntVar(&year, "school-year", 0, "set each school_year of the copy to this spring `YEAR`")
	return cmd
}

func (a *app) runTenantClone(ctx context.Context, old, name string, year int) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if c.File == "" {
		return diag.Fail(diag.Usage, diag.ConfigFile, "Name it with --config.", "there is no sluice.yaml here")
	}
	moved := false // a school_year was set
	err = durable.Edit(ctx, c.File, func(before []byte) ([]byte, error) {
		after, err := tenant.Clone(c.File, before, old, name, year)
		as, _ := tenant.Clone(c.File, before, old, name, 0)
		moved = !bytes.Equal(after, as)
		return after, err
	})
	if err != nil {
		return pipeline.DiskError(err)
	}
	a.screen.say("%s: tenant %s is a copy of %s", shownPath(c.File), name, old)
	switch {
	case moved:
		a.screen.say("each school_year of the copy is %d; other years in it, as in an address or a folder, are yours to change", year)
	case year > 0:
		a.screen.say("no school_year of the copy was changed: there is none, or it was %d already", year)
	}
	if t, _ := c.Tenant(old); t != nil && t.Tables != "" {
		a.screen.say("both read the tables in %s: what is changed there applies to both. For tables of its own, copy the folder and name the copy in `tables:` of %s",
			shownPath(t.Tables), name)
	}
	next := &step{why: "give it a key of its own in " + shownPath(c.File) + ", then ", words: []string{"target", "check", "--tenant", name}}
	a.sayNext(a.screen.say, next)
	return a.screen.result(map[string]any{"file": c.File, "tenant": name, "from": old, "next": a.args(next)})
}
