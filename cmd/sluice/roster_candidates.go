package main

import (
	"github.com/spf13/cobra"
)

func (a *app) newRosterCandidates() *cobra.Command {
	return &cobra.Command{
		Use:   "candidates RUN",
		Short: "List the students whom unknown ids of a run may belong to",
		Long: `Writes candidates.csv into the run: each id that was not known, or not certain, with up to five
students of the roster who agree with its row in two of birth date, initials, school and grade at
least (the birth date or the initials among them). Nothing uses the list by itself. A person who
knows the student writes the studentUniqueId of the candidate, or of another one, into the second
column; lines without one are passed over. ` + "`sluice roster import --crosswalk`" + ` takes it in, and
--only-rejects-of tries the rows again. The list holds students' data.`,
		Example: `  sluice roster candidates latest --tenant gb
  sluice roster import runs/gb/20261121-nwea-map-growth/candidates.csv --crosswalk --tenant gb
  sluice run nwea-map-growth --only-rejects-of latest --tenant gb`,
		Args:              exactArgs("RUN"),
		ValidArgsFunction: first(a.completeRuns),
		PreRunE:           a.needTenant,
		RunE:              func(_ *cobra.Command, args []string) error { return a.runRosterCandidates(args[0]) },
	}
}

func (a *app) runRosterCandidates(name string) error {
	r, err := a.findRun(name)
	if err != nil {
		return err
	}
	x, err := a.writing("sluice roster candidates", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	if err := x.Open(r.Path); err != nil {
		return err
	}
	list, err := x.Candidates()
	if err != nil {
		return err
	}
	file := shownPath(list.Path)
	a.screen.say("%s: %s of %s not known; %d have candidates", file, plural(list.IDs, "id"), plural(list.Rows, "row"), list.Found)
	if list.IDs > 0 {
		a.screen.say("fill in the column studentUniqueId where you know the student, then: %s", a.command("roster", "import", file, "--crosswalk", "--tenant", a.Tenant))
	}
	return a.screen.result(list)
}
