package target

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Whatever is not the answer of an Ed-Fi API to a record leaves open whether the target has it.
func TestNoAcceptance(t *testing.T) {
	const good = "https://ods.test/data/v3/ed-fi/students/00ff"
	for name, tt := range map[string]struct {
		status         int
		kind, location string // of the content
		body           string
	}{
		"a page":                      {200, "text/html", good, "<html>Please log in</html>"},
		"a page after blanks":         {200, "", "", "\n  <html>Please log in</html>"},
		"a page with byte order mark": {200, "", "", "\ufeff<!DOCTYPE html><html>"},
		"a page by its type":          {200, "Text/HTML; charset=utf-8", good, "/* */ <script>location='/log-in'</script>"},
		"text":                        {200, "text/plain", "", "Please log in"},
		"an error as JSON":            {200, "application/json", "", `{"error":"session expired"}`},
		"problem details":             {200, "application/problem+json", good, `{"type":"urn:ed-fi:api:bad-request","status":400,"detail":"600007"}`},
		"nothing":                     {200, "", "", ""},
		"nothing, created":            {201, "", "", ""},
		"taken for later":             {202, "", good, ""},
		"no content":                  {204, "", good, ""},
		"partial":                     {206, "", good, ""},
		"of another resource":         {201, "", "https://ods.test/data/v3/ed-fi/schools/00ff", ""},
		"a log-in address":            {200, "", "/log-in?next=/data/v3/ed-fi/students/00ff", ""},
		"without an id":               {201, "", "https://ods.test/data/v3/ed-fi/students/", ""},
		"of the collection":           {201, "", "https://ods.test/data/v3/ed-fi/students", ""},
		"an id without an end":        {201, "", "https://ods.test/data/v3/ed-fi/students/" + strings.Repeat("f", 101), ""},
		"an id of other characters":   {201, "", "https://ods.test/data/v3/ed-fi/students/a b", ""},
		"the id of another":           {201, "application/json", "https://ods.test/data/v3/ed-fi/schools/1", `{"id":"00ff"}`},
		"an id that is not a text":    {200, "application/json", "", `{"id":7}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header()["Content-Type"] = nil
				w.Header().Del("Location")
				if tt.kind != "" {
					w.Header().Set("Content-Type", tt.kind)
				}
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}
			_, err := f.client().Post(t.Context(), "students", []byte(`{}`))
			failure := mustFail(t, err, Odd)
			if failure.Retryable || failure.Status != tt.status || failure.Detail == "" || failure.Fix == "" || strings.Contains(err.Error(), "600007") {
				t.Errorf("%+v", failure)
			}
		})
	}
}

// A collection that is not there says nothing about the record that was sent to it.
func TestNoSuchCollection(t *testing.T) {
	for _, body := range []string{"", `{"type":"urn:ed-fi:api:not-found","title":"Not Found","status":404}`, "<html>404</html>"} {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, body) }
		_, err := f.client().Post(t.Context(), "students", []byte(`{}`))
		if failure := mustFail(t, err, Odd); failure.Status != 404 || failure.Fix == "" {
			t.Error(err)
		}
	}
}

func TestAcceptance(t *testing.T) {
	for name, tt := range map[string]struct {
		location, body, id string
	}{
		"as the API says":      {"https://ods.test/data/v3/ed-fi/students/00ff", "", "00ff"},
		"another prefix":       {"http://10.0.0.7:8080/x/2026/data/ed-fi/Students/9c6f5a1e-0000-4000-8000-000000000000", "", "9c6f5a1e-0000-4000-8000-000000000000"},
		"relative, with query": {"/ed-fi/students/17?x=/a/b", "", "17"},
		"the id in its place":  {"", `{"id":"00ff"}`, "00ff"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
				w.Header().Set("Location", tt.location)
				if tt.location == "" {
					w.Header().Del("Location")
				}
				reply(w, []int{201, 200}[n-1], tt.body)
			}
			c := f.client()
			for _, status := range []int{201, 200} {
				if r, err := c.Post(t.Context(), "students", []byte(`{}`)); err != nil || r.ID != tt.id || r.Status != status {
					t.Errorf("%+v, %v", r, err)
				}
			}
		})
	}
}

// A question is answered with 200 and JSON, or not at all.
func TestNoAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		kind, body string
	}{
		"a page by its type": {200, "text/html", `[]`},
		"a problem":          {200, "application/problem+json", `{"status":400}`},
		"created":            {201, "application/json", `[]`},
		"no content":         {204, "", ""},
		"nothing":            {200, "", ""},
		"an error":           {200, "application/json", `{"error":"session expired"}`},
		"text":               {200, "application/json", `Please log in`},
		"another record":     {200, "application/json", `{"id":"0000"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.data = func(w http.ResponseWriter, _ *http.Request, _ int) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}
			c := f.client()
			_, record := c.GetByID(t.Context(), "students", "00-FF")
			_, count := c.Count(t.Context(), "students", nil)
			for _, err := range []error{record, count, c.Enter(t.Context())} {
				mustFail(t, err, Odd)
			}
		})
	}
	f := newFake(t)
	f.data = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			reply(w, 200, `{"id":"00ff","studentUniqueId":"1"}`)
			return
		}
		reply(w, 403, "")
	}
	c := f.client()
	if _, err := c.GetByID(t.Context(), "students", "00-FF"); err != nil {
		t.Error(err)
	}
	if err := c.Enter(t.Context()); err != nil {
		t.Error("being told that it may not is being let in", err)
	}
}

// Something in between answers a call twice: the second answer waits on the connection for the next call,
// whose record the target never saw.
func TestAnswersOneCallBehind(t *testing.T) {
	f := newFake(t)
	s := serve(t, f, nil)
	stored := map[string]bool{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			doubling(t, conn, stored)
		}
	}()
	config := settings(s.URL)
	config.DataURL = "http://" + listener.Addr().String() + "/data/v3"
	c := mustNew(t, config)
	for i := range 20 {
		record := fmt.Sprintf(`{"k":%d}`, i)
		r, err := c.Post(t.Context(), "students", []byte(record))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%x", record); !stored[record] || r.ID != want {
			t.Errorf("%s passes for accepted as %s; the target has it: %t", record, r.ID, stored[record])
		}
	}
	c.Close()
	_ = listener.Close()
	<-done
}

// doubling stores what comes on a connection; the answer to its third record comes twice, and the second
// time only when the next record is under way.
func doubling(t *testing.T, conn net.Conn, stored map[string]bool) {
	in := bufio.NewReader(conn)
	late := ""
	for n := 1; ; n++ {
		request, err := http.ReadRequest(in)
		if err != nil {
			_ = conn.Close()
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		answer := fmt.Sprintf("HTTP/1.1 201 Created\r\nLocation: %s/%x\r\nContent-Length: 0\r\n\r\n", request.URL, body)
		if late != "" {
			_, _ = io.WriteString(conn, late) // and this record is lost
			late = ""
			continue
		}
		stored[string(body)] = true
		if n%3 == 0 {
			late = answer
		}
		_, _ = io.WriteString(conn, answer)
	}
}

// A record is known by its id, whether it is written with dashes or without, as the generations do.
func TestIDsOfGenerations(t *testing.T) {
	const plain, dashed = "9c6f5a1e0000400080000000000000aa", "9C6F5A1E-0000-4000-8000-0000000000AA"
	for asked, answered := range map[string]string{plain: dashed, dashed: plain} {
		f := newFake(t)
		f.data = func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, `{"id":"`+answered+`"}`) }
		if _, err := f.client().GetByID(t.Context(), "students", asked); err != nil {
			t.Error(err)
		}
	}
}
