package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/source"
)

func previewOf(t *testing.T, p *mapping.Program, n int, texts ...string) *Preview {
	t.Helper()
	files := map[string][]source.Local{}
	for i, text := range texts {
		path := filepath.Join(t.TempDir(), string(rune('a'+i))+".csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files["results"] = append(files["results"], source.File(path))
	}
	v := &Preview{}
	if _, err := Run(t.Context(), p, Options{Sink: v, Inputs: files, Rows: n, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPreviewIsWhatARunStages: the same rows, the same records, the same problems of rows.
func TestPreviewIsWhatARunStages(t *testing.T) {
	rows := "a,3,3/1/2024,2024,1,,\n,3,3/1/2024,2024,1,,\n\nb,3,3/1/2024,2023,1,,\na,3,3/1/2024,2024,1,,\nc,9,3/1/2024,2024,1,,\nd,3,3/1/2024,2024,2,5,\n"
	p := compile(t, simple, year)
	v := previewOf(t, p, 100, header+rows)
	var lines []int64
	var outcomes []string
	staged := ""
	for _, r := range v.Rows {
		lines, outcomes = append(lines, r.Line), append(outcomes, string(r.Became))
		for _, record := range r.Records {
			if record.Resource == "studentAssessments" {
				staged += string(record.Record) + "\n"
			}
		}
	}
	if d := cmp.Diff([]int64{2, 3, 5, 6, 7, 8}, lines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"used", "rejected", "filtered", "duplicate", "rejected", "used"}, outcomes); d != "" {
		t.Error(d)
	}
	r := mustRun(t, p, "results", header+rows)
	if d := cmp.Diff(r.staged(t, "studentAssessments"), staged); d != "" {
		t.Error(d)
	}
	var codes []string
	for _, problem := range v.Problems {
		codes = append(codes, string(problem.Code))
		if problem.Level == 0 || problem.Line == 0 && problem.Count == 0 {
			t.Errorf("%+v", problem)
		}
	}
	if got := strings.Join(codes, " "); got != "VAL-CELL-REQUIRED VAL-ROW-DUPLICATE VAL-UNMAPPED VAL-ROW-BLANK" {
		t.Error(got)
	}
}

// TestPreviewFindsConflicts among the rows that it reads, and knows nothing of the others.
func TestPreviewFindsConflicts(t *testing.T) {
	p := compile(t, with(t, "    key: [id, day]\n", ""), year)
	rows := header + "a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\na,3,3/1/2024,2024,2,,\n"
	for n, want := range map[int]string{2: "used used", 3: "rejected used rejected"} {
		var became []string
		for _, r := range previewOf(t, p, n, rows).Rows {
			became = append(became, string(r.Became))
		}
		if got := strings.Join(became, " "); got != want {
			t.Errorf("%d rows: %s, want %s", n, got, want)
		}
	}
}

// TestPreviewStops: it reads no further than it must.
func TestPreviewStops(t *testing.T) {
	first, second := header+"a,3,3/1/2024,2024,1,,\nb,3,3/1/2024,2024,1,,\n", header+"c,3,3/1/2024,2024,1,,\n\""
	unkeyed := compile(t, with(t, "    key: [id, day]\n", ""), year)
	if v := previewOf(t, unkeyed, 1, first, second); len(v.Rows) != 1 || v.Rows[0].Line != 2 {
		t.Errorf("%+v", v.Rows)
	}
	if v := previewOf(t, unkeyed, 2, first, second); len(v.Rows) != 2 || v.Rows[1].Line != 3 {
		t.Errorf("%+v", v.Rows)
	}
}
