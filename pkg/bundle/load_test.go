package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestExamplesLoad(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/bundle-format/examples/*.yaml")
	if len(files) == 0 {
		t.Skip("../shared is absent: its example bundles are not loaded")
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b, problems := Load(fstest.MapFS{File: {Data: src}}, filepath.Base(f), "test")
		for _, p := range problems {
			t.Errorf("%s: %s %s", p.Pos(), p.Code, p.Message)
		}
		if b == nil || len(b.Resources) == 0 || len(b.Inputs) != 1 || !strings.HasPrefix(b.Digest, "sha256:") {
			t.Errorf("%s: %+v", f, b)
		}
	}
}
