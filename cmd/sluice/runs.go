package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newRuns() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "runs",
		Short:   "What ran, and how it ended",
		Example: "  sluice runs list --tenant gb\n  sluice runs show runs/gb/20260501T120000.000Z-nwea-map-growth",
		Args:    onlyCommands,
		RunE:    a.needSubcommand,
	}
	cmd.AddCommand(a.newRunsList(), a.newRunsShow())
	return cmd
}

// needSubcommand refuses a group of commands that was called by itself.
func (a *app) needSubcommand(cmd *cobra.Command, _ []string) error {
	if !a.JSON {
		cmd.SetOut(a.err)
		_ = cmd.Help()
	}
	return usage("name one of its commands", "`%s` does nothing by itself", cmd.CommandPath())
}

func (a *app) newRunsList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The runs, oldest first",
		Example: "  sluice runs list\n  sluice runs list --tenant gb --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.workplace()
			if err != nil {
				return err
			}
			all, err := runs.List(c.Runs, a.Tenant)
			if err != nil {
				return err
			}
			type listed struct {
				Path    string                  `json:"path"`
				Tenant  string                  `json:"tenant,omitempty"`
				Bundle  string                  `json:"bundle"`
				Created time.Time               `json:"created"`
				Stages  map[string]runs.Outcome `json:"stages"` // exit statuses; -1: did not end
			}
			shown := []listed{}
			var rows [][]string
			for _, r := range all {
				l := listed{r.Path, r.Tenant, r.Bundle.Name + " " + r.Bundle.Version, r.Created, map[string]runs.Outcome{}}
				row := []string{r.Created.UTC().Format("2006-01-02 15:04:05"), r.Tenant, l.Bundle}
				for _, stage := range runs.Stages() {
					row = append(row, stageWord(r.Stages[stage.Name], l.Stages, stage.Name))
				}
				shown = append(shown, l)
				rows = append(rows, append(row, shownPath(r.Path)))
			}
			if len(rows) == 0 {
				a.screen.say("no runs in %s", shownPath(c.Runs))
			}
			header := []string{"created (UTC)", "tenant", "bundle"}
			for _, stage := range runs.Stages() {
				header = append(header, stage.Name)
			}
			a.screen.grid(append(header, "run"), rows)
			return a.screen.result(shown)
		},
	}
}

// stageWord says in a word how a stage ended.
func stageWord(s *runs.Execution, into map[string]runs.Outcome, name string) string {
	switch {
	case s == nil:
		return "–"
	case s.Exit == nil:
		into[name] = -1
		return "unfinished"
	}
	into[name] = *s.Exit
	switch *s.Exit {
	case exitDone:
		return "done"
	case exitPartly:
		return "partly"
	case exitInterrupted:
		return "interrupted"
	case exitRefused:
		return "refused"
	}
	return "stopped"
}

func (a *app) newRunsShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show RUN",
		Short:             "One run: counts, equations, problems by cause",
		Example:           "  sluice runs show r1\n  sluice runs show r1 --json",
		Args:              exactArgs("RUN"),
		ValidArgsFunction: a.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := runs.Open(args[0])
			if err != nil {
				return err
			}
			rep, err := report.Build(r)
			if err != nil {
				return err
			}
			for i := range rep.Stages {
				a.printStage(rep, &rep.Stages[i])
			}
			a.screen.say("run: %s", shownPath(r.Path))
			a.screen.say("report: %s", shownPath(r.File("report.html")))
			return a.screen.result(rep)
		},
	}
}

// exactArgs asks for exactly the arguments named and says which is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage("see `"+cmd.CommandPath()+" --help`", "%s is missing", names[len(args)])
		case len(args) > len(names):
			return usage("see `"+cmd.CommandPath()+" --help`", "unexpected argument %q", args[len(names)])
		}
		return nil
	}
}
