package transform

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// mapGrowth is a file in the vendor's layout: the sample's rows over and over, each another student's.
func mapGrowth(tb testing.TB, rows int) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(shared, "samples/map-growth/sample_anonymized_file.csv"))
	if err != nil {
		tb.Skip("shared samples are not here")
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	path := filepath.Join(tb.TempDir(), "map.csv")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, lines[0])
	templates := make([][2]string, 0, len(lines)-2)
	for _, l := range lines[1 : len(lines)-1] { // the last one is short
		cells := strings.SplitN(l, `","`, 8)
		templates = append(templates, [2]string{strings.Join(cells[:5], `","`) + `","`, `","` + cells[7]})
	}
	for i := range rows {
		t := templates[i%len(templates)]
		fmt.Fprintf(w, "%sL%07d\",\"6%07d%s\n", t[0], i, i, t[1])
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func mapGrowthProgram(tb testing.TB) *Program {
	tb.Helper()
	dir := "../../bundles/nwea-map-growth"
	b, problems := bundle.Load(os.DirFS(dir), "bundles/nwea-map-growth", dir)
	if problems.Blocks() {
		tb.Fatal(problemText(problems))
	}
	p, problems := Compile(Config{Bundle: b, Standards: []*schema.Standard{standard()}, Params: map[string]string{"school_year": "2022"}})
	if p == nil {
		tb.Fatal(problemText(problems))
	}
	return p
}

// BenchmarkEngine maps MAP Growth rows and throws the records away.
func BenchmarkEngine(b *testing.B) {
	const rows = 100_000
	path := mapGrowth(b, rows)
	p := mapGrowthProgram(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				counts, err := p.Run(context.Background(), RunOptions{Inputs: map[string][]string{"results": {path}}, Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				if counts.Inputs["results"].Used != rows {
					b.Fatalf("%+v", counts)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
