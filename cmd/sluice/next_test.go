package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func silent() streams {
	return streams{in: bytes.NewReader(nil), out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}
}

// TestCommandsCanBePasted: a printed command is quoted for the shell and carries the global flags.
func TestCommandsCanBePasted(t *testing.T) {
	a := newApp(silent())
	if err := a.root.PersistentFlags().Parse([]string{"--config", "our tenants/sluice.yaml", "--tenant=gb", "--strict", "--workers", "2"}); err != nil {
		t.Fatal(err)
	}
	a.given = givenFlags(a.root.PersistentFlags())
	want := `sluice validate 'my runs/r1' --tenant gb '--config=our tenants/sluice.yaml' --strict --workers=2`
	if got := a.command("validate", "my runs/r1", "--tenant", "gb"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestNextAfterRun: the inputs that have rejected rows are named, whatever their reject files are called.
func TestNextAfterRun(t *testing.T) {
	a := newApp(silent())
	r, err := runs.Create(filepath.Join(t.TempDir(), "r 1"), runs.Manifest{Tenant: "gb"})
	if err != nil {
		t.Fatal(err)
	}
	r.Inputs = []runs.Input{{Name: "re-sults", Path: "a.csv"}, {Name: "re-sults", Path: "b.csv"}, {Name: "levels", Path: "c.csv"}, {Name: "other", Path: "d.csv"}}
	if got := a.nextAfterRun(r, runs.Partly, "b", transformOptions{}); got != nil {
		t.Error(got)
	}
	second, levels := r.RejectFile("re-sults", 2), r.RejectFile("levels", 0)
	for _, path := range []string{second, levels} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := "correct the rows in " + r.File("rejects") + ", then: sluice run b --input 're-sults=" + second + "' --input 'levels=" + levels + "' --param year=2026 --student 'State ID' --tenant gb"
	if got := a.nextAfterRun(r, runs.Partly, "b", transformOptions{params: []string{"year=2026"}, student: "State ID"}); got == nil || got.why+a.command(got.words...) != want {
		t.Errorf("%+v\nwant %s", got, want)
	}
	if got := a.nextAfterRun(r, runs.Done, "b", transformOptions{}); got != nil {
		t.Error(got)
	}
}

func TestProgressEndsAtAll(t *testing.T) {
	for _, c := range [][3]int64{{5, 10, 5}, {15, 10, 10}, {15, 0, 15}, {0, 10, 0}} {
		if got := reached(pipeline.Progress{Done: c[0], Total: c[1]}); got != c[2] {
			t.Errorf("%d of %d is shown as %d", c[0], c[1], got)
		}
	}
}
