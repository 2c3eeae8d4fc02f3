package transform

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/source"
)

// mapGrowth is a file in the vendor's layout: the example's rows over and over, each another student's.
func mapGrowth(tb testing.TB, rows int) string {
	tb.Helper()
	in, err := os.Open("../../examples/map-growth/results.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	lines, err := csv.NewReader(in).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "map.csv")
	out, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := csv.NewWriter(out)
	header, templates := lines[0], lines[1:]
	id, stateID := slices.Index(header, "StudentID"), slices.Index(header, "Student_StateID")
	if err := w.Write(header); err != nil {
		tb.Fatal(err)
	}
	for i := range rows {
		row := templates[i%len(templates)]
		row[id], row[stateID] = fmt.Sprintf("L%07d", i), fmt.Sprintf("6%07d", i)
		if err := w.Write(row); err != nil {
			tb.Fatal(err)
		}
	}
	w.Flush()
	if err := errors.Join(w.Error(), out.Close()); err != nil {
		tb.Fatal(err)
	}
	return path
}

func mapGrowthProgram(tb testing.TB) *mapping.Program {
	tb.Helper()
	dir := "../../bundles/nwea-map-growth"
	b, problems := bundle.Load(os.DirFS(dir), "bundles/nwea-map-growth", dir)
	if problems.Blocks() {
		tb.Fatal(problemText(problems))
	}
	p, problems, err := mapping.Compile(tb.Context(), mapping.Config{Bundle: b, Standards: []*schema.Standard{standard()}, Params: map[string]string{"school_year": "2026"}})
	if err != nil || p == nil {
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
				out, err := Run(context.Background(), p, Options{Sink: discard{}, Inputs: map[string][]source.Local{"results": {source.File(path)}}, Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				if out.Counts.Inputs["results"].Used != rows {
					b.Fatalf("%+v", out.Counts)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
