package main

import (
	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
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

// openBundle loads a bundle that can be used, with the data standards that it covers.
func (a *app) openBundle(ref string) (*bundle.Bundle, []*schema.Standard, error) {
	place, err := a.workplace()
	if err != nil {
		return nil, nil, err
	}
	b, err := place.Bundle(ref)
	if err != nil {
		return nil, nil, err
	}
	all, err := place.Standards(b, "")
	return b, all, err
}
