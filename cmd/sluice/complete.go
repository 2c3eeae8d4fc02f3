package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Completion knows bundles, tenants and runs. It must never fail a shell: what cannot be read
// completes to nothing.

func (a *app) completeTenants(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	a.readConfigFlag(cmd)
	c, err := a.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.Names(), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeBundles(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.readConfigFlag(cmd)
	w, err := a.workplace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	listed, err := w.Library().List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, b := range listed {
		names = append(names, b.Name)
	}
	return names, cobra.ShellCompDirectiveDefault
}

func (a *app) completeRuns(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.readConfigFlag(cmd)
	c, err := a.config()
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	all, err := runs.List(c.Runs, a.Tenant)
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	paths := []string{runs.Latest}
	for _, r := range slices.Backward(all) {
		paths = append(paths, visible(shownPath(r.Path), false))
	}
	return paths, cobra.ShellCompDirectiveDefault | cobra.ShellCompDirectiveKeepOrder
}

// completes gives a flag its completion.
func completes(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag that does not exist: a defect of the command
	}
}

// words completes to one of them.
func words(all ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

// readConfigFlag: completion runs without the settings being read.
func (a *app) readConfigFlag(cmd *cobra.Command) {
	if path, err := cmd.Flags().GetString("config"); err == nil && path != "" {
		a.Config = path
	}
}
