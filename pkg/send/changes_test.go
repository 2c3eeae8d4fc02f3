package send_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// asked counts the questions for changes, and hides change queries if it shall.
type asked struct {
	*target.Client
	hidden  bool
	changes atomic.Int64
}

func (a *asked) NewestChangeVersion(ctx context.Context) (int64, error) {
	if a.hidden {
		return 0, target.ErrNotOffered
	}
	return a.Client.NewestChangeVersion(ctx)
}

func (a *asked) EachChanged(ctx context.Context, resource string, version int64, workers int, yield func([]json.RawMessage) error) error {
	a.changes.Add(1)
	return a.Client.EachChanged(ctx, resource, version, workers, yield)
}

// What other clients edit or delete at the target is sent again, whatever the sample is, and once.
func TestChangedByOthers(t *testing.T) {
	w := newWorld(t)
	const n = 300
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", n, 1)}
	w.send(w.run(all))
	if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(result("A", 123, 99))); err != nil {
		t.Fatal(err)
	}
	w.remove("studentAssessments", w.ids("studentAssessments", `"r77"`)[0])
	// Another one comes, so that there are as many as before.
	if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(result("A", 5000, 1))); err != nil {
		t.Fatal(err)
	}
	for i, want := range []runs.Loaded{{Staged: n, Created: 1, Updated: 1, Unchanged: n - 2}, {Staged: n, Unchanged: n}} {
		o := w.sendOptions(w.run(all))
		o.DryRun = true
		dry, err := send.Run(t.Context(), o)
		if err != nil || dry.Resources["studentAssessments"].Unchanged != want.Unchanged {
			t.Errorf("dry run %d: %+v, %v", i+1, dry, err)
		}
		if got := w.send(w.run(all))["studentAssessments"]; got != want {
			t.Errorf("send %d: %+v", i+1, got)
		}
	}
}

// Nor is what another client wrote while a load was under way taken for ours.
func TestChangedWhileSending(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 200, 1)}
	o := w.sendOptions(w.run(all))
	o.To.Client = &meddling{Client: w.client}
	if _, err := send.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for i, want := range []runs.Loaded{{Staged: 200, Updated: 1, Unchanged: 199}, {Staged: 200, Unchanged: 200}} {
		if got := w.send(w.run(all))["studentAssessments"]; got != want {
			t.Errorf("send %d: %+v", i+1, got)
		}
	}
	w.holdsOnce(200, 1)
}

// meddling is a target that another client writes to as well: the first result it changes when many are there.
type meddling struct {
	*target.Client
	posts atomic.Int64
	first atomic.Pointer[string]
}

func (m *meddling) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	answer, err := m.Client.Post(ctx, resource, body)
	if text := string(body); strings.HasSuffix(resource, "studentAssessments") {
		m.first.CompareAndSwap(nil, &text)
		if m.posts.Add(1) == 150 {
			edited := strings.Replace(*m.first.Load(), `"serialNumber":"1"`, `"serialNumber":"99"`, 1)
			if _, err := m.Client.Post(ctx, resource, []byte(edited)); err != nil {
				return nil, err
			}
		}
	}
	return answer, err
}

// What was changed there and is not staged now is not forgotten: it is not known until it is sent again.
func TestChangedElsewhere(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 30, 1)}))
	if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(result("A", 7, 99))); err != nil {
		t.Fatal(err)
	}
	w.send(w.run(records{"studentAssessments": {result("A", 100, 1)}}))
	w.send(w.run(records{"assessments": {assessment("A")}}))
	if got := w.send(w.run(records{"studentAssessments": results("A", 30, 1)}))["studentAssessments"]; got.Updated != 1 || got.Unchanged != 29 {
		t.Errorf("%+v", got)
	}
	w.holds("studentAssessments", 31)
}

func (w *world) holds(resource string, n int64) {
	w.t.Helper()
	if got := w.count(resource); got != n {
		w.t.Errorf("%d %s at the target, not %d", got, resource, n)
	}
}

// Without change queries a ledger that is older than the target is noticed, and is not used.
func TestRestoredLedgerWithoutChangeQueries(t *testing.T) {
	w := newWorld(t)
	client := &asked{Client: w.client, hidden: true}
	load := func(l *ledger.Ledger, payload int) error {
		o := w.sendOptions(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 50, payload)}))
		o.To.Client, o.To.Ledger = client, l
		_, err := send.Run(t.Context(), o)
		return err
	}
	for payload := range 3 { // our own loads are none of others
		if err := errors.Join(load(w.ledger, payload), load(w.ledger, payload)); err != nil {
			t.Fatal(err)
		}
	}
	copied := w.copyLedger()
	if err := load(w.ledger, 5); err != nil {
		t.Fatal(err)
	}
	refused(t, load(copied, 2), diag.GuardLedger, diag.Guarded, "sluice ledger rebuild")
	if _, err := w.rebuild(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(load(w.ledger, 2), load(w.ledger, 2)); err != nil {
		t.Fatal(err)
	}
	w.holdsOnce(50, 2)
}

// A ledger that is older than the target, because the state was restored or copied, is not believed.
func TestRestoredLedger(t *testing.T) {
	w := newWorld(t)
	const n = 50
	version := func(payload int) records {
		return records{"assessments": {assessment("A")}, "studentAssessments": results("A", n, payload)}
	}
	w.send(w.run(version(1)))
	copied := w.copyLedger()
	w.send(w.run(version(2)))
	o := w.sendOptions(w.run(version(1)))
	o.To.Ledger = copied
	counts, err := send.Run(t.Context(), o)
	if err != nil || counts.Resources["studentAssessments"].Updated != n {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.holdsOnce(n, 1)
	if counts, err = send.Run(t.Context(), o); err != nil || counts.Resources["studentAssessments"].Unchanged != n {
		t.Errorf("again: %+v, %v", counts, err)
	}
}

// copyLedger opens a copy of the ledger.
func (w *world) copyLedger() *ledger.Ledger {
	w.t.Helper()
	path := w.ledger.Path()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger = w.openLedger()
	there := filepath.Join(w.t.TempDir(), "ledger.db")
	if err := os.WriteFile(there, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(there, bend)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	return l
}

// A target that was restored from a backup, and written to since, holds what it took last in an earlier
// version: its change versions do not say so, the sample does.
func TestRestoredTargetThatWentOn(t *testing.T) {
	w := newWorld(t)
	load := func(payload int) records {
		return records{"assessments": {assessment("A")}, "studentAssessments": results("A", 12, payload)}
	}
	w.send(w.run(load(1)))
	if _, err := w.client.Post(t.Context(), "assessments", []byte(assessment("B"))); err != nil {
		t.Fatal(err)
	}
	w.send(w.run(load(2)))
	for i := range 12 { // what the backup held
		if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(result("A", i, 1))); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := w.client.NewestChangeVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note := fmt.Sprintf(`{"version":%d,"total":12}`, newest) // as if that had been long ago
	if err := w.ledger.Note(t.Context(), map[string]string{"checked studentAssessments": note}); err != nil {
		t.Fatal(err)
	}
	_, err = send.Run(t.Context(), w.sendOptions(w.run(load(2))))
	refused(t, err, diag.GuardLedger, diag.Guarded, "sluice ledger rebuild")
}

// Nothing is asked for where nothing was written but by us; a send that broke off has to look at what it wrote.
func TestOwnChanges(t *testing.T) {
	w := newWorld(t)
	client := &asked{Client: w.client}
	o := w.sendOptions(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 60, 1)}))
	o.To.Client = client
	for range 2 {
		if _, err := send.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if n := client.changes.Load(); n != 0 {
		t.Errorf("%d questions for changes", n)
	}
	r := w.run(records{"studentAssessments": results("A", 60, 2)})
	w.sendKilled(r, 20)
	got := w.send(r)["studentAssessments"]
	if got.Unchanged+got.Updated != 60 {
		t.Errorf("%+v", got)
	}
	w.holdsOnce(60, 2)
}

// Without change queries the sample decides, and says the same each time.
func TestWithoutChangeQueries(t *testing.T) {
	w := newWorld(t)
	client := &asked{Client: w.client, hidden: true}
	run := func() error {
		o := w.sendOptions(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 40, 1)}))
		o.To.Client = client
		_, err := send.Run(t.Context(), o)
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	for id := range w.contents("studentAssessments") {
		if !strings.HasSuffix(id, "0") { // the ids of one sandbox begin alike
			w.remove("studentAssessments", id)
		}
	}
	for range 3 {
		refused(t, run(), diag.GuardLedger, diag.Guarded, "sluice ledger rebuild")
	}
}

// A record that is sent again although the target holds it gets no change version. One that another client wrote
// meanwhile is not taken for it.
func TestChangedWhileNothingChanges(t *testing.T) {
	w := newWorld(t)
	const n = 300
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", n, 1)}
	w.send(w.run(all))
	// The last answer did not reach the ledger.
	if _, err := w.rawLedger("UPDATE record SET rest = substr(rest, 1, 8) WHERE source = 'results:2' AND resource = (SELECT no FROM resource WHERE name = 'studentAssessments')"); err != nil {
		t.Fatal(err)
	}
	o := w.sendOptions(w.run(all))
	o.To.Client = &meanwhile{Client: w.client, text: result("A", 123, 99)}
	counts, err := send.Run(t.Context(), o)
	if err != nil || counts.Resources["studentAssessments"].Updated != 1 {
		t.Fatalf("%+v, %v", counts, err)
	}
	if got := w.send(w.run(all))["studentAssessments"]; got.Updated != 1 || got.Unchanged != n-1 {
		t.Errorf("the edit was not seen: %+v", got)
	}
	if got := w.send(w.run(all))["studentAssessments"]; got.Unchanged != n {
		t.Errorf("%+v", got)
	}
}

// meanwhile is a client during whose first POST another one writes a record.
type meanwhile struct {
	*target.Client
	text string
	done atomic.Bool
}

func (m *meanwhile) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	if !m.done.Swap(true) {
		if _, err := m.Client.Post(ctx, resource, []byte(m.text)); err != nil {
			return nil, err
		}
	}
	return m.Client.Post(ctx, resource, body)
}

// purged is a target that keeps no list of what was deleted, or one that names nothing.
type purged struct {
	*target.Client
	deletes string // the list
}

func (p *purged) EachChanged(ctx context.Context, resource string, version int64, workers int, yield func([]json.RawMessage) error) error {
	if !strings.HasSuffix(resource, "/deletes") {
		return p.Client.EachChanged(ctx, resource, version, workers, yield)
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(p.deletes), &items); err != nil {
		return err
	}
	return yield(items)
}

// A list of deletions that is shorter than the collection shrank, or that names no records, is not believed.
func TestDeletionsThatAreNotListed(t *testing.T) {
	for _, deletes := range []string{`[]`, `[{"keyValues":{}}]`, `[{"id":1}]`} {
		t.Run(deletes, func(t *testing.T) {
			w := newWorld(t)
			const n = 300
			all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", n, 1)}
			w.send(w.run(all))
			w.remove("studentAssessments", w.ids("studentAssessments", `"r77"`)[0])
			o := w.sendOptions(w.run(all))
			o.To.Client = &purged{w.client, deletes}
			counts, err := send.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := counts.Resources["studentAssessments"]; got.Created != 1 || got.Unchanged != n-1 {
				t.Errorf("%+v", got)
			}
		})
	}
}
