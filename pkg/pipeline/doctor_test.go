package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// TestDoctor: what is wrong always comes with one action and an exit status, and nothing is changed by looking.
func TestDoctor(t *testing.T) {
	folder := t.TempDir()
	text := "version: 1\nbundles: [nowhere]\nruns: sluice.yaml\ntenants:\n" +
		"  down: {api: {base_url: \"http://127.0.0.1:9\", client_id: a, client_secret: \"${file:hush}\"}}\n" +
		"  unset: {api: {base_url: \"http://127.0.0.1:9\", client_id: b, client_secret: \"${env:NOSUCH_SECRET}\"}}\n" +
		"  broken: {tables: nowhere}\n"
	file := filepath.Join(folder, "sluice.yaml")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o600),
		os.WriteFile(filepath.Join(folder, "hush"), []byte("hush"), 0o600)); err != nil {
		t.Fatal(err)
	}
	config, err := tenant.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &Workplace{Config: config, UserAgent: "test"}
	wrong := map[string]runs.Outcome{}
	for _, c := range w.Doctor(t.Context(), append(config.Names(), "nosuch"), nil) {
		if c.OK != (c.Exit == runs.Done) || !c.OK && c.Next == "" {
			t.Errorf("%+v", c)
		}
		if !c.OK {
			wrong[c.Tenant+" "+c.Subject] = c.Exit
		}
	}
	for what, exit := range map[string]runs.Outcome{" bundles": runs.Misused, " runs": runs.CouldNotRun, "down target": runs.CouldNotRun,
		"unset secrets": runs.Misused, "broken settings": runs.Misused, "nosuch settings": runs.Misused} {
		if wrong[what] != exit {
			t.Errorf("%s: %v, want %v", what, wrong[what], exit)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
}
