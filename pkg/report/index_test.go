package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// listing makes runs and reads their list.
type listing struct {
	*testing.T
	root string
	now  time.Time
}

func (l *listing) run(tenant, bundle string, exit runs.Outcome, in runs.InputCounts) *runs.Run {
	l.Helper()
	l.now = l.now.Add(time.Hour)
	r, err := runs.Create(runs.NewPath(l.root, tenant, bundle, l.now), runs.Manifest{Tenant: tenant, Created: l.now, Bundle: runs.Bundle{Name: bundle, Version: "1"}})
	if err != nil {
		l.Fatal(err)
	}
	counts := &runs.TransformCounts{Inputs: map[string]runs.InputCounts{"results": in}}
	if err := errors.Join(r.Begin(runs.Transform, l.now), r.End(runs.Transform, l.now.Add(time.Minute), exit, counts), os.WriteFile(r.File("report.html"), nil, 0o600)); err != nil {
		l.Fatal(err)
	}
	return r
}

func (l *listing) page() string {
	l.Helper()
	if err := WriteIndex(l.root); err != nil {
		l.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(l.root, IndexFile))
	if err != nil {
		l.Fatal(err)
	}
	return string(text)
}

// TestIndex: the list of runs is true of runs of every kind, of those that are gone and of those that are damaged.
func TestIndex(t *testing.T) {
	l := &listing{t, t.TempDir(), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	partly := l.run("gb", "map", runs.Partly, runs.InputCounts{Read: 40, Used: 30, Rejected: 10})
	l.run("gb", "map", runs.Done, runs.InputCounts{Read: 40, Used: 40})
	stopped := l.run("north", "iready", runs.Guarded, runs.InputCounts{})
	stopped.Stages[runs.Transform].Counts = nil
	if err := stopped.StopAt(runs.Transform, l.now, diag.Fail(diag.Guarded, diag.FileDrift, "", "the file of Ximena is another")); err != nil {
		t.Fatal(err)
	}
	working := l.run("", "map", runs.Done, runs.InputCounts{Read: 1, Used: 1})
	if err := working.Begin(runs.Validate, l.now); err != nil {
		t.Fatal(err)
	}
	page := l.page()
	for _, want := range []string{"Transformed, not yet validated</td><td>gb</td><td>map</td><td class=\"n\">40</td><td class=\"n\">10</td>",
		"Transform was stopped: VAL-FILE-DRIFT</td><td>north</td><td>iready</td><td class=\"n\">–</td><td class=\"n\">–</td>",
		"Validate has not ended</td><td>–</td><td>map</td>", "<h3>map → gb</h3>", "latest 0%, lowest 0%, highest 25%", `aria-label="Rows rejected, run by run: not known"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if strings.Index(page, "2026-05-01 04:00") > strings.Index(page, "2026-05-01 01:00") {
		t.Error("not the newest first")
	}
	if strings.Contains(page, "Ximena") {
		t.Error("the list holds what a message says")
	}
	if err := errors.Join(os.RemoveAll(partly.Path), os.WriteFile(stopped.File("run.json"), []byte("{"), 0o600), os.MkdirAll(filepath.Join(l.root, "gb", "letters"), 0o700)); err != nil {
		t.Fatal(err)
	}
	page = l.page()
	if strings.Contains(page, "2026-05-01 01:00") || !strings.Contains(page, filepath.Base(stopped.Path)+"</li>") || strings.Contains(page, "letters") {
		t.Errorf("%s", page)
	}
	if err := os.RemoveAll(filepath.Join(l.root, "gb")); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*runs.Run{stopped, working} {
		if err := os.RemoveAll(r.Path); err != nil {
			t.Fatal(err)
		}
	}
	if page = l.page(); !strings.Contains(page, "There are no runs here.") {
		t.Error("runs that are gone are still listed")
	}
}

// TestIndexIsWrittenByMany: whoever writes last has seen the runs of all.
func TestIndexIsWrittenByMany(t *testing.T) {
	root := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			l := &listing{t, root, time.Date(2026, 5, 1+i, 0, 0, 0, 0, time.UTC)}
			l.run("gb", "map", runs.Done, runs.InputCounts{Read: 1, Used: 1})
			if err := WriteIndex(root); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text, _ := os.ReadFile(filepath.Join(root, IndexFile))
	if n := strings.Count(string(text), `<td class="when">`); n != 20 {
		t.Errorf("%d runs are listed, want 20", n)
	}
}

// BenchmarkIndex: a nightly run for years.
func BenchmarkIndex(b *testing.B) {
	root := b.TempDir()
	l := &listing{&testing.T{}, root, time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC)}
	for i := range 2000 {
		l.run(fmt.Sprint("t", i%5), "map", runs.Done, runs.InputCounts{Read: 40, Used: 40})
	}
	for b.Loop() {
		if err := WriteIndex(root); err != nil {
			b.Fatal(err)
		}
	}
}
