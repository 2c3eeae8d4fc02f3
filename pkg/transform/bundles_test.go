package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// shared is the folder of reference material beside the project; it is not part of it.
const shared = "../../../shared"

// TestBundles compiles the project's own bundles and runs them on the vendors' samples.
func TestBundles(t *testing.T) {
	for _, tt := range []struct {
		bundle, sample string
		params         []string
	}{
		{"nwea-map-growth", "map-growth/sample_anonymized_file.csv", []string{"school_year", "2022"}},
		{"curriculum-associates-i-ready", "i-ready/sample_anonymized_file_ela.csv", []string{"school_year", "2026"}},
		{"curriculum-associates-i-ready", "i-ready/sample_anonymized_file_math.csv", []string{"school_year", "2026"}},
	} {
		t.Run(tt.bundle+"/"+filepath.Base(tt.sample), func(t *testing.T) {
			dir := filepath.Join("../../bundles", tt.bundle)
			b, problems := bundle.Load(os.DirFS(dir), "bundles/"+tt.bundle, dir)
			if problems.Blocks() {
				t.Fatal(problemText(problems))
			}
			cfg := Config{Bundle: b, Standards: []*schema.Standard{standard()}}
			params(tt.params...)(&cfg)
			p, problems := Compile(cfg)
			if p == nil {
				t.Fatal(problemText(problems))
			}
			text, err := os.ReadFile(filepath.Join(shared, "samples", tt.sample))
			if err != nil {
				t.Skip("shared samples are not here")
			}
			r := mustRun(t, p, "results", string(text))
			if n := r.Inputs["results"]; n.Used == 0 || n.Used != n.Read {
				t.Errorf("%+v\n%s", n, r.file(t, "problems", "transform.csv"))
			}
			for _, resource := range p.resources {
				checker, ok := standard().Checker(resource)
				if !ok {
					t.Fatal(resource)
				}
				for line := range strings.Lines(r.staged(t, resource)) {
					var rec schema.Record
					checker.Check([]byte(strings.TrimSuffix(line, "\n")), &rec)
					for _, f := range rec.Findings {
						t.Errorf("%s %s %s %s", resource, f.Code, f.Path, f.Message)
					}
				}
			}
			for _, l := range p.Lint() {
				t.Errorf("lint: %s", l.Message)
			}
		})
	}
}
