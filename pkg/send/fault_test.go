package send_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/send"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// contents reads a resource from the target: id → record.
func (w *world) contents(resource string) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	err := w.client.EachPage(w.t.Context(), resource, 1, func(items []json.RawMessage) error {
		for _, item := range items {
			var id struct{ ID string }
			if err := json.Unmarshal(item, &id); err != nil {
				return err
			}
			all[id.ID] = string(item)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// holdsOnce checks that the target has each of n results once, and with the payload.
func (w *world) holdsOnce(n, payload int) {
	w.t.Helper()
	seen := map[string]bool{}
	for _, text := range w.contents("studentAssessments") {
		var r struct{ StudentAssessmentIdentifier, SerialNumber string }
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			w.t.Fatal(err)
		}
		if seen[r.StudentAssessmentIdentifier] || r.SerialNumber != fmt.Sprint(payload) {
			w.t.Errorf("%s is doubled or wrong: %s", r.StudentAssessmentIdentifier, r.SerialNumber)
		}
		seen[r.StudentAssessmentIdentifier] = true
	}
	if len(seen) != n {
		w.t.Errorf("%d results at the target, not %d", len(seen), n)
	}
}

// Whatever the network and the server do, each record arrives, and once.
func TestFaults(t *testing.T) {
	for _, faults := range []string{"429:0.05", "500:0.02,502:0.02,503:0.02,504:0.02", "reset-before:0.03,reset-after:0.03", "html:0.05,empty:0.03", "log-in:0.02", "truncated:0.05", "expire:0.05", "conflict:0.05"} {
		t.Run(faults, func(t *testing.T) {
			w := newWorld(t)
			w.send(w.run(records{"assessments": {assessment("A")}}))
			f, err := sandbox.ParseFaults(faults)
			if err != nil {
				t.Fatal(err)
			}
			f.RetryAfter = time.Millisecond
			w.sandbox.SetFaults(f)
			got := w.send(w.run(records{"studentAssessments": results("A", 600, 1)}))["studentAssessments"]
			w.sandbox.SetFaults(sandbox.Faults{})
			if got.Created+got.Updated != 600 {
				t.Errorf("%+v", got)
			}
			w.holdsOnce(600, 1)
			if again := w.send(w.run(records{"studentAssessments": results("A", 600, 1)}))["studentAssessments"]; again.Unchanged != 600 && faults != "truncated:0.05" { // an answer that was cut off does not name the record
				t.Errorf("again: %+v", again)
			}
		})
	}
}

// Stopped at any moment, the same command goes on: nothing lost, nothing doubled.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	const n = 2000
	r := w.run(records{"assessments": {assessment("A"), assessment("B")}, "objectiveAssessments": {objective("A", "child", "parent"), objective("A", "parent", "")},
		"studentAssessments": results("A", n, 7)})
	rounds := 0
	for ; rounds < 200; rounds++ {
		ctx, cancel := context.WithCancel(t.Context())
		limit := w.posts.Load() + rand.Int64N(400)
		stop := make(chan struct{})
		watched := make(chan struct{})
		go func() { // cancels when so many POSTs more were made
			defer close(watched)
			for w.posts.Load() < limit {
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Microsecond):
				}
			}
			cancel()
		}()
		counts, err := send.Run(ctx, w.sendOptions(r))
		close(stop)
		<-watched
		cancel()
		if err == nil {
			if c := counts.Resources["studentAssessments"]; c.Unchanged+c.Created+c.Updated != n {
				t.Errorf("%+v", c)
			}
			break
		}
		refused(t, err, diag.MachineInterrupt, diag.CouldNotRun, "")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v hides why", err)
		}
		if counts == nil {
			continue // before it began
		}
		total := int64(0)
		for name, c := range counts.Resources {
			if !c.Equation("").Holds() {
				t.Errorf("%s: %+v", name, c)
			}
			total += c.Staged
		}
		if total != n+4 {
			t.Fatalf("%d records are accounted for: %+v", total, counts)
		}
		if known := w.known(); known > w.count("studentAssessments")+w.count("assessments")+w.count("objectiveAssessments") {
			t.Fatalf("the ledger knows %d, which is more than the target has", known)
		}
	}
	if rounds < 3 {
		t.Errorf("interrupted %d times only", rounds)
	}
	w.holdsOnce(n, 7)
}

// childSettings is what a sending process needs to know.
type childSettings struct{ URL, Run, Ledger string }

func sendAsChild(settings string) {
	var s childSettings
	std, err := standard()
	if err == nil {
		err = json.Unmarshal([]byte(settings), &s)
	}
	exit := func(err error) {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	if err != nil {
		exit(err)
	}
	client, err := target.New(target.Config{BaseURL: s.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret})
	if err != nil {
		exit(err)
	}
	l, err := ledger.Open(s.Ledger, bend)
	if err != nil {
		exit(err)
	}
	r, err := runs.Open(s.Run)
	if err != nil {
		exit(err)
	}
	counts, err := send.Run(context.Background(), send.Options{Run: r, MaxPassAge: 24 * time.Hour, To: send.Destination{Tenant: "bend", Client: client, Ledger: l, Standard: std, Concurrency: 8, Now: func() time.Time { return noon }}})
	if err != nil {
		exit(err)
	}
	fmt.Printf("done: %+v\n", counts.Resources["studentAssessments"])
	if err := l.Close(); err != nil {
		exit(err)
	}
	os.Exit(0)
}

// sendKilled sends in another process, which is killed after so many POSTs, and reports whether it was
// done before.
func (w *world) sendKilled(r *runs.Run, posts int64) (done bool) {
	w.t.Helper()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	defer func() { w.ledger = w.openLedger() }()
	settings, err := json.Marshal(childSettings{w.http.URL, r.Path, w.ledger.Path()})
	if err != nil {
		w.t.Fatal(err)
	}
	limit := w.posts.Load() + posts
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SEND_TEST_CHILD="+string(settings))
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "done") {
				done = true
			} else {
				w.t.Error(s.Text())
			}
		}
	}()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		case <-time.After(time.Millisecond):
			if w.posts.Load() >= limit {
				cmd.Process.Kill()
			}
		}
	}
	_ = cmd.Wait()
	return done
}

// A process that is killed while it sends leaves a ledger that never claims what the target has not,
// and the next one finishes the work.
func TestKilled(t *testing.T) {
	w := newWorld(t)
	const n = 3000
	r := w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", n, 3)})
	kills := 0
	for done := false; !done && kills < 50; {
		if done = w.sendKilled(r, 200+rand.Int64N(800)); !done {
			kills++
		}
		if known := w.known(); known > w.count("studentAssessments")+w.count("assessments") {
			t.Fatalf("the ledger knows %d", known)
		}
	}
	if kills == 0 {
		t.Error("was never killed")
	}
	w.holdsOnce(n, 3)
	if got := w.send(w.run(records{"studentAssessments": results("A", n, 3)}))["studentAssessments"]; got.Unchanged != n {
		t.Errorf("afterwards: %+v", got)
	}
}

// Versions of the same records follow each other, and sends are broken off in all ways in which the
// target may have taken what no answer came for. Whatever was sent last is what the target holds, and
// the ledger never says so of anything else.
func TestBrokenSequences(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	const n = 60
	sane := w.handler.Load()
	const steps = 16
	for step := range steps {
		version := 1 + rand.IntN(3)
		r := w.run(records{"studentAssessments": results("A", n, version)})
		ctx, cancel := context.WithCancel(t.Context())
		o := w.sendOptions(r)
		client := w.connectWith(-1) // it has not seen an outage, and gives up at once
		o.To.Client = client
		var way string
		switch rand.IntN(4) {
		case 0:
			way = "killed"
			w.sendKilled(r, rand.Int64N(n))
		case 1:
			way = "504 after the write"
			w.loseAnswers(func(rw http.ResponseWriter) { http.Error(rw, "no answer in time", http.StatusGatewayTimeout) }, func() {})
			_, _ = send.Run(ctx, o)
		case 2:
			way = "reset after the write, then Ctrl-C"
			w.loseAnswers(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, cancel)
			_, _ = send.Run(ctx, o)
		case 3:
			way = "whole"
		}
		cancel()
		client.Close()
		w.handler.Store(sane)
		t.Logf("step %d: version %d, %s", step, version, way)
		if way == "whole" || step == steps-1 {
			w.send(r)
			w.holdsOnce(n, version)
			if again := w.send(r)["studentAssessments"]; again.Unchanged != n {
				t.Errorf("again: %+v", again)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// loseAnswers lets the target do what it is asked for, and loses the answers to some POSTs of results:
// few, because more would be an outage. The last time it calls stop.
func (w *world) loseAnswers(answer func(http.ResponseWriter), stop func()) {
	inner, lost := *w.handler.Load(), atomic.Int64{}
	var h http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/studentAssessments") || rand.IntN(8) > 0 || lost.Load() > 3 {
			inner.ServeHTTP(rw, r)
			return
		}
		inner.ServeHTTP(httptest.NewRecorder(), r)
		if lost.Add(1) == 4 {
			stop()
		}
		answer(rw)
	})
	w.handler.Store(&h)
}

// A target that goes away stops the run, all else pending; when it is back the run is finished.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	r := w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 500, 1)})
	o := w.sendOptions(r)
	a := &answering{Client: w.client, failure: &target.Failure{Kind: target.Transport, Detail: "no answer", Err: target.ErrOutage}}
	a.after.Store(100)
	o.To.Client = a
	counts, err := send.Run(t.Context(), o)
	refused(t, err, diag.TargetUnreached, diag.CouldNotRun, "sluice send")
	if c := counts.Resources["studentAssessments"]; c != (runs.Loaded{Staged: 500, Created: 100, Pending: 400}) {
		t.Errorf("%+v", c)
	}
	if got := w.send(r)["studentAssessments"]; got.Unchanged != 100 || got.Created != 400 {
		t.Errorf("when it is back: %+v", got)
	}
	w.holdsOnce(500, 1)
}

// answering is a target that refuses POSTs of results in one way.
type answering struct {
	*target.Client
	failure error
	after   atomic.Int64 // POSTs that go through first
}

func (a *answering) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	if strings.HasSuffix(resource, "studentAssessments") && a.after.Add(-1) < 0 {
		return nil, a.failure
	}
	return a.Client.Post(ctx, resource, body)
}

func TestFailures(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	failure := func(kind target.Kind, status int, typ string) error {
		return fmt.Errorf("post: %w", &target.Failure{Kind: kind, Status: status, Type: typ, Detail: "words of the target", CorrelationID: "c1", Attempts: 6})
	}
	for name, c := range map[string]struct {
		failure error
		code    diag.Code // of the run; empty: it goes on
		kind    diag.Kind
		row     diag.Code // in the list of errors; empty: none
		outcome string
	}{
		"credential":        {failure(target.Auth, 401, ""), diag.AuthRefused, diag.Refused, diag.AuthRefused, "pending"},
		"wrong settings":    {failure(target.Setup, 0, ""), diag.ConfigTenant, diag.Usage, diag.ConfigTenant, "pending"},
		"outage":            {&target.Failure{Kind: target.Transport, Err: target.ErrOutage}, diag.TargetUnreached, diag.CouldNotRun, diag.TargetUnreached, "pending"},
		"no token":          {failure(target.Token, 404, ""), diag.TargetOdd, diag.CouldNotRun, diag.TargetOdd, "pending"},
		"log-in page":       {failure(target.Odd, 200, ""), diag.TargetOdd, diag.CouldNotRun, diag.TargetOdd, "pending"},
		"busy":              {failure(target.TooMany, 429, ""), diag.TargetBusy, diag.CouldNotRun, diag.TargetBusy, "pending"},
		"too many tokens":   {failure(target.TooMany, 429, "urn:ed-fi:api:security:authentication:too-many-tokens"), diag.AuthTooMany, diag.CouldNotRun, diag.AuthTooMany, "pending"},
		"server":            {failure(target.Server, 500, ""), diag.TargetServer, diag.CouldNotRun, diag.TargetServer, "pending"},
		"kept busy":         {&target.Failure{Kind: target.Conflict, Status: 409, Retryable: true}, diag.TargetConflict, diag.CouldNotRun, diag.TargetConflict, "pending"},
		"forbidden":         {failure(target.Forbidden, 403, ""), "", 0, diag.AuthForbidden, "rejected"},
		"foreign namespace": {failure(target.Forbidden, 403, "urn:ed-fi:api:security:authorization:namespace:access-denied:namespace-mismatch"), "", 0, diag.AuthNamespace, "rejected"},
		"refused":           {failure(target.Validation, 400, ""), "", 0, diag.TargetRefused, "rejected"},
		"conflict":          {failure(target.Conflict, 409, ""), "", 0, diag.TargetConflict, "rejected"},
		"our own":           {errors.New("out of memory"), "", 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.run(records{"studentAssessments": results("A", 60, 1)})
			o := w.sendOptions(r)
			o.To.Client = &answering{Client: w.client, failure: c.failure}
			counts, err := send.Run(t.Context(), o)
			got := counts.Resources["studentAssessments"]
			if !got.Equation("").Holds() || got.Staged != 60 || got.Created != 0 {
				t.Fatalf("%+v", got)
			}
			switch {
			case c.code != "":
				refused(t, err, c.code, c.kind, "")
			case c.row == "":
				if !errors.Is(err, c.failure) || got.Pending != 60 {
					t.Errorf("%v, %+v", err, got)
				}
				return
			case err != nil || got.Rejected != 60:
				t.Errorf("%v, %+v", err, got)
			}
			rows := unloaded(t, r, "studentAssessments")
			if len(rows) != 60 {
				t.Errorf("%d rows", len(rows))
			}
			tried := 0
			for _, row := range rows {
				if row.Code != diag.RecordNotSent {
					tried++
				}
				if row.Code != c.row && row.Code != diag.RecordNotSent || row.Outcome != c.outcome || row.Message == "" {
					t.Errorf("%+v", row)
				}
			}
			if tried == 0 {
				t.Error("nothing was tried")
			}
			for i := 1; i < len(rows); i++ {
				if rows[i].StagedLine <= rows[i-1].StagedLine {
					t.Fatalf("line %d behind line %d", rows[i].StagedLine, rows[i-1].StagedLine)
				}
			}
		})
	}
}

// A few records that no answer comes for do not stop the others, but the run says so.
func TestLostRecord(t *testing.T) {
	w := newWorld(t)
	w.send(w.run(records{"assessments": {assessment("A")}}))
	o := w.sendOptions(w.run(records{"studentAssessments": results("A", 60, 1)}))
	a := &answering{Client: w.client, failure: &target.Failure{Kind: target.Transport, Detail: "connection reset"}}
	a.after.Store(55)
	o.To.Client = a
	counts, err := send.Run(t.Context(), o)
	refused(t, err, diag.TargetUnreached, diag.CouldNotRun, "sluice send")
	if got := counts.Resources["studentAssessments"]; got != (runs.Loaded{Staged: 60, Created: 55, Pending: 5}) {
		t.Errorf("%+v", got)
	}
}

// A ledger that cannot be written stops the run; what it could not note is sent again.
func TestBrokenLedger(t *testing.T) {
	w := newWorld(t)
	r := w.run(records{"assessments": {assessment("A")}, "studentAssessments": results("A", 2000, 1)})
	l, err := ledger.Open(filepath.Join(w.dir, "other", "ledger.db"), bend)
	if err != nil {
		t.Fatal(err)
	}
	o := w.sendOptions(r)
	o.To.Ledger = l
	o.To.Client = &closing{Client: w.client, l: l}
	counts, err := send.Run(t.Context(), o)
	if err == nil || counts == nil {
		t.Fatalf("%+v, %v", counts, err)
	}
	for name, c := range counts.Resources {
		if !c.Equation("").Holds() {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// closing closes the ledger in the middle.
type closing struct {
	*target.Client
	l *ledger.Ledger
	n atomic.Int64
}

func (c *closing) Post(ctx context.Context, resource string, body []byte) (*target.Response, error) {
	if c.n.Add(1) == 300 {
		c.l.Close()
	}
	return c.Client.Post(ctx, resource, body)
}

// A record that the target makes wait holds no other one back, however many blocks are behind it, and
// the rows of errors keep the order of the file.
func TestSlowRecord(t *testing.T) {
	w := newWorld(t)
	lines := make([]string, 2500) // more blocks than are in memory at a time
	for i := range lines {
		lines[i] = scored(i, 1)
	}
	o := w.sendOptions(w.run(records{"studentAssessments": lines}))
	s := &slow{Client: w.client, taken: lines[0], line: lines[3], others: len(lines) - 1, done: make(chan struct{})}
	o.To.Client = s
	counts, err := send.Run(t.Context(), o)
	if err != nil || s.stalled.Load() {
		t.Fatalf("stalled: %v; %v", s.stalled.Load(), err)
	}
	rows := unloaded(t, o.Run, "studentAssessments")
	if c := counts.Resources["studentAssessments"]; c.Created != 2 || c.Rejected != int64(len(lines)-2) || len(rows) != len(lines)-2 {
		t.Fatalf("%+v, %d rows", c, len(rows))
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].StagedLine <= rows[i-1].StagedLine {
			t.Fatalf("line %d behind line %d", rows[i].StagedLine, rows[i-1].StagedLine)
		}
	}
}

// slow is a target that refuses all records but two: one it takes at once, one when the others are answered.
type slow struct {
	*target.Client
	taken    string
	line     string
	others   int
	answered atomic.Int64
	done     chan struct{}
	stalled  atomic.Bool
}

func (s *slow) Post(_ context.Context, _ string, body []byte) (*target.Response, error) {
	if string(body) != s.line {
		if s.answered.Add(1) == int64(s.others) {
			close(s.done)
		}
		if string(body) == s.taken {
			return &target.Response{Status: http.StatusCreated, ID: "0"}, nil
		}
		return nil, &target.Failure{Kind: target.Conflict, Status: http.StatusConflict}
	}
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		s.stalled.Store(true)
	}
	return &target.Response{Status: http.StatusCreated, ID: "1"}, nil
}
