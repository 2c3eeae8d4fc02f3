package target

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lively is a collection that others write to between the pages that are read.
type lively struct {
	mu      sync.Mutex
	rows    []livelyRow // in the order in which they were inserted
	gone    []livelyRow
	version int64
	next    int
	frozen  *lively // a snapshot; nil: there is none
	taken   func() bool
	offers  string // "changes deletes snapshots", as far as it offers them
	listed  bool   // snapshots are listed, as until 6
	calls   []string
}

type livelyRow struct {
	id      string
	version int64
}

func newLively(n int, offers string) *lively {
	l := &lively{offers: offers}
	for range n {
		l.insert()
	}
	return l
}

func (l *lively) insert() {
	l.version++
	l.rows = append(l.rows, livelyRow{fmt.Sprintf("%032x", l.next), l.version})
	l.next++
}

func (l *lively) delete(at int) {
	l.version++
	l.gone = append(l.gone, livelyRow{l.rows[at].id, l.version})
	l.rows = slices.Delete(l.rows, at, at+1)
}

func (l *lively) freeze() {
	l.frozen = &lively{rows: slices.Clone(l.rows), version: l.version, offers: "changes"}
}

func (l *lively) has(what string) bool { return strings.Contains(l.offers, what) }

// serve answers; meanwhile is called after each page but those of deletes.
func (l *lively) serve(meanwhile func(l *lively)) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		q := r.URL.Query()
		from := l
		if r.Header.Get("Use-Snapshot") == "true" && !l.listed || r.Header.Get("Snapshot-Identifier") == "s2" {
			if l.frozen == nil || l.taken != nil && l.taken() {
				reply(w, 404, `{"type":"urn:ed-fi:api:not-found","detail":"Snapshot not found."}`)
				return
			}
			from = l.frozen
		}
		l.calls = append(l.calls, r.URL.RequestURI())
		switch {
		case strings.HasSuffix(r.URL.Path, "/snapshots") && l.listed && l.has("snapshots"):
			reply(w, 200, `[{"snapshotIdentifier":"s1","snapshotDateTime":"2026-01-01T00:00:00Z"},{"snapshotIdentifier":"s2","snapshotDateTime":"2026-01-02T00:00:00Z"}]`)
		case strings.HasSuffix(r.URL.Path, "/availableChangeVersions") && l.has("changes"):
			reply(w, 200, fmt.Sprintf(`{"oldestChangeVersion":0,"newestChangeVersion":%d}`, from.version))
		case strings.HasSuffix(r.URL.Path, "/deletes") && l.has("deletes"):
			livelyPage(w, q.Get, from.gone)
		case strings.HasSuffix(r.URL.Path, "/students"):
			livelyPage(w, q.Get, from.rows)
			if q.Get("limit") != "0" {
				meanwhile(l)
			}
		default:
			reply(w, 404, "")
		}
	}
}

func livelyPage(w http.ResponseWriter, query func(string) string, rows []livelyRow) {
	least, _ := strconv.ParseInt(query("minChangeVersion"), 10, 64)
	rows = slices.DeleteFunc(slices.Clone(rows), func(r livelyRow) bool { return r.version < least })
	offset, _ := strconv.Atoi(query("offset"))
	limit, _ := strconv.Atoi(query("limit"))
	if query("totalCount") == "true" {
		w.Header().Set("Total-Count", strconv.Itoa(len(rows)))
	}
	rows = rows[min(offset, len(rows)):]
	var items []string
	for _, r := range rows[:min(limit, len(rows))] {
		items = append(items, `{"id":"`+r.id+`"}`)
	}
	reply(w, 200, "["+strings.Join(items, ",")+"]")
}

// Every record that was there from the beginning of a reading to its end comes, each once, whatever others insert
// and delete between its pages; and where the target has change versions, what they insert comes too.
func TestOthersWriteMeanwhile(t *testing.T) {
	churn := func(l *lively) { l.delete(0); l.insert() }         // as many as before
	shrink := func(l *lively) { l.delete(0); l.delete(0) }       // fewer
	deep := func(l *lively) { l.delete(len(l.rows) / 2) }        // in the middle
	grow := func(l *lively) { l.insert(); l.insert() }           // more
	quiet := func(*lively) {}                                    // nothing
	once := func(do func(*lively)) func(*lively) func(*lively) { // only after the n-th page
		return func(*lively) func(*lively) {
			n := 0
			return func(l *lively) {
				if n++; n == 2 {
					do(l)
				}
			}
		}
	}
	always := func(do func(*lively)) func(*lively) func(*lively) {
		return func(*lively) func(*lively) { return do }
	}
	for name, tt := range map[string]struct {
		version  string
		offers   string
		write    func(*lively) func(*lively)
		snapshot bool
		listed   bool
		inserted bool // what was inserted before the end is there too
	}{
		"nothing happens":                {"7.2", "changes deletes", always(quiet), false, false, true},
		"churn":                          {"7.2", "changes deletes", always(churn), false, false, false},
		"churn, once":                    {"7.2", "changes deletes", once(churn), false, false, true},
		"churn, no list of deletes":      {"7.2", "changes", once(churn), false, false, true},
		"fewer":                          {"7.2", "changes deletes", always(shrink), false, false, true},
		"in the middle":                  {"7.2", "changes deletes", always(deep), false, false, true},
		"more":                           {"7.2", "changes deletes", once(grow), false, false, true},
		"no change versions, fewer":      {"5.3", "", always(shrink), false, false, true},
		"no change versions, middle":     {"5.3", "", always(deep), false, false, true},
		"no change versions, more":       {"5.3", "", once(grow), false, false, true},
		"a snapshot":                     {"7.2", "changes deletes snapshots", always(churn), true, false, false},
		"a snapshot, once":               {"7.2", "changes deletes snapshots", once(churn), true, false, true},
		"a snapshot of 6":                {"6.2", "changes deletes snapshots", once(churn), true, true, true},
		"a snapshot, no list of deletes": {"7.2", "changes snapshots", once(churn), true, false, true},
	} {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprint(name, workers), func(t *testing.T) {
				l := newLively(95, tt.offers)
				if tt.snapshot {
					l.listed = tt.listed
					l.freeze()
					for range 7 { // it is older than the data
						l.delete(3)
						l.insert()
					}
				}
				before := ids(l.rows)
				f := newFake(t)
				f.root = rootDocumentOf(f.base)
				f.root["version"] = tt.version
				f.data = l.serve(tt.write(l))
				seen := map[string]int{}
				err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: workers}, func(items []json.RawMessage) error {
					for _, item := range items {
						seen[IDOf(item)]++
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				for id, n := range seen {
					if n != 1 {
						t.Errorf("%s came %d times", id, n)
					}
				}
				for id := range ids(l.rows) {
					if seen[id] == 0 && (before[id] || tt.inserted) {
						t.Errorf("%s, which is there, did not come", id)
					}
				}
				if tt.snapshot {
					for _, r := range l.gone[:7] {
						if seen[r.id] > 0 {
							t.Errorf("%s, which was gone, came", r.id)
						}
					}
				}
			})
		}
	}
}

func ids(rows []livelyRow) map[string]bool {
	all := map[string]bool{}
	for _, r := range rows {
		all[r.id] = true
	}
	return all
}

// Who keeps what records hold does not get it from a snapshot, nor who asks for what changed.
func TestNoSnapshotOfContents(t *testing.T) {
	l := newLively(1200, "changes deletes snapshots")
	l.freeze()
	l.insert()
	f := newFake(t)
	f.root = rootDocumentOf(f.base)
	f.data = l.serve(func(*lively) {})
	c := f.client()
	var frozen atomic.Bool
	serve := f.data
	f.data = func(w http.ResponseWriter, r *http.Request, n int) {
		if r.Header.Get("Use-Snapshot") != "" {
			frozen.Store(true)
		}
		serve(w, r, n)
	}
	came := 0
	count := func(items []json.RawMessage) error { came += len(items); return nil }
	if err := c.EachNow(t.Context(), "students", 2, count); err != nil || came != 1201 {
		t.Error(came, err)
	}
	if err := c.EachChanged(t.Context(), "students", 1, 2, count); err != nil || came != 2401 {
		t.Error(came, err)
	}
	if frozen.Load() {
		t.Error("a snapshot was read")
	}
}

// A snapshot that is taken away while it is read, and a target that passes over the header, are not believed.
func TestSnapshotsThatFail(t *testing.T) {
	for name, spoil := range map[string]func(l *lively){
		"there is none":  func(l *lively) { l.frozen = nil },
		"it is the live": func(l *lively) { l.frozen = l },
		"it is taken away": func(l *lively) {
			n := 0
			l.taken = func() bool { n++; return n > 4 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLively(95, "changes deletes snapshots")
			l.freeze()
			spoil(l)
			before := ids(l.rows)
			f := newFake(t)
			f.root = rootDocumentOf(f.base)
			f.data = l.serve(func(l *lively) { l.delete(0); l.insert() })
			seen := map[string]bool{}
			err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 4}, func(items []json.RawMessage) error {
				for _, item := range items {
					seen[IDOf(item)] = true
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for id := range ids(l.rows) {
				if before[id] && !seen[id] {
					t.Errorf("%s did not come", id)
				}
			}
		})
	}
}

// A collection of one page costs one request.
func TestOnePageIsOneMoment(t *testing.T) {
	l := newLively(9, "changes deletes snapshots")
	f := newFake(t)
	f.data = l.serve(func(l *lively) { l.delete(0); l.insert() })
	n := 0
	err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: 4}, func(items []json.RawMessage) error { n += len(items); return nil })
	if err != nil || n != 9 || len(l.calls) != 1 {
		t.Errorf("%d, %v: %q", n, err, l.calls)
	}
}

// However many workers are asked for, at most four pages are under way at a time, by offset and by token.
func TestReadersAreFew(t *testing.T) {
	for _, version := range []string{"7.2", "7.3"} {
		var mu sync.Mutex
		under, most := 0, 0
		f := newFake(t)
		f.still = true
		f.root = rootDocumentOf(f.base)
		f.root["version"] = version
		serve := byToken(t, 4000)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			mu.Lock()
			under++
			most = max(most, under)
			mu.Unlock()
			time.Sleep(100 * time.Microsecond)
			serve(w, r, n)
			mu.Lock()
			under--
			mu.Unlock()
		}
		config := f.config()
		config.Concurrency = 32
		n := 0
		err := mustNew(t, config).eachPage(t.Context(), reading{resource: "students", size: 10, workers: 32}, func(items []json.RawMessage) error { n += len(items); return nil })
		if err != nil || n != 4000 || most > 4 {
			t.Errorf("API %s: %d records, %d at a time, %v", version, n, most, err)
		}
	}
}
