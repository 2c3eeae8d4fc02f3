package target

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// byToken serves a collection of n records by offset, in partitions and by token.
func byToken(t *testing.T, n int) func(http.ResponseWriter, *http.Request, int) {
	byOffset := collection(t, n)
	return func(w http.ResponseWriter, r *http.Request, call int) {
		q := r.URL.Query()
		if strings.HasSuffix(r.URL.Path, "/partitions") {
			number, _ := strconv.Atoi(q.Get("number"))
			var tokens []string
			for i := range number {
				tokens = append(tokens, fmt.Sprintf("%d-%d", n*i/number, n*(i+1)/number))
			}
			text, _ := json.Marshal(map[string]any{"pageTokens": tokens})
			reply(w, 200, string(text))
			return
		}
		if !q.Has("pageToken") {
			byOffset(w, r, call)
			return
		}
		if q.Has("offset") || q.Has("limit") || q.Has("totalCount") {
			t.Errorf("a token beside an offset: %s", r.URL.RawQuery)
		}
		var from, to int
		size, _ := strconv.Atoi(q.Get("pageSize"))
		if _, err := fmt.Sscanf(q.Get("pageToken"), "%d-%d", &from, &to); err != nil || size < 1 {
			t.Errorf("%s", r.URL.RawQuery)
		}
		items := []string{}
		for i := from; i < min(from+size, to); i++ {
			items = append(items, fmt.Sprintf(`{"n":%d}`, i))
		}
		if len(items) > 0 {
			w.Header().Set("Next-Page-Token", fmt.Sprintf("%d-%d", from+len(items), to))
		}
		reply(w, 200, "["+strings.Join(items, ",")+"]")
	}
}

// A large collection of a target that offers it is read by token; whatever comes of that, every record comes
// once, or the reading fails.
func TestCursor(t *testing.T) {
	partitions := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/partitions") }
	token := func(r *http.Request) bool { return r.URL.Query().Has("pageToken") }
	tests := map[string]struct {
		version string
		n       int
		odd     func(w http.ResponseWriter, r *http.Request) bool
		fails   string
		asks    string // for what: partitions, tokens, offsets, those that must and no others
	}{
		"by token":      {version: "7.3", n: 205, asks: "partitions tokens"},
		"of the DMS":    {version: "8.0.1", n: 200, asks: "partitions tokens"},
		"small":         {version: "7.3", n: 195, asks: "offsets"},
		"older":         {version: "7.2", n: 205, asks: "offsets"},
		"much older":    {version: "5.3", n: 205, asks: "offsets"},
		"no partitions": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool { return partitions(r) && refuse(w, 404) }, asks: "partitions offsets"},
		"not allowed":   {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool { return partitions(r) && refuse(w, 405) }, asks: "partitions offsets"},
		"an id in its place": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool { return partitions(r) && refuse(w, 400) },
			asks: "partitions offsets"},
		"something else": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool {
			if partitions(r) {
				reply(w, 200, "[]")
			}
			return partitions(r)
		}, asks: "partitions offsets"},
		"a part ends early": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool {
			if token(r) && strings.HasPrefix(r.URL.Query().Get("pageToken"), "10-") {
				reply(w, 200, "[]")
				return true
			}
			return false
		}, asks: "partitions tokens offsets"},
		"the token is ignored": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool {
			if token(r) {
				w.Header().Set("Next-Page-Token", "again")
				reply(w, 200, `[{"n":0}]`)
			}
			return token(r)
		}, fails: "same page again", asks: "partitions tokens"},
		"numbers": {version: "7.3", n: 205, odd: func(w http.ResponseWriter, r *http.Request) bool {
			if token(r) {
				reply(w, 200, `[7]`)
			}
			return token(r)
		}, fails: "not a list of records", asks: "partitions tokens"},
	}
	for name, tt := range tests {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprint(name, workers), func(t *testing.T) {
				f := newFake(t)
				f.still = true
				f.root = rootDocumentOf(f.base)
				f.root["version"] = tt.version
				serve := byToken(t, tt.n)
				f.data = func(w http.ResponseWriter, r *http.Request, n int) {
					if tt.odd == nil || !tt.odd(w, r) {
						serve(w, r, n)
					}
				}
				seen := map[string]int{}
				c := f.client()
				read := func() error {
					return c.eachPage(t.Context(), reading{resource: "students", size: 10, workers: workers}, func(items []json.RawMessage) error {
						for _, item := range items {
							seen[string(item)]++
						}
						return nil
					})
				}
				err := read()
				for item, times := range seen {
					if times != 1 {
						t.Errorf("%s came %d times", item, times)
					}
				}
				if tt.fails == "" && (err != nil || len(seen) != tt.n) || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
					t.Errorf("%d of %d records, %v", len(seen), tt.n, err)
				}
				if got := asked(f.log); got != tt.asks {
					t.Errorf("asked for %s, want %s", got, tt.asks)
				}
				if tt.asks == "partitions offsets" { // it is not asked again
					f.log = nil
					if err := read(); err != nil || asked(f.log) != "offsets" {
						t.Errorf("the second time: %s, %v", asked(f.log), err)
					}
				}
			})
		}
	}
}

func refuse(w http.ResponseWriter, status int) bool {
	reply(w, status, `{"detail":"no"}`)
	return true
}

// asked says in which ways a collection was read after its first page.
func asked(log []string) string {
	var ways []string
	for _, line := range log {
		way := "offsets"
		switch {
		case strings.Contains(line, "/partitions"):
			way = "partitions"
		case strings.Contains(line, "pageToken"):
			way = "tokens"
		case strings.Contains(line, "offset=0&"):
			continue
		}
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return strings.Join(ways, " ")
}
