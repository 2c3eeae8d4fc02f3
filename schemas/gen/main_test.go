package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const shared = "../../../shared"

// TestThirdPartyFilesAreGenerated writes the data standards again from the published documents.
func TestThirdPartyFilesAreGenerated(t *testing.T) {
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("Ed-Fi's documents are not part of this repository: %v", err)
	}
	out := t.TempDir()
	if err := run(shared, out); err != nil {
		t.Fatal(err)
	}
	for _, s := range standards {
		folder := "ds-" + s.version
		want, got := list(t, filepath.Join("..", folder)), list(t, filepath.Join(out, folder))
		if len(want) != len(got) {
			t.Errorf("%s: %d files are committed, %d are generated", folder, len(want), len(got))
		}
		for name, text := range got {
			if !bytes.Equal(text, want[name]) {
				t.Errorf("%s/%s is not what the generator writes; run it again (schemas/README.md)", folder, name)
			}
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

func TestDocumentsAreNeeded(t *testing.T) {
	if err := run("", t.TempDir()); err == nil {
		t.Error("no error without documents")
	}
	if err := run(t.TempDir(), t.TempDir()); err == nil {
		t.Error("no error where the documents are not")
	}
}
