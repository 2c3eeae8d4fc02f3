package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/roster"
)

func (a *app) newRosterPull() *cobra.Command {
	var o roster.PullOptions
	cmd := &cobra.Command{
		Use:   "pull",
		Short: "Read the students, their ids and enrollments from the target",
		Long: `Reads the tenant's students, their identification codes and their enrollments from the target into an
index on this machine. After the first time only what changed since is read, where the target tells
that. The index is replaced when everything was read, and not before. It changes nothing at the
target. What the credential may not read is said, and is not in the roster.

A target that shows no students, or fewer than half of those known before, is not believed (exit 5)
unless --accept-fewer says so. Social security numbers are not kept.`,
		Example: "  sluice roster pull --tenant gb\n  sluice roster pull --tenant gb --full\n  sluice roster pull --tenant sandbox",
		Args:    exactArgs(),
		PreRunE: a.needTenant,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runRosterPull(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.Full, "full", false, "read all, not only what changed")
	cmd.Flags().BoolVar(&o.AcceptFewer, "accept-fewer", false, "accept that there are no students, or far fewer than before")
	return cmd
}

func (a *app) runRosterPull(ctx context.Context, o roster.PullOptions) error {
	x, err := a.writing("sluice roster pull", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	a.collectAt(gcForARoster)
	o.Progress = &roster.Progress{}
	stop := a.watch("roster pull", reading(o.Progress))
	done, err := x.PullRoster(ctx, o)
	stop()
	if err != nil {
		return err
	}
	how := "all was read (" + done.Whole + ")"
	if done.Whole == "" {
		how = fmt.Sprintf("read again: %s that may have changed since the last pull, %s", plural(int(done.Changes), "record"), plural(int(done.Deleted), "deletion"))
	}
	a.screen.say("tenant %s: %s; %s", a.Tenant, plural(int(done.Students), "student"), how)
	a.sayRoster(done.About, done.Left)
	if done.Origin.Codes == "" {
		a.screen.note("the target's data standard has no identification codes of students")
	}
	for _, resource := range done.Origin.Unread {
		a.screen.note("the credential may not read %s: the roster is without %s", resource, map[string]string{
			"students": "names and birth dates", "studentSchoolAssociations": "enrollments"}[resource]+map[bool]string{true: "identification codes"}[resource == done.Origin.Codes])
	}
	return a.screen.result(map[string]any{"tenant": a.Tenant, "roster": done.About, "changes": done.Changes, "deleted": done.Deleted, "whole": done.Whole, "left": done.Left})
}

func reading(p *roster.Progress) func() pipeline.Progress {
	return func() pipeline.Progress {
		return pipeline.Progress{Doing: "reading", Done: p.Done.Load(), Total: max(p.Total.Load(), 0)}
	}
}

// sayRoster says what is in a roster, and which ids were left out.
func (a *app) sayRoster(about *roster.About, left map[string]int) {
	var rows [][]string
	for _, s := range about.Systems {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Students), fmt.Sprint(s.IDs), fmt.Sprint(s.Ambiguous)})
	}
	a.screen.grid([]string{"identification system", "students", "ids", "ambiguous"}, rows)
	a.screen.say("  %s at %s", plural(int(about.Enrollments), "enrollment"), plural(int(about.Schools), "school"))
	if about.Unknown > 0 {
		a.screen.note("the crosswalk names %s that the roster does not have; their ids are left out", plural(int(about.Unknown), "student"))
	}
	for _, system := range slices.Sorted(maps.Keys(left)) {
		a.screen.note("ids of the system %s are not kept", system)
	}
}

func (a *app) newRosterImport() *cobra.Command {
	var o roster.ImportOptions
	var form roster.CrosswalkForm
	var crosswalk bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Take students, or ids that a person matched, from files",
		Long: `Makes the tenant's roster of files: CSV files with a column studentUniqueId, or one OneRoster 1.1 or
1.2 package, which is a folder or a ZIP file. It replaces the roster. docs/roster.md lists the columns.

With --crosswalk it adds to the ids that the tenant itself gave to students, which every pull and
import keeps: a CSV with the columns id and studentUniqueId, and perhaps system, effectiveDate and
endDate. They are kept in state/<tenant>/roster/crosswalk.csv, which you may edit; without FILE the
edited file is taken in.`,
		Example: `  sluice roster import students.csv --tenant gb
  sluice roster import oneroster.zip --unique-id identifier --tenant gb
  sluice roster import decided.csv --crosswalk --tenant gb
  sluice roster import --crosswalk --tenant gb`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !crosswalk {
				return exactArgs("FILE")(cmd, args)
			}
			return nil
		},
		PreRunE: a.needTenant,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case crosswalk:
				return a.runCrosswalk(args, form)
			case form.System != "" || form.IDs != nil:
				return usage("Add --crosswalk, or leave them out.", "--system and --ids are for a crosswalk")
			}
			return a.runRosterImport(args, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.UniqueID, "unique-id", "", "OneRoster: the `COLUMN` of users.csv that holds the studentUniqueId, or userIds:TYPE (default: identifier)")
	flags.BoolVar(&o.AcceptFewer, "accept-fewer", false, "accept that there are no students, or far fewer than before")
	flags.BoolVar(&crosswalk, "crosswalk", false, "add the files' ids to those that the tenant itself gave to students")
	flags.StringVar(&form.System, "system", "", "crosswalk: `NAME` of the identification system of rows that name none (default: crosswalk)")
	flags.StringSliceVar(&form.IDs, "ids", nil, "crosswalk: `COLUMNS` that hold ids (default: id)")
	return cmd
}

func (a *app) runRosterImport(files []string, o roster.ImportOptions) error {
	x, err := a.writing("sluice roster import", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	a.collectAt(gcForARoster)
	o.Progress = &roster.Progress{}
	stop := a.watch("roster import", reading(o.Progress))
	done, err := x.ImportRoster(files, o)
	stop()
	if err != nil {
		return err
	}
	a.screen.say("tenant %s: %s, from %s", a.Tenant, plural(int(done.Students), "student"), done.Format)
	a.sayRoster(done.About, done.Left)
	if len(done.Unread) > 0 {
		a.screen.note("columns that were not read: %s; a column of ids has the header id.SYSTEM", strings.Join(done.Unread, ", "))
	}
	if done.Skipped > 0 {
		a.screen.note("passed over: %s of people who are not students, or marked as deleted", plural(int(done.Skipped), "row"))
	}
	return a.screen.result(map[string]any{"tenant": a.Tenant, "format": done.Format, "roster": done.About, "unread": done.Unread, "skipped": done.Skipped, "left": done.Left})
}

func (a *app) runCrosswalk(files []string, form roster.CrosswalkForm) error {
	x, err := a.writing("sluice roster import", a.Tenant)
	if err != nil {
		return err
	}
	defer a.closing(x)
	done, err := x.ImportCrosswalk(files, form)
	if err != nil {
		return err
	}
	file := x.Place().CrosswalkFile(a.Tenant)
	a.screen.say("tenant %s: the crosswalk %s has %s: %d new, %d replaced", a.Tenant, shownPath(file), plural(done.Rows, "id"), done.Added, done.Replaced)
	if done.Undecided > 0 {
		a.screen.note("passed over: %s without a studentUniqueId", plural(done.Undecided, "row"))
	}
	if done.Roster == nil {
		a.screen.note("there is no roster yet; `%s` will take the crosswalk in", a.command("roster", "pull", "--tenant", a.Tenant))
	} else {
		a.sayRoster(done.Roster, nil)
	}
	return a.screen.result(map[string]any{"tenant": a.Tenant, "crosswalk": file, "rows": done.Rows, "added": done.Added, "replaced": done.Replaced,
		"undecided": done.Undecided, "roster": done.Roster})
}

func (a *app) newRosterShow() *cobra.Command {
	var day string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show what the roster knows of the students with an id",
		Long: `Looks an id up in every identification system of the tenant's roster, exactly as it stands, and shows
the students who have it: their names, ids and enrollments, and as what the id was found.`,
		Example: "  sluice roster show 600123 --tenant sandbox\n  sluice roster show 48600123 --tenant sandbox --json",
		Args:    exactArgs("ID"),
		PreRunE: a.needTenant,
		RunE:    func(_ *cobra.Command, args []string) error { return a.runRosterShow(args[0], day) },
	}
	cmd.Flags().StringVar(&day, "on", "", "`DATE` on which ids of the crosswalk must count, as in 2026-09-01")
	return cmd
}

// shownStudent is a student, and as what the id was found.
type shownStudent struct {
	FoundAs []string `json:"foundAs"`
	*roster.Student
}

func (a *app) runRosterShow(id, day string) error {
	if _, err := time.Parse(time.DateOnly, cmp.Or(day, "2026-09-01")); err != nil {
		return usage("Write it as 2026-09-01.", "--on %q is not a date", day)
	}
	place, err := a.workplace()
	if err != nil {
		return err
	}
	if _, err := place.Config.Tenant(a.Tenant); err != nil {
		return err
	}
	index, err := place.Roster(a.Tenant)
	if err != nil {
		return err
	}
	defer index.Close() //nolint:errcheck // read only
	found, err := studentsWith(index, strings.TrimSpace(id), day)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return diag.Fail(diag.Usage, diag.ConfigUsage, "Ids are looked up as they stand, with their zeros and in their case. If the student is new, run `"+a.command("roster", "pull", "--tenant", a.Tenant)+"`.",
			"no student of the roster of tenant %s has this id", a.Tenant)
	}
	for _, s := range found {
		a.sayStudent(s)
	}
	if len(found) > 1 {
		a.screen.say("the id is that of %s; rows that have it alone are rejected as ambiguous", plural(len(found), "student"))
	}
	return a.screen.result(map[string]any{"tenant": a.Tenant, "pulled": index.Pulled(), "students": found})
}

// studentsWith are the students who have an id in any identification system.
func studentsWith(index *roster.Index, id, day string) (found []*shownStudent, err error) {
	for _, system := range index.Systems() {
		uniqueIDs, err := index.FindOn(system.Name, id, day)
		if err != nil {
			return nil, err
		}
		for _, unique := range uniqueIDs {
			i := slices.IndexFunc(found, func(s *shownStudent) bool { return s.UniqueID == unique })
			if i < 0 {
				s, _, err := index.Student(unique)
				if err != nil {
					return nil, err
				}
				i, found = len(found), append(found, &shownStudent{Student: s})
			}
			found[i].FoundAs = append(found[i].FoundAs, system.Name)
		}
	}
	return found, nil
}

func (a *app) sayStudent(s *shownStudent) {
	say := func(what, format string, args ...any) {
		a.screen.say("  %-12s %s", what, fmt.Sprintf(format, args...))
	}
	a.screen.say("student %s", s.UniqueID)
	say("found as", "%s", strings.Join(s.FoundAs, ", "))
	say("name", "%s", cmp.Or(strings.TrimSpace(s.FirstName+" "+s.LastName), "not known"))
	say("born", "%s", cmp.Or(s.BirthDate, "not known"))
	for _, id := range s.IDs {
		say("id", "%s %s%s", id.System, id.Value, span(id.From, id.Until))
	}
	for _, e := range s.Enrollments {
		grade := ""
		if e.Grade != "" {
			grade = ", " + e.Grade
		}
		say("enrolled", "school %s%s%s", e.School, grade, span(e.Entry, e.Exit))
	}
	if len(s.Enrollments) == 0 {
		say("enrolled", "nowhere, as far as the roster knows")
	}
}

// span is a time in words.
func span(from, until string) (says string) {
	if from != "" {
		says = ", from " + from
	}
	if until != "" {
		says += ", until " + until
	}
	return says
}
