package mapping

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// exampleParams are the parameters that bundles require.
var exampleParams = map[string]string{"school_year": "2023", "test": "SAT"}

// TestExamplesCompile compiles the bundles that test the format; pkg/fixture runs them.
func TestExamplesCompile(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/bundles/*/fixtures")
	if err != nil || len(folders) != 11 {
		t.Fatalf("%d bundles with fixtures, want 11 (%v)", len(folders), err)
	}
	for _, fixtures := range folders {
		folder := filepath.Dir(fixtures)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			p := example(t, folder)
			for _, name := range p.InputNames() {
				contracts, err := p.Contracts(name)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range contracts {
					if len(c.Columns) == 0 {
						t.Errorf("%s/%s has no columns", name, c.Layout)
					}
				}
			}
		})
	}
}

// example compiles the bundle in a folder.
func example(t *testing.T, folder string) *Program {
	t.Helper()
	b, problems := bundle.Load(os.DirFS(folder), folder, folder)
	if problems.Blocks() {
		t.Fatalf("load:\n%s", problemText(problems))
	}
	given := map[string]string{}
	for _, d := range b.Params {
		if v, ok := exampleParams[d.Name.Value]; ok && d.Required {
			given[d.Name.Value] = v
		}
	}
	p, problems, err := Compile(t.Context(), Config{Bundle: b, Standards: []*schema.Standard{standard()}, Params: given})
	if err != nil || p == nil {
		t.Fatalf("compile:\n%s", problemText(problems))
	}
	return p
}
