package report

import (
	"fmt"
	"html/template"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// IndexFile lists the runs of all tenants, in the folder of runs.
const IndexFile = "index.html"

// Bounds of the list, and of the runs drawn in a trend.
const (
	mostListed = 500
	mostDrawn  = 30
)

// listedRun is a run in the list.
type listedRun struct {
	Created  time.Time
	Tenant   string
	Bundle   string
	State    string // done, partly, stopped, unfinished
	Word     string // what it came to
	Read     int64  // rows
	Rejected int64
	Loaded   int64 // records that the target held when the run ended
	Behind   int64 // records that were to be loaded and were not
	Seconds  float64
	Link     template.URL // of a path that link escaped
}

// trend is how the last runs of one bundle for one tenant went, oldest first.
type trend struct {
	Tenant, Bundle string
	Runs           int
	Rejects, Times []mark
}

// mark is one run in a trend, drawn as a bar.
type mark struct {
	X, Y, Height float64 // of 30 × 10
	Title        string
}

// WriteIndex rewrites the list of runs below root. A run that cannot be read is left out.
func WriteIndex(root string) error {
	all, err := runs.List(root, "")
	if err != nil || len(all) == 0 {
		return err
	}
	slices.Reverse(all)
	var listed []listedRun
	for _, r := range all[:min(len(all), mostListed)] {
		listed = append(listed, listRun(root, r))
	}
	more := ""
	if n := len(all) - len(listed); n > 0 {
		more = diag.Counted(n, "older run is not listed", "older runs are not listed")
	}
	page, err := render(IndexFile, struct {
		Runs   []listedRun
		More   string
		Trends []trend
	}{listed, more, trends(listed)})
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(root); err != nil {
		return unwritable(err)
	}
	return unwritable(durable.WriteFile(filepath.Join(root, IndexFile), page))
}

func listRun(root string, r *runs.Run) listedRun {
	l := listedRun{Created: r.Created, Tenant: r.Tenant, Bundle: r.Bundle.Name, State: "unfinished", Word: "not started"}
	for _, stage := range runs.Stages() {
		x := r.Stages[stage.Name]
		if x == nil {
			continue
		}
		if x.End != nil {
			l.Seconds += x.End.Sub(x.Start).Seconds()
		}
		partly := l.State == "partly"
		if l.State, l.Word = stateAfter(stage, x); partly && l.State == "done" {
			l.State = "partly" // rows that an earlier stage left behind are still not there
		}
		l.count(r.Counts(stage.Name))
	}
	if r.Stopped != nil {
		l.State, l.Word = "stopped", r.Stopped.Stage+" was stopped: "+string(r.Stopped.Code)
	}
	page := r.File("report.html")
	if _, err := os.Stat(page); err == nil {
		l.Link = link(root, page)
	}
	return l
}

// stateAfter is the state of a run after a stage.
func stateAfter(stage runs.Stage, x *runs.Execution) (state, word string) {
	switch {
	case x.Exit == nil:
		return "unfinished", stage.Name + " has not ended"
	case *x.Exit == runs.Done:
		return "done", stage.Done
	case *x.Exit == runs.Partly:
		return "partly", "partly " + stage.Done
	}
	return "stopped", stage.Name + " was stopped"
}

func (l *listedRun) count(counts runs.Counts) {
	switch c := counts.(type) {
	case *runs.TransformCounts:
		for _, in := range c.Inputs {
			l.Read, l.Rejected = l.Read+in.Read, l.Rejected+in.Rejected
		}
	case *runs.SendCounts:
		for _, r := range c.Resources {
			l.Loaded += r.Created + r.Updated + r.Unchanged
			l.Behind += r.Invalid + r.Blocked + r.Rejected + r.Pending
		}
	}
}

// link is a path as a link from a page in root.
func link(root, path string) template.URL {
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	u := url.URL{Path: filepath.ToSlash(path)}
	if filepath.IsAbs(path) {
		u = url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")}
	}
	return template.URL(u.String()) //nolint:gosec // a path of ours, escaped
}

// trends draws the runs of each tenant and bundle; listed has the newest first.
func trends(listed []listedRun) []trend {
	var all []trend
	of := map[[2]string][]listedRun{}
	for _, l := range listed {
		key := [2]string{l.Tenant, l.Bundle}
		if of[key] == nil {
			all = append(all, trend{Tenant: l.Tenant, Bundle: l.Bundle})
		}
		if len(of[key]) < mostDrawn {
			of[key] = append(of[key], l)
		}
	}
	rejected := func(l listedRun) float64 { return 100 * float64(l.Rejected) / float64(max(l.Read, 1)) }
	for i := range all {
		t := &all[i]
		shown := of[[2]string{t.Tenant, t.Bundle}]
		slices.Reverse(shown)
		t.Runs = len(shown)
		t.Rejects = bars(shown, rejected, "% of the rows rejected")
		t.Times = bars(shown, func(l listedRun) float64 { return l.Seconds }, " seconds")
	}
	return all
}

// bars draws one number of each run, the largest as high as there is room.
func bars(shown []listedRun, number func(listedRun) float64, unit string) []mark {
	most := 0.0
	for _, l := range shown {
		most = max(most, number(l))
	}
	var all []mark
	for i, l := range shown {
		n := number(l)
		height := 0.3 // so that a run with none is seen
		if most > 0 {
			height = max(height, 10*n/most)
		}
		all = append(all, mark{X: float64(i), Y: 10 - height, Height: height, Title: fmt.Sprintf("%s: %.3g%s", minute(l.Created), n, unit)})
	}
	return all
}
