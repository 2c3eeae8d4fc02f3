package transform

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestASilentPipeCanBeLeft: nothing comes through the pipe, and the user has enough.
func TestASilentPipeCanBeLeft(t *testing.T) {
	run, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	silent, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = compile(t, simple, year).Run(ctx, RunOptions{Run: run, Inputs: map[string][]string{"results": {"-"}}, Stdin: silent})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if entries, _ := filepath.Glob(run.File("*.part")); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
	if _, err := os.Stat(run.File("run.json")); err != nil {
		t.Error(err)
	}
}
