package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPost(t *testing.T) {
	f := newFake(t)
	f.still = true
	f.data = func(w http.ResponseWriter, r *http.Request, n int) {
		if r.Header.Get("Content-Type") != "application/json" || r.ContentLength != 7 {
			t.Error(r.Header, r.ContentLength)
		}
		w.Header().Set("Location", "https://ods.test/data/v3/ed-fi/students/00ff")
		w.WriteHeader([]int{201, 200}[n-1])
	}
	c := f.client()
	for _, status := range []int{201, 200} {
		r, err := c.Post(t.Context(), "students", []byte(`{"a":1}`))
		if err != nil || r.Status != status || r.ID != "00ff" || r.Attempts != 1 || r.CorrelationID != f.corr[len(f.corr)-1] {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if f.log[0] != "POST /data/v3/ed-fi/students" {
		t.Error(f.log)
	}
	if f.calls != 2 || f.tokens != 1 || f.corr[0] == f.corr[1] {
		t.Errorf("%d calls, %d tokens, correlation ids %v", f.calls, f.tokens, f.corr)
	}
}

func TestResourcePaths(t *testing.T) {
	f := newFake(t)
	f.still = true
	c := f.client()
	for _, resource := range []string{"students", "ed-fi/students", "/tpdm/candidates/"} {
		if _, err := c.Post(t.Context(), resource, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"POST /data/v3/ed-fi/students", "POST /data/v3/ed-fi/students", "POST /data/v3/tpdm/candidates"}
	if !slices.Equal(f.log, want) {
		t.Error(f.log)
	}
}

// A log-in page with status 200 is not a record that was stored.
func TestPageInPlaceOfAnAnswer(t *testing.T) {
	f := newFake(t)
	f.still = true
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("\n<html><title>Guest network: please log in</title></html>"))
	}
	_, err := f.client().Post(t.Context(), "students", []byte(`{}`))
	if failure := mustFail(t, err, Odd); !strings.Contains(err.Error(), "please log in") || failure.Retryable {
		t.Error(err)
	}
}

// collection serves n records by offset and limit, and counts them if asked.
func collection(t *testing.T, n int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		q := r.URL.Query()
		limit, err := strconv.Atoi(q.Get("limit"))
		if err != nil || limit < 0 || limit > 500 {
			t.Errorf("limit %q", q.Get("limit"))
		}
		offset, _ := strconv.Atoi(q.Get("offset"))
		if q.Get("totalCount") == "true" {
			w.Header().Set("total-count", strconv.Itoa(n))
		}
		items := []string{}
		for i := offset; i < min(offset+limit, n); i++ {
			items = append(items, fmt.Sprintf(`{"n":%d}`, i))
		}
		reply(w, 200, "["+strings.Join(items, ",")+"]")
	}
}

func TestPages(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 30, 95} {
		for _, workers := range []int{0, 3, 100} {
			t.Run(fmt.Sprintf("%d by %d", n, workers), func(t *testing.T) {
				f := newFake(t)
				f.still = true
				f.data = collection(t, n)
				c := f.client()
				var got []int
				var inside sync.Mutex
				yield := func(items []json.RawMessage) error {
					if !inside.TryLock() {
						t.Error("two pages at once")
					}
					defer inside.Unlock()
					if len(items) == 0 {
						t.Error("an empty page")
					}
					for _, item := range items {
						var r struct{ N int }
						if err := json.Unmarshal(item, &r); err != nil {
							t.Error(err)
						}
						got = append(got, r.N)
					}
					return nil
				}
				var err error
				if workers == 0 {
					err = c.eachPage(t.Context(), reading{resource: "students", size: 10, workers: 1}, yield)
					if !slices.IsSorted(got) {
						t.Error("out of order")
					}
				} else {
					err = c.eachPage(t.Context(), reading{resource: "students", size: 10, workers: workers}, yield)
				}
				slices.Sort(got)
				if err != nil || len(got) != n || len(slices.Compact(got)) != n {
					t.Errorf("%d of %d records, %v", len(got), n, err)
				}
				if want := n/10 + 1; workers == 0 && f.calls != want && f.calls != want+1 { // of more than a page, the records are counted after it
					t.Errorf("%d requests for %d pages: %v", f.calls, want, f.log)
				}
			})
		}
	}
}

// The peer asks again and again, without a pause, when a page is refused.
func TestPageThatIsRefused(t *testing.T) {
	f := newFake(t)
	f.still = true
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 400, `{"detail":"Limit must be a value between 0 and 100.","type":"urn:ed-fi:api:bad-request:parameter-validation-failed"}`)
	}
	err := f.client().EachPage(t.Context(), "students", 1, func([]json.RawMessage) error { return nil })
	failure := mustFail(t, err, Validation)
	if f.calls != 3 || !strings.Contains(failure.Text(), "between 0 and 100") || !strings.Contains(f.log[0], "limit=500") {
		t.Error(f.log, failure)
	}
}

func TestPagesOfOddTargets(t *testing.T) {
	read := func(f *fake) (int, error) {
		n := 0
		return n, f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 1}, func(items []json.RawMessage) error { n += len(items); return nil })
	}
	t.Run("no Total-Count", func(t *testing.T) {
		f, seen := newFake(t), 0
		f.still = true
		serve := collection(t, 25)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			q := r.URL.Query()
			q.Del("totalCount")
			r.URL.RawQuery = q.Encode()
			serve(w, r, n)
		}
		err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 4}, func(items []json.RawMessage) error { seen += len(items); return nil })
		if seen != 25 || err != nil {
			t.Error(seen, err)
		}
	})
	t.Run("smaller pages than asked for", func(t *testing.T) {
		for _, workers := range []int{0, 4} {
			f, seen := newFake(t), 0
			f.still = true
			serve := collection(t, 25)
			f.data = func(w http.ResponseWriter, r *http.Request, n int) {
				q := r.URL.Query()
				q.Set("limit", "4")
				r.URL.RawQuery = q.Encode()
				serve(w, r, n)
			}
			count := func(items []json.RawMessage) error { seen += len(items); return nil }
			err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 1}, count)
			if workers > 0 {
				seen = 0
				err = f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: workers}, count)
			}
			if seen != 25 || err != nil {
				t.Error(seen, err)
			}
		}
	})
	t.Run("the same page for ever", func(t *testing.T) {
		f := newFake(t)
		f.still = true
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
			reply(w, 200, `[`+strings.TrimSuffix(strings.Repeat(`{"n":1},`, 10), ",")+`]`)
		}
		_, err := read(f)
		mustFail(t, err, Odd)
		if f.calls != 2 {
			t.Error(f.calls)
		}
	})
	t.Run("records slip between pages", func(t *testing.T) {
		f := newFake(t)
		f.still = true
		serve := collection(t, 28)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) { serve(claiming{w, "30"}, r, n) }
		_, err := read(f)
		if failure := mustFail(t, err, Odd); !failure.Retryable || !strings.Contains(failure.Detail, "30 records, and 28") {
			t.Error(err)
		}
	})
	t.Run("records deleted meanwhile", func(t *testing.T) {
		f := newFake(t)
		f.still = true
		before, after := collection(t, 30), collection(t, 28)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				before(w, r, n)
				return
			}
			after(w, r, n)
		}
		if _, err := read(f); err != nil {
			t.Error(err)
		}
	})
	t.Run("yield fails", func(t *testing.T) {
		full := errors.New("disk full")
		f := newFake(t)
		f.still = true
		f.data = collection(t, 100)
		for _, parallel := range []bool{false, true} {
			n := 0
			yield := func([]json.RawMessage) error {
				if n++; n == 2 {
					return full
				}
				return nil
			}
			err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 1}, yield)
			if parallel {
				n = 0
				err = f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 2}, yield)
			}
			if !errors.Is(err, full) {
				t.Error(err)
			}
		}
	})
}

// A page that fails for a moment is asked for again, and only that page.
func TestPagesSurviveTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.still = true
		serve := collection(t, 200)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			time.Sleep(10 * time.Millisecond)
			if n%7 == 0 {
				reply(w, 504, "")
				return
			}
			serve(w, r, n)
		}
		c := f.client()
		seen := 0
		err := c.eachPage(t.Context(), reading{resource: "students", size: 10, workers: 5}, func(items []json.RawMessage) error { seen += len(items); return nil })
		if err != nil || seen != 200 || f.calls <= 200/10 {
			t.Error(seen, err)
		}
	})
}

func TestCount(t *testing.T) {
	f := newFake(t)
	f.still = true
	f.data = collection(t, 1234)
	c := f.client()
	query := url.Values{"schoolYear": {"2026"}}
	if n, err := c.Count(t.Context(), "students", query); err != nil || n != 1234 {
		t.Error(n, err)
	}
	if f.log[0] != "GET /data/v3/ed-fi/students?limit=0&schoolYear=2026&totalCount=true" || len(query) != 1 {
		t.Error(f.log, query)
	}
	f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, "[]") }
	_, err := c.Count(t.Context(), "students", nil)
	mustFail(t, err, Odd)
}

func TestNewestChangeVersion(t *testing.T) {
	f := newFake(t)
	answers := []string{`{"oldestChangeVersion":3,"newestChangeVersion":1234}`, `{"OldestChangeVersion":3,"NewestChangeVersion":1234}`}
	f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n > 2 {
			reply(w, 404, "")
			return
		}
		reply(w, 200, answers[n-1])
	}
	c := f.client()
	for range 2 {
		if v, err := c.NewestChangeVersion(t.Context()); err != nil || v != 1234 {
			t.Error(v, err)
		}
	}
	if _, err := c.NewestChangeVersion(t.Context()); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
	f = newFake(t)
	f.root = rootDocumentOf(f.base)
	delete(f.root["urls"].(map[string]string), "changeQueries")
	if _, err := f.client().NewestChangeVersion(t.Context()); !errors.Is(err, ErrNotOffered) {
		t.Error(err)
	}
}
