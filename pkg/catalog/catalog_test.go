package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var standard = sync.OnceValues(func() (*schema.Standard, []schema.DescriptorValue) {
	std, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		panic(err)
	}
	values, err := schema.StandardDescriptors(schemas.FS, "5.1")
	if err != nil {
		panic(err)
	}
	return std, values
})

// emulate makes a client of a sandbox.
func emulate(t *testing.T, o sandbox.Options) *target.Client {
	t.Helper()
	o.Standard, o.Descriptors = standard()
	s, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	client := clientOf(t, server.URL, sandbox.Key, sandbox.Secret)
	t.Cleanup(func() {
		client.Close()
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func clientOf(t *testing.T, url, key, secret string) *target.Client {
	t.Helper()
	client, err := target.New(target.Config{BaseURL: url, ClientID: key, ClientSecret: secret, Retry: target.RetryPolicy{Max: -1}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// as is another client of the same sandbox.
func as(t *testing.T, client *target.Client, key, secret string) *target.Client {
	t.Helper()
	other := clientOf(t, client.BaseURL(), key, secret)
	t.Cleanup(other.Close)
	return other
}

func TestOpen(t *testing.T) {
	c, err := Open(t.Context(), emulate(t, sandbox.Options{}), Options{})
	if err != nil || c.Standard().Version != "5.1" || c.Standard().Generation != schema.API7 || c.Access().About.Version == "" {
		t.Fatalf("%+v %v", c, err)
	}
	if _, ok := c.Standard().Checker("studentAssessments"); !ok {
		t.Error("no studentAssessments")
	}
}

// What stands before the target for a moment is not taken for the target's documents for a day.
func TestOddDocumentsAreNotKept(t *testing.T) {
	std, values := standard()
	s, err := sandbox.Open(sandbox.Options{Standard: std, Descriptors: values})
	if err != nil {
		t.Fatal(err)
	}
	expired := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "swagger.json") && expired {
			_, _ = w.Write([]byte(`{"error":"session expired"}`))
			return
		}
		s.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	for _, expired = range []bool{true, false} {
		client, err := target.New(target.Config{BaseURL: server.URL, ClientID: sandbox.Key, ClientSecret: sandbox.Secret})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), client, Options{Identity: "x", ClientID: sandbox.Key, CacheDir: dir})
		if e, failed := diag.AsError(err); failed != expired || failed && e.Code != diag.TargetOdd {
			t.Error(err)
		}
		client.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestEach(t *testing.T) {
	client := emulate(t, sandbox.Options{})
	c, err := Open(t.Context(), client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	promised, err := client.Count(t.Context(), "schools", nil)
	if err != nil || promised == 0 {
		t.Fatal(promised, err)
	}
	met := map[[16]byte]bool{}
	err = c.Each(t.Context(), "schools", 2, func(rec *schema.Record, text json.RawMessage) error {
		met[rec.Key.Hash] = strings.Contains(string(text), `"id"`)
		return nil
	})
	if err != nil || int64(len(met)) != promised {
		t.Errorf("%d of %d schools, %v", len(met), promised, err)
	}
	if err := c.Each(t.Context(), "castles", 1, nil); !errors.Is(err, ErrNoResource) {
		t.Error(err)
	}
	full := errors.New("disk full")
	if err := c.Each(t.Context(), "schools", 1, func(*schema.Record, json.RawMessage) error { return full }); !errors.Is(err, full) {
		t.Error(err)
	}
}

// noResults has no results and no change queries.
type noResults struct{}

func (noResults) EachMatching(context.Context, string, url.Values, int, func([]json.RawMessage) error) error {
	return errors.New("not asked for")
}

func (noResults) NewestChangeVersion(context.Context) (int64, error) { return 0, target.ErrNotOffered }

// library answers with descriptors and nothing else.
type library struct {
	noResults
	items map[string][]string // ed-fi/gradeLevelDescriptors → code values
	pages int
}

func (l *library) Count(context.Context, string, url.Values) (int64, error) {
	return 0, errors.New("not asked for")
}

func (l *library) Get(context.Context, string, url.Values) (*target.Response, error) {
	return nil, errors.New("not asked for")
}

func (l *library) EachPage(_ context.Context, resource string, _ int, yield func([]json.RawMessage) error) error {
	l.pages++
	codes, ok := l.items[resource]
	if !ok {
		return &target.Failure{Kind: target.Forbidden, Status: 403}
	}
	var items []json.RawMessage
	for _, code := range codes {
		items = append(items, json.RawMessage(`{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"`+code+`"}`))
	}
	return yield(items)
}

// A value that the cached list lacks is asked for again; one that it has is believed.
func TestCachedDescriptorsNeverCondemn(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	l := &library{items: map[string][]string{"ed-fi/gradeLevelDescriptors": {"old"}}}
	check := func(code string, want Answer, asked int) {
		t.Helper()
		std, _ := standard()
		c := New(l, std)
		c.cache = openCache(dir, func() time.Time { return now }, slog.New(slog.DiscardHandler), "id")
		got, err := c.Descriptor(t.Context(), "GradeLevelDescriptor", "uri://acme.org/gradeleveldescriptor#"+code)
		if err != nil || got != want || l.pages != asked {
			t.Errorf("%s: %v, %v, asked %d times", code, got, err, l.pages)
		}
	}
	check("new", Absent, 1)
	l.items["ed-fi/gradeLevelDescriptors"] = append(l.items["ed-fi/gradeLevelDescriptors"], "NEW")
	check("new", Present, 2) // the cache lacks it, so the target is asked again
	check("new", Present, 2) // now it is cached
	files, _ := filepath.Glob(filepath.Join(dir, "*", "descriptors-gradeLevelDescriptors.json"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	if err := os.WriteFile(files[0], []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("new", Present, 3)
	check("none", Absent, 4)
	delete(l.items, "ed-fi/gradeLevelDescriptors")
	check("new", Present, 4) // what the cache knows needs no right to read
	check("none", Unreadable, 5)
	now = now.Add(cacheAge)
	check("new", Unreadable, 6)
}

// A collection that cannot be read for a reason of the target's is no collection that may not be read.
func TestPagesThatAreRefused(t *testing.T) {
	for kind, want := range map[target.Kind]diag.Code{target.Forbidden: "", target.NotFound: "", target.Validation: diag.TargetOdd, target.Odd: diag.TargetOdd, target.Token: diag.TargetOdd} {
		std, _ := standard()
		c := New(refusing{failure: &target.Failure{Kind: kind, Method: "GET", Status: 400}}, std)
		answer, err := c.Descriptor(t.Context(), "GradeLevelDescriptor", "uri://acme.org/gradeleveldescriptor#x")
		if e, failed := diag.AsError(err); failed != (want != "") || failed && e.Code != want || !failed && answer != Unreadable {
			t.Errorf("%s: %v, %v", kind, answer, err)
		}
	}
}

// refusing answers no question.
type refusing struct {
	noResults
	failure error
}

func (r refusing) Count(context.Context, string, url.Values) (int64, error) { return 0, r.failure }
func (r refusing) Get(context.Context, string, url.Values) (*target.Response, error) {
	return nil, r.failure
}
func (r refusing) EachPage(context.Context, string, int, func([]json.RawMessage) error) error {
	return r.failure
}

// changes answers the question for the newest change version.
type changes struct {
	newest int64
	err    error
}

func (c changes) NewestChangeVersion(context.Context) (int64, error) { return c.newest, c.err }

func TestNewestChange(t *testing.T) {
	lost := &target.Failure{Kind: target.Transport, Detail: "no route"}
	for _, test := range []struct {
		c    changes
		want int64
		code diag.Code
	}{
		{changes{7, nil}, 7, ""},
		{changes{0, &target.Failure{Kind: target.NotFound, Err: target.ErrNotOffered}}, 0, ""},
		{changes{0, &target.Failure{Kind: target.Forbidden, Status: 403}}, 0, ""},
		{changes{0, lost}, 0, diag.TargetUnreached},
	} {
		got, err := NewestChange(t.Context(), test.c)
		e, failed := diag.AsError(err)
		if got != test.want || failed != (test.code != "") || failed && e.Code != test.code {
			t.Errorf("%+v: %d, %v", test.c, got, err)
		}
	}
}
