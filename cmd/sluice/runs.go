package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func (a *app) newRunsList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The runs, oldest first",
		Example: "  sluice runs list\n  sluice runs list --tenant gb --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.runRunsList() },
	}
}

func (a *app) runRunsList() error {
	c, err := a.config()
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
			word := "–"
			if x := r.Stages[stage.Name]; x != nil {
				l.Stages[stage.Name], word = -1, "unfinished"
				if x.Exit != nil {
					l.Stages[stage.Name], word = *x.Exit, cmp.Or(endings[*x.Exit], "stopped")
				}
				if why := r.Stopped; why != nil && why.Stage == stage.Name {
					word = string(why.Code)
				}
			}
			row = append(row, word)
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
	return a.screen.result(map[string]any{"runs": shown})
}

// endings are the words for how a stage ended; any other stopped.
var endings = map[runs.Outcome]string{runs.Done: "done", runs.Partly: "partly", runs.Interrupted: "interrupted", runs.Refused: "refused"}

func (a *app) newRunsShow() *cobra.Command {
	var path bool
	cmd := &cobra.Command{
		Use:               "show RUN",
		Short:             "One run: counts, equations, problems by cause",
		Example:           "  sluice runs show r1\n  sluice runs show latest --tenant gb --json\n  cd \"$(sluice runs show latest --path)\"",
		Args:              exactArgs("RUN"),
		ValidArgsFunction: a.completeRuns,
		RunE:              func(_ *cobra.Command, args []string) error { return a.runRunsShow(args[0], path) },
	}
	cmd.Flags().BoolVar(&path, "path", false, "print its folder, and nothing else")
	return cmd
}

// findRun finds the run that a person named.
func (a *app) findRun(name string) (*runs.Run, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	return runs.Find(c.Runs, a.Tenant, name)
}

func (a *app) runRunsShow(name string, path bool) error {
	r, err := a.findRun(name)
	if err != nil {
		return err
	}
	if path {
		a.screen.say("%s", r.Path)
		return a.screen.result(map[string]string{"path": r.Path})
	}
	rep, err := report.Build(r)
	if err != nil {
		return err
	}
	for i := range rep.Stages {
		a.printStage(rep, &rep.Stages[i])
	}
	for _, stage := range runs.Stages() {
		if x := r.Stages[stage.Name]; x != nil && x.Exit == nil {
			a.screen.say("%s began at %s and did not end: it is still running, or was killed\n", stage.Name, x.Start.Format("2006-01-02 15:04:05 UTC"))
		}
	}
	if why := r.Stopped; why != nil {
		a.screen.say("%s %s was stopped: %s\n  %s %s\n", paint(a.screen.outColour, red, "["+string(why.Code)+"]"), why.Stage, why.Message,
			paint(a.screen.outColour, dim, "→"), why.Next)
	}
	sayWhere(a.screen.say, r, "")
	return a.screen.result(rep)
}
