package report

import (
	"bytes"
	_ "embed"
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

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"count":   thousands,
	"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"seconds": seconds,
	"level":   func(l diag.Level) string { return l.String() },
	"bytes":   size,
	"short": func(s string) string {
		if len(s) > 19 {
			return s[:19] + "…"
		}
		return s
	},
}).Parse(pageText))

// view is what the page shows.
type view struct {
	*Report
	State     string // done, partly, stopped, unfinished
	Headline  string
	Equations []bar
	Resources []resourceRow
	Timings   []timeBar
	HasSend   bool
	HasCheck  bool
	Explained []explained
}

// bar is an equation as a bar of segments.
type bar struct {
	Equation
	Segments []segment
}

type segment struct {
	Name, Class string
	Count       int64
	X, Width    float64 // of 100
}

type resourceRow struct {
	Name     string
	Staged   int64
	Checked  runs.Verdicts
	Loaded   runs.Loaded
	HasCheck bool
	HasSend  bool
}

type timeBar struct {
	Stage    string
	Seconds  float64
	X, Width float64
}

type explained struct {
	Group
	Meaning string
	More    string
}

// classes colour the terms: good, quiet, bad.
var classes = map[string]string{"used": "good", "valid": "good", "created": "good", "updated": "good2", "unchanged": "quiet2",
	"filtered": "quiet", "duplicate": "quiet", "other": "quiet", "unmatched": "warn", "unchecked": "warn", "blocked": "warn", "pending": "warn",
	"rejected": "bad", "invalid": "bad"}

// page renders report.html: one file, no network, no script.
func (rep *Report) page() ([]byte, error) {
	v := view{Report: rep, HasSend: rep.Stages.Send != nil, HasCheck: rep.Stages.Validate != nil}
	v.State, v.Headline = rep.state()
	for _, e := range rep.Equations() {
		b := bar{Equation: e}
		x := 0.0
		for _, t := range e.Right {
			if t.Count == 0 {
				continue
			}
			w := 100 * float64(t.Count) / float64(max(e.Left, 1))
			b.Segments = append(b.Segments, segment{t.Name, classes[t.Name], t.Count, x, w})
			x += w
		}
		v.Equations = append(v.Equations, b)
	}
	rows := map[string]*resourceRow{}
	row := func(name string) *resourceRow {
		if rows[name] == nil {
			rows[name] = &resourceRow{Name: name}
		}
		return rows[name]
	}
	if t := rep.Stages.Transform; t != nil {
		for name, c := range t.Resources {
			row(name).Staged = c.Staged
		}
	}
	if c := rep.Stages.Validate; c != nil {
		for name, counts := range c.Resources {
			r := row(name)
			r.Staged, r.Checked, r.HasCheck = counts.Staged, counts, true
		}
	}
	if s := rep.Stages.Send; s != nil {
		for name, counts := range s.Resources {
			r := row(name)
			r.Staged, r.Loaded, r.HasSend = counts.Staged, counts, true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		v.Resources = append(v.Resources, *rows[name])
	}
	v.Timings = rep.timings()
	for _, g := range rep.Problems {
		e := explained{Group: g}
		if entry, ok := diag.Explain(g.Code); ok {
			e.Meaning = entry.Meaning
		}
		v.Explained = append(v.Explained, e)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("render the report: %w", err)
	}
	return b.Bytes(), nil
}

func (rep *Report) timings() []timeBar {
	var all []timeBar
	total := 0.0
	add := func(stage string, t Timing) {
		all = append(all, timeBar{Stage: stage, Seconds: t.Seconds, X: total})
		total += t.Seconds
	}
	if t := rep.Stages.Transform; t != nil {
		add(runs.Transform, t.Timing)
	}
	if t := rep.Stages.Validate; t != nil {
		add(runs.Validate, t.Timing)
	}
	if t := rep.Stages.Send; t != nil {
		add(runs.Send, t.Timing)
	}
	for i := range all {
		all[i].X = 100 * all[i].X / max(total, 0.001)
		all[i].Width = max(100*all[i].Seconds/max(total, 0.001), 0.5)
	}
	return all
}

// state says in a word and a sentence how the run stands after its last stage.
func (rep *Report) state() (string, string) {
	last, t := "", Timing{}
	if s := rep.Stages.Transform; s != nil {
		last, t = runs.Transform, s.Timing
	}
	if s := rep.Stages.Validate; s != nil {
		last, t = runs.Validate, s.Timing
	}
	if s := rep.Stages.Send; s != nil {
		last, t = runs.Send, s.Timing
	}
	done := map[string]string{runs.Transform: "transformed, not yet validated", runs.Validate: "validated, not yet sent", runs.Send: "loaded"}[last]
	switch {
	case last == "":
		return "unfinished", "Nothing has run yet"
	case t.Exit == nil:
		return "unfinished", last + " has not ended"
	case *t.Exit == 0:
		return "done", "Everything is accounted for and " + done
	case *t.Exit == 3:
		return "partly", "Some rows or records stayed behind; the others are " + done
	}
	return "stopped", fmt.Sprintf("%s stopped with exit status %d", last, *t.Exit)
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

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
