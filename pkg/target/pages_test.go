package target

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// claiming answers with another Total-Count than the true one; "" is none.
type claiming struct {
	http.ResponseWriter
	total string
}

func (c claiming) WriteHeader(status int) {
	if c.Header().Get("Total-Count") != "" {
		c.Header().Set("Total-Count", c.total)
	}
	if c.total == "" {
		c.Header().Del("Total-Count")
	}
	c.ResponseWriter.WriteHeader(status)
}

// Whatever a target claims and however it pages: either every record comes, each once, or the reading
// fails; and it ends.
func TestPagesThatLie(t *testing.T) {
	// with changes the query of a request before it is served.
	with := func(r *http.Request, name, value string) {
		q := r.URL.Query()
		q.Set(name, value)
		r.URL.RawQuery = q.Encode()
	}
	is := func(r *http.Request, name, value string) bool { return r.URL.Query().Get(name) == value }
	tests := map[string]struct {
		n     int // records that there are; pages are of 10
		total string
		odd   func(w http.ResponseWriter, r *http.Request) bool // answers itself, or changes the request
		fails string
		calls int // at most
	}{
		"as it should be":              {n: 95, total: "95", calls: 10},
		"small, once":                  {n: 3, total: "3", calls: 1},
		"nothing, once":                {n: 0, total: "0", calls: 1},
		"small, no total":              {n: 3, calls: 2},
		"no total":                     {n: 95, calls: 11},
		"a total that is not a number": {n: 95, total: "many", calls: 11},
		"a negative total":             {n: 95, total: "-1", calls: 11},
		"too high":                     {n: 95, total: "120", fails: "counts 120 records, and 95", calls: 26},
		"much too high":                {n: 95, total: "9223372036854775807", fails: "and 95 of them came", calls: 30},
		"too high, small":              {n: 3, total: "4", fails: "counts 4 records, and 3", calls: 5},
		"too low":                      {n: 95, total: "15", calls: 11},
		"too low by pages":             {n: 95, total: "10", calls: 11},
		"much too low":                 {n: 95, total: "0", calls: 11},
		"too low, a multiple of ten":   {n: 100, total: "50", calls: 11},
		"smaller pages":                {n: 95, total: "95", odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "limit", "4"); return false }, calls: 25},
		"smaller pages, no total":      {n: 95, odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "limit", "4"); return false }, calls: 26},
		"smaller pages, total low":     {n: 95, total: "3", odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "limit", "4"); return false }, calls: 26},
		"offset is ignored":            {n: 95, total: "95", odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "offset", "0"); return false }, fails: "same page again", calls: 20},
		"offset is ignored, no total":  {n: 95, odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "offset", "0"); return false }, fails: "same page again", calls: 3},
		"small, offset ignored":        {n: 3, odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "offset", "0"); return false }, fails: "same page again", calls: 2},
		"one page in place of two others": {n: 95, total: "95", odd: func(_ http.ResponseWriter, r *http.Request) bool {
			if is(r, "offset", "50") || is(r, "offset", "60") {
				with(r, "offset", "40")
			}
			return false
		}, fails: "same page again", calls: 30},
		"a page that is short in the middle": {n: 95, total: "95", odd: func(_ http.ResponseWriter, r *http.Request) bool {
			if is(r, "offset", "50") {
				with(r, "limit", "5")
			}
			return false
		}, calls: 30},
		"limit is ignored": {n: 95, total: "95", odd: func(_ http.ResponseWriter, r *http.Request) bool { with(r, "limit", "500"); return false }, fails: "more records came", calls: 1},
		"numbers":          {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, "[1,1,1]"); return true }, fails: "not a list of records", calls: 1},
		"nulls":            {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, "[null]"); return true }, fails: "not a list of records", calls: 1},
		"lists":            {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, "[[]]"); return true }, fails: "not a list of records", calls: 1},
		"an id without end": {odd: func(w http.ResponseWriter, _ *http.Request) bool {
			reply(w, 200, `[{"id":"`+strings.Repeat("f", 101)+`"}]`)
			return true
		}, fails: "an id of 101 characters", calls: 1},
		"a list and more":    {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, "[] []"); return true }, fails: "not a list of records", calls: 1},
		"a list without end": {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, `[{"id":"1"}`); return true }, fails: "not a list of records", calls: 1},
		"null":               {odd: func(w http.ResponseWriter, _ *http.Request) bool { reply(w, 200, "null"); return true }, fails: "not a list of records", calls: 1},
		"a page breaks later": {n: 95, total: "95", odd: func(w http.ResponseWriter, r *http.Request) bool {
			if is(r, "offset", "90") {
				reply(w, 200, `[7]`)
			}
			return is(r, "offset", "90")
		}, fails: "not a list of records", calls: 10},
	}
	for name, tt := range tests {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprint(name, workers), func(t *testing.T) {
				f := newFake(t)
				f.still = true
				serve := collection(t, tt.n)
				f.data = func(w http.ResponseWriter, r *http.Request, n int) {
					if tt.odd != nil && tt.odd(w, r) {
						return
					}
					serve(claiming{w, tt.total}, r, n)
				}
				seen := map[string]int{}
				err := f.client().eachPage(t.Context(), reading{resource: "students", size: 10, workers: workers}, func(items []json.RawMessage) error {
					for _, item := range items {
						seen[string(item)]++
					}
					return nil
				})
				for item, times := range seen {
					if times != 1 {
						t.Errorf("%s came %d times", item, times)
					}
				}
				if tt.fails == "" && (err != nil || len(seen) != tt.n) || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
					t.Errorf("%d of %d records, %v", len(seen), tt.n, err)
				}
				if f.calls > tt.calls+1 { // after more than a page the records are counted again
					t.Errorf("%d requests: %q", f.calls, f.log)
				}
				if err != nil {
					mustFail(t, err, Odd)
				}
			})
		}
	}
}

// A page is cut into the records as they came, or it is none.
func TestRecords(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                                   "",
		" [ ]\r\n":                             "",
		`[{"id":"1","a":["]},{",{"b":"\\"}]}]`: `{"id":"1","a":["]},{",{"b":"\\"}]}`,
		"\n[ {\"a\":1.50} ,\t{}\n]":            `{"a":1.50}|{}`,
		`[{"a":"é\n"},{"a":"\u00e9"}]`:         `{"a":"é\n"}|{"a":"\u00e9"}`,
	} {
		items, why := records([]byte(body), 2)
		if got := string(bytes.Join(asBytes(items), []byte("|"))); got != want || why != "" {
			t.Errorf("%s is %s, %s", body, got, why)
		}
	}
	for body, want := range map[string]string{
		"": "not a list", "[": "not a list", "{}": "not a list", "[,]": "not a list", "[{},]": "not a list", "[,{}]": "not a list", "[{}{}]": "not a list",
		"[{}]x": "not a list", "[{}]\x00": "not a list", "[{}": "not a list", `[{"a":}]`: "a value is expected", `[{"a":1,}]`: "a name in quotes",
		`[{"a":"`: "a quote is never closed", "[{\"a\":\"\xe9\"}]": "not UTF-8", "[{},{},{}]": "more records came than the 2",
	} {
		if items, why := records([]byte(body), 2); !strings.Contains(why, want) || items != nil {
			t.Errorf("%q is %q, %s", body, items, why)
		}
	}
}

func asBytes(items []json.RawMessage) (texts [][]byte) {
	for _, item := range items {
		texts = append(texts, item)
	}
	return texts
}

// A target that refuses pages as large as ours is asked for smaller ones, and from then on at once.
func TestPageLimitBelowOurs(t *testing.T) {
	for _, limit := range []int{100, 60} {
		f := newFake(t)
		f.still = true
		serve := collection(t, 250)
		f.data = func(w http.ResponseWriter, r *http.Request, n int) {
			if asked, _ := strconv.Atoi(r.URL.Query().Get("limit")); asked > limit {
				reply(w, 400, `{"message":"Limit must be lower."}`)
				return
			}
			serve(w, r, n)
		}
		c := f.client()
		for range 2 {
			before, seen := f.calls, 0
			err := c.EachPage(t.Context(), "students", 4, func(items []json.RawMessage) error { seen += len(items); return nil })
			if err != nil || seen != 250 || f.calls-before > 14 || before > 0 && strings.Contains(f.log[before], "limit=500") {
				t.Errorf("%d records, %v: %q", seen, err, f.log[before:])
			}
		}
	}
}

// A page of very many items costs no more than reading it.
func TestVeryManyItems(t *testing.T) {
	for _, item := range []string{"1,", "{},"} {
		body := "[" + strings.Repeat(item, 10<<20/len(item)) + "{}]"
		f := newFake(t)
		f.still = true
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, body) }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		mustFail(t, f.client().EachPage(t.Context(), "students", 1, func([]json.RawMessage) error { return nil }), Odd)
		runtime.ReadMemStats(&after)
		if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 200 {
			t.Errorf("%q: %d MiB were made", item, made)
		}
	}
}
