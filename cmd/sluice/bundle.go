package main

import "github.com/spf13/cobra"

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
