package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/examples"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestCommandsWithoutCobra calls commands as functions, in a folder with a blank in its name.
func TestCommandsWithoutCobra(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "our runs")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	text, err := examples.FS.ReadFile("map-growth/results.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("results.csv", text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := silent()
	s.out = &out
	a := newApp(s)
	options := transformOptions{inputs: []string{"results=results.csv"}, params: []string{"school_year=2026"}, run: "the run"}
	if outcome, err := a.runTransform(t.Context(), "nwea-map-growth", options); err != nil || outcome != runs.Done {
		t.Fatal(outcome, err)
	}
	if !strings.Contains(out.String(), "next: sluice validate 'the run' --offline\n") {
		t.Errorf("%s", out.String())
	}
	if _, err := a.runValidate(t.Context(), "the run", validateOptions{}); err == nil || !strings.Contains(err.Error(), "none is named") {
		t.Errorf("%v", err)
	}
	out.Reset()
	a.JSON = true
	a.screen = newScreen(s, a.settings)
	outcome, err := a.runValidate(t.Context(), "the run", validateOptions{offline: true})
	var result struct{ Exit runs.Outcome }
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if err != nil || result.Exit != outcome || !outcome.Finished() {
		t.Errorf("%v, %v, %+v", outcome, err, result)
	}
	a.Tenant = "sandbox"
	_, err = a.runSend(t.Context(), "the run", false)
	if e, ok := diag.AsError(err); !ok || e.Kind != diag.Guarded && e.Kind != diag.Usage {
		t.Errorf("an offline pass opened the target: %v", err)
	}
}
