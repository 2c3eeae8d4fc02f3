package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
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
	"count":   thousands,
	"minute":  minute,
	"seconds": seconds,
	"bytes":   Size,
	"level":   diag.Level.Word,
	"short": func(s string) string {
		if len(s) > 19 {
			return s[:19] + "…"
		}
		return s
	},
}).ParseFS(pageFiles, "*.html"))

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
	State     string // done, partly, stopped, unfinished
	Headline  string
	Equations []bar
	Columns   []string // of the table of records, after the one of staged records
	Resources []resourceRow
	Timings   []timeBar
	AllHold   bool // every equation does
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

type timeBar struct {
	Stage    string
	Seconds  float64
	X, Width float64
}

// classes colour the terms: good, quiet, bad.
var classes = map[string]string{"used": "good", "valid": "good", "created": "good", "updated": "good2", "unchanged": "quiet2",
	"filtered": "quiet", "duplicate": "quiet", "other": "quiet", "unmatched": "warn", "unchecked": "warn", "blocked": "warn", "pending": "warn",
	"rejected": "bad", "invalid": "bad"}

// page renders report.html.
func (rep *Report) page() ([]byte, error) {
	v := view{Report: rep, Timings: rep.timings()}
	v.State, v.Headline = rep.state()
	v.AllHold = true
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

func newBar(stage string, e runs.Equation) bar {
	b := bar{Equation: e, Stage: stage}
	x := 0.0
	for _, t := range e.Right {
		if t.Count == 0 {
			continue
		}
		w := 100 * float64(t.Count) / float64(max(e.Left.Count, 1))
		b.Segments = append(b.Segments, segment{t.Name, classes[t.Name], t.Count, x, w})
		x += w
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

func (rep *Report) timings() []timeBar {
	var all []timeBar
	total := 0.0
	for _, s := range rep.Stages {
		all = append(all, timeBar{Stage: s.Name, Seconds: s.Timing.Seconds, X: total})
		total += s.Timing.Seconds
	}
	for i := range all {
		all[i].X = 100 * all[i].X / max(total, 0.001)
		all[i].Width = max(100*all[i].Seconds/max(total, 0.001), 0.5)
	}
	return all
}

// state says in a word and a sentence how the run stands after its last stage.
func (rep *Report) state() (string, string) {
	if len(rep.Stages) == 0 {
		return "unfinished", "Nothing has run yet"
	}
	last := rep.Stages[len(rep.Stages)-1]
	if why := rep.Stopped; why != nil {
		return "stopped", fmt.Sprintf("%s was stopped: %s (%s).%s", why.Stage, strings.TrimRight(why.Message, "."), why.Code, rep.loadedNothing())
	}
	if last.Timing.Exit == nil {
		return "unfinished", last.Name + " has not ended"
	}
	switch exit := *last.Timing.Exit; exit {
	case runs.Done:
		return "done", "Everything is accounted for and " + last.Done
	case runs.Partly:
		return "partly", "Some rows or records stayed behind; the others are " + last.Done
	default:
		return "stopped", fmt.Sprintf("%s stopped with exit status %d", last.Name, exit)
	}
}

// loadedNothing says so, if it is sure: no stage that loads has begun.
func (rep *Report) loadedNothing() string {
	if slices.ContainsFunc(rep.Stages, func(s Stage) bool { return s.Loads }) {
		return ""
	}
	return " Nothing was loaded."
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

// minute is a time as lists of runs have it.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

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
