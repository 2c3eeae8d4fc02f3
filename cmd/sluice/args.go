package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// usage is the error of a command line that is not understood.
func usage(next, format string, args ...any) error {
	return diag.Fail(diag.Usage, diag.ConfigUsage, next, format, args...)
}

// exactArgs asks for exactly the arguments named and says which is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage("See `"+cmd.CommandPath()+" --help`.", "%s is missing", names[len(args)])
		case len(args) > len(names):
			return usage("See `"+cmd.CommandPath()+" --help`.", "unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// bundleAndInputs asks for a bundle. A file behind it wants to be one of the bundle's inputs.
func (a *app) bundleAndInputs(cmd *cobra.Command, args []string) error {
	err := exactArgs("BUNDLE")(cmd, args)
	if len(args) < 2 {
		return err
	}
	inputs := a.bundleInputs(cmd, args[0])
	if len(inputs) == 0 {
		inputs = []string{"NAME"}
	}
	var flags []string
	for i, file := range args[1:] {
		flags = append(flags, "--input "+diag.ShellWord(inputs[min(i, len(inputs)-1)]+"="+file))
	}
	return usage("Say which input each file is, as in --input NAME=FILE.", "unexpected argument %q (did you mean %s?)", args[1], strings.Join(flags, " "))
}

// bundleInputs names the inputs of a bundle; of one that cannot be read there are none.
func (a *app) bundleInputs(cmd *cobra.Command, ref string) []string {
	if b := a.bundleToComplete(cmd, ref); b != nil {
		return inputsOf(b)
	}
	return nil
}

// onlyCommands refuses an argument where a command is expected.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	return usage("See `"+cmd.CommandPath()+" --help`.",
		"unknown command %q for %q%s", args[0], cmd.CommandPath(), diag.DidYouMean(args[0], known))
}

// nearFlag suggests the flag nearest to an unknown one.
func nearFlag(cmd *cobra.Command, message string) string {
	_, name, unknown := strings.Cut(message, "unknown flag: --")
	if !unknown {
		return ""
	}
	var known []string
	add := func(f *pflag.Flag) { known = append(known, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	if near := diag.Nearest(name, known, 1); len(near) > 0 {
		return " (did you mean --" + near[0] + "?)"
	}
	return ""
}

// needSubcommand refuses a group of commands that was called by itself.
func (a *app) needSubcommand(cmd *cobra.Command, _ []string) error {
	if !a.JSON {
		cmd.SetOut(a.err)
		_ = cmd.Help()
	}
	return usage("Name one of its commands.", "`%s` does nothing by itself", cmd.CommandPath())
}

// pairs splits NAME=VALUE.
func pairs(flag string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, usage("Write "+flag+" name=value.", "%s %q has no name and value", flag, s)
		}
		if _, twice := out[name]; twice {
			return nil, usage("Give it once.", "%s %s is given twice", flag, name)
		}
		out[name] = value
	}
	return out, nil
}

// needTenant refuses a command without a tenant.
func (a *app) needTenant(cmd *cobra.Command, _ []string) error {
	if a.Tenant == "" {
		return usage("Add --tenant NAME.", "`%s` needs a tenant", cmd.CommandPath())
	}
	return nil
}

// explicitTenant asks for the tenant on the command line: send and run have no default tenant, so that
// a forgotten variable never loads one district's records into another's target.
func (a *app) explicitTenant(cmd *cobra.Command, args []string) error {
	if !cmd.Flags().Changed("tenant") || a.Tenant == "" {
		next := "Add --tenant NAME."
		if r, err := a.findRun(args[0]); cmd.Name() == "send" && err == nil && r.Tenant != "" {
			next = "Add --tenant " + r.Tenant + ", which is the tenant of this run."
		}
		if runs := cmd.Root().Commands(); cmd.Name() == "run" && slices.ContainsFunc(runs, func(c *cobra.Command) bool {
			return c.Name() == "runs" && slices.ContainsFunc(c.Commands(), func(c *cobra.Command) bool { return slices.Contains(args, c.Name()) })
		}) {
			next = "Add --tenant NAME, or run `sluice runs " + args[0] + "` if that is meant."
		}
		return usage(next, "`%s` needs the tenant on its command line", cmd.CommandPath())
	}
	return nil
}
