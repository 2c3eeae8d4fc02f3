package send_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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

// A key that may not write the shared metadata loads results all the same. What the target holds as it is
// staged is not posted; what it holds otherwise is rejected and blocks nothing.
func TestSharedMetadataOfOthers(t *testing.T) {
	w := newWorld(t, func(o *sandbox.Options) {
		own := sandbox.Client{Key: "own-records", Secret: "s"}
		for _, name := range []string{"performanceLevelDescriptors", "assessments", "objectiveAssessments"} {
			own.Deny = append(own.Deny, sandbox.Denial{Resource: name, Actions: []sandbox.Action{sandbox.Create, sandbox.Update}})
		}
		o.Clients = []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret}, own}
	})
	w.send(w.run(records{
		"performanceLevelDescriptors": {descriptor("PerformanceLevelDescriptor", "High")},
		"assessments":                 {assessment("A"), assessmentTitled("B", "another title")},
		"objectiveAssessments":        {objective("A", "p", ""), objective("A", "c", "p")},
	}))
	client, err := target.New(target.Config{BaseURL: w.http.URL, ClientID: "own-records", ClientSecret: "s", Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l, err := ledger.Open(filepath.Join(w.dir, "other", "ledger.db"), bend)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := w.posts.Load()
	for _, want := range []map[string]runs.Loaded{{
		"performanceLevelDescriptors": {Staged: 2, Unchanged: 1, Rejected: 1},
		"assessments":                 {Staged: 3, Unchanged: 1, Rejected: 2},
		"objectiveAssessments":        {Staged: 2, Unchanged: 2},
		"studentAssessments":          {Staged: 31, Created: 30, Blocked: 1},
	}, {
		"performanceLevelDescriptors": {Staged: 2, Unchanged: 1, Rejected: 1},
		"assessments":                 {Staged: 3, Unchanged: 1, Rejected: 2},
		"objectiveAssessments":        {Staged: 2, Unchanged: 2},
		"studentAssessments":          {Staged: 31, Unchanged: 30, Blocked: 1},
	}} {
		r := w.run(records{
			"performanceLevelDescriptors": {descriptor("PerformanceLevelDescriptor", "High"), descriptor("PerformanceLevelDescriptor", "Low")},
			"assessments":                 {assessment("A"), assessment("B"), assessment("C")},
			"objectiveAssessments":        {objective("A", "c", "p"), objective("A", "p", "")},
			"studentAssessments":          append(append(results("A", 15, 1), results("B", 15, 1)...), result("C", 1, 1)),
		})
		o := w.sendOptions(r)
		o.To.Client, o.To.Ledger = client, l
		counts, err := send.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, counts.Resources); d != "" {
			t.Error(d)
		}
		rows := unloaded(t, r, "assessments")
		if len(rows) != 2 || rows[0].Code != diag.AuthForbidden || !strings.Contains(rows[0].Fix, "keeps its own version") || rows[1].Code != diag.AuthForbidden || rows[1].Fix == rows[0].Fix {
			t.Errorf("%+v", rows)
		}
	}
	if n := w.posts.Load() - before; n != 2*3+30 {
		t.Errorf("%d posts", n)
	}
}

// A key that may neither read nor write the shared metadata: the target decides about what refers to it.
func TestSharedMetadataThatCannotBeRead(t *testing.T) {
	w := newWorld(t, func(o *sandbox.Options) {
		blind := sandbox.Client{Key: "own-records", Secret: "s", Deny: []sandbox.Denial{
			{Resource: "assessments", Actions: []sandbox.Action{sandbox.Create, sandbox.Read, sandbox.Update}}}}
		o.Clients = []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret}, blind}
	})
	w.send(w.run(records{"assessments": {assessment("A")}}))
	client, err := target.New(target.Config{BaseURL: w.http.URL, ClientID: "own-records", ClientSecret: "s", Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l, err := ledger.Open(filepath.Join(w.dir, "other", "ledger.db"), bend)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := w.run(records{"assessments": {assessment("A"), assessment("B")}, "studentAssessments": append(results("A", 5, 1), result("B", 9, 1))})
	o := w.sendOptions(r)
	o.To.Client, o.To.Ledger = client, l
	counts, err := send.Run(t.Context(), o)
	want := map[string]runs.Loaded{
		"assessments":        {Staged: 2, Rejected: 2},
		"studentAssessments": {Staged: 6, Created: 5, Rejected: 1},
	}
	if d := cmp.Diff(want, counts.Resources); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

// unsure is a target that gives no answer to the first POSTs of some records, although it may take them.
type unsure struct {
	*target.Client
	about string
	times int
	mu    sync.Mutex
	met   map[string]int
}

func (u *unsure) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if strings.Contains(string(body), u.about) {
		if u.met[string(body)]++; u.met[string(body)] <= u.times {
			return nil, &target.Failure{Kind: target.Server, Status: 504, Title: "Gateway Timeout"}
		}
	}
	return u.Client.Post(ctx, resource, body)
}

// A record that is given up in an outage which the others survive is sent again, before what refers to it.
func TestSentOnceMore(t *testing.T) {
	for times, want := range []map[string]runs.Loaded{
		0: {"assessments": {Staged: 2, Created: 2}, "objectiveAssessments": {Staged: 3, Created: 3}, "studentAssessments": {Staged: 41, Created: 41}},
		1: {"assessments": {Staged: 2, Created: 2}, "objectiveAssessments": {Staged: 3, Created: 3}, "studentAssessments": {Staged: 41, Created: 41}},
		2: {"assessments": {Staged: 2, Created: 1, Pending: 1}, "objectiveAssessments": {Staged: 3, Pending: 3}, "studentAssessments": {Staged: 41, Created: 40, Pending: 1}},
	} {
		w := newWorld(t)
		r := w.run(records{
			"assessments":          {assessment("Lost"), assessment("A")},
			"objectiveAssessments": {objective("Lost", "p", ""), objective("Lost", "c", "p"), objective("Lost", "g", "c")},
			"studentAssessments":   append(results("A", 40, 1), result("Lost", 99, 1)),
		})
		o := w.sendOptions(r)
		o.To.Client = &unsure{Client: w.client, about: "Acme Lost", times: times, met: map[string]int{}}
		counts, err := send.Run(t.Context(), o)
		if d := cmp.Diff(want, counts.Resources); d != "" || (err == nil) != (times < 2) {
			t.Error(times, err, d)
		}
		if times < 2 {
			continue
		}
		refused(t, err, diag.TargetServer, diag.CouldNotRun, "sluice send")
		for name, c := range counts.Resources {
			rows := unloaded(t, r, name)
			if int64(len(rows)) != c.Pending {
				t.Errorf("%s: %d rows for %+v", name, len(rows), c)
			}
			for _, row := range rows {
				if row.Outcome != "pending" || row.Message == "" || row.Fix == "" {
					t.Errorf("%+v", row)
				}
			}
		}
		if row := unloaded(t, r, "assessments")[0]; row.Message != "504 Gateway Timeout, no reason given" {
			t.Error(row.Message)
		}
	}
}

// Whatever stops a run, each record that did not load is listed, in the order of the file.
func TestEveryRecordIsListed(t *testing.T) {
	w := newWorld(t)
	lines := results("A", 3000, 1)
	lines[1], lines[2999] = "i|"+lines[1], "u|"+lines[2999]
	r := w.run(records{"assessments": {assessment("A")}, "studentAssessments": lines, "studentEducationOrganizationAssociations": {"{}"}})
	o := w.sendOptions(r)
	a := &answering{Client: w.client, failure: &target.Failure{Kind: target.Auth, Status: 401}}
	a.after.Store(500)
	o.To.Client = a
	counts, err := send.Run(t.Context(), o)
	refused(t, err, diag.AuthRefused, diag.Refused, "")
	c := counts.Resources["studentAssessments"]
	rows := unloaded(t, r, "studentAssessments")
	if c.Created != 500 || int64(len(rows)) != c.Staged-c.Created || int64(len(rows)) != c.Pending+c.Invalid+c.Blocked {
		t.Fatalf("%d rows for %+v", len(rows), c)
	}
	for i, row := range rows {
		if row.Line != int(row.StagedLine)+1 || row.Message == "" || i > 0 && row.StagedLine <= rows[i-1].StagedLine {
			t.Fatalf("%+v", row)
		}
	}
	problems, err := os.ReadFile(r.File("problems", "send.jsonl"))
	if err != nil || strings.Count(string(problems), "INT-NOT-SENT") > 2 {
		t.Errorf("%v: %s", err, problems)
	}
}

// Origins that cannot be read are found before anything is posted.
func TestUnreadableOrigins(t *testing.T) {
	w := newWorld(t)
	r := w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 3, 1)})
	if err := os.WriteFile(r.OriginFile("studentAssessments"), []byte("results:2\n"+strings.Repeat("x", 1<<17)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := send.Run(t.Context(), w.sendOptions(r)); err == nil || errors.Is(err, context.Canceled) || w.posts.Load() > 0 {
		t.Errorf("%v, %d posts", err, w.posts.Load())
	}
}

// Children are read a second time: what was changed meanwhile is not sent.
func TestChildrenAreReadAgain(t *testing.T) {
	w := newWorld(t)
	r := w.run(records{"assessments": {assessment("A")}, "objectiveAssessments": {objective("A", "p", ""), objective("A", "c", "p")}})
	o := w.sendOptions(r)
	o.To.Client = &editing{Client: w.client, path: r.StagedFile("objectiveAssessments")}
	counts, err := send.Run(t.Context(), o)
	refused(t, err, diag.GuardOldPass, diag.Guarded, "sluice validate")
	if c := counts.Resources["objectiveAssessments"]; c.Created != 1 || c.Pending != 1 || w.count("objectiveAssessments") != 1 {
		t.Errorf("%+v", c)
	}
}

// editing changes the child's line when the parent is posted.
type editing struct {
	*target.Client
	path string
}

func (e *editing) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	if strings.HasSuffix(resource, "objectiveAssessments") {
		text, err := os.ReadFile(e.path)
		if err == nil {
			err = os.WriteFile(e.path, []byte(strings.Replace(string(text), `"c"`, `"X"`, 1)), 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	return e.Client.Post(ctx, resource, body)
}

// choosy is a target that takes results of some students only.
type choosy struct {
	*target.Client
	resource string
	takes    func(body string) bool
	asked    atomic.Int64
}

func (c *choosy) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	if !strings.HasSuffix(resource, c.resource) {
		return c.Client.Post(ctx, resource, body)
	}
	c.asked.Add(1)
	time.Sleep(50 * time.Microsecond)
	if !c.takes(string(body)) {
		return nil, &target.Failure{Kind: target.Forbidden, Status: http.StatusForbidden, Title: "Forbidden", Detail: "not of 600001"}
	}
	return &target.Response{Status: http.StatusCreated, ID: "1"}, nil
}

// A target that refuses everything is soon left alone; one that refuses a school at the front is not.
func TestRefusedFromTheStart(t *testing.T) {
	lines := make([]string, 6000)
	for i := range lines {
		lines[i] = scored(i, 1)
	}
	w := newWorld(t)
	run := func(resource string, takes func(string) bool) (*choosy, *runs.Run, map[string]runs.Loaded, error) {
		o := w.sendOptions(w.run(records{resource: lines, "assessmentReportingMethodDescriptors": {descriptor("AssessmentReportingMethodDescriptor", resource)}}))
		c := &choosy{Client: w.client, resource: resource, takes: takes}
		o.To.Client = c
		counts, err := send.Run(t.Context(), o)
		return c, o.Run, counts.Resources, err
	}
	c, r, all, err := run("studentAssessments", func(string) bool { return false })
	refused(t, err, diag.AuthForbidden, diag.Refused, "")
	got := all["studentAssessments"]
	if n := c.asked.Load(); n > 3000 || got.Rejected != n || got.Rejected+got.Pending != 6000 || len(unloaded(t, r, "studentAssessments")) != 6000 || strings.Contains(err.Error(), "600001") {
		t.Errorf("%d calls, %+v, %v", n, got, err)
	}
	if all["assessmentReportingMethodDescriptors"].Created != 1 {
		t.Errorf("%+v", all)
	}
	own := map[string]bool{}
	for _, ln := range lines[4500:] {
		own[ln] = true
	}
	_, r, all, err = run("studentAssessments", func(body string) bool { return own[body] })
	if want := (runs.Loaded{Staged: 6000, Created: 1500, Rejected: 4500}); err != nil || all["studentAssessments"] != want {
		t.Errorf("%+v, %v", all, err)
	}
	if rows := unloaded(t, r, "studentAssessments"); len(rows) != 4500 {
		t.Errorf("%d rows", len(rows))
	}
}

// What refers to records that were given up is not sent.
func TestChildrenOfRecordsGivenUp(t *testing.T) {
	w := newWorld(t)
	all := records{}
	for i := range 6000 {
		id := fmt.Sprintf("A%d", i)
		all["assessments"] = append(all["assessments"], strings.TrimSuffix(assessment(id), "}")+`,"nomenclature":"`+strings.Repeat("x", 100)+`"}`)
		all["objectiveAssessments"] = append(all["objectiveAssessments"], objective(id, "c", ""))
	}
	o := w.sendOptions(w.run(all))
	o.To.Client = &choosy{Client: w.client, resource: "assessments", takes: func(string) bool { return false }}
	counts, err := send.Run(t.Context(), o)
	refused(t, err, diag.AuthForbidden, diag.Refused, "")
	a, c := counts.Resources["assessments"], counts.Resources["objectiveAssessments"]
	if a.Pending == 0 || c.Blocked != a.Rejected || c.Pending != a.Pending || c.Created > 0 {
		t.Errorf("%+v\n%+v", a, c)
	}
}
