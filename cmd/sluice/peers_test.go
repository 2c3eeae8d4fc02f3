package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// peer is what another loader needs of a sandbox: its address and a token.
type peer struct{ url, token string }

func newPeer(ts *testscript.TestScript, at string) peer {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"sandbox"}, "client_secret": {"sandbox-secret"}}
	var granted struct {
		Token string `json:"access_token"`
	}
	p := peer{url: at}
	_, body, _ := p.do(ts, "POST", "/oauth/token", "application/x-www-form-urlencoded", []byte(form.Encode()))
	ts.Check(json.Unmarshal(body, &granted))
	p.token = granted.Token
	return p
}

func (p peer) do(ts *testscript.TestScript, method, path, media string, body []byte) (int, []byte, http.Header) {
	r, err := http.NewRequest(method, p.url+path, bytes.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", media)
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	return answer.StatusCode, text, answer.Header
}

// post URL FOLDER loads the records of a folder into a sandbox as Lightbeam does: resource by resource in
// the API's load order, each line as it stands. All must be new to it.
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: post URL FOLDER")
	}
	p := newPeer(ts, args[0])
	var order []struct {
		Resource   string
		Order      int
		Operations []string
	}
	_, body, _ := p.do(ts, "GET", "/metadata/data/v3/dependencies", "application/json", nil)
	ts.Check(json.Unmarshal(body, &order))
	sort.SliceStable(order, func(i, j int) bool { return order[i].Order < order[j].Order })
	posted := 0
	for _, next := range order {
		file := filepath.Join(args[1], filepath.Base(next.Resource)+".jsonl")
		if _, err := os.Stat(file); err != nil || !slices.Contains(next.Operations, "Create") {
			continue
		}
		for line := range strings.Lines(ts.ReadFile(file)) {
			if status, answer, _ := p.do(ts, "POST", "/data/v3"+next.Resource, "application/json", []byte(line)); status != http.StatusCreated {
				ts.Fatalf("%s: %d %s", next.Resource, status, answer)
			}
			posted++
		}
	}
	fmt.Fprintf(ts.Stdout(), "posted %d\n", posted)
}

// holds URL RESOURCE N checks how many records of a resource a sandbox holds.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: holds URL RESOURCE N")
	}
	_, _, header := newPeer(ts, args[0]).do(ts, "GET", "/data/v3/ed-fi/"+args[1]+"?limit=0&totalCount=true", "application/json", nil)
	if got := header.Get("Total-Count"); got != args[2] {
		ts.Fatalf("%s holds %s %s, want %s", args[0], got, args[1], args[2])
	}
}
