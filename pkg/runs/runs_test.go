package runs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// TestAnEmptyNameIsNoRun: a variable that is not set must not name the only run there is.
func TestAnEmptyNameIsNoRun(t *testing.T) {
	root := t.TempDir()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	if _, err := Create(NewPath(root, "gb", "map", now), Manifest{Tenant: "gb", Created: now}); err != nil {
		t.Fatal(err)
	}
	if r, err := Find(root, "gb", ""); err == nil {
		t.Errorf("found %s", r.Path)
	}
	if _, err := Find(root, "gb", "2026"); err != nil {
		t.Error(err)
	}
}

func TestLifeOfARun(t *testing.T) {
	root := t.TempDir()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	path := NewPath(root, "gb", "map", now)
	r, err := Create(path, Manifest{Tenant: "gb", Created: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(Transform, now); err != nil {
		t.Fatal(err)
	}
	counts := &TransformCounts{Inputs: map[string]InputCounts{"results": {Read: 3, Used: 2, Rejected: 1}}}
	if err := r.End(Transform, now, Partly, counts); err != nil {
		t.Fatal(err)
	}
	back, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := back.Counts(Transform).(*TransformCounts)
	if !back.Finished(Transform) || back.Finished(Validate) || back.Counts(Validate) != nil || got == nil || !got.Inputs["results"].Equation("results").Holds() || !got.Partly() {
		t.Errorf("%+v %+v", back.Manifest, got)
	}
	if _, err := Create(path, Manifest{Created: now}); err != nil {
		t.Errorf("replace: %v", err)
	}
	again, _ := Open(path)
	if again.ID == back.ID {
		t.Error("a replaced run kept its id")
	}
	if err := again.Begin(Send, now); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, Manifest{}); err == nil || !strings.Contains(err.Error(), "send has begun") {
		t.Errorf("a sent run was replaced: %v", err)
	}
	other := filepath.Join(t.TempDir(), "elsewhere")
	if _, err := Create(other, Manifest{Created: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Remember(root, other); err != nil {
			t.Fatal(err)
		}
	}
	all, err := List(root, "")
	if err != nil || len(all) != 2 || all[1].Path != other {
		t.Errorf("%v %v", all, err)
	}
}

func TestForeignFoldersAreRefused(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600)
	_, err := Create(dir, Manifest{})
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage {
		t.Errorf("%v", err)
	}
	_, err = Create(filepath.Join(dir, "letter.txt", "run"), Manifest{})
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.CouldNotRun {
		t.Errorf("%v", err)
	}
}

func TestProblemsAreSafeInASpreadsheet(t *testing.T) {
	r, err := Create(t.TempDir(), Manifest{Tenant: "gb"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.NewProblems(Transform)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"=HYPERLINK(1)", "-3", "plain"} {
		if err := p.Add(diag.Problem{Code: diag.CellType, Value: v, Message: "m"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(r.File("problems", "transform.csv"))
	if !strings.Contains(string(text), ",'=HYPERLINK(1),") || !strings.Contains(string(text), ",-3,") {
		t.Errorf("%s", text)
	}
}

func TestReplacingARun(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "r"), filepath.Join(dir, "victim")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(path, "lock"), "") // taken before the run is made
	r, err := Create(path, Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	stale := []string{r.File("run.json.1.part"), r.File("staged", "students.jsonl.1.part")}
	for _, name := range stale {
		write(name, "")
	}
	if err := r.Begin(Validate, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range stale {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	write(r.StagedFile("students"), "{}\n")
	if _, err := Create(path, Manifest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.StagedFile("students")); !os.IsNotExist(err) {
		t.Errorf("an old staged file is still there: %v", err)
	}
	if _, err := os.Stat(r.File("lock")); err != nil {
		t.Errorf("the lock was removed: %v", err)
	}

	if err := os.MkdirAll(victim, 0o700); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(victim, "letter.part"), "dear")
	if err := errors.Join(os.Remove(r.File("staged")), os.Symlink(victim, r.File("staged"))); err != nil {
		t.Skip("no links here: ", err)
	}
	_, createErr := Create(path, Manifest{})
	_, openErr := Open(path)
	for _, err := range []error{createErr, openErr, r.Begin(Validate, time.Now())} {
		if e, ok := diag.AsError(err); err != nil && (!ok || e.Kind != diag.Usage || !strings.Contains(e.Message, "staged")) {
			t.Errorf("%v", err)
		}
	}
	if createErr == nil || openErr == nil {
		t.Error("a link was taken for a folder of the run")
	}
	if text, _ := os.ReadFile(filepath.Join(victim, "letter.part")); string(text) != "dear" {
		t.Error("a file behind a link was touched")
	}
}

// A link, pipe or device below a folder of the run is none of its files.
func TestForeignFilesInsideFolders(t *testing.T) {
	for _, name := range []string{"staged/students.origin", "verdicts/students", "problems/transform.jsonl", "errors/students.jsonl"} {
		r, err := Create(filepath.Join(t.TempDir(), "run"), Manifest{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(r.File(name)), 0o700), os.Symlink(os.DevNull, r.File(name))); err != nil {
			t.Skip("no links here: ", err)
		}
		if _, err := Open(r.Path); err == nil || !strings.Contains(err.Error(), filepath.FromSlash(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyRememberAtOnce(t *testing.T) {
	root, other := t.TempDir(), t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			path := filepath.Join(other, strconv.Itoa(i))
			if _, err := Create(path, Manifest{}); err != nil {
				t.Error(err)
			}
			if err := errors.Join(Remember(root, path), Remember(root, path)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := os.RemoveAll(filepath.Join(other, "7")); err != nil {
		t.Fatal(err)
	}
	if got, err := List(root, ""); err != nil || len(got) != 19 {
		t.Errorf("%d runs, %v", len(got), err)
	}
}
