package main

import (
	"github.com/spf13/cobra"
)

func (a *app) newBundleList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The bundles there are: your own, then those in this binary",
		Example: "  sluice bundle list\n  sluice bundle list --json",
		Args:    exactArgs(),
		RunE:    func(*cobra.Command, []string) error { return a.runBundleList() },
	}
}

func (a *app) runBundleList() error {
	place, err := a.workplace()
	if err != nil {
		return err
	}
	all, err := place.Library().List()
	if err != nil {
		return err
	}
	var rows [][]string
	for _, b := range all {
		state := "ok"
		if b.Problems > 0 {
			state = plural(b.Problems, "problem") + "; see `" + a.command("bundle", "lint", b.Name) + "`"
		}
		rows = append(rows, []string{b.Name, b.Version, b.Family, b.Origin, state})
	}
	a.screen.grid([]string{"bundle", "version", "assessment", "from", "state"}, rows)
	return a.screen.result(map[string]any{"bundles": all})
}
