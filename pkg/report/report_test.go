package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func exampleRun(t *testing.T) *runs.Run {
	t.Helper()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r, err := runs.Create(filepath.Join(t.TempDir(), "r"), runs.Manifest{Tenant: "gb", Created: now, DataStandard: "5.1",
		Bundle: runs.Bundle{Name: "map", Version: "1.0.0", Digest: "sha256:abc"}, Params: map[string]string{"year": "<b>2026</b>"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(runs.Transform, now); err != nil {
		t.Fatal(err)
	}
	p, err := r.NewProblems(runs.Transform)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := p.Add(diag.Problem{Code: diag.CellType, Input: "results", Column: "TestStartDate", File: "f.csv", Line: 7 + i,
			Value: "Ximena Q", Message: `"Ximena Q" is no date`}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Add(diag.Problem{Code: diag.Unmapped, Input: "results", Column: "Subject", Value: "Art", Message: `"Art" is not in tests`, Line: 9, File: "f.csv"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := r.End(runs.Transform, now.Add(1500*time.Millisecond), 3, runs.TransformCounts{
		Inputs:    map[string]runs.InputCounts{"results": {Read: 10, Used: 6, Filtered: 1, Rejected: 3}},
		Resources: map[string]runs.StagedCounts{"studentAssessments": {Staged: 6}}}); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReport(t *testing.T) {
	r := exampleRun(t)
	rep, err := Build(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := rep.Write(r); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := rep.Summarise(r, runs.Transform); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(r.File("report.json"))
	var back struct {
		Stages struct {
			Transform struct {
				Inputs    map[string]map[string]int64
				Resources map[string]map[string]int64
			}
		}
		Problems []Group
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	in := back.Stages.Transform.Inputs["results"]
	for _, field := range []string{"read", "used", "filtered", "duplicate", "other", "unmatched", "rejected"} {
		if _, ok := in[field]; !ok {
			t.Errorf("report.json has no %s", field)
		}
	}
	if in["read"] != 10 || back.Stages.Transform.Resources["studentAssessments"]["staged"] != 6 {
		t.Errorf("%s", text)
	}
	if len(back.Problems) != 2 || back.Problems[0].Count != 3 || back.Problems[0].First != "f.csv:7" {
		t.Errorf("%+v", back.Problems)
	}
	page, _ := os.ReadFile(r.File("report.html"))
	for _, bad := range []string{"Ximena", "<b>2026", "http://", "https://", "<script"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("report.html holds %q", bad)
		}
	}
	for _, good := range []string{"Art", "TestStartDate", "results", "prefers-color-scheme", "viewport", "<svg"} {
		if !strings.Contains(string(page), good) {
			t.Errorf("report.html lacks %q", good)
		}
	}
	if strings.Contains(string(text), "Ximena") {
		t.Error("report.json holds a value of a row")
	}
	if found, _ := filepath.Glob(r.File("summaries", "*-transform.json")); len(found) != 2 {
		t.Errorf("%v", found)
	}
}

func TestEquationThatFailsIsSaid(t *testing.T) {
	r := exampleRun(t)
	rep, _ := Build(r)
	rep.Stages.Transform.Inputs["results"] = runs.InputCounts{Read: 10, Used: 6}
	page, err := rep.page()
	if err != nil || !strings.Contains(string(page), "does not add up") {
		t.Errorf("%v", err)
	}
}

func TestHidden(t *testing.T) {
	for _, c := range [][3]string{{`"1" is less than 100`, "1", `"…" is less than 100`}, {"Zoë was here, Zoëlle too", "Zoë", "… was here, Zoëlle too"}, {"a b", "c", "a b"}} {
		if got := hidden(c[0], c[1]); got != c[2] {
			t.Errorf("%q", got)
		}
	}
}
