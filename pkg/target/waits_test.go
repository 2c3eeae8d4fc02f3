package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heard collects the waits that a client tells of.
type heard struct {
	mu    sync.Mutex
	begin time.Time
	waits []Wait
	at    []time.Duration
}

func (h *heard) on(w Wait) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits, h.at = append(h.waits, w), append(h.at, time.Since(h.begin))
}

// A target that asks for more patience than there is ends the call at once.
func TestRetryAfterThatIsTooLong(t *testing.T) {
	for _, tt := range []struct {
		status int
		asked  string
		says   string
	}{
		{429, "999999999", "wait 11574 days"}, {503, "3600", "wait 1h0m0s"}, {429, "301", "waits no more than 5m0s"}, {504, "1e300", "wait forever"}, {504, "99999999999999999999", "wait forever"},
	} {
		t.Run(fmt.Sprint(tt.status, tt.asked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
					w.Header().Set("Retry-After", tt.asked)
					reply(w, tt.status, `{"message":"slow down"}`)
				}
				begin := time.Now()
				_, err := f.client().Post(t.Context(), "students", []byte(`{}`))
				failure := mustFail(t, err, TooMany)
				if time.Since(begin) != 0 || failure.Attempts != 1 || !strings.Contains(failure.Summary(), tt.says) || failure.Fix == "" || !failure.Retryable {
					t.Errorf("after %s: %v", time.Since(begin), err)
				}
			})
		})
	}
}

// Eight workers wait for one pause: it is told once, when it begins.
func TestPauseIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		begin := time.Now()
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
			if time.Since(begin) < 40*time.Second {
				w.Header().Set("Retry-After", "40")
				reply(w, 429, `{"message":"a secret of the target"}`)
				return
			}
			w.WriteHeader(201)
		}
		var l logs
		h := heard{begin: begin}
		config := f.config()
		config.Logger, config.OnWait = l.logger(), h.on
		c := mustNew(t, config)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if _, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if len(h.waits) != 1 || h.at[0] != 0 || h.waits[0].For < 40*time.Second || h.waits[0].For > 44*time.Second || h.waits[0].Host != "ods.test" {
			t.Errorf("%+v at %v", h.waits, h.at)
		}
		if why := h.waits[0].Why; why != "POST ed-fi/students: 429 Too Many Requests" && why != "it asked for a pause" {
			t.Error(why)
		}
		if strings.Contains(l.String(), `"WARN"`) || !strings.Contains(l.String(), `"waiting"`) {
			t.Error(l.String())
		}
	})
}

// While a target is down something is heard every half minute; without a hook the log warns.
func TestOutageIsTold(t *testing.T) {
	for _, hooked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			h := heard{begin: time.Now()}
			outage(f, h.begin.Add(24*time.Hour))
			var l logs
			config := f.config()
			config.Logger = l.logger()
			if hooked {
				config.OnWait = h.on
			}
			c := mustNew(t, config)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for {
						if _, err := c.Post(t.Context(), "students", []byte(`{}`)); errors.Is(err, ErrOutage) {
							return
						}
					}
				})
			}
			wg.Wait()
			if warns := strings.Count(l.String(), `"WARN"`); hooked == (warns > 0) {
				t.Errorf("hooked %t: %s", hooked, l.String())
			}
			if !hooked {
				return
			}
			if n := len(h.waits); n < 9 || n > 20 {
				t.Errorf("%d waits in five minutes: %+v", n, h.waits)
			}
			last := time.Duration(0)
			for i, at := range h.at {
				if at-last > 35*time.Second {
					t.Errorf("nothing was heard from %s to %s", last, at)
				}
				last = at
				if why := h.waits[i].Why; !strings.HasPrefix(why, "it is down; given up after 5m0s") && !strings.HasPrefix(why, "it has been down for ") && why != "POST ed-fi/students: 503 Service Unavailable" {
					t.Error(why)
				}
			}
		})
	}
}

// drip is a body of which nothing comes before the caller gives up.
type drip struct{ done <-chan struct{} }

func (d drip) Read([]byte) (int, error) { <-d.done; return 0, io.ErrUnexpectedEOF }
func (d drip) Close() error             { return nil }

// What is asked before any work is done is given up soon; what comes later has its time.
func TestPatience(t *testing.T) {
	for name, tt := range map[string]struct {
		drips  string // the path whose answer never ends
		after  int    // so many answers
		call   func(ctx context.Context, c *Client) error
		within time.Duration
		first  time.Duration // when something is heard
	}{
		"root document": {"/", 0, func(ctx context.Context, c *Client) error { _, err := c.Discover(ctx); return err }, 65 * time.Second, 20 * time.Second},
		"token":         {"/oauth/token", 0, func(ctx context.Context, c *Client) error { _, err := c.Count(ctx, "x", nil); return err }, 160 * time.Second, 20 * time.Second},
		"first count":   {"/data/v3/ed-fi/x", 0, func(ctx context.Context, c *Client) error { _, err := c.Count(ctx, "x", nil); return err }, 160 * time.Second, 20 * time.Second},
		"later count":   {"/data/v3/ed-fi/x", 1, func(ctx context.Context, c *Client) error { _, err := c.Count(ctx, "x", nil); return err }, 600 * time.Second, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
					w.Header().Set("Total-Count", "3")
					reply(w, 200, `[]`)
				}
				config := f.config()
				answers := 0
				config.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == tt.drips {
						if answers++; answers > tt.after {
							return &http.Response{StatusCode: 200, Header: http.Header{}, Body: drip{r.Context().Done()}, ContentLength: -1, Request: r}, nil
						}
					}
					return memory{f}.RoundTrip(r)
				})
				h := heard{begin: time.Now()}
				config.OnWait = h.on
				c := mustNew(t, config)
				for range tt.after {
					if err := tt.call(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				mustFail(t, tt.call(t.Context(), c), Transport)
				if d := time.Since(h.begin); d > tt.within {
					t.Errorf("took %s", d)
				}
				if len(h.at) == 0 || h.at[0] != tt.first {
					t.Errorf("heard %+v at %v", h.waits, h.at)
				}
			})
		})
	}
}
