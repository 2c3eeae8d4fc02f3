package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func (a *app) newExplain() *cobra.Command {
	return &cobra.Command{
		Use:     "explain [CODE]",
		Short:   "What a code means and what to do; without a code, all of them",
		Example: "  sluice explain VAL-UNMAPPED\n  sluice explain ledger        codes with that word in them\n  sluice explain",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactArgs("CODE")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return begun(strings.ToUpper(typed), codes()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.runExplain(strings.Join(args, "")) },
	}
}

func (a *app) runExplain(name string) error {
	asked := strings.ToUpper(name)
	exact := slices.Contains(codes(), asked)
	var shown []diag.Entry
	var rows [][]string
	for _, e := range diag.Codes() {
		if asked == "" || string(e.Code) == asked || !exact && strings.Contains(string(e.Code), asked) {
			shown = append(shown, e)
			rows = append(rows, []string{string(e.Code), e.Level.String(), e.Meaning})
		}
	}
	switch len(shown) {
	case 0:
		return usage("Run `sluice explain`, which lists all codes.", "unknown code %q%s", name, nearCode(asked))
	case 1:
		e := shown[0]
		a.screen.say("%s (%s)\n%s\n", e.Code, e.Level.String(), e.Meaning)
		a.screen.say("  it looks like  %s\n  open           %s\n  command        %s\n", e.Example, e.File, e.Command)
		a.screen.say("→ %s", e.Resolution)
		return a.screen.result(e)
	}
	a.screen.grid([]string{"code", "level", "meaning"}, rows)
	return a.screen.result(map[string]any{"codes": shown})
}

// nearCode suggests a code: near as a whole, or behind what its kind has in common, as UNMAPPED for VAL-UNMAPPED.
func nearCode(asked string) string {
	whole, ends := codes(), map[string]string{}
	for _, code := range whole {
		_, end, _ := strings.Cut(code, "-")
		ends[end] = code
	}
	if near := diag.DidYouMean(asked, whole); near != "" {
		return near
	}
	if near := diag.Nearest(asked, slices.Sorted(maps.Keys(ends)), 1); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %q?)", ends[near[0]])
	}
	return ""
}

func codes() []string {
	var all []string
	for _, e := range diag.Codes() {
		all = append(all, string(e.Code))
	}
	return all
}
