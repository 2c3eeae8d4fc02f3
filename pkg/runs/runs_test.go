package runs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

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
	counts := TransformCounts{Inputs: map[string]InputCounts{"results": {Read: 3, Used: 2, Rejected: 1}}}
	if err := r.End(Transform, now, 3, counts); err != nil {
		t.Fatal(err)
	}
	back, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var got TransformCounts
	if !back.Finished(Transform) || back.Finished(Validate) || !back.CountsOf(Transform, &got) || !got.Inputs["results"].Holds() {
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
	if !strings.Contains(string(text), ",'=HYPERLINK(1),") || !strings.Contains(string(text), ",-3,") || p.Count(diag.LevelError) != 3 {
		t.Errorf("%s", text)
	}
}
