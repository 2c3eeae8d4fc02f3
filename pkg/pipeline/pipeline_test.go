package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/examples"
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// workplace is that of a folder of its own, with the demo's file in it.
func workplace(t *testing.T) (*Workplace, Request) {
	t.Helper()
	folder := t.TempDir()
	text, err := examples.FS.ReadFile("map-growth/results.csv")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "results.csv")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &Workplace{Config: tenant.Default(folder), Bundles: bundles.FS, Schemas: schemas.FS, Tool: "test", UserAgent: "test", Workers: 2},
		Request{Bundle: "nwea-map-growth", Inputs: []string{"results=" + file}, Params: map[string]string{"school_year": "2026"}, Run: filepath.Join(folder, "run")}
}

// begin begins an execution for a tenant; "" is none.
func begin(t *testing.T, w *Workplace, name, command string) *Execution {
	t.Helper()
	x, err := New(w, name, command)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestSideBySide: runs in one process share nothing; each keeps its own log, manifest and outcome.
func TestSideBySide(t *testing.T) {
	var all sync.WaitGroup
	for range 2 {
		w, q := workplace(t)
		var ended []string
		w.Observer.End = func(_ *report.Report, s *report.Stage) { ended = append(ended, s.Name) }
		x := begin(t, w, tenant.Sandbox, "test")
		all.Go(func() {
			outcome, err := x.All(t.Context(), q)
			if err := errors.Join(err, x.Close()); err != nil || outcome != runs.Done {
				t.Errorf("%v, %v", outcome, err)
				return
			}
			if diff := cmp.Diff([]string{runs.Transform, runs.Validate, runs.Send}, ended); diff != "" {
				t.Error(diff)
			}
			log, err := os.ReadFile(x.Run().File("log.jsonl"))
			if begins := strings.Count(string(log), `"msg":"stage begins"`); err != nil || begins != 3 || strings.Count(string(log), `"run":"`+x.Run().ID+`"`) != 3 {
				t.Errorf("the log of %s: %v\n%s", x.Run().ID, err, log)
			}
			again, err := runs.Open(q.Run)
			if err != nil || !again.Finished(runs.Send) || again.Counts(runs.Send).Partly() {
				t.Errorf("the manifest: %v", err)
			}
			for _, name := range []string{"report.json", "report.html", "summaries/1-transform.json", "summaries/3-send.json"} {
				if _, err := os.Stat(again.File(filepath.FromSlash(name))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestLocks(t *testing.T) {
	w, q := workplace(t)
	first := begin(t, w, "", "the first")
	if err := first.Create(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if outcome, err := first.Transform(t.Context()); err != nil || outcome != runs.Done {
		t.Fatal(outcome, err)
	}
	second := begin(t, w, "", "the second")
	err := second.Open(q.Run)
	if e, ok := diag.AsError(err); !ok || e.Code != diag.GuardLocked || OutcomeOf(t.Context(), err) != runs.Guarded {
		t.Errorf("%v", err)
	}
	if err := errors.Join(second.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	third := begin(t, w, "", "the third")
	if err := third.Open(q.Run); err != nil {
		t.Errorf("the lock was not given back: %v", err)
	}
	if outcome, err := third.ValidateOffline(t.Context()); err != nil || !outcome.Finished() {
		t.Errorf("%v, %v", outcome, err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}

// TestAGuardLeavesNoSend: a send that a guard stopped before it began is not in the manifest, and the
// run may still be replaced. An error before any stage names no run.
func TestAGuardLeavesNoSend(t *testing.T) {
	w, q := workplace(t)
	x := begin(t, w, tenant.Sandbox, "test")
	defer x.Close()
	if err := x.Create(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Transform(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := false
	w.Observer.End = func(*report.Report, *report.Stage) { ended = true }
	outcome, err := x.stage(t.Context(), runs.Send, func(context.Context) (runs.Counts, error) {
		return nil, diag.Fail(diag.Guarded, diag.GuardLedger, "", "no pass")
	})
	if outcome, err = x.ended(t.Context(), outcome, err); outcome != runs.Guarded || ended {
		t.Errorf("%v, %v", outcome, err)
	}
	if of, ok := errors.AsType[*RunError](err); !ok || of.Run != x.Run() {
		t.Errorf("%v does not name the run", err)
	}
	if r, err := runs.Open(q.Run); err != nil || r.Stages[runs.Send] != nil {
		t.Errorf("the manifest holds the send: %v", err)
	}
	other := begin(t, w, "", "test")
	err = other.Create(t.Context(), Request{Bundle: "no-such-bundle"})
	_, err = other.ended(t.Context(), 0, err)
	if _, ok := errors.AsType[*RunError](err); ok || err == nil {
		t.Errorf("%v names a run", err)
	}
}

// TestThePageOfAStageAtWork: page and list of runs say what is going on while it goes on, and a stage that was undone
// leaves neither its mark nor an older command behind.
func TestThePageOfAStageAtWork(t *testing.T) {
	w, q := workplace(t)
	w.Next = func(r *runs.Run) *runs.Next { return &runs.Next{Command: []string{"sluice", "after", r.ID}} }
	x := begin(t, w, tenant.Sandbox, "test")
	defer x.Close()
	if err := x.Create(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Transform(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		t.Helper()
		page, err := os.ReadFile(x.Run().File("report.html"))
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	if !strings.Contains(said(), "sluice after") {
		t.Error("the next command is not on the page")
	}
	x.working, x.listed = runs.Send, false
	_, err := x.stage(t.Context(), runs.Send, func(context.Context) (runs.Counts, error) {
		list, err := os.ReadFile(filepath.Join(w.Config.Runs, report.IndexFile))
		if page := said(); err != nil || !strings.Contains(page, "Send has not ended") || strings.Contains(page, "sluice after") || !strings.Contains(string(list), "Send has not ended") {
			t.Errorf("%v\n%s", err, page)
		}
		return nil, diag.Fail(diag.Usage, diag.ConfigRun, "", "wrong")
	})
	if page := said(); err == nil || strings.Contains(page, "Send has not ended") || !strings.Contains(page, "sluice after") {
		t.Errorf("%v\n%s", err, page)
	}
	if _, err := x.ended(t.Context(), runs.CouldNotRun, diag.Fail(diag.CouldNotRun, diag.TargetUnreached, "check it", "no answer")); err == nil || !strings.Contains(said(), "sluice after") {
		t.Error("a target that can be reached again has no next command")
	}
	x.kept = false
	if _, err := x.ended(t.Context(), runs.Guarded, diag.Fail(diag.Guarded, diag.GuardLedger, "look at it", "no")); err == nil || strings.Contains(said(), "sluice after") {
		t.Error("what a guard stopped has a next command")
	}
}

func TestStrict(t *testing.T) {
	w, q := workplace(t)
	w.Strict = true
	x := begin(t, w, "", "test")
	defer x.Close()
	if err := x.Create(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Transform(t.Context()); err != nil {
		t.Fatal(err)
	}
	outcome, err := x.stage(t.Context(), runs.Validate, func(context.Context) (runs.Counts, error) {
		p, err := x.run.NewProblems(runs.Validate)
		if err != nil {
			return nil, err
		}
		return &runs.ValidateCounts{}, errors.Join(p.Add(diag.Problem{Code: diag.RecordEdited, Level: diag.LevelWarning, Message: "m"}), p.Commit())
	})
	if outcome != runs.Partly || err != nil {
		t.Errorf("%v, %v", outcome, err)
	}
}

// TestStandards chooses from four data standards.
func TestStandards(t *testing.T) {
	known := fstest.MapFS{}
	for _, v := range []string{"4.0", "5.1", "5.2", "6.0"} {
		known["ds-"+v+"/standard.json"] = &fstest.MapFile{Data: fmt.Appendf(nil, `{"Version": %q}`, v)}
	}
	w := &Workplace{Schemas: known}
	for _, c := range []struct{ covers, got, code, unchecked string }{
		{">=4.0 <7", "5.2 6.0 5.1 4.0", "", "5.0"},
		{">=4.0 <6", "5.2 5.1 4.0", "", "5.0"},
		{"~5.1", "5.1", "", ""},
		{"~4.0 || ~6.0", "6.0 4.0", "", ""},
		{">=7", "", "BND-STANDARD", ""},
		{"new ones", "", "BND-VALUE", ""},
	} {
		b := &bundle.Bundle{Name: "b", DataStandard: bundle.Text{Value: c.covers}}
		all, err := w.Standards(b)
		var got []string
		for _, s := range all {
			got = append(got, s.Version)
		}
		code := ""
		if e, ok := diag.AsError(err); ok {
			code = string(e.Code)
		}
		if strings.Join(got, " ") != c.got || code != c.code {
			t.Errorf("%s: %v, %v", c.covers, got, err)
		}
		if unchecked := strings.Join(w.NotEmbedded(b), " "); unchecked != c.unchecked {
			t.Errorf("%s: not embedded: %s", c.covers, unchecked)
		}
	}
}

// TestStandardOfATenant shapes for what the tenant asks for, or for what its target had last.
func TestStandardOfATenant(t *testing.T) {
	for _, c := range []struct{ covers, asked, last, got, code string }{
		{">=4.0 <7", "", "", "5.2", ""},
		{">=4.0 <7", "4.0", "6.0", "4.0", ""},
		{">=4.0 <7", "", "6.0", "6.0", ""},
		{">=4.0 <7", "", "6.1", "6.0", ""}, // the nearest one
		{">=5.0 <7", "", "4.0", "", "BND-STANDARD"},
		{">=5", "4.0", "", "", "BND-STANDARD"},
		{">=4.0 <5", "5.1", "", "", "BND-STANDARD"},
		{">=4.0 <7", "6.1", "", "", "BND-STANDARD"},
		{">=4.0 <7", "five", "", "", "BND-STANDARD"},
		{">=4.0 <7", "", "a page", "5.2", ""},
	} {
		of := &tenant.Tenant{Name: "gb", DataStandard: c.asked, API: &tenant.API{}}
		w, _ := workplace(t)
		x := &Execution{place: w, tenant: of}
		if err := durable.MkdirAll(filepath.Dir(x.standardFile())); err != nil {
			t.Fatal(err)
		}
		if err := durable.WriteFile(x.standardFile(), []byte(c.last+"\n")); err != nil {
			t.Fatal(err)
		}
		s, why, err := x.standard(&bundle.Bundle{Name: "b", DataStandard: bundle.Text{Value: c.covers}})
		got, code := "", ""
		if s != nil {
			got = s.Version
		}
		if e, ok := diag.AsError(err); ok {
			code = string(e.Code)
		}
		if got != c.got || code != c.code || (why == "") != (err != nil) {
			t.Errorf("%+v: %s (%s), %v", c, got, why, err)
		}
	}
	w, _ := workplace(t)
	of := &Execution{place: w, tenant: &tenant.Tenant{Name: "gb", API: &tenant.API{}}}
	if err := durable.MkdirAll(filepath.Dir(of.standardFile())); err != nil {
		t.Fatal(err)
	}
	if err := of.rememberStandard("5.1"); err != nil {
		t.Fatal(err)
	}
	if last, err := of.lastStandard(); last != "5.1" || err != nil {
		t.Errorf("%s, %v", last, err)
	}
}

// TestTenantAndParameters: the command line wins over the tenant, whose parameters for other bundles
// are left out; a tenant without tables is told where they would lie.
func TestTenantAndParameters(t *testing.T) {
	b := &bundle.Bundle{Name: "b", Params: []*bundle.Param{{Name: bundle.Text{Value: "year"}}, {Name: bundle.Text{Value: "term"}}}}
	of := &tenant.Tenant{Name: "gb", Params: map[string]string{"year": "2025", "term": "fall", "other": "1"}, RosterColumn: "id", LEACodes: []string{"7"}}
	w := &Workplace{Config: tenant.Default("")}
	got, err := w.transformConfig(b, nil, of, map[string]string{"year": "2026"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"year": "2026", "term": "fall"}, got.Params); diff != "" {
		t.Error(diff)
	}
	if got.Overlay == nil || got.Overlay.FS != nil || got.Overlay.Path != filepath.Join("tenants", "gb", "b") || got.RosterColumn != "id" {
		t.Errorf("%+v", got)
	}
	of.Tables = t.TempDir()
	if err := os.WriteFile(filepath.Join(of.Tables, "b"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.transformConfig(b, nil, of, nil); err == nil {
		t.Error("a file was taken for the folder of tables")
	}
	if got, err := w.transformConfig(b, nil, nil, nil); err != nil || got.Overlay != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestLogBeforeTheRun: what is logged before there is a run stands in its log, within bounds.
func TestLogBeforeTheRun(t *testing.T) {
	l := &runLog{}
	log := l.logger(nil)
	log.Info("early")
	log.Debug("never")
	path := filepath.Join(t.TempDir(), "log.jsonl")
	if err := errors.Join(l.into(path), l.into(path)); err != nil {
		t.Fatal(err)
	}
	log.Info("late")
	l.close()
	text, err := os.ReadFile(path)
	if lines := strings.Split(string(text), "\n"); err != nil || len(lines) != 3 || !strings.Contains(lines[0], "early") || !strings.Contains(lines[1], "late") {
		t.Errorf("%v %s", err, text)
	}
	full := &runLog{}
	for range 3 {
		if _, err := full.Write(make([]byte, mostKept/2)); err != nil {
			t.Fatal(err)
		}
	}
	if len(full.kept) != mostKept {
		t.Errorf("%d bytes are kept", len(full.kept))
	}
	if err := full.into(t.TempDir()); err == nil || OutcomeOf(t.Context(), err) != runs.CouldNotRun {
		t.Errorf("%v", err)
	}
}

// What is wrong with a ledger has one code and one way out, whenever it turns up.
func TestLedgerErrors(t *testing.T) {
	w, _ := workplace(t)
	x := begin(t, w, tenant.Sandbox, "test")
	for failure, want := range map[error]struct {
		code diag.Code
		exit runs.Outcome
		next string
	}{
		ledger.ErrDamaged:     {diag.GuardLedger, runs.Guarded, "sluice ledger rebuild --tenant sandbox"},
		ledger.ErrOtherTarget: {diag.GuardLedger, runs.Guarded, "sluice ledger rebuild --tenant sandbox"},
		ledger.ErrNewer:       {diag.GuardLedger, runs.Misused, "that version"},
		ledger.ErrDisk:        {diag.MachineDisk, runs.CouldNotRun, "Free space"},
	} {
		err := x.ledgerError(errors.Join(errors.New("decide"), fmt.Errorf("ask the ledger: %w", failure)))
		if e, ok := diag.AsError(err); !ok || e.Code != want.code || OutcomeOf(t.Context(), err) != want.exit || !strings.Contains(e.Next, want.next) {
			t.Errorf("%v: %+v", failure, err)
		}
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
