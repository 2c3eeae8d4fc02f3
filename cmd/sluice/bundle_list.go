package main

import (
	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/bundle"
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
	place, broken := a.workplace()
	library := bundle.Library{Embedded: bundles.FS} // those there are, whatever sluice.yaml says
	switch {
	case broken == nil:
		library = place.Library()
	case a.JSON:
		return broken
	}
	all, err := library.List()
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
	if broken != nil {
		return broken
	}
	return a.screen.result(map[string]any{"bundles": all})
}
