package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

//go:embed head.html page.html index.html
var pageFiles embed.FS

// pages are the templates of the two pages and of the head that they share.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"count":    thousands,
	"minute":   minute,
	"seconds":  seconds,
	"bytes":    Size,
	"level":    diag.Level.String,
	"link":     relative,
	"moment":   moment,
	"command":  shellCommand,
	"parts":    func(text string) []string { return strings.Split(text, "`") },
	"odd":      func(i int) bool { return i%2 == 1 },
	"icon":     func(state string) string { return icons[state] },
	"ending":   ending,
	"sentence": func(s string) string { return strings.TrimSpace(capital(s)) },
	"short": func(s string) string {
		if len(s) > 19 {
			return s[:19] + "…"
		}
		return s
	},
}).ParseFS(pageFiles, "*.html"))

// ToDo are the remarks on rows that somebody has to correct, or to run again.
func (v view) ToDo() (all []Remark) {
	for _, r := range v.Verdict {
		if strings.HasPrefix(r.File, "rejects") {
			all = append(all, r)
		}
	}
	return all
}

// render fills a page in: one file, no network, no script.
func render(name string, view any) ([]byte, error) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, view); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return []byte(diag.Visible(b.String(), nil)), nil // an editor or `cat` is not steered either
}

// view is what the page shows.
type view struct {
	*Report
	Lists     []problemList
	Equations []bar
	Columns   []string // of the table of records, after the one of staged records
	Resources []resourceRow
	AllHold   bool // every equation does
}

// problemList is a part of the problems.
type problemList struct {
	Folded   string // what it is called where it is folded; "": it is open
	Problems []Group
}

// shellCommand is a command as a person can paste it; its first word is the program.
func shellCommand(n *runs.Next) string {
	if len(n.Command) == 0 {
		return "" // somebody edited run.json
	}
	return diag.ShellCommand(n.Command[1:]...)
}

// icons tell the states apart by their shape.
var icons = map[string]string{"done": "✓", "partly": "!", "stopped": "×", "unfinished": "…"}

// Text is the headline's text with its large numbers grouped; a reason is left as it is.
func (v view) Text() string {
	if v.Headline.State != "done" && v.Headline.State != "partly" {
		return v.Headline.Text
	}
	return largeNumber.ReplaceAllStringFunc(v.Headline.Text, func(digits string) string {
		n, _ := strconv.ParseInt(digits, 10, 64)
		return thousands(n)
	})
}

// Advice is what to do before any other command; "" if nothing is.
func (v view) Advice() string {
	switch {
	case v.Stopped != nil:
		return v.Stopped.Next
	case v.Headline.State == "unfinished" && len(v.Stages) > 0:
		return "If no sluice is at work on it, run the same command again: it goes on where it was, or begins anew where nothing was sent."
	}
	return ""
}

var largeNumber = regexp.MustCompile(`\b\d{4,18}\b`)

// ending says how a stage ended.
func ending(exit *runs.Outcome) string {
	if exit == nil {
		return "it has not ended, or it was killed"
	}
	words := map[runs.Outcome]string{runs.Done: "done", runs.CouldNotRun: "could not go on", runs.Misused: "wrong usage, settings or bundle",
		runs.Partly: "something stayed behind", runs.Refused: "the target refused the credential", runs.Guarded: "a guard stopped it", runs.Interrupted: "interrupted"}
	return fmt.Sprintf("%d, %s", *exit, words[*exit])
}

// mostOpen is how many causes are open on the page: a reader who has mended these runs it again.
const mostOpen = 25

// lists are the problems to act on, and folded those after them and what is only worth knowing. Why the run
// was stopped stands at the head of the page.
func (rep *Report) lists() []problemList {
	var act, notes []Group
	for _, g := range rep.Problems {
		switch why := rep.Stopped; {
		case why != nil && g.Code == why.Code && g.Stage == why.Stage && len(g.Lines) == 0 && g.Count == 1:
		case g.Level >= diag.LevelInfo:
			notes = append(notes, g)
		default:
			act = append(act, g)
		}
	}
	var all []problemList
	if open := min(len(act), mostOpen); open > 0 {
		all = append(all, problemList{"", act[:open]})
	}
	if n := len(act) - mostOpen; n > 0 {
		all = append(all, problemList{diag.Counted(n, "more cause", "more causes"), act[mostOpen:]})
	}
	if len(notes) > 0 {
		all = append(all, problemList{diag.Counted(len(notes), "note", "notes"), notes})
	}
	return all
}

// bar is an equation as a bar of segments.
type bar struct {
	runs.Equation
	Stage    string
	Lines    int64 // of an input's files; 0: of something else
	Segments []segment
}

type segment struct {
	Name, Class string
	Count       int64
	X, Width    float64 // of 100
}

// resourceRow is what the stages counted of one resource.
type resourceRow struct {
	Name   string
	Staged int64
	Cells  []cell // by column
}

// cell is empty where no stage counted the resource.
type cell struct {
	Count int64
	Known bool
}

// classes colour the terms: good, quiet, bad.
var classes = map[string]string{"used": "good", "valid": "good", "created": "good", "updated": "good", "unchanged": "quiet",
	"filtered": "quiet", "duplicate": "quiet", "other": "quiet", "unmatched": "warn", "unchecked": "warn", "blocked": "warn", "pending": "warn",
	"rejected": "bad", "invalid": "bad"}

// page renders report.html.
func (rep *Report) page() ([]byte, error) {
	v := view{Report: rep, Lists: rep.lists(), AllHold: true}
	for _, s := range rep.Stages {
		for _, e := range s.Counts.Equations() {
			b := newBar(s.Name, e)
			for _, in := range rep.Inputs {
				if s.About == runs.Inputs && in.Name == e.Of {
					b.Lines += in.Lines
				}
			}
			v.Equations, v.AllHold = append(v.Equations, b), v.AllHold && e.Holds()
		}
	}
	v.Columns, v.Resources = rep.resources()
	return render("page.html", v)
}

// newBar draws an equation. The segments fill the bar, a small one is wide enough to be seen.
func newBar(stage string, e runs.Equation) bar {
	b := bar{Equation: e, Stage: stage}
	whole := 0.0
	for _, t := range e.Right {
		if t.Count > 0 {
			width := max(100*float64(t.Count)/float64(max(e.Left.Count, 1)), 1.5)
			b.Segments = append(b.Segments, segment{t.Name, classes[t.Name], t.Count, whole, width})
			whole += width
		}
	}
	for i := range b.Segments {
		b.Segments[i].X *= 100 / whole
		b.Segments[i].Width *= 100 / whole
	}
	return b
}

// resources is the table of records: a row for each resource, a column for each term of the stages'
// equations of resources. A term that two stages have is shown once, as the earlier one counted it.
func (rep *Report) resources() (columns []string, table []resourceRow) {
	staged := map[string]int64{}
	counted := map[string]map[string]int64{} // column → resource → count
	for _, s := range rep.Stages {
		maps.Copy(staged, s.Counts.Staged())
		if s.About != runs.Resources {
			continue
		}
		earlier := len(columns)
		for _, e := range s.Counts.Equations() {
			for _, t := range e.Right {
				switch i := slices.Index(columns, t.Name); {
				case i < 0:
					columns = append(columns, t.Name)
					counted[t.Name] = map[string]int64{}
				case i < earlier:
					continue
				}
				counted[t.Name][e.Of] = t.Count
			}
		}
	}
	columns = slices.DeleteFunc(columns, func(column string) bool { // a column of zeros says nothing
		for _, n := range counted[column] {
			if n != 0 {
				return false
			}
		}
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(staged)) {
		row := resourceRow{Name: name, Staged: staged[name]}
		for _, column := range columns {
			n, ok := counted[column][name]
			row.Cells = append(row.Cells, cell{n, ok})
		}
		table = append(table, row)
	}
	return columns, table
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func seconds(s float64) string {
	if s >= 60 {
		return fmt.Sprintf("%d min %02d s", int(s)/60, int(s)%60)
	}
	return fmt.Sprintf("%.2f s", s)
}

// moment is a time by the clock of the machine that writes the page.
func moment(t time.Time) string { return clock(t, "2006-01-02 15:04:05") }

func clock(t time.Time, layout string) string {
	zone := " -07:00"
	if t = t.Local(); t.Format("-07:00") == "+00:00" {
		zone = " UTC"
	}
	return t.Format(layout + zone)
}

// local is a time for programs, with the offset of this machine's clock.
func local(t time.Time) string { return t.Local().Format(time.RFC3339) }

// minute is a time as lists of runs have it.
func minute(t time.Time) string { return clock(t, "2006-01-02 15:04") }

// Size is a number of bytes for people.
func Size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return diag.Counted(int(n), "byte", "bytes")
}
