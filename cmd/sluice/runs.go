package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

func (a *app) newRunsList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "The runs, oldest first",
		Example: "  sluice runs list\n  sluice runs list --tenant gb --json",
		Args:    exactArgs(),
		RunE:    func(*cobra.Command, []string) error { return a.runRunsList() },
	}
}

func (a *app) runRunsList() error {
	c, err := a.config()
	if err != nil {
		return err
	}
	all, err := runs.List(c.Runs, a.Tenant)
	if err == nil && len(all) == 0 {
		err = a.knownTenant(c)
	}
	if err != nil {
		return err
	}
	type listed struct {
		Path    string                  `json:"path"`
		Tenant  string                  `json:"tenant,omitempty"`
		Bundle  string                  `json:"bundle"`
		Created time.Time               `json:"created"`
		Stages  map[string]runs.Outcome `json:"stages"` // exit statuses; -1: did not end
		Code    diag.Code               `json:"code,omitempty"`
		report.Ending
	}
	shown := []listed{}
	var rows [][]string
	names := shortNames(all)
	for i, r := range all {
		l := listed{Path: r.Path, Tenant: r.Tenant, Bundle: strings.TrimSpace(r.Bundle.Name + " " + r.Bundle.Version), Created: r.Created,
			Stages: map[string]runs.Outcome{}, Ending: report.EndingOf(r)}
		for _, stage := range runs.Stages() {
			if x := r.Stages[stage.Name]; x != nil {
				l.Stages[stage.Name] = -1
				if x.Exit != nil {
					l.Stages[stage.Name] = *x.Exit
				}
			}
		}
		if r.Stopped != nil {
			l.Code = r.Stopped.Code
		}
		shown = append(shown, l)
		rows = append(rows, []string{r.Created.Local().Format("2006-01-02 15:04"), names[i], r.Tenant, r.Bundle.Name, l.Outcome,
			thousands(l.Read), thousands(l.Rejected), of(l.Loaded, l.Loaded+l.Behind), took(l.Seconds)})
	}
	if len(rows) == 0 {
		a.screen.say("no runs in %s", shownPath(c.Runs))
	}
	a.printRuns(rows)
	return a.screen.result(map[string]any{"runs": shown})
}

// printRuns prints the list of runs; where a line is too narrow for a run, how it ended has one of its own.
func (a *app) printRuns(rows [][]string) {
	header := []string{"created", "run", "tenant", "bundle", "outcome", "rows", "rejected", "loaded", "took"}
	t := newTable(header, rows)
	if all := t.column(6); !slices.ContainsFunc(all, func(n string) bool { return n != "0" }) { // nothing was
		t = t.without(6)
	}
	if columns := a.screen.columns(); columns > 0 && t.total() > columns {
		var under []string
		for _, row := range rows {
			said := []string{row[4], row[5] + " rows"}
			if row[6] != "0" {
				said[1] += ", " + row[6] + " rejected"
			}
			if row[7] != "" {
				said = append(said, row[7]+" records loaded")
			}
			under = append(under, strings.Join(append(said, row[8]), " · "))
		}
		for i := range rows {
			rows[i] = rows[i][:4]
		}
		t = newTable(header[:4], rows)
		t.under = under
	}
	a.screen.print(t)
}

// of says how many of all; nothing where there are none.
func of(n, all int64) string {
	switch {
	case all == 0:
		return ""
	case n == all:
		return thousands(n)
	}
	return thousands(n) + " of " + thousands(all)
}

func took(seconds float64) string {
	if seconds < 10 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return remaining(time.Duration(seconds * float64(time.Second)))
}

// shortNames are the names by which a person can call runs: of those that sluice gave, as much as no other
// begins with.
func shortNames(all []*runs.Run) []string {
	var names []string
	for _, r := range all {
		name := filepath.Base(r.Path)
		if !runs.Named(name) {
			names = append(names, shownPath(r.Path))
			continue
		}
		const second = len("20260102T150405")
		short := second
		for _, other := range all {
			if b := filepath.Base(other.Path); other != r && runs.Named(b) {
				for short < len(name) && strings.HasPrefix(b, name[:short]) {
					short++
				}
			}
		}
		if short > second {
			short = max(short, strings.IndexByte(name, '-')) // the whole time, as it is not told by the second
		}
		names = append(names, name[:short])
	}
	return names
}

func (a *app) newRunsShow() *cobra.Command {
	var path bool
	cmd := &cobra.Command{
		Use:               "show RUN",
		Short:             "One run: counts, equations, problems by cause",
		Example:           "  sluice runs show r1\n  sluice runs show latest --tenant gb --json\n  cd \"$(sluice runs show latest --path)\"",
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRuns),
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
	r, err := runs.Find(c.Runs, a.Tenant, name)
	if err != nil {
		return nil, cmp.Or(a.knownTenant(c), err)
	}
	return r, nil
}

// knownTenant is the error of a tenant that is not in sluice.yaml: of its mistakes others speak.
func (a *app) knownTenant(c *tenant.Config) error {
	if a.Tenant == "" || slices.Contains(c.Names(), a.Tenant) {
		return nil
	}
	_, err := c.Tenant(a.Tenant)
	return err
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
	holder, held, _ := durable.HeldBy(r.Path)
	next := a.nextKept(r)
	for _, stage := range runs.Stages() {
		x := r.Stages[stage.Name]
		if x == nil || x.Exit != nil {
			continue
		}
		began := x.Start.Local().Format("2006-01-02 15:04:05")
		if held {
			next = nil // it is for when this one has ended
			a.screen.say("%s began at %s and is at work: %s\n", stage.Name, began, holder)
			continue
		}
		a.screen.say("%s began at %s and did not end: it is still running, or was killed\n", stage.Name, began)
	}
	if why := r.Stopped; why != nil {
		a.screen.say("%s %s was stopped: %s", paint(a.screen.outColour, red, "["+string(why.Code)+"]"), why.Stage, why.Message)
		if next == nil || why.Code != diag.MachineInterrupt { // whose advice is to go on
			a.screen.say("  %s %s", paint(a.screen.outColour, dim, "→"), why.Next)
		}
		a.screen.say("")
	}
	a.sayOther(r, rep, next)
	a.sayVerdict(a.screen.say, r, rep, endOf(r), next, mostLines)
	return a.screen.result(rep)
}

// endOf is how the last command on a run ended, as far as the run knows.
func endOf(r *runs.Run) runs.Outcome {
	worst := runs.Done
	for _, stage := range runs.Stages() {
		switch x := r.Stages[stage.Name]; {
		case x == nil:
		case x.Exit == nil:
			return notEnded
		default:
			worst = max(worst, *x.Exit)
		}
	}
	if r.Stopped != nil {
		if x := r.Stages[r.Stopped.Stage]; x == nil || x.Exit.Finished() { // and not by what ended another stage earlier
			return stoppedBefore
		}
	}
	return worst
}
