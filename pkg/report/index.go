package report

import (
	"bytes"
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

// mostListed bounds the list.
const mostListed = 500

// listedRun is a run in the list.
type listedRun struct {
	Created  time.Time
	Tenant   string
	Bundle   string
	Headline Headline
	Counted  bool  // rows were
	Read     int64 // rows
	Rejected int64
	Sent     bool  // records were
	Loaded   int64 // records that the target held when the run ended
	Behind   int64 // records that were to be loaded and were not
	Ended    bool  // each stage that began did
	Seconds  float64
	Link     template.URL // of a path that link escaped
}

// WriteIndex rewrites the list of runs below root. Other commands may write it at the same time: it is
// looked at again after it was written, so that the last one who writes has seen what all others did.
func WriteIndex(root string) error {
	for range 5 {
		now := time.Now()
		page, err := indexPage(root, now)
		if err != nil {
			return err
		}
		if err := durable.MkdirAll(root); err != nil {
			return unwritable(err)
		}
		if err := durable.WriteFile(filepath.Join(root, IndexFile), page); err != nil {
			return unwritable(err)
		}
		if again, err := indexPage(root, now); err != nil || bytes.Equal(page, again) {
			return err
		}
	}
	return nil
}

// indexPage renders the list of runs.
func indexPage(root string, now time.Time) ([]byte, error) {
	all, unreadable, err := runs.ListAll(root)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	var listed []listedRun
	for i, r := range all {
		l := listRun(r)
		if i < mostListed {
			l.Link = pageOf(root, r)
		}
		listed = append(listed, l)
	}
	more := ""
	if n := len(listed) - mostListed; n > 0 {
		more = diag.Counted(n, "older run is not listed", "older runs are not listed")
	}
	return render(IndexFile, struct {
		Now        time.Time
		Runs       []listedRun
		More       string
		Unreadable []string
		Trends     []trend
	}{now, listed[:min(len(listed), mostListed)], more, unreadable, trends(listed)})
}

// listRun is what the list says of a run.
func listRun(r *runs.Run) listedRun {
	rep := outline(r)
	l := listedRun{Created: r.Created, Tenant: r.Tenant, Bundle: r.Bundle.Name, Headline: rep.headline(), Ended: true}
	if r.Stopped != nil {
		l.Headline.Word += ": " + string(r.Stopped.Code)
	}
	for _, s := range rep.Stages {
		l.Seconds, l.Ended = l.Seconds+s.Timing.Seconds, l.Ended && s.Timing.Exit != nil
		l.count(s.Counts)
	}
	return l
}

// pageOf is the link to a run's page; "" if it has none.
func pageOf(root string, r *runs.Run) template.URL {
	page := r.File("report.html")
	if _, err := os.Stat(page); err != nil {
		return ""
	}
	return link(root, page)
}

func (l *listedRun) count(counts runs.Counts) {
	switch c := counts.(type) {
	case *runs.TransformCounts:
		l.Counted = len(c.Inputs) > 0
		for _, in := range c.Inputs {
			l.Read, l.Rejected = l.Read+in.Read, l.Rejected+in.Rejected
		}
	case *runs.SendCounts:
		l.Sent = len(c.Resources) > 0
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
