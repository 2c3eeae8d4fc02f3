package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// twoInputs is a bundle with an input that must be given and one that may be.
func twoInputs() *bundle.Bundle {
	return &bundle.Bundle{Name: "b", Inputs: []*bundle.Input{{Name: bundle.Text{Value: "results"}}, {Name: bundle.Text{Value: "extra"}, Optional: true}}}
}

// files makes a folder with files, each holding its own name, and makes it the current one.
func files(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func TestFind(t *testing.T) {
	files(t, "a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv", "sub/d.txt")
	for _, c := range []struct {
		given   string
		results []string
		extra   []string
	}{
		{"results=a.csv", []string{"a.csv"}, nil},
		{"extra=a.csv results=b.csv results=a.csv", []string{"b.csv", "a.csv"}, []string{"a.csv"}},
		{"results=*.csv", []string{"a.csv", "b.csv"}, nil},
		{"results=**/*.csv", []string{"a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv"}, nil},
		{"results=sub/{c,d}.*", []string{"sub/c.csv", "sub/d.txt"}, nil},
		{"results=- extra=a.csv", []string{"-"}, []string{"a.csv"}},
		{"results=/dev/stdin", []string{"-"}, nil},
	} {
		got, err := Find(twoInputs(), strings.Fields(c.given))
		for _, in := range got {
			for i := range in.Paths {
				in.Paths[i] = filepath.ToSlash(in.Paths[i])
			}
		}
		if d := cmp.Diff([]Input{{"results", c.results}, {"extra", c.extra}}, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", c.given, err, d)
		}
	}
}

func TestWhatCannotBeAnInput(t *testing.T) {
	files(t, "a.csv", "sub/c.csv")
	for given, want := range map[string]string{
		"":                             "input results of bundle b is not given",
		"extra=a.csv":                  "input results of bundle b is not given",
		"a.csv":                        `--input "a.csv" has no name and file`,
		"results=":                     `--input "results=" has no name and file`,
		"result=a.csv":                 `bundle b has no input "result" (did you mean "results"?)`,
		"results=- extra=/dev/stdin":   "standard input is given twice",
		"results=a.csv results=*.csv":  "a.csv is given twice for input results",
		"results=sub":                  "sub is a folder, not a file",
		"results=nowhere.csv":          "there is no file nowhere.csv",
		"results=no*.csv":              "no*.csv: no file matches",
		"results=a.csv extra=no*.csv":  "no file matches no*.csv",
		"results=[":                    "[ is not a pattern",
		"results=" + os.DevNull:        "is a device, not a file",
		"results=a.csv extra=none.csv": "there is no file none.csv",
	} {
		_, err := Find(twoInputs(), strings.Fields(given))
		if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", given, err)
		}
	}
}

func TestCheckOutside(t *testing.T) {
	dir := files(t, "a.csv", "run/rejects/results.csv")
	run := filepath.Join(dir, "run")
	if err := CheckOutside(run, []Input{{"results", []string{"a.csv", Stdin}}}); err != nil {
		t.Error(err)
	}
	if err := CheckOutside(run, []Input{{"results", []string{"a.csv", "run/rejects/results.csv"}}}); err == nil || !strings.Contains(err.Error(), "lies in the run directory") {
		t.Error(err)
	}
}

func TestFetch(t *testing.T) {
	files(t, "z/1.csv", "b/2.csv", "a/2.csv", "run/keep")
	got, remove, err := Fetch(t.Context(), []Input{{"results", []string{"b/2.csv", Stdin, "z/1.csv", "a/2.csv"}}}, "run", strings.NewReader("rows"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got["results"] {
		names = append(names, f.Name)
		text, err := os.ReadFile(f.Path)
		if err != nil || int64(len(text)) != f.Size {
			t.Errorf("%+v: %v", f, err)
		}
		if f.Name != "standard input" {
			continue
		}
		if info, err := os.Stat(f.Path); err != nil || string(text) != "rows" || filepath.Dir(f.Path) != "run" || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%+v: %q %v", f, text, err)
		}
	}
	if d := cmp.Diff([]string{"standard input", "z/1.csv", "a/2.csv", "b/2.csv"}, names); d != "" {
		t.Error(d)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob("run/*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestASilentPipeCanBeLeft: nothing comes through the pipe, and the user has enough.
func TestASilentPipeCanBeLeft(t *testing.T) {
	dir := t.TempDir()
	silent, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := Fetch(ctx, []Input{{"results", []string{Stdin}}}, dir, silent)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
