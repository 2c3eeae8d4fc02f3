package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func minimal(name, version string) string {
	return fmt.Sprintf(`format: 1
bundle: %s
version: %s
assessment: {family: F of %s, version: "1"}
data_standard: ">=4.0 <6"
inputs: {results: {format: csv}}
descriptors: {namespace: '"uri://x"'}
resources: {}
`, name, version, name)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func library(t *testing.T) (Library, string) {
	own := t.TempDir()
	write(t, filepath.Join(own, "map-growth", File), minimal("map-growth", "2.1.0"))
	write(t, filepath.Join(own, "broken", File), "a: [\n")
	write(t, filepath.Join(own, "renamed", File), minimal("other", "1.0.0"))
	write(t, filepath.Join(own, "notes.txt"), "x")
	write(t, filepath.Join(own, "empty", "README.md"), "x")
	return Library{Folders: []string{own}, Embedded: fstest.MapFS{
		"map-growth/" + File: {Data: []byte(minimal("map-growth", "1.0.3"))}, "i-ready/" + File: {Data: []byte(minimal("i-ready", "1.10.0"))}, "bundles.go": {Data: []byte("package bundles")},
	}}, own
}

func TestOpen(t *testing.T) {
	l, own := library(t)
	for ref, want := range map[string]string{
		"map-growth": "2.1.0", "map-growth@2": "2.1.0", "map-growth@1": "1.0.3", "map-growth@1.0": "1.0.3", "map-growth@1.0.3": "1.0.3", "i-ready": "1.10.0", "i-ready@1.10": "1.10.0",
		filepath.Join(own, "map-growth"): "2.1.0",
	} {
		b, problems, err := l.Open(ref)
		if err != nil || len(problems) > 0 || b.Version != want {
			t.Errorf("%s: %+v %v %v", ref, b, problems, err)
			continue
		}
		if embedded := b.Origin == Embedded; embedded != (b.Version[0] == '1') || !embedded && !filepath.IsAbs(b.Origin) {
			t.Errorf("%s: %s", ref, b.Origin)
		}
	}
	for ref, says := range map[string]string{
		"map-grwth": `did you mean "map-growth"`, "map-growth@3": "there is 2.1.0, 1.0.3", "i-ready@1.1": "there is 1.10.0", "map-growth@": "is not a version", "map-growth@^1": "is not a version",
		"empty": "no bundle", "./no-such": "no folder", filepath.Join(own, "notes.txt"): "is not a folder",
	} {
		_, _, err := l.Open(ref)
		if e, ok := diag.AsError(err); !ok || e.Kind != diag.Usage || e.Code != diag.BundleNotFound || e.Next == "" || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for ref, code := range map[string]diag.Code{"broken": diag.BundleYAML, "renamed": diag.BundleName, filepath.Join(own, "empty"): diag.BundleNotFound} {
		if _, problems, err := l.Open(ref); err != nil || len(problems) != 1 || problems[0].Code != code {
			t.Errorf("%s: %v %v", ref, problems, err)
		}
	}
	t.Chdir(own)
	if _, _, err := (Library{}).Open("map-growth"); err == nil || !strings.Contains(err.(*diag.Error).Next, "./map-growth") { //nolint:errorlint // the type is what is tested
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	l, own := library(t)
	got, err := l.List()
	want := []Listed{
		{Name: "broken", Origin: filepath.Join(own, "broken"), Problems: 1},
		{Name: "i-ready", Version: "1.10.0", Family: "F of i-ready", Origin: Embedded},
		{Name: "map-growth", Version: "2.1.0", Family: "F of map-growth", Origin: filepath.Join(own, "map-growth")},
		{Name: "renamed", Version: "1.0.0", Family: "F of other", Origin: filepath.Join(own, "renamed")},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	l.Folders = append(l.Folders, filepath.Join(own, "none"))
	if _, err := l.List(); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestConfined checks that neither a path nor a link leads out of a bundle's folder.
func TestConfined(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret.csv"), "a\n")
	write(t, filepath.Join(dir, "b", File), minimal("b", "1.0.0"))
	write(t, filepath.Join(dir, "b", "tables", "x.csv"), "a\n")
	b, problems, err := Library{}.Open(filepath.Join(dir, "b"))
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if text, err := fs.ReadFile(b.FS, "tables/x.csv"); err != nil || string(text) != "a\n" {
		t.Error(err)
	}
	for _, name := range []string{"../secret.csv", "/etc/passwd", "tables/../../secret.csv"} {
		if _, err := fs.ReadFile(b.FS, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.csv"), filepath.Join(dir, "b", "tables", "y.csv")); err != nil {
		t.Skip("no symbolic links here")
	}
	if _, err := fs.ReadFile(b.FS, "tables/y.csv"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link led out of the folder: %v", err)
	}
	if _, problems, err := (Library{}).Open(filepath.Join(dir, "b")); err != nil || len(problems) != 1 || problems[0].Code != diag.ConfigFile {
		t.Errorf("%v %v", problems, err)
	}
}
