package send_test

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/send"
)

// Results that nobody looked for at the target under other identifiers are not sent, and not those that another
// ledger vouched for.
func TestResultsThatWereNotLookedFor(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)}
	r := w.run(all)
	w.send(r)
	for why, events := range map[string]*runs.PassEvents{"an earlier version": nil, "another ledger": {Ledger: "another"}} {
		r.Pass.Events = events
		_, err := send.Run(t.Context(), w.sendOptions(r))
		refused(t, err, diag.GuardOldPass, diag.Guarded, "sluice validate")
		if !strings.Contains(err.Error(), why) {
			t.Error(err)
		}
	}
	r.Pass.Events = &runs.PassEvents{Ledger: w.ledger.ID()}
	w.send(r)
	if _, err := w.rebuild(); err != nil {
		t.Fatal(err)
	}
	_, err := send.Run(t.Context(), w.sendOptions(r))
	refused(t, err, diag.GuardOldPass, diag.Guarded, "sluice validate")
	r.Pass.Events.Accepted = true
	w.send(r)
	r = w.run(records{"assessments": {assessment("B")}})
	r.Pass.Events = nil
	w.send(r) // there are no results in it
}

// What was sent from here and deleted since is sent again, but not where somebody loaded the same events anew.
func TestDeletedResults(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)}
	w.send(w.run(all))
	w.remove("studentAssessments", w.ids("studentAssessments", `"r4"`)[0])
	if got := w.send(w.run(all))["studentAssessments"]; got.Created != 1 || got.Unchanged != 19 {
		t.Errorf("%+v", got)
	}
	w.remove("studentAssessments", w.ids("studentAssessments", `"r4"`)[0])
	if _, err := w.client.Post(t.Context(), "studentAssessments", []byte(strings.Replace(result("A", 4, 1), `"r`, `"other-`, 1))); err != nil {
		t.Fatal(err)
	}
	posts := w.posts.Load()
	o := w.sendOptions(w.run(all))
	o.DryRun = true
	for range 2 {
		_, err := send.Run(t.Context(), o)
		refused(t, err, diag.GuardExisting, diag.Guarded, "sluice validate")
		if w.posts.Load() != posts {
			t.Error("something was posted")
		}
		o.DryRun = false
	}
}
