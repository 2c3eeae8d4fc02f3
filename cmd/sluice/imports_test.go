package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluice-edfi/sluice/"

// mayImport is the import matrix of ARCHITECTURE.md: imports go strictly downward.
var mayImport = map[string]string{
	"pkg/diag": "", "pkg/ordered": "", "pkg/durable": "", "pkg/target": "", "pkg/ledger": "",
	"pkg/jsonl": "diag durable", "pkg/table": "diag", "pkg/strictyaml": "diag",
	"pkg/bundle": "diag strictyaml", "pkg/tenant": "diag strictyaml", "pkg/schema": "diag", "pkg/runs": "diag durable jsonl",
	"pkg/transform": "diag ordered durable table bundle schema jsonl runs",
	"pkg/validate":  "diag ordered jsonl schema target runs",
	"pkg/send":      "diag jsonl schema target ledger runs",
	"pkg/report":    "diag durable runs",
	"pkg/sandbox":   "schema durable",
	"pkg/fixture":   "diag strictyaml table bundle schema jsonl runs transform",
}

// home is the one package that may import a library.
var home = map[string]string{
	"github.com/spf13/cobra": "cmd/sluice", "github.com/spf13/viper": "cmd/sluice", "github.com/schollz/progressbar/v3": "cmd/sluice",
	"golang.org/x/term": "cmd/sluice", "github.com/bmatcuk/doublestar/v4": "cmd/sluice",
	"github.com/expr-lang/expr": "pkg/transform", "github.com/santhosh-tekuri/jsonschema/v5": "pkg/schema",
	"github.com/hashicorp/go-retryablehttp": "pkg/target", "golang.org/x/oauth2": "pkg/target", "golang.org/x/time/rate": "pkg/target",
	"github.com/failsafe-go/failsafe-go": "pkg/target", "modernc.org/sqlite": "pkg/ledger", "github.com/gofrs/flock": "pkg/ledger",
	"github.com/goccy/go-yaml": "pkg/strictyaml", "golang.org/x/text": "pkg/table", "github.com/agnivade/levenshtein": "pkg/diag",
}

func TestImportMatrix(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := mayImport[name]
		if strings.HasPrefix(name, "pkg/") && !known {
			t.Errorf("%s is not in the import matrix", name)
		}
		seen[name] = true
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, module); ok && known && !slices.Contains(strings.Fields(allowed), strings.TrimPrefix(ours, "pkg/")) {
				t.Errorf("%s must not import %s", name, ours)
			}
			for library, owner := range home {
				if (imp == library || strings.HasPrefix(imp, library+"/")) && name != owner {
					t.Errorf("%s imports %s, whose home is %s", name, library, owner)
				}
			}
		}
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("%s is in the import matrix and does not exist", name)
		}
	}
}
