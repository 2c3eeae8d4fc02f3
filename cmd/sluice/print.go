package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// printStage prints a stage's counts, its equations and its problems by cause.
func (a *app) printStage(rep *report.Report, stage *report.Stage) {
	s := a.screen
	where := cmp.Or(rep.Tenant, "no tenant")
	title := fmt.Sprintf("%s  %s · Data Standard %s · %s", stage.Name, rep.Versions.Bundle, rep.Versions.DataStandard, where)
	s.say("%s", paint(s.outColour, bold, title))
	a.printEquations(rep, stage)
	switch counts := stage.Counts.(type) {
	case *runs.TransformCounts:
		a.printStaged(counts)
		a.printReading(rep)
	case *runs.SendCounts:
		a.sayWhyNothing(counts)
	}
	a.printCauses(rep, stage.Name)
	if stage.Name == runs.Transform {
		a.printRows(rep)
	}
	s.say("")
}

// printEquations prints a stage's equations as a table, and whether they hold. Counts that are zero
// everywhere are left out; resources of which nothing changed are one line.
func (a *app) printEquations(rep *report.Report, stage *report.Stage) {
	lines := map[string]int64{}
	if stage.Name == runs.Transform {
		for _, in := range rep.Inputs {
			lines[in.Name] += in.Lines
		}
	}
	var rows [][]runs.Term
	var names, broken []string
	still, records := 0, int64(0) // resources that stayed as they are, and their records
	all := stage.Counts.Equations()
	for _, e := range all {
		if !e.Holds() {
			broken = append(broken, e.Of)
		}
		if len(all) > 1 && stage.Loads && unchanged(e) {
			still, records = still+1, records+e.Left.Count
			continue
		}
		var row []runs.Term
		if n, ok := lines[e.Of]; ok { // more than the rows where one has lines of several
			row = append(row, runs.Term{Name: "lines", Count: n})
		}
		names, rows = append(names, e.Of), append(rows, append(append(row, e.Left), e.Right...))
	}
	a.printCounts(stage.About, names, rows)
	if still > 0 {
		what := "resource"
		if len(rows) > 0 {
			what = "more resource"
		}
		a.screen.say("  %s: all %s unchanged", plural(still, what), plural(int(records), "record"))
	}
	for _, of := range broken {
		a.screen.say("  %s", paint(a.screen.outColour, red, of+": the counts do not add up"))
	}
}

// unchanged reports whether an equation says that everything stayed as it is.
func unchanged(e runs.Equation) bool {
	return e.Left.Count > 0 && slices.ContainsFunc(e.Right, func(t runs.Term) bool { return t.Name == "unchanged" && t.Count == e.Left.Count })
}

// printCounts prints a table of counts: a column for each that is not zero everywhere, and the first
// one. Where that is too wide for a terminal, each row becomes a line of its own.
func (a *app) printCounts(about string, names []string, rows [][]runs.Term) {
	idle := 0 // resources of which there is nothing
	if about == runs.Resources {
		for i := len(rows) - 1; i >= 0 && len(rows) > 1; i-- {
			if !slices.ContainsFunc(rows[i], func(t runs.Term) bool { return t.Count != 0 }) {
				names, rows = slices.Delete(names, i, i+1), slices.Delete(rows, i, i+1)
				idle++
			}
		}
	}
	if idle > 0 {
		defer a.screen.say("  %s: no records", plural(idle, "more resource"))
	}
	var header []string
	for i, row := range rows {
		for j, t := range row {
			if (t.Count != 0 || i == 0 && j == 0) && !slices.Contains(header, t.Name) {
				header = append(header, t.Name)
			}
		}
	}
	order := func(name string) int { // that of the stage, not that in which counts were met
		return slices.IndexFunc(slices.Concat(rows...), func(t runs.Term) bool { return t.Name == name })
	}
	slices.SortFunc(header, func(a, b string) int { return order(a) - order(b) })
	var lines [][]string
	for i, row := range rows {
		line := []string{names[i]}
		for _, name := range header {
			at := slices.IndexFunc(row, func(t runs.Term) bool { return t.Name == name })
			cell := ""
			if at >= 0 {
				cell = fmt.Sprint(row[at].Count)
			}
			line = append(line, cell)
		}
		lines = append(lines, line)
	}
	t := newTable(append([]string{about}, header...), lines)
	if t.total() <= cmp.Or(a.screen.columns(), narrow) {
		a.screen.print(t)
		return
	}
	for _, row := range lines {
		a.screen.say("  %s", row[0])
		var counts []string
		for i, n := range row[1:] {
			if n != "" && n != "0" {
				counts = append(counts, n+" "+header[i])
			}
		}
		a.screen.say("      %s", strings.Join(counts, " · "))
	}
}

// printStaged prints what transform made of the rows.
func (a *app) printStaged(counts *runs.TransformCounts) {
	var names []string
	var rows [][]runs.Term
	for _, resource := range slices.Sorted(maps.Keys(counts.Resources)) {
		c := counts.Resources[resource]
		names, rows = append(names, resource), append(rows, []runs.Term{{Name: "staged", Count: c.Staged},
			{Name: "repeated", Count: c.Duplicate}, {Name: "rejected", Count: c.Rejected}})
	}
	if len(rows) > 0 {
		a.screen.say("")
	}
	a.printCounts("resource", names, rows)
}

// printReading prints which inputs were not read as the bundle says, and where students' ids were read from.
func (a *app) printReading(rep *report.Report) {
	var said []string
	for _, in := range slices.Sorted(maps.Keys(rep.ReadAs)) {
		said = append(said, in+" is read with "+rep.ReadAs[in]+", which is not what the bundle says")
	}
	for _, in := range rep.Inputs {
		if in.Student == nil {
			continue
		}
		line := fmt.Sprintf("students' ids of %s: the column %s", in.Name, in.Student.Header)
		if !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	for _, line := range append(said, rep.Roster.Says()...) {
		a.screen.say("  %s", line)
	}
}

// printCauses prints a stage's problems, by cause.
func (a *app) printCauses(rep *report.Report, stage string) {
	s, shown := a.screen, 0
	for _, g := range rep.Problems {
		if g.Stage != stage || isStop(rep, g) {
			continue
		}
		if shown == 0 {
			s.say("")
		}
		if shown++; shown > mostGroups {
			continue
		}
		word := fmt.Sprintf("%-7s", g.Level.String()) // so that it is told without colour
		s.paragraph("  "+paint(s.outColour, styles[g.Level], word)+" ", "          ", groupText(g))
		if len(g.Values) > 0 {
			s.paragraph("      ", "      ", values(g))
		} else if places := rep.Places(g); len(places) > 0 && g.Level <= diag.LevelWarning {
			s.paragraph("      ", "      ", strings.Join(places, "; "))
		}
		switch known := g.Acknowledged; {
		case known != nil:
			s.paragraph("      ", "      ", "acknowledged until "+known.Until+": "+known.Why)
		case g.Fix != "" && g.Level <= diag.LevelWarning:
			s.remedy(a.whole(g.Fix, rep))
		}
	}
	if shown > mostGroups {
		s.say("  … and %d more causes", shown-mostGroups)
	}
	if shown > 0 {
		s.say("  all of them, with file, line and column: %s", shownPath(filepath.Join(rep.Path, "problems", stage+".csv")))
	}
}

// isStop reports whether a cause is what stopped the run, which is said by itself.
func isStop(rep *report.Report, g report.Group) bool {
	why := rep.Stopped
	return why != nil && g.Stage == why.Stage && g.Code == why.Code && g.Count == 1 && g.Column == "" && g.Resource == ""
}

// values lists the values of a cause with their counts and first lines.
func values(g report.Group) string {
	var all []string
	sum := int64(0)
	for _, v := range g.Values {
		text := fmt.Sprintf("%q %d×", v.Value, v.Count)
		var more []string
		if v.Line > 0 {
			more = append(more, fmt.Sprintf("line %d", v.Line))
		}
		if near, _, _ := strings.Cut(v.Nearest, "; "); near != "" {
			more = append(more, fmt.Sprintf("nearest %q", near))
		}
		if len(more) > 0 {
			text += " (" + strings.Join(more, ", ") + ")"
		}
		all, sum = append(all, text), sum+v.Count
	}
	if sum < g.Count {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// sayWhyNothing explains a send that posted nothing.
func (a *app) sayWhyNothing(counts *runs.SendCounts) {
	sent, unchanged := int64(0), int64(0)
	for _, l := range counts.Resources {
		sent += l.Created + l.Updated + l.Rejected
		unchanged += l.Unchanged
	}
	if sent == 0 && unchanged > 0 && !counts.DryRun {
		a.screen.say("\n  nothing was posted: the target already holds %s",
			diag.Counted(int(unchanged), "record as it is", "records as they are"))
	}
}

// mostGroups is how many causes are printed; the rest stand in report.html and problems/.
const mostGroups = 12

func groupText(g report.Group) string {
	where := ""
	for i, part := range []string{g.Input, g.Resource, g.Column, g.Path} {
		if part != "" && (i != 1 || part != g.Input) { // records of another tool have one name for both
			where += " " + part
		}
	}
	return fmt.Sprintf("%d × %s%s: %s", g.Count, g.Code, where, strings.TrimPrefix(g.Message, g.Column+": "))
}

// runResult is the --json object of transform, validate, send, run and demo.
type runResult struct {
	Run    string         `json:"run"` // path of the run directory
	Exit   runs.Outcome   `json:"exit"`
	DryRun bool           `json:"dryRun,omitempty"`
	Report *report.Report `json:"report"`
	Next   []string       `json:"next,omitempty"` // the next command, word by word
}

// finish ends a command on a run with the verdict and the next command, or with the JSON object. The verdict is
// said of a run that needs somebody under --quiet too.
func (a *app) finish(r *runs.Run, outcome runs.Outcome, next *step) error {
	rep, err := report.Build(r)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.screen.result(runResult{Run: r.Path, Exit: outcome, Report: rep, Next: a.args(next)})
	}
	a.sayOther(r, rep, next)
	a.sayVerdict(a.screen.conclude(outcome), r, rep, outcome, next, mostLines)
	return nil
}

// sayOther says, before the verdict, what may be done in place of the next command.
func (a *app) sayOther(r *runs.Run, rep *report.Report, next *step) {
	said := false
	if with := a.withOther(r, next); with != nil && with.or != nil {
		a.screen.say("  %s%s", with.or.why, diag.ShellCommand(a.args(with.or)[1:]...))
		said = true
	}
	if lacksStudents(r, rep) {
		a.screen.say("  the sandbox knows made-up students only; to let it know those of this run: %s", a.command("sandbox", "students", shownPath(r.Path)))
		said = true
	}
	if said {
		a.screen.say("")
	}
}

// conclude is how the end of a command is said: as its result, and under --quiet only where somebody is needed.
func (s *screen) conclude(outcome runs.Outcome) func(format string, args ...any) {
	if s.quiet && !s.json && outcome != runs.Done {
		return s.sayError
	}
	return s.say
}

// endings begin the verdict on a command.
var endings = map[runs.Outcome]string{runs.Done: "done", runs.Partly: "done, but something stayed behind (exit 3)", runs.Interrupted: "interrupted (exit 130)",
	notEnded: "not ended", stoppedBefore: "stopped"}

// What stands for the outcome of a run that is at work, or was killed, and of one whose last stage was kept from
// beginning.
const (
	notEnded      runs.Outcome = -1
	stoppedBefore runs.Outcome = -2
)

// mostLines is how many lines a verdict has at most; on a terminal a long one is folded.
const mostLines = 5

// sayVerdict says what a run came to, in no more lines than there are: what was done out of what, what stayed
// behind with the file that says why, where the report is, and the next command.
func (a *app) sayVerdict(say func(format string, args ...any), r *runs.Run, rep *report.Report, outcome runs.Outcome, next *step, lines int) {
	var totals []string
	for _, v := range rep.Verdict {
		if v.Total {
			totals = append(totals, v.Text)
		}
	}
	if !outcome.Finished() && r.Stages[runs.Send] == nil { // of one that began and counted nothing it is not known
		totals = append(totals, "nothing was loaded")
	}
	ending := cmp.Or(endings[outcome], fmt.Sprintf("stopped (exit %d)", outcome))
	if outcome == runs.Partly && !rep.Behind() {
		ending = "done, with warnings (exit 3)"
	}
	headline := ending + ": " + strings.Join(totals, "; ")
	lines-- // for the report
	if next != nil {
		lines--
	}
	for i, line := range joined(append([]string{headline}, behind(r, rep)...), lines) {
		switch {
		case i > 0:
			line = "  " + line
		case !strings.Contains(line, "→"): // else it holds a path, which is to be copied
			line = folded(a.screen.columns(), "  ", line)
		}
		say("%s", line)
	}
	sayWhere(say, r)
	a.sayNext(say, next)
}

// behind says what stayed behind, each with the file that says why.
func behind(r *runs.Run, rep *report.Report) (said []string) {
	for _, v := range rep.Verdict {
		switch {
		case v.Total:
		case v.File != "":
			said = append(said, v.Text+" → "+shownPath(r.File(v.File)))
		default:
			said = append(said, v.Text)
		}
	}
	return said
}

// joined is as many lines as may be said, the last of which has what is more.
func joined(lines []string, most int) []string {
	if most = max(most, 1); len(lines) <= most {
		return lines
	}
	return append(slices.Clone(lines[:most-1]), strings.Join(lines[most-1:], "; "))
}

// sayWhere says where the report of a run is, or else the run.
func sayWhere(say func(format string, args ...any), r *runs.Run) {
	if _, err := os.Stat(r.File("report.html")); err == nil {
		say("report: %s", shownPath(r.File("report.html")))
		return
	}
	say("run: %s", shownPath(r.Path))
}

// plural is a count with its noun.
func plural(n int, what string) string {
	if n == 0 {
		return "no " + what + "s"
	}
	return diag.Counted(n, what, what+"s")
}
