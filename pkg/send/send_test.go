package send_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
)

func TestLoadTwice(t *testing.T) {
	w := newWorld(t)
	all := records{
		"assessmentReportingMethodDescriptors": {descriptor("AssessmentReportingMethodDescriptor", "RIT")},
		"assessments":                          {assessment("A"), assessment("B")},
		"objectiveAssessments":                 {objective("A", "o1", "")},
		"studentAssessments":                   results("A", 300, 1),
	}
	got := w.send(w.run(all))
	want := map[string]runs.Loaded{
		"assessmentReportingMethodDescriptors": {Staged: 1, Created: 1}, "assessments": {Staged: 2, Created: 2},
		"objectiveAssessments": {Staged: 1, Created: 1}, "studentAssessments": {Staged: 300, Created: 300},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	before := w.posts.Load()
	r := w.run(all)
	got = w.send(r)
	for name, c := range got {
		if c.Unchanged != c.Staged {
			t.Errorf("%s again: %+v", name, c)
		}
	}
	if n := w.posts.Load() - before; n != 0 {
		t.Errorf("the second run posted %d records", n)
	}
	if _, err := os.Stat(r.File("errors")); err == nil {
		t.Error("there is a list of errors")
	}
	if n := w.count("studentAssessments"); n != 300 {
		t.Errorf("%d results at the target", n)
	}
}

// The digest in the ledger is that of what the target last took: going back is a change.
func TestThereAndBack(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	for i, payload := range []int{1, 2, 1, 1} {
		got := w.send(w.run(records{"studentAssessments": {result("A", 1, payload)}}))["studentAssessments"]
		want := []runs.Loaded{{Staged: 1, Created: 1}, {Staged: 1, Updated: 1}, {Staged: 1, Updated: 1}, {Staged: 1, Unchanged: 1}}[i]
		if got != want {
			t.Errorf("load %d: %+v, not %+v", i+1, got, want)
		}
	}
}

func TestPass(t *testing.T) {
	w := newWorld(t)
	other := bend
	other.SchoolYear = 2027
	for name, c := range map[string]struct {
		change func(*runs.Run)
		code   diag.Code
		next   string
	}{
		"none":             {func(r *runs.Run) { r.Pass = nil }, diag.GuardNoPass, "sluice validate"},
		"offline":          {func(r *runs.Run) { r.Pass.Online = false; r.Pass.Target = "" }, diag.GuardForeignPass, "sluice validate"},
		"without tenant":   {func(r *runs.Run) { r.Tenant = "" }, diag.GuardForeignPass, "sluice transform"},
		"other tenant":     {func(r *runs.Run) { r.Tenant = "other" }, diag.GuardForeignPass, "tenant"},
		"pass of another":  {func(r *runs.Run) { r.Pass.Tenant = "other" }, diag.GuardForeignPass, "sluice validate"},
		"other target":     {func(r *runs.Run) { r.Pass.Target = other.String() }, diag.GuardForeignPass, "sluice validate"},
		"other bundle":     {func(r *runs.Run) { r.Pass.Bundle = "b2" }, diag.GuardForeignPass, "sluice validate"},
		"old":              {func(r *runs.Run) { r.Pass.At = noon.Add(-24*time.Hour - time.Second) }, diag.GuardOldPass, "sluice validate"},
		"from tomorrow":    {func(r *runs.Run) { r.Pass.At = noon.Add(time.Hour) }, diag.GuardOldPass, "sluice validate"},
		"other standard":   {func(r *runs.Run) { r.Pass.DataStandard = "5.0" }, diag.GuardOldPass, "sluice validate"},
		"edited":           {func(r *runs.Run) { edit(t, r.StagedFile("assessments")) }, diag.GuardOldPass, "sluice validate"},
		"verdict edited":   {func(r *runs.Run) { edit(t, r.VerdictFile("assessments")) }, diag.GuardOldPass, "sluice validate"},
		"file added":       {func(r *runs.Run) { edit(t, r.StagedFile("students")) }, diag.GuardOldPass, "sluice validate"},
		"file removed":     {func(r *runs.Run) { os.Remove(r.StagedFile("assessments")) }, diag.GuardOldPass, "sluice validate"},
		"verdicts removed": {func(r *runs.Run) { os.Truncate(r.VerdictFile("assessments"), 0) }, diag.GuardOldPass, "sluice validate"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.run(records{"assessments": {assessment("A")}})
			c.change(r)
			counts, err := send.Run(t.Context(), w.sendOptions(r))
			refused(t, err, c.code, diag.Guarded, c.next)
			if counts != nil || w.posts.Load() != 0 {
				t.Errorf("%+v, %d posts", counts, w.posts.Load())
			}
		})
	}
	r := w.run(records{"assessments": {assessment("A")}})
	r.Pass.At = noon.Add(-25 * time.Hour)
	o := w.sendOptions(r)
	o.MaxPassAge = 48 * time.Hour
	if _, err := send.Run(t.Context(), o); err != nil {
		t.Errorf("the setting for older passes: %v", err)
	}
}

func edit(t *testing.T, path string) {
	t.Helper()
	text, _ := os.ReadFile(path) // a file that is not there yet is made
	if err := os.WriteFile(path, append([]byte("i"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEmptiedTarget(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 50, 1)}
	w.send(w.run(all))
	w.restart()
	before := w.posts.Load()
	_, err := send.Run(t.Context(), w.sendOptions(w.run(all)))
	refused(t, err, diag.GuardLedger, diag.Guarded, "sluice ledger rebuild --tenant bend")
	if w.posts.Load() != before {
		t.Error("something was posted")
	}
	counts, err := w.rebuild()
	if d := cmp.Diff(map[string]int64{"assessments": 0, "studentAssessments": 0}, counts); d != "" || err != nil {
		t.Fatal(d, err)
	}
	if got := w.send(w.run(all))["studentAssessments"]; got != (runs.Loaded{Staged: 50, Created: 50}) {
		t.Errorf("after the rebuild: %+v", got)
	}
}

// A target restored from a backup has lost the newest records only; the older ones are there.
func TestRestoredTarget(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 200, 1)}))
	w.send(w.run(records{"studentAssessments": append(results("A", 200, 1), result("A", 777, 1))}))
	ids := w.ids("studentAssessments", `"r777"`)
	w.remove("studentAssessments", ids[0])
	o := w.sendOptions(w.run(records{"studentAssessments": {result("A", 777, 1)}}))
	o.To.Client = &asked{Client: w.client, hidden: true} // else the target would say that it was deleted
	_, err := send.Run(t.Context(), o)
	refused(t, err, diag.GuardLedger, diag.Guarded, "sluice ledger rebuild")

	counts, err := w.rebuild()
	if err != nil || counts["studentAssessments"] != 200 || counts["assessments"] != 1 {
		t.Fatal(counts, err)
	}
	// What was read back has no digest: it is sent once more, and is left alone from then on.
	all := records{"studentAssessments": append(results("A", 200, 1), result("A", 777, 1))}
	for i, want := range []runs.Loaded{{Staged: 201, Created: 1, Updated: 200}, {Staged: 201, Unchanged: 201}} {
		if got := w.send(w.run(all))["studentAssessments"]; got != want {
			t.Errorf("send %d after the rebuild: %+v", i+1, got)
		}
	}
}

func TestChangeVersionRunsBackwards(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	facts, err := w.ledger.Facts(t.Context())
	if err != nil || facts.ChangeVersion == 0 || facts.DataStandard != "5.1" || facts.ClientID != "key1" {
		t.Fatalf("%+v, %v", facts, err)
	}
	facts.ChangeVersion += 1000
	if err := w.ledger.SetFacts(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	_, err = send.Run(t.Context(), w.sendOptions(w.run(records{"assessments": {assessment("A")}})))
	refused(t, err, diag.GuardLedger, diag.Guarded, "sluice ledger rebuild")
	if _, err := w.rebuild(); err != nil {
		t.Fatal(err)
	}
	w.send(w.run(records{"assessments": {assessment("A")}}))
}

func TestOtherStandard(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	for before, ok := range map[string]bool{"4.0": false, "6.1": false, "5.0": true, "": true} {
		if err := w.ledger.SetFacts(t.Context(), ledger.Facts{DataStandard: before, ClientID: "old", APIVersion: "7.1"}); err != nil {
			t.Fatal(err)
		}
		_, err := send.Run(t.Context(), w.sendOptions(w.run(records{"assessments": {assessment("A")}})))
		if ok {
			if facts, _ := w.ledger.Facts(t.Context()); err != nil || facts.DataStandard != "5.1" || facts.ClientID != "key1" {
				t.Errorf("from %q: %v, %+v", before, err, facts)
			}
			continue
		}
		refused(t, err, diag.GuardTargetChanged, diag.Guarded, "sluice target accept --tenant bend")
		was, is, err := send.Accept(t.Context(), w.destination())
		if err != nil || was.DataStandard != before || is.DataStandard != "5.1" {
			t.Errorf("accept: %+v, %+v, %v", was, is, err)
		}
		w.send(w.run(records{"assessments": {assessment("A")}}))
	}
}

// A chain of objectives in the wrong order, and two circles, in a file of several blocks.
func TestParentsFirst(t *testing.T) {
	w := newWorld(t)
	var lines []string
	const chains, depth = 60, 6
	for d := depth; d > 0; d-- {
		for c := range chains {
			parent := ""
			if d > 1 {
				parent = code(c, d-1)
			}
			lines = append(lines, objective("A", code(c, d), parent))
		}
	}
	lines = append(lines, objective("A", "x", "y"), objective("A", "y", "x"), objective("A", "self", "self"), objective("A", "behind", "x"), objective("A", "far", "behind"))
	r := w.run(records{"assessments": {assessment("A")}, "objectiveAssessments": lines})
	got := w.send(r)["objectiveAssessments"]
	if want := (runs.Loaded{Staged: chains*depth + 5, Created: chains * depth, Blocked: 5}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	codes := map[string]diag.Code{}
	for _, u := range unloaded(t, r, "objectiveAssessments") {
		_, identification, _ := strings.Cut(u.Key, "identificationCode=")
		codes[identification] = u.Code
		if u.Category != "objective assessment structure" || u.Outcome != "blocked" {
			t.Errorf("%+v", u)
		}
	}
	short := map[string]diag.Code{}
	for k, c := range codes {
		k, _, _ = strings.Cut(strings.TrimPrefix(k, "identificationCode="), ",")
		short[k] = c
	}
	if d := cmp.Diff(map[string]diag.Code{"x": diag.ReferenceCycle, "y": diag.ReferenceCycle, "self": diag.ReferenceCycle, "behind": diag.ReferenceBlocked, "far": diag.ReferenceBlocked}, short); d != "" {
		t.Error(d)
	}
	if n := w.count("objectiveAssessments"); n != chains*depth {
		t.Errorf("%d at the target", n)
	}
}

func code(chain, depth int) string {
	return "c" + string(rune('A'+chain/26)) + string(rune('a'+chain%26)) + string(rune('0'+depth))
}

// What refers to something that did not load is not sent, all the way down.
func TestBlocked(t *testing.T) {
	w := newWorld(t, func(o *sandbox.Options) {
		o.Clients = []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, Deny: []sandbox.Denial{{Resource: "performanceLevelDescriptors", Actions: []sandbox.Action{sandbox.Create}}}}}
	})
	level := `,"performanceLevels":[{"assessmentReportingMethodDescriptor":"uri://ed-fi.org/AssessmentReportingMethodDescriptor#Raw score","performanceLevelDescriptor":"uri://acme.org/PerformanceLevelDescriptor#HIGH"}]}`
	long := strings.Repeat("x", 300)
	r := w.run(records{
		"performanceLevelDescriptors": {descriptor("PerformanceLevelDescriptor", "High")},
		"assessments":                 {assessment("A"), assessmentTitled("B", long), "i|" + assessment("C"), strings.TrimSuffix(assessment("D"), "}") + level},
		"objectiveAssessments":        {objective("A", "ok", ""), objective("B", "p", ""), objective("B", "child", "p"), objective("D", "d", "")},
		"studentAssessments":          {result("A", 1, 1), result("B", 2, 1), result("C", 3, 1), "m|" + result("C", 4, 1), result("D", 5, 1), "d|" + result("A", 1, 1), "u|" + result("A", 6, 1), result("A", 500000, 1)},
	})
	counts, err := send.Run(t.Context(), w.sendOptions(r))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]runs.Loaded{
		"performanceLevelDescriptors": {Staged: 1, Rejected: 1},
		"assessments":                 {Staged: 4, Created: 1, Rejected: 1, Invalid: 1, Blocked: 1},
		"objectiveAssessments":        {Staged: 4, Created: 1, Blocked: 3},
		"studentAssessments":          {Staged: 8, Created: 1, Blocked: 5, Duplicate: 1, Rejected: 1},
	}
	if d := cmp.Diff(want, counts.Resources); d != "" {
		t.Error(d)
	}
	type short struct {
		Line     int64
		Outcome  string
		Code     diag.Code
		Category string
		Status   int
		Source   string
	}
	var got []short
	for _, name := range []string{"performanceLevelDescriptors", "assessments", "studentAssessments"} {
		for _, u := range unloaded(t, r, name) {
			got = append(got, short{u.StagedLine, u.Outcome, u.Code, u.Category, u.Status, u.Source})
			if u.Key == "" || u.Message == "" || u.Fix == "" || u.File != "/in/fall.csv" || u.Line != int(u.StagedLine)+1 || u.Tenant != "bend" || u.Time != noon {
				t.Errorf("%+v is not complete", u)
			}
			if (u.Status != 0) != (u.CorrelationID != "") {
				t.Errorf("%+v: correlation id", u)
			}
		}
	}
	if d := cmp.Diff([]short{
		{1, "rejected", diag.AuthForbidden, "authentication or authorization", 403, "results:2"},
		{2, "rejected", diag.TargetRefused, "assessment metadata", 400, "results:3"},
		{3, "invalid", diag.RecordSchema, "assessment metadata", 0, "results:4"},
		{4, "blocked", diag.ReferenceBlocked, "descriptor resolution", 0, "results:5"},
		{2, "blocked", diag.ReferenceBlocked, "referential integrity", 0, "results:3"},
		{3, "blocked", diag.ReferenceBlocked, "referential integrity", 0, "results:4"},
		{4, "blocked", diag.ReferenceBlocked, "referential integrity", 0, "results:5"},
		{5, "blocked", diag.ReferenceBlocked, "referential integrity", 0, "results:6"},
		{7, "blocked", diag.RecordUnchecked, "record content", 0, "results:8"},
		{8, "rejected", diag.ReferenceRefused, "student assessment identity", 409, "results:9"},
	}, got); d != "" {
		t.Error(d)
	}
	if n := counts.Categories["studentAssessments"]["referential integrity"]; n != 4 {
		t.Errorf("categories: %v", counts.Categories)
	}
	csv, err := os.ReadFile(r.File("errors", "studentAssessments.csv"))
	if err != nil || strings.Count(string(csv), "\n") != 7 {
		t.Errorf("%s, %v", csv, err)
	}
	problems, err := os.ReadFile(r.File("problems", "send.jsonl"))
	if err != nil || strings.Count(string(problems), "\n") != 12 {
		t.Errorf("%s, %v", problems, err)
	}
	for _, private := range []string{"600001", "studentUniqueId", "r2"} {
		if strings.Contains(w.log.String(), private) {
			t.Errorf("the log holds %s: %s", private, w.log.String())
		}
	}
}

// validate's own words come along, and an unchecked record goes if the tenant says so.
func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	all := records{"assessments": {assessment("A"), "i|" + assessment("B"), "u|" + assessment("C")},
		"studentAssessments": {"u|" + result("A", 1, 1), "m|" + result("B", 2, 1), "m|" + result("C", 3, 1)}}
	r := w.run(all)
	p, err := r.NewProblems(runs.Validate)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []diag.Problem{
		{Code: diag.RecordDescriptor, Resource: "assessments", StagedLine: 2, Path: "$.academicSubjects[0].academicSubjectDescriptor", Message: "unknown subject", Fix: "map it"},
		{Code: diag.RecordDate, Resource: "assessments", StagedLine: 2, Message: "a note"},
		{Code: diag.ReferenceInvalid, Resource: "studentAssessments", StagedLine: 2, Path: "$.assessmentReference", Message: "refers to an invalid one"},
		{Code: diag.ReferenceUnknown, Resource: "studentAssessments", StagedLine: 1, Path: "$.studentReference", Message: "may not read students"},
	} {
		if err := p.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	got := w.send(r)
	if d := cmp.Diff(map[string]runs.Loaded{"assessments": {Staged: 3, Created: 1, Invalid: 1, Blocked: 1}, "studentAssessments": {Staged: 3, Blocked: 3}}, got); d != "" {
		t.Error(d)
	}
	a, s := unloaded(t, r, "assessments"), unloaded(t, r, "studentAssessments")
	if a[0].Message != "unknown subject" || a[0].Fix != "map it" || a[0].Category != "descriptor resolution" || a[0].Code != diag.RecordDescriptor {
		t.Errorf("%+v", a[0])
	}
	if s[0].Code != diag.ReferenceUnknown || s[0].Category != "student assessment identity" || s[1].Code != diag.ReferenceBlocked || s[1].Path != "$.assessmentReference" {
		t.Errorf("%+v", s)
	}

	o := w.sendOptions(w.run(all))
	o.AcceptUnchecked = true
	counts, err := send.Run(t.Context(), o)
	if d := cmp.Diff(map[string]runs.Loaded{"assessments": {Staged: 3, Created: 1, Unchanged: 1, Invalid: 1}, "studentAssessments": {Staged: 3, Created: 2, Blocked: 1}}, counts.Resources); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestUnknownResource(t *testing.T) {
	w := newWorld(t)
	r := w.run(records{"assessments": {assessment("A")}, "assesments": {"i|" + assessment("B"), "i|no JSON"}})
	if d := cmp.Diff(map[string]runs.Loaded{"assessments": {Staged: 1, Created: 1}, "assesments": {Staged: 2, Invalid: 2}}, w.send(r)); d != "" {
		t.Error(d)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A"), assessment("B")}}))
	before := w.posts.Load()
	r := w.run(records{"assessments": {assessment("A"), assessmentTitled("B", "new"), assessment("C"), "i|" + assessment("D")}, "studentAssessments": {result("D", 1, 1), result("C", 2, 1)}})
	o := w.sendOptions(r)
	o.DryRun = true
	counts, err := send.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]runs.Loaded{"assessments": {Staged: 4, Created: 1, Updated: 1, Unchanged: 1, Invalid: 1}, "studentAssessments": {Staged: 2, Created: 1, Blocked: 1}}
	if d := cmp.Diff(want, counts.Resources); d != "" || !counts.DryRun {
		t.Error(d)
	}
	if w.posts.Load() != before {
		t.Error("a dry run posted")
	}
	for _, path := range []string{"errors", "problems/send.jsonl"} {
		if _, err := os.Stat(r.File(path)); err == nil {
			t.Errorf("a dry run wrote %s", path)
		}
	}
}

// Where the credential may not read back what was loaded, nothing is taken for unchanged.
func TestUnprovenLedger(t *testing.T) {
	w := newWorld(t, func(o *sandbox.Options) {
		o.Clients = []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, Deny: []sandbox.Denial{{Resource: "studentAssessments", Actions: []sandbox.Action{sandbox.Read}}}}}
	})
	all := records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)}
	w.send(w.run(all))
	got := w.send(w.run(all))
	if d := cmp.Diff(map[string]runs.Loaded{"assessments": {Staged: 1, Unchanged: 1}, "studentAssessments": {Staged: 20, Updated: 20}}, got); d != "" {
		t.Error(d)
	}
	counts, err := w.rebuild()
	if d := cmp.Diff(map[string]int64{"assessments": 1}, counts); d != "" || err != nil {
		t.Error(d, err)
	}
	if n := w.known(); n != 21 { // what cannot be read is kept
		t.Errorf("the ledger knows %d records", n)
	}
}

// A send that loads nothing leaves no trace in a new ledger: the target may be the wrong one.
func TestRefusedSendBindsNothing(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	path := filepath.Join(w.dir, "new", "ledger.db")
	fresh, err := ledger.Open(path, bend)
	if err != nil {
		t.Fatal(err)
	}
	o := w.sendOptions(w.run(records{"studentAssessments": results("A", 5, 1)}))
	o.To.Ledger = fresh
	o.To.Client = &answering{Client: w.client, failure: &target.Failure{Kind: target.Forbidden, Status: http.StatusForbidden}}
	if counts, err := send.Run(t.Context(), o); err != nil || counts.Resources["studentAssessments"].Rejected != 5 {
		t.Fatalf("%+v, %v", counts, err)
	}
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	right := bend
	right.DataURL = "https://ods.example.org/data/v3/2026"
	l, err := ledger.Open(path, right)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A rebuild that gets no token leaves the ledger as it was, whatever the answer's status is.
func TestRebuildWithoutToken(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 20, 1)}))
	sane := w.handler.Load()
	for _, status := range []int{http.StatusNotFound, http.StatusGone, http.StatusForbidden, http.StatusBadRequest} {
		var h http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/oauth/token") {
				rw.WriteHeader(status)
				return
			}
			(*sane).ServeHTTP(rw, r)
		})
		w.handler.Store(&h)
		before := w.client
		w.client = w.connect()
		if counts, err := w.rebuild(); err == nil {
			t.Errorf("%d: %v", status, counts)
		}
		w.client.Close()
		w.client = before
	}
	w.handler.Store(sane)
	if got := w.send(w.run(records{"studentAssessments": results("A", 20, 1)}))["studentAssessments"]; got.Unchanged != 20 {
		t.Errorf("%+v", got)
	}
}

// ids are the target's ids of the records whose text holds something.
func (w *world) ids(resource, holds string) (ids []string) {
	w.t.Helper()
	for id, text := range w.contents(resource) {
		if strings.Contains(text, holds) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		w.t.Fatalf("no %s holds %s", resource, holds)
	}
	return ids
}
