package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const shared = "../../../shared"

// TestThirdPartyFilesAreGenerated writes Data Standard 5.1 again from the published documents.
func TestThirdPartyFilesAreGenerated(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("Ed-Fi's documents of Data Standard 5.1 are not part of this repository: %v", err)
	}
	o := options{
		resources:    filepath.Join(shared, "openapi/ds-5.1-resources.json.gz"),
		descriptors:  filepath.Join(shared, "openapi/ds-5.1-descriptors.json.gz"),
		dependencies: filepath.Join(shared, "openapi/ds-5.1-dependencies.json.gz"),
		values:       filepath.Join(shared, "descriptors/ed-fi-descriptors-ds-5.1.csv.gz"),
		version:      "5.1",
		out:          t.TempDir(),
	}
	if err := o.run(); err != nil {
		t.Fatal(err)
	}
	const committed = "../ds-5.1"
	want, got := list(t, committed), list(t, o.out)
	if len(want) != len(got) {
		t.Errorf("%d files are committed, %d are generated", len(want), len(got))
	}
	for name, text := range got {
		if !bytes.Equal(text, want[name]) {
			t.Errorf("%s is not what the generator writes; run it again (schemas/README.md)", name)
		}
	}
}

func list(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// A checkout on Windows may have CRLF.
		out[filepath.Base(name)] = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	}
	return out
}

func TestOptionsAreNeeded(t *testing.T) {
	if err := (options{out: t.TempDir()}).run(); err == nil {
		t.Error("no error without documents")
	}
}
