package send_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
)

// Results that another loader brought, under identifiers of its own, are not doubled.
func TestExistingResults(t *testing.T) {
	w := newWorld(t)
	post := func(resource, text string) {
		t.Helper()
		if _, err := w.client.Post(t.Context(), resource, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"A", "B"} {
		post("assessments", assessment(id))
	}
	for i := range 5 {
		post("studentAssessments", strings.Replace(result("A", i, 1), `"r`, `"other-`, 1))
	}
	posts := w.posts.Load()
	all := records{"assessments": {assessment("A"), assessment("B")}, "studentAssessments": append(results("A", 20, 1), result("B", 30, 1))}
	alone := records{"studentAssessments": results("A", 20, 1)}
	for _, r := range []records{all, alone} {
		counts, err := send.Run(t.Context(), w.sendOptions(w.run(r)))
		refused(t, err, diag.GuardExisting, diag.Guarded, "--accept-existing")
		e, _ := diag.AsError(err) // the examples are not in the message, which goes into logs
		if counts != nil || w.posts.Load() != posts || len(e.Problems) != 3 || strings.Contains(e.Error(), "other-") || !strings.Contains(e.Problems[0].Key, "=other-") {
			t.Errorf("%+v, %v", counts, err)
		}
	}
	// That a rebuild finds them does not make them ours.
	if _, err := w.rebuild("studentAssessments"); err != nil {
		t.Fatal(err)
	}
	_, err := send.Run(t.Context(), w.sendOptions(w.run(all)))
	refused(t, err, diag.GuardExisting, diag.Guarded, "sluice send")

	o := w.sendOptions(w.run(all))
	o.AcceptExisting = true
	if _, err := send.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	// A send that breaks off, and a ledger of earlier builds, have no note of it.
	if _, err := w.rawLedger("DELETE FROM fact WHERE name LIKE 'note loaded%'"); err != nil {
		t.Fatal(err)
	}
	w.send(w.run(all))
	// From here on results of these assessments came from here, also if others do come.
	w.send(w.run(records{"assessments": {assessment("A")}, "studentAssessments": {result("A", 100, 1)}}))
	if _, err := w.rebuild(); err != nil {
		t.Fatal(err)
	}
	w.send(w.run(records{"assessments": {assessment("A")}, "studentAssessments": {result("A", 101, 1)}}))
}

// Once all that came from here was deleted, results of another loader are others again, with the ledger as it is
// and with a rebuilt one; and they are not while something of ours is there.
func TestExistingResultsInPlaceOfOurs(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 5, 1)}
	later := w.run(records{"studentAssessments": {result("A", 200, 1)}})
	w.send(w.run(all))
	if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(strings.Replace(result("A", 0, 1), `"r`, `"other-`, 1))); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		w.remove("studentAssessments", w.ids("studentAssessments", fmt.Sprintf(`"r%d"`, i))[0])
	}
	o := w.sendOptions(later)
	o.DryRun = true
	if _, err := send.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w.remove("studentAssessments", w.ids("studentAssessments", `"r4"`)[0])
	for range 2 {
		for _, r := range []*runs.Run{w.run(all), later} {
			_, err := send.Run(t.Context(), w.sendOptions(r))
			refused(t, err, diag.GuardExisting, diag.Guarded, "--accept-existing")
		}
		if _, err := w.rebuild(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a lost ledger had sent is at the target under the keys that are staged: that is not doubled.
func TestExistingResultsOfALostLedger(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)}
	w.send(w.run(all))
	lost, err := ledger.Open(filepath.Join(w.dir, "lost", "ledger.db"), bend)
	if err != nil {
		t.Fatal(err)
	}
	defer lost.Close()
	o := w.sendOptions(w.run(all))
	o.To.Ledger = lost
	if counts, err := send.Run(t.Context(), o); err != nil || counts.Resources["studentAssessments"].Updated != 20 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// A few equal identifiers are no proof that all results at the target came from here.
func TestExistingResultsOfAnotherLoaderWithAFewEqualKeys(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client.Post(t.Context(), "assessments", []byte(assessment("A"))); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		text := result("A", i, 1)
		if i > 0 {
			text = strings.Replace(text, `"r`, `"other-`, 1)
		}
		if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := send.Run(t.Context(), w.sendOptions(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)})))
	refused(t, err, diag.GuardExisting, diag.Guarded, "--accept-existing")
}
