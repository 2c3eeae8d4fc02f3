package catalog

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
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
