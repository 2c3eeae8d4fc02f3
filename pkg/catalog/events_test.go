package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/target"
)

// heldResults is a target that holds results, with change versions.
type heldResults struct {
	held     map[string]heldResult // by id
	deleted  map[string]int64
	newest   int64 // 0: no change queries
	silent   bool  // does not list what was deleted
	uncount  bool  // counts nothing
	denied   bool
	deaf     bool // ignores what is asked for
	blind    bool // finds nothing
	requests atomic.Int64
	pages    int
}

type heldResult struct {
	assessment, student, date string
	version                   int64
}

func (h *heldResults) put(n int, assessment, date string) {
	h.newest++
	h.held[fmt.Sprintf("%032x", n)] = heldResult{assessment, strconv.Itoa(600000 + n), date, h.newest}
}

func (h *heldResults) remove(n int) {
	h.newest++
	id := fmt.Sprintf("%032x", n)
	delete(h.held, id)
	h.deleted[id] = h.newest
}

func (r heldResult) text(id string) json.RawMessage {
	return json.RawMessage(`{"id":"` + id + `","studentAssessmentIdentifier":"x` + r.student + `","assessmentReference":{"assessmentIdentifier":"` + r.assessment +
		`","namespace":"uri://acme.org"},"studentReference":{"studentUniqueId":"` + r.student + `"},"administrationDate":"` + r.date + `T00:00:00Z"}`)
}

func (h *heldResults) matching(query url.Values) (items []json.RawMessage) {
	since, _ := strconv.ParseInt(query.Get("minChangeVersion"), 10, 64)
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = 1 << 30
	}
	for _, id := range slices.Sorted(maps.Keys(h.held)) {
		r := h.held[id]
		mine := (!query.Has("assessmentIdentifier") || query.Get("assessmentIdentifier") == r.assessment) &&
			(!query.Has("studentUniqueId") || query.Get("studentUniqueId") == r.student && !h.blind)
		if len(items) < limit && r.version >= since && (mine || h.deaf) {
			items = append(items, r.text(id))
		}
	}
	return items
}

func (h *heldResults) ask() error {
	h.requests.Add(1)
	if h.denied {
		return &target.Failure{Kind: target.Forbidden, Status: 403}
	}
	return nil
}

func (h *heldResults) Count(_ context.Context, _ string, query url.Values) (int64, error) {
	if h.uncount {
		return 0, target.ErrNoCount
	}
	return int64(len(h.matching(query))), h.ask()
}

func (h *heldResults) Get(_ context.Context, _ string, query url.Values) (*target.Response, error) {
	body, _ := json.Marshal(h.matching(query))
	if string(body) == "null" {
		body = []byte("[]")
	}
	return &target.Response{Status: 200, Body: body}, h.ask()
}

func (h *heldResults) EachPage(context.Context, string, int, func([]json.RawMessage) error) error {
	return errors.New("not asked for")
}

func (h *heldResults) EachMatching(_ context.Context, resource string, query url.Values, _ int, yield func([]json.RawMessage) error) error {
	if err := h.ask(); err != nil {
		return err
	}
	var items []json.RawMessage
	if strings.HasSuffix(resource, "/deletes") {
		if h.silent {
			return &target.Failure{Kind: target.NotFound, Status: 404}
		}
		since, _ := strconv.ParseInt(query.Get("minChangeVersion"), 10, 64)
		for id, version := range h.deleted {
			if version >= since {
				items = append(items, json.RawMessage(`{"id":"`+id+`"}`))
			}
		}
	} else {
		items = h.matching(query)
	}
	for page := range slices.Chunk(items, target.MaxPage) {
		h.pages++
		if err := yield(page); err != nil {
			return err
		}
	}
	return nil
}

func (h *heldResults) NewestChangeVersion(context.Context) (int64, error) {
	if h.newest == 0 {
		return 0, target.ErrNotOffered
	}
	return h.newest, nil
}

func newHeldResults(n int) *heldResults {
	h := &heldResults{held: map[string]heldResult{}, deleted: map[string]int64{}}
	for i := range n {
		h.put(i, []string{"A", "B"}[i/10%2], "2026-03-04")
	}
	return h
}

// look looks up the results of A, of so many students, and says how and what it found.
func look(t *testing.T, h *heldResults, dir string, students int) (EventWay, map[string]uint32, error) {
	t.Helper()
	std, _ := standard()
	c := New(h, std)
	c.cache = openCache(dir, time.Now, slog.New(slog.DiscardHandler), "id")
	v, err := c.Events()
	if err != nil {
		t.Fatal(err)
	}
	q := &EventQuery{Assessment: AssessmentKey([]byte("A"), []byte("uri://acme.org")), Identifier: "A", Namespace: "uri://acme.org"}
	for i := range students {
		q.Students = append(q.Students, strconv.Itoa(600000+i))
	}
	h.requests.Store(0)
	h.pages = 0
	plan, err := v.Plan(t.Context(), q)
	if err != nil {
		return "", nil, err
	}
	found := map[string]uint32{}
	err = v.Each(t.Context(), q, plan, func(e *Event) error {
		if _, twice := found[e.Identifier]; twice {
			t.Errorf("%s came twice", e.Identifier)
		}
		found[e.Identifier] = e.Day
		return nil
	})
	return plan.Way, found, err
}

// What is kept is brought up to date, or not believed.
func TestKeptEvents(t *testing.T) {
	dir := t.TempDir()
	h := newHeldResults(4000)
	expect := func(what string, want EventWay, whole bool) {
		t.Helper()
		way, found, err := look(t, h, dir, 0)
		if err != nil || way != want || (h.pages > 2) != whole {
			t.Errorf("%s: %s, %d pages, %v", what, way, h.pages, err)
		}
		n := 0
		for _, r := range h.held {
			if r.assessment == "A" {
				day, _ := strconv.Atoi(strings.ReplaceAll(r.date, "-", ""))
				if n++; found["x"+r.student] != uint32(day) {
					t.Errorf("%s: %+v was found as %d", what, r, found["x"+r.student])
				}
			}
		}
		if n != len(found) {
			t.Errorf("%s: %d found, %d are there", what, len(found), n)
		}
	}
	expect("first", EventsWhole, true)
	expect("nothing changed", EventsChanged, false)
	if h.requests.Load() != 3 {
		t.Errorf("%d requests", h.requests.Load())
	}
	h.put(1, "A", "2026-05-05")
	h.put(5001, "A", "2026-05-05")
	h.put(5011, "B", "2026-05-05")
	h.remove(2)
	h.remove(13)
	expect("some changed", EventsChanged, false)
	expect("nothing since", EventsChanged, false)
	h.silent = true
	h.remove(3)
	expect("a deletion that is not told", EventsChanged, true)
	h.put(6000, "A", "2026-05-06")
	h.remove(4)
	expect("a deletion and a new one", EventsChanged, true)
	restored := newHeldResults(3000)
	h = restored
	expect("restored", EventsWhole, true)
	h.newest = 0
	expect("no change queries any more", EventsWhole, true)
	h.newest = 3000
	h.uncount = true
	expect("no count", EventsWhole, true)
	h.uncount = false
	h.blind = true
	expect("questions that find nothing", EventsWhole, true)
	h.blind = false
	expect("kept before", EventsChanged, false)
	files, _ := filepath.Glob(filepath.Join(dir, "*", EventFiles))
	if len(files) != 1 {
		t.Fatal(files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(text), "2026-0") {
		t.Errorf("%d B, %v", len(text), err)
	}
	for _, damaged := range [][]byte{nil, text[:len(text)/2], append([]byte{text[0] + 1}, text[1:]...)} {
		if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		expect("a damaged file", EventsWhole, true)
	}
}

// The cheaper way, and what a target that cannot be asked leads to.
func TestEventWays(t *testing.T) {
	h := newHeldResults(4000) // 2,000 of A: 5 pages
	for _, test := range []struct {
		name     string
		students int
		change   func()
		want     EventWay
		most     int
	}{
		{"few students", 3, func() {}, EventsByStudent, 5},
		{"some students", 20, func() {}, EventsByStudent, 23},
		{"many students", 30, func() {}, EventsWhole, 4},
		{"deaf", 3, func() { h.deaf = true }, EventsWhole, 4},
		{"nothing of it", 30, func() { h = newHeldResults(0); h.put(1, "B", "2026-01-01") }, EventsNone, 3},
		{"nothing", 30, func() { h = newHeldResults(0) }, EventsNone, 1},
	} {
		test.change()
		way, _, err := look(t, h, "", test.students)
		if err != nil || way != test.want || h.requests.Load() > int64(test.most) {
			t.Errorf("%s: %s, %d requests, %v", test.name, way, h.requests.Load(), err)
		}
	}
	h.put(1, "A", "2026-01-01")
	h.denied = true
	if _, _, err := look(t, h, "", 3); !errors.Is(err, ErrDenied) {
		t.Errorf("%v", err)
	}
}

// A million results at the target fit into a file, and take no memory to read.
func TestManyKeptEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 80 MB")
	}
	path := filepath.Join(t.TempDir(), "events")
	w, err := createEvents(path, 7)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1_000_000
	for i := range n {
		e := Event{ID: uint64(i), Student: StudentKey([]byte(strconv.Itoa(i))), Day: 20260304, Identifier: fmt.Sprintf("7117%08d", i)}
		e.Key = e.Student
		if err := w.add(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 90*n {
		t.Errorf("%v, %v", info.Size(), err)
	}
	f, err := openEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	read := 0
	if err := f.each(func(*Event) error { read++; return nil }); err != nil || read != n {
		t.Errorf("%d, %v", read, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 5<<20 {
		t.Errorf("%d B more", grown)
	}
}
