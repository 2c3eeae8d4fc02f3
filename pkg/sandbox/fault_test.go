package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

// try makes a call that may break.
func (a *api) try(method, path, body string) error {
	a.tb.Helper()
	req, err := http.NewRequest(method, a.url+"/data/v3/ed-fi/"+path, strings.NewReader(body))
	if err != nil {
		a.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	return err
}

func exactly(f sandbox.Fault) sandbox.Faults {
	return sandbox.Faults{Rules: []sandbox.Rule{{Method: http.MethodPost, Call: "studentAssessments", Fault: f}}, RetryAfter: 1500 * time.Millisecond, Delay: 50 * time.Millisecond}
}

func TestFaultAnswers(t *testing.T) {
	a := startWithAssessment(t, options(t))
	for fault, want := range map[sandbox.Fault]struct {
		status int
		typ    string
	}{
		sandbox.TooManyRequests: {429, "too-many-requests"},
		sandbox.ServerError:     {500, "system"},
		sandbox.BadGateway:      {502, "bad-gateway"},
		sandbox.Unavailable:     {503, "service-unavailable"},
		sandbox.GatewayTimeout:  {504, "gateway-timeout"},
		sandbox.Conflict:        {409, "data-conflict:multi-user-conflict"},
		sandbox.Expire:          {401, "security:authentication"},
	} {
		t.Run(string(fault), func(t *testing.T) {
			a.server.SetFaults(exactly(fault))
			r := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822"))
			r.wants(t, want.status, want.typ)
			if retry := r.header.Get("Retry-After"); (want.status == 429 || want.status == 503) != (retry == "2") {
				t.Errorf("Retry-After %q", retry)
			}
			a.login(sandbox.Key, sandbox.Secret)
			if r := a.call(http.MethodPost, "studentAssessments", studentAssessment(string(fault), "604822")); r.status != http.StatusCreated {
				t.Errorf("after the fault: %d %s", r.status, r.body)
			}
		})
	}
	if r := a.get("studentAssessments?studentAssessmentIdentifier=1"); string(r.body) != "[]" {
		t.Errorf("a call that failed did something: %s", r.body)
	}
}

func TestOddAnswers(t *testing.T) {
	a := startWithAssessment(t, options(t))
	a.server.SetFaults(exactly(sandbox.HTML))
	if r := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")); r.status != 502 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.Contains(string(r.body), "<html>") {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.server.SetFaults(exactly(sandbox.EmptyError))
	if r := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")); r.status != 500 || len(r.body) != 0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.server.SetFaults(exactly(sandbox.Slow))
	begin := time.Now()
	if r := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")); r.status != 201 || time.Since(begin) < 50*time.Millisecond {
		t.Errorf("%d after %s", r.status, time.Since(begin))
	}
	a.server.SetFaults(exactly(sandbox.Truncated))
	if err := a.try(http.MethodPost, "studentAssessments", studentAssessment("2", "604822")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestResets(t *testing.T) {
	a := startWithAssessment(t, options(t))
	for stored, fault := range []sandbox.Fault{sandbox.ResetBefore, sandbox.ResetAfter} {
		a.server.SetFaults(exactly(fault))
		err := a.try(http.MethodPost, "studentAssessments", studentAssessment("1", "604822"))
		if err == nil || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "forcibly closed") {
			t.Errorf("%s: %v", fault, err)
		}
		if r := a.get("studentAssessments?totalCount=true&limit=0"); r.header.Get("Total-Count") != strconv.Itoa(stored) {
			t.Errorf("%s: %s records", fault, r.header.Get("Total-Count"))
		}
	}
}

func TestRules(t *testing.T) {
	a := startWithAssessment(t, options(t))
	a.server.SetFaults(sandbox.Faults{Rules: []sandbox.Rule{
		{Method: http.MethodPost, Call: "studentAssessments", Nth: 3, Times: 2, Fault: sandbox.Unavailable},
		{Call: "token", Fault: sandbox.BadGateway},
		{Method: http.MethodGet, Times: -1, Fault: sandbox.ServerError},
	}})
	var got []int
	for range 6 {
		got = append(got, a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")).status)
	}
	if want := []int{201, 200, 503, 503, 200, 200}; !equalInts(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if r := a.call(http.MethodPost, a.url+"/oauth/token", "x"); r.status != 502 {
		t.Error(r.status)
	}
	for range 3 {
		a.get("students").wants(t, 500, "system")
	}
	if r := a.get(a.url + "/metadata/"); r.status != http.StatusOK {
		t.Error("a rule without call is for data calls alone")
	}
	a.server.SetFaults(sandbox.Faults{})
	if r := a.get("students?limit=1"); r.status != http.StatusOK {
		t.Error(r.status)
	}
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRates(t *testing.T) {
	a := start(t, options(t))
	run := func() (string, int) {
		faults, err := sandbox.ParseFaults("429:0.1, 503:0.1")
		if err != nil {
			t.Fatal(err)
		}
		faults.Seed = 7
		a.server.SetFaults(faults)
		var b strings.Builder
		bad := 0
		for range 300 {
			r := a.get("schools?limit=0")
			b.WriteByte(byte('0' + r.status/100))
			if r.status != http.StatusOK {
				bad++
			}
		}
		return b.String(), bad
	}
	first, bad := run()
	second, _ := run()
	if first != second {
		t.Error("the same seed, another course")
	}
	if bad < 30 || bad > 90 {
		t.Errorf("%d of 300 calls failed", bad)
	}
}

func TestParseFaults(t *testing.T) {
	f, err := sandbox.ParseFaults("429:0.01,503:0.005,reset-before:0.001,reset-after:0.001,html:0.001,slow:0.01,expire:0.0005")
	if err != nil || len(f.Rates) != 7 || f.Rates[1] != (sandbox.Rate{Fault: sandbox.Unavailable, Probability: 0.005}) {
		t.Error(f, err)
	}
	if f, err := sandbox.ParseFaults(""); err != nil || len(f.Rates) != 0 {
		t.Error(f, err)
	}
	for _, bad := range []string{"429", "429:", "429:x", "429:1.1", "429:-1", "429:NaN", "418:0.1", "429:0.6,503:0.6"} {
		if _, err := sandbox.ParseFaults(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
