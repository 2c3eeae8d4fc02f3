package main

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// Completion knows bundles and what is in them, tenants and runs. It must never fail a shell: what cannot be
// read completes to nothing, and what is embedded completes without sluice.yaml.

// configToComplete is sluice.yaml; where it cannot be used, what holds without one.
func (a *app) configToComplete(cmd *cobra.Command) *tenant.Config {
	path, _ := cmd.Flags().GetString("config")
	a.Config = cmp.Or(path, a.getenv("SLUICE_CONFIG"))
	c, _ := a.config() // or what can be read of it
	if c == nil {
		folder, _ := os.Getwd()
		c = tenant.Default(folder)
	}
	return c
}

func (a *app) completeTenants(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return begun(typed, a.configToComplete(cmd).Names()), cobra.ShellCompDirectiveNoFileComp
}

// first completes the first argument alone.
func first(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

func (a *app) completeBundles(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	listed, err := bundle.Library{Folders: a.configToComplete(cmd).Bundles, Embedded: bundles.FS}.List()
	if err != nil { // of a folder of sluice.yaml
		if listed, err = (bundle.Library{Embedded: bundles.FS}).List(); err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	var names []string
	for _, b := range listed {
		names = append(names, b.Name)
	}
	return begun(typed, names), cobra.ShellCompDirectiveDefault
}

// bundleToComplete is the bundle that a command line names, if it can be read.
func (a *app) bundleToComplete(cmd *cobra.Command, ref string) *bundle.Bundle {
	b, _, err := bundle.Library{Folders: a.configToComplete(cmd).Bundles, Embedded: bundles.FS}.Open(ref)
	if err != nil {
		return nil
	}
	return b
}

// completeOf completes a flag with what the bundle of the command line has. Where the names are to be followed by
// a value, they end with "=".
func (a *app) completeOf(follows string, of func(*bundle.Bundle) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if follows != "" && strings.Contains(typed, follows) {
			return nil, cobra.ShellCompDirectiveDefault // the file
		}
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		b := a.bundleToComplete(cmd, args[0])
		if b == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := of(b)
		for i := range names {
			names[i] += follows
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if follows != "" {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return begun(typed, names), directive
	}
}

func inputsOf(b *bundle.Bundle) []string {
	var names []string
	for _, in := range b.Inputs {
		names = append(names, in.Name.Value)
	}
	return names
}

func layoutsOf(b *bundle.Bundle) []string {
	var names []string
	for _, in := range b.Inputs {
		for _, l := range in.Layouts {
			names = append(names, l.Name.Value)
		}
	}
	return names
}

func paramsOf(b *bundle.Bundle) []string {
	var names []string
	for _, p := range b.Params {
		names = append(names, p.Name.Value)
	}
	return names
}

func tablesOf(b *bundle.Bundle) []string {
	files, err := b.TableFiles()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(files))
}

func fixturesOf(b *bundle.Bundle) []string {
	var names []string
	entries, _ := fs.ReadDir(b.FS, "fixtures")
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// completeRuns completes to the newest runs first, of the tenant on the command line if there is one.
func (a *app) completeRuns(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	of, _ := cmd.Flags().GetString("tenant")
	all, err := runs.List(a.configToComplete(cmd).Runs, of)
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	var names []string
	if len(all) > 0 {
		names = append(names, runs.Latest)
	}
	for _, r := range slices.Backward(all) {
		name := filepath.Base(r.Path)
		if !runs.Named(name) {
			name = visible(shownPath(r.Path), false)
		}
		names = append(names, name)
	}
	return begun(typed, names), cobra.ShellCompDirectiveDefault | cobra.ShellCompDirectiveKeepOrder
}

// begun are the words that begin with what was typed.
func begun(typed string, all []string) []string {
	return slices.DeleteFunc(all, func(word string) bool { return !strings.HasPrefix(word, typed) })
}

// completes gives a flag its completion.
func completes(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag that does not exist: a defect of the command
	}
}

// words completes to one of them.
func words(all ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return begun(typed, slices.Clone(all)), cobra.ShellCompDirectiveNoFileComp
	}
}
