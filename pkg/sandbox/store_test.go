package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

func TestStoreSurvives(t *testing.T) {
	o := options(t)
	o.Dir = filepath.Join(t.TempDir(), "state", "sandbox")
	a := startWithAssessment(t, o)
	id := a.server.ID()
	loc := path(a.post("studentAssessments", studentAssessment("1", "604822")))
	gone := a.post("studentAssessments", studentAssessment("2", "604822"))
	a.call(http.MethodDelete, gone, "")
	a.post("students", "{\n\"studentUniqueId\":\"600001\",\n\"firstName\":\"New\",\"lastSurname\":\"Name\",\"birthDate\":\"2010-01-01\"}\n")
	first := path(a.get("students?limit=1").items(t)[0]["id"].(string))
	a.call(http.MethodDelete, "students/"+first, "")
	school := a.get("schools?schoolId=255901300").items(t)[0]["id"].(string)
	pages := func(a *api) string {
		out := ""
		for _, q := range []string{"studentAssessments?totalCount=true", "assessments", "assessmentReportingMethodDescriptors?namespace=uri://acme.org/AssessmentReportingMethodDescriptor", "students?limit=3&totalCount=true"} {
			r := a.get(q)
			out += r.header.Get("Total-Count") + compact(t, r.body) + "\n"
		}
		return out
	}
	before := pages(a)
	a.stop()

	b := start(t, o)
	if b.server.ID() != id {
		t.Error("another id")
	}
	if after := pages(b); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if r := b.get("studentAssessments/" + loc); r.status != http.StatusOK {
		t.Error(r.status)
	}
	if r := b.get("schools/" + school); r.status != http.StatusOK {
		t.Error("the id of a school changed")
	}
	parent := b.get("assessments").items(t)[0]["id"].(string)
	b.call(http.MethodDelete, "assessments/"+parent, "").wants(t, 409, "data-conflict:dependent-item-exists")
	if again := b.post("studentAssessments", strings.Replace(studentAssessment("1", "604822"), "512", "513", 1)); path(again) != loc {
		t.Error("another id after reopening")
	}
	if fresh := b.post("studentAssessments", studentAssessment("3", "604822")); path(fresh) == path(gone) {
		t.Error("the id of a deleted record is given again")
	}
	b.stop()

	o.Reset = true
	c := start(t, o)
	if c.server.ID() == id {
		t.Error("a reset keeps the id")
	}
	if r := c.get("studentAssessments?totalCount=true"); r.header.Get("Total-Count") != "0" {
		t.Error(r.header.Get("Total-Count"))
	}
}

// path is the last part of a URL.
func path(u string) string { return u[strings.LastIndexByte(u, '/')+1:] }

func TestStoreIsLocked(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	a := start(t, o)
	_, err := sandbox.Open(o)
	if _, locked := errors.AsType[*durable.LockedError](err); !locked {
		t.Errorf("second: %v", err)
	}
	a.stop()
	b, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// A process that is killed may leave the last change half written, at any byte of it.
func TestTornLog(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	log := filepath.Join(o.Dir, "store.log")
	a := startWithAssessment(t, o)
	a.post("studentAssessments", studentAssessment("1", "604822"))
	whole := size(t, log)
	a.post("studentAssessments", studentAssessment("2", "604822"))
	a.stop()
	full, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{}
	for n := whole + 1; n < int64(len(full)); n += 97 {
		cases[fmt.Sprintf("%d bytes of it", n-whole)] = full[:n]
	}
	for name, data := range cases {
		if err := os.WriteFile(log, data, 0o600); err != nil {
			t.Fatal(err)
		}
		b := start(t, o)
		if r := b.get("studentAssessments?totalCount=true&limit=0"); r.header.Get("Total-Count") != "1" {
			t.Errorf("%s: %s records", name, r.header.Get("Total-Count"))
		}
		if got := size(t, log); got != whole {
			t.Errorf("%s: cut to %d, not %d", name, got, whole)
		}
		b.post("studentAssessments", studentAssessment("2", "604822"))
		b.stop()
		c := start(t, o)
		if r := c.get("studentAssessments?totalCount=true&limit=0"); r.header.Get("Total-Count") != "2" {
			t.Errorf("%s, mended: %s records", name, r.header.Get("Total-Count"))
		}
		c.stop()
	}
}

// Only the end of the log can be cut short. Damage before it is refused, since opening the store would
// otherwise drop all that follows, and the file stays as it is.
func TestDamagedLog(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	log := filepath.Join(o.Dir, "store.log")
	a := startWithAssessment(t, o)
	whole := size(t, log)
	for n := range 3 {
		a.post("studentAssessments", studentAssessment(fmt.Sprint(n), "604822"))
	}
	a.stop()
	full, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	begin := int(whole)
	line := begin + bytes.IndexByte(full[begin:], '\n')
	body := line + 1 + bytes.IndexByte(full[line+1:], '\n')
	digit := bytes.LastIndexByte(full[:line], '}') - 1
	for name, damage := range map[string]func(data []byte){
		"a longer body":                 func(data []byte) { data[digit-2] = '9' },
		"a shorter body":                func(data []byte) { data[digit-2] = '1' },
		"no end of the row":             func(data []byte) { data[line] = ' ' },
		"no end of the body":            func(data []byte) { data[body] = ' ' },
		"a block of zeros":              func(data []byte) { clear(data[begin+10 : line+100]) },
		"a block of zeros over changes": func(data []byte) { clear(data[begin+10 : body+20]) },
		"another resource": func(data []byte) {
			copy(data[begin:], bytes.Replace(data[begin:line], []byte("studentA"), []byte("studentX"), 1))
		},
		"a text that does not end": func(data []byte) { copy(data[begin:], bytes.ReplaceAll(data[begin:line], []byte(`"`), []byte(" "))) },
	} {
		data := bytes.Clone(full)
		damage(data)
		if err := os.WriteFile(log, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.Open(o); !unusable(err) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(log); err != nil || !bytes.Equal(left, data) {
			t.Errorf("%s: the log was changed (%v)", name, err)
		}
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func unusable(err error) bool {
	_, ok := errors.AsType[*sandbox.FileError](err)
	return ok
}

func TestStoreOfOthers(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	log := filepath.Join(o.Dir, "store.log")
	for text, want := range map[string]string{
		"hello\n": "not the log of a sandbox",
		"hello":   "not the log of a sandbox",
		"sluice-sandbox-store 1 0123456789abcdef0123456789abcdef 5.1\n":                                          "not the log of a sandbox",
		`{"format":"sluice sandbox store 2","id":"0123456789abcdef0123456789abcdef","standard":"4.0"}` + "\n":    "Data Standard 4.0, not 5.1",
		`{"format":"sluice sandbox store 2","id":"0123456789abcdef0123456789abcdef","standard":"5.1"}` + "\nx\n": "damaged at byte 93",
	} {
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.Open(o); err == nil || !strings.Contains(err.Error(), want) || !unusable(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
	o.Reset = true
	s, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	s, err := sandbox.Open(options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	client := http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	open, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Log("no address but loopback: nothing to refuse")
		return
	}
	if err := s.Serve(t.Context(), open); !errors.Is(err, sandbox.ErrNotLoopback) {
		t.Error(err)
	}
}
