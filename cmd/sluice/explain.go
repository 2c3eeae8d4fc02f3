package main

import (
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
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return codes(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			asked := strings.ToUpper(strings.Join(args, ""))
			exact := slices.Contains(codes(), asked)
			var shown []diag.Entry
			var rows [][]string
			for _, e := range diag.Codes() {
				if len(args) == 0 || string(e.Code) == asked || !exact && strings.Contains(string(e.Code), asked) {
					shown = append(shown, e)
					rows = append(rows, []string{string(e.Code), e.Level.String(), e.Meaning})
				}
			}
			if len(shown) == 0 {
				return usage("Run `sluice explain`, which lists all codes.",
					"unknown code %q%s", args[0], diag.DidYouMean(asked, codes()))
			}
			if len(shown) > 1 {
				a.screen.grid([]string{"code", "level", "meaning"}, rows)
				return a.screen.result(map[string]any{"codes": shown})
			}
			e := shown[0]
			a.screen.say("%s (level %d, %s)\n%s\n→ %s", e.Code, int(e.Level), e.Level, e.Meaning, e.Resolution)
			return a.screen.result(e)
		},
	}
}

func codes() []string {
	var all []string
	for _, e := range diag.Codes() {
		all = append(all, string(e.Code))
	}
	return all
}
