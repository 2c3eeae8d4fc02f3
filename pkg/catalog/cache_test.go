package catalog

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

func TestCache(t *testing.T) {
	folder := t.TempDir()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	log := slog.New(slog.DiscardHandler)
	c := openCache(folder, clock, log, "id", "client", "7.2")
	c.write("a.json", `"e1"`, []byte("body\nand more"))
	kept, ok := c.read("a.json")
	if !ok || !kept.fresh || kept.ETag != `"e1"` || string(kept.body) != "body\nand more" {
		t.Fatalf("%+v %v", kept, ok)
	}
	path := filepath.Join(c.folder, "a.json")
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}

	now = now.Add(cacheAge)
	if kept, ok := c.read("a.json"); !ok || kept.fresh {
		t.Errorf("an old answer: fresh %v ok %v", kept.fresh, ok)
	}
	now = now.Add(-2 * cacheAge)
	if kept, _ := c.read("a.json"); kept.fresh {
		t.Error("an answer from the future is fresh")
	}

	text, _ := os.ReadFile(path)
	for name, damaged := range map[string][]byte{"cut": text[:len(text)-1], "changed": append([]byte{'x'}, text...), "empty": nil} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.read("a.json"); ok {
			t.Errorf("%s: a damaged file was read", name)
		}
	}

	other := openCache(folder, clock, log, "id", "another client", "7.2")
	if _, ok := other.read("a.json"); ok || other.folder == c.folder {
		t.Error("the cache of another credential was used")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("%d folders are left", len(entries))
	}
	none := openCache("", clock, log)
	none.write("a.json", "", nil)
	if _, ok := none.read("a.json"); ok {
		t.Error("a cache without a folder kept something")
	}
	blocked := filepath.Join(folder, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	openCache(blocked, clock, log).write("a.json", "", nil) // does without
}

// etagless is a sandbox that gives no ETags and counts what it is asked for.
type etagless struct {
	server  http.Handler
	version string // of the API, in place of its own
	asked   map[string]int
}

type withoutETag struct{ http.ResponseWriter }

func (w withoutETag) WriteHeader(status int) {
	w.Header().Del("ETag")
	w.ResponseWriter.WriteHeader(status)
}

func (w withoutETag) Write(p []byte) (int, error) {
	w.Header().Del("ETag")
	return w.ResponseWriter.Write(p)
}

func (e *etagless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/swagger.json"), strings.HasSuffix(r.URL.Path, "/dependencies"):
		e.asked["documents"]++
		if r.Header.Get("If-None-Match") != "" {
			e.asked["conditional"]++
		}
	case r.URL.Path == "/" && e.version != "":
		root := httptest.NewRecorder()
		e.server.ServeHTTP(root, r)
		_, _ = w.Write(bytes.Replace(root.Body.Bytes(), []byte(`"version":"7.2"`), []byte(`"version":"`+e.version+`"`), 1))
		return
	}
	e.server.ServeHTTP(withoutETag{w}, r)
}

// Without ETags the age decides, which is a setting; what is damaged is read again; what another version of the
// target said is never used.
func TestDocumentsWithoutETags(t *testing.T) {
	std, values := standard()
	s, err := sandbox.Open(sandbox.Options{Standard: std, Descriptors: values})
	if err != nil {
		t.Fatal(err)
	}
	e := &etagless{server: s.Handler(), asked: map[string]int{}}
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	dir, now := t.TempDir(), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	open := func(want int, o Options) {
		t.Helper()
		clear(e.asked)
		client := clientOf(t, server.URL, sandbox.Key, sandbox.Secret)
		defer client.Close()
		o.Identity, o.ClientID, o.CacheDir, o.Now, o.Settings = "id", sandbox.Key, dir, func() time.Time { return now }, "as set"
		if _, err := Open(t.Context(), client, o); err != nil {
			t.Fatal(err)
		}
		if e.asked["documents"] != want || e.asked["conditional"] > 0 {
			t.Errorf("asked for %v, want %d documents", e.asked, want)
		}
	}
	open(3, Options{})
	open(0, Options{})
	now = now.Add(2 * time.Hour)
	open(0, Options{})
	open(3, Options{CacheAge: time.Hour})
	now = now.Add(25 * time.Hour)
	open(3, Options{})

	recall := func(settings string) (*Remembered, bool) {
		return Remember(dir, settings, func() time.Time { return now.Add(time.Hour) }, slog.New(slog.DiscardHandler))
	}
	if kept, ok := recall("as set"); !ok || kept.Standard.Version != "5.1" || !kept.At.Equal(now) {
		t.Errorf("%v %v", kept, ok)
	}
	now = now.Add(time.Hour)
	open(0, Options{}) // nothing was asked for, so that what is known is as old as before
	if kept, ok := recall("as set"); !ok || !kept.At.Equal(now.Add(-time.Hour)) {
		t.Errorf("%v %v", kept, ok)
	}
	if _, ok := recall("another address"); ok {
		t.Error("what another target said was used")
	}

	files, _ := filepath.Glob(filepath.Join(dir, "*", "openapi-*"))
	if len(files) != 2 || os.WriteFile(files[0], []byte("damaged"), 0o600) != nil {
		t.Fatal(files)
	}
	if _, ok := recall("as set"); ok {
		t.Error("a damaged cache was used")
	}
	open(3, Options{})
	e.version = "7.3"
	open(3, Options{})
}
