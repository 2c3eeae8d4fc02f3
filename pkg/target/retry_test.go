package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	problem      = `{"type":"urn:ed-fi:api:%s","title":"T","status":0,"detail":"d","correlationId":"c-1"}`
	multiUser    = "data-conflict:multi-user-conflict"
	noReference  = "data-conflict:unresolved-reference"
	unconfigured = "system:configuration:security"
)

func TestRetriesByStatus(t *testing.T) {
	tests := []struct {
		status   int
		body     string
		attempts int
	}{
		{400, "", 1}, {403, "", 1}, {404, "", 1}, {405, "", 1}, {409, "", 1}, {412, "", 1}, {413, "", 1}, {415, "", 1}, {422, "", 1},
		{409, fmt.Sprintf(problem, noReference), 1},
		{409, fmt.Sprintf(problem, multiUser), 6},
		{408, "", 6}, {429, "", 6}, {500, "", 6}, {502, "", 6}, {503, "", 6}, {504, "", 6},
		{501, "", 1}, {505, "", 1}, {302, "", 1},
		{500, fmt.Sprintf(problem, unconfigured), 1},
		{502, "<html><title>502 Bad Gateway</title></html>", 6},
		{403, "<html><title>Blocked by the firewall</title></html>", 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
					reply(w, tt.status, tt.body)
				}
				_, err := f.client().Post(t.Context(), "students", []byte(`{"a":1}`))
				failure, ok := AsFailure(err)
				if !ok || failure.Attempts != tt.attempts || f.calls != tt.attempts {
					t.Fatalf("%d calls, want %d attempts: %+v", f.calls, tt.attempts, failure)
				}
				if failure.Retryable != (tt.attempts > 1) {
					t.Errorf("retryable is %t", failure.Retryable)
				}
				for _, b := range f.bodies {
					if b != `{"a":1}` {
						t.Errorf("a repeated body is %q", b)
					}
				}
				if len(slices.Compact(f.corr)) != 1 {
					t.Errorf("the attempts of a call have several correlation ids: %v", f.corr)
				}
			})
		})
	}
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		var delays []time.Duration
		last := time.Now()
		f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
			if n > 1 {
				delays = append(delays, time.Since(last))
			}
			last = time.Now()
			reply(w, 409, fmt.Sprintf(problem, multiUser))
		}
		config := f.config()
		config.Retry = RetryPolicy{Max: 8}
		_, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
		mustFail(t, err, Conflict)
		want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
		for i, d := range delays {
			base := want[i] * time.Second
			if d < base || d > base+base/10 {
				t.Errorf("delay %d is %s, want %s to 10 %% more", i, d, base)
			}
		}
		if len(delays) != 8 {
			t.Errorf("%d delays", len(delays))
		}
	})
}

func TestNoRetries(t *testing.T) {
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 503, "") }
	config := f.config()
	config.Retry.Max = -1
	_, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
	if mustFail(t, err, Server).Attempts != 1 {
		t.Error(err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	stamp := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, tt := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0}, {"7", "", 7 * time.Second}, {" 7 ", "", 7 * time.Second}, {"0.5", "", 500 * time.Millisecond},
		{"0", "", 0}, {"-3", "", 0}, {"NaN", "", 0}, {"Inf", "", math.MaxInt64}, {"1e300", "", math.MaxInt64},
		{"86400", "", 24 * time.Hour}, {"soon", "", 0},
		{stamp(20 * time.Second), "", 20 * time.Second}, {stamp(-time.Hour), "", 0}, {stamp(time.Hour), "", time.Hour},
		// The server's clock is an hour ahead of ours: its own date counts.
		{stamp(time.Hour + 20*time.Second), stamp(time.Hour), 20 * time.Second},
	} {
		h := http.Header{}
		if tt.value != "" {
			h.Set("Retry-After", tt.value)
		}
		if tt.date != "" {
			h.Set("Date", tt.date)
		}
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%q at %q: %s, want %s", tt.value, tt.date, got, tt.want)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, status := range []int{429, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
					if n == 1 {
						w.Header().Set("Retry-After", "40")
						reply(w, status, "")
						return
					}
					w.WriteHeader(201)
				}
				begin := time.Now()
				r, err := f.client().Post(t.Context(), "students", []byte(`{}`))
				if err != nil || r.Attempts != 2 {
					t.Fatal(r, err)
				}
				if d := time.Since(begin); d < 40*time.Second || d > 44*time.Second {
					t.Errorf("waited %s", d)
				}
			})
		})
	}
}

// One worker meets a 429: all of them wait.
func TestPauseIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		begin := time.Now()
		f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				w.Header().Set("Retry-After", "30")
				reply(w, 429, "")
				return
			}
			if time.Since(begin) < 30*time.Second {
				t.Errorf("request %d came after %s", n, time.Since(begin))
			}
			w.WriteHeader(201)
		}
		c := f.client()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.Post(t.Context(), "students", []byte(`{}`)) })
		synctest.Wait() // it has met the 429
		for range 7 {
			wg.Go(func() {
				if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if f.calls != 9 {
			t.Errorf("%d calls for 8 records and one 429", f.calls)
		}
	})
}

// A host that allows 50 requests a minute and says nothing about when to come back: no record
// fails, though a record's own six attempts span half a minute only.
func TestMinuteQuotaWithoutRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		begin, refused := time.Now(), atomic.Int64{}
		var mu sync.Mutex
		window, used := -1, 0
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
			mu.Lock()
			defer mu.Unlock()
			if now := int(time.Since(begin) / time.Minute); now != window {
				window, used = now, 0
			}
			if used++; used > 50 {
				refused.Add(1)
				reply(w, 429, "")
				return
			}
			w.WriteHeader(201)
		}
		c := f.client()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d refused", refused.Load())
		if refused.Load() > 400 {
			t.Errorf("%d refused for 400 records", refused.Load())
		}
	})
}

// A record that meets the limit again and again waits as long as others get through, and no longer.
func TestUnluckyUnderQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, r *http.Request, _ int) {
			if body, _ := io.ReadAll(r.Body); string(body) == "unlucky" {
				reply(w, 429, "")
				return
			}
			w.WriteHeader(201)
		}
		c := f.client()
		var wg sync.WaitGroup
		wg.Go(func() {
			for begin := time.Now(); time.Since(begin) < 20*time.Minute; time.Sleep(time.Second) {
				if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
					t.Error(err)
				}
			}
		})
		begin := time.Now()
		_, err := c.Post(t.Context(), "students", []byte("unlucky"))
		if failure, ok := AsFailure(err); !ok || failure.Kind != TooMany {
			t.Error(err)
		}
		if d := time.Since(begin); d < 19*time.Minute || d > 28*time.Minute {
			t.Errorf("given up after %s", d)
		}
		wg.Wait()
	})
}

func TestNetworkErrorsAreRetried(t *testing.T) {
	for name, lost := range map[string]error{
		"reset": syscall.ECONNRESET, "refused": syscall.ECONNREFUSED, "cut": io.EOF, "cut within": io.ErrUnexpectedEOF,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				stored := map[string]int{}
				f.data = func(w http.ResponseWriter, r *http.Request, n int) {
					b, _ := io.ReadAll(r.Body)
					stored[string(b)]++
					w.WriteHeader(201)
				}
				calls := 0
				config := f.config()
				config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != "/data/v3/ed-fi/students" {
						return memory{f}.RoundTrip(r)
					}
					switch calls++; calls {
					case 1: // before the write
						return nil, lost
					case 2: // after the write: the record is there, the answer is not
						if _, err := (memory{f}).RoundTrip(r); err != nil {
							t.Error(err)
						}
						return nil, lost
					}
					return memory{f}.RoundTrip(r)
				})
				r, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{"k":1}`))
				if err != nil || r.Attempts != 3 || stored[`{"k":1}`] != 2 {
					t.Errorf("%+v, %v, stored %v", r, err, stored)
				}
			})
		})
	}
}

// A host that never answered gets three attempts, not half a minute.
func TestUnreachableAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := mustNew(t, Config{BaseURL: "https://ods.test", ClientID: testKey, ClientSecret: testSecret,
			Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED })})
		_, err := c.Discover(t.Context())
		f := mustFail(t, err, Transport)
		if f.Attempts != 3 || time.Since(begin) > 4*time.Second || !strings.Contains(err.Error(), "ods.test refused the connection") {
			t.Errorf("%d attempts in %s: %v", f.Attempts, time.Since(begin), err)
		}
	})
}

func TestAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			if n < 3 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(201)
		}
		config := f.config()
		config.Timeout = 10 * time.Second
		config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := memory{f}.RoundTrip(r)
			if r.Context().Err() != nil {
				return nil, r.Context().Err()
			}
			return response, err
		})
		begin := time.Now()
		r, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{}`))
		if err != nil || r.Attempts != 3 || time.Since(begin) < 23*time.Second {
			t.Errorf("%+v, %v after %s", r, err, time.Since(begin))
		}
	})
}

func TestCancellation(t *testing.T) {
	stop := errors.New("stopped by the user")
	for name, status := range map[string]int{"while backing off": 504, "while paused": 429, "while waiting for the target": 503} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, status, "") }
				c := f.client()
				ctx, cancel := context.WithCancelCause(t.Context())
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						_, err := c.Post(ctx, "students", []byte(`{}`))
						if !errors.Is(err, context.Canceled) || !errors.Is(err, stop) {
							t.Error(err)
						}
					})
				}
				time.Sleep(2500 * time.Millisecond)
				at := time.Now()
				cancel(stop)
				wg.Wait()
				if time.Since(at) != 0 {
					t.Errorf("took %s to stop", time.Since(at))
				}
			})
		})
	}
}

// outage is a target that is down until a time.
func outage(f *fake, until time.Time) {
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
		if time.Now().Before(until) {
			reply(w, 503, "")
			return
		}
		w.WriteHeader(201)
	}
}

// The target restarts, for two minutes: nothing fails, and it is not hammered meanwhile.
func TestOutageIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		begin := time.Now()
		outage(f, begin.Add(2*time.Minute))
		var l logs
		config := f.config()
		config.Logger = l.logger()
		c := mustNew(t, config)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d < 2*time.Minute || d > 3*time.Minute {
			t.Errorf("took %s", d)
		}
		// 8 at first, 3 trials every 30 s, then each record once.
		if failed := f.calls - 80; failed > 8+4*3+8 {
			t.Errorf("%d requests while the target was down", failed)
		}
		if !strings.Contains(l.String(), "the target is down") || !strings.Contains(l.String(), "answers again") {
			t.Error(l.String())
		}
	})
}

func TestOutageThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		begin := time.Now()
		outage(f, begin.Add(24*time.Hour))
		c := f.client()
		var wg sync.WaitGroup
		var given atomic.Int64
		for range 8 {
			wg.Go(func() {
				for {
					_, err := c.Post(t.Context(), "students", []byte(`{}`))
					failure, ok := AsFailure(err)
					if !ok || !failure.Retryable || failure.Kind != Server && failure.Kind != Transport {
						t.Errorf("%v", err)
					}
					if errors.Is(err, ErrOutage) {
						given.Add(1)
						return
					}
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d < 5*time.Minute || d > 6*time.Minute || given.Load() != 8 {
			t.Errorf("gave up after %s, %d workers", d, given.Load())
		}
		if f.calls > 8+3*12 {
			t.Errorf("%d requests to a target that was down", f.calls)
		}
		// Later, the same client may try again.
		outage(f, time.Now())
		time.Sleep(31 * time.Second)
		if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
			t.Error(err)
		}
	})
}

// The breaker step by step, with single attempts.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logs
		b := newBreaker(5*time.Minute, &waits{log: l.logger()}, l.logger())
		passes := func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			return b.acquire(ctx) == nil
		}
		fail := func(n int) {
			for range n {
				if !passes() {
					t.Fatal("is open too early")
				}
				b.failed()
			}
		}
		fail(4)
		if !passes() {
			t.Fatal("opens after 4 failures")
		}
		b.succeeded() // the four are forgotten
		fail(4)
		time.Sleep(61 * time.Second) // outside the window
		fail(4)
		if !passes() {
			t.Fatal("counts failures older than the window")
		}
		b.failed() // the fifth within 60 s
		if passes() {
			t.Fatal("is closed after 5 failures in 60 s")
		}
		time.Sleep(28 * time.Second)
		if passes() {
			t.Fatal("is closed after 28 s")
		}
		time.Sleep(2 * time.Second)
		for i := range 3 {
			if !passes() {
				t.Fatalf("lets only %d trials through", i)
			}
		}
		if passes() {
			t.Fatal("lets a fourth trial through")
		}
		b.succeeded()
		b.failed()
		b.succeeded() // 2 of 3
		fail(4)       // closed: counts from the start
		if !passes() {
			t.Fatal("did not close after 2 successes")
		}
		b.failed()
		time.Sleep(30 * time.Second)
		for range 2 {
			if !passes() {
				t.Fatal("no trials after 30 s")
			}
		}
		b.failed()
		b.failed() // 2 of 3 failed: open again
		if passes() {
			t.Fatal("is not open again after the trials failed")
		}
		// A trial that its caller abandoned does not block the next ones for ever.
		time.Sleep(30 * time.Second)
		for range 3 {
			if !passes() {
				t.Fatal("no trial")
			}
		}
		b.abandoned()
		b.abandoned()
		b.abandoned()
		time.Sleep(31 * time.Second)
		if !passes() {
			t.Fatal("stuck after abandoned trials")
		}
	})
}

// One failure in twenty at full speed is no outage: nobody waits half a minute.
func TestScatteredFailuresKeepTheBreakerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
			time.Sleep(time.Millisecond)
			if n%20 == 0 {
				reply(w, 500, "")
				return
			}
			w.WriteHeader(201)
		}
		c := f.client()
		begin := time.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if d := time.Since(begin); d > 25*time.Second {
			t.Errorf("took %s", d)
		}
	})
}

func TestRetriesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				reply(w, 504, `{"detail":"student 604822"}`)
				return
			}
			w.WriteHeader(201)
		}
		var l logs
		config := f.config()
		config.Logger = l.logger()
		if _, err := mustNew(t, config).Post(t.Context(), "students", []byte(`{"studentUniqueId":"604822"}`)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"resource":"ed-fi/students"`, `"status":504`, `"attempt":1`, `"request_id":"` + f.corr[0] + `-1"`, `"delay":"1`} {
			if !strings.Contains(l.String(), want) {
				t.Errorf("no %s in %s", want, l.String())
			}
		}
		if strings.Contains(l.String(), "604822") {
			t.Error("a record's data is in the log")
		}
	})
}
