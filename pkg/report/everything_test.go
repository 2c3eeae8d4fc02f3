package report

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestEverything makes a run that has all that a page can show, with names without end and 200 kinds of problems:
// in the folder SLUICE_PAGES, where testdata/axe.sh looks at its page, or in one that is removed.
func TestEverything(t *testing.T) {
	path := filepath.Join(cmp.Or(os.Getenv("SLUICE_PAGES"), t.TempDir()), "everything")
	long := strings.Repeat("AVeryLongName", 12)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r, err := runs.Create(path, runs.Manifest{Tenant: long, Created: now, Params: map[string]string{long: long},
		Bundle: runs.Bundle{Name: long, Version: "1", Assessment: "A family of assessments"}, Inputs: []runs.Input{
			{Name: "results", Path: long + ".csv", Bytes: 1 << 40, Rows: 123456789, Lines: 123456789, SHA256: strings.Repeat("0", 64), Layout: long, Personal: []string{},
				Student: &runs.StudentColumn{Header: long}}}})
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
	for i := range 200 {
		for line := range 12 {
			if err := p.Add(diag.Problem{Code: diag.Unmapped, Level: diag.Level(2 + i%3), Input: "results", File: long + ".csv", Line: line + 2, Column: fmt.Sprint(long, i),
				Resource: "studentAssessments", Path: "$." + long, Value: fmt.Sprint(long, line), Rule: long + ":1", Message: long + " is not a date",
				Fix: "Correct it, then run `sluice validate " + long + "`."}); err != nil {
				t.Fatal(err)
			}
		}
	}
	missing := "value,nearest,file,header,row\n" + long + "0," + long + "," + long + "," + long + "," + long + "\n"
	const n = 1234567
	staged := runs.Loaded{Staged: 8 * n, Created: n, Updated: n, Unchanged: n, Duplicate: n, Invalid: n, Blocked: n, Rejected: n, Pending: n}
	resources := []string{testResults, "studentAssessmentRegistrationBatteryPartAssociations", "extension." + long}
	verdicts, loaded, made := map[string]runs.Verdicts{}, map[string]runs.Loaded{}, map[string]runs.StagedCounts{}
	for _, name := range resources {
		verdicts[name], loaded[name], made[name] = runs.Verdicts{Staged: 3 * n, Valid: n, Invalid: n, Unchecked: n, Marked: 1, Duplicate: 1}, staged, runs.StagedCounts{Staged: 8 * n}
	}
	if err := errors.Join(p.Commit(), os.WriteFile(r.File("unmapped.csv"), []byte(missing), 0o600),
		r.End(runs.Transform, now.Add(time.Hour), runs.Partly, &runs.TransformCounts{Resources: made, Inputs: map[string]runs.InputCounts{
			"results": {Read: 6 * n, Used: n, Filtered: n, Duplicate: n, Other: n, Unmatched: n, Rejected: n - 1}}}),
		r.Begin(runs.Validate, now.Add(time.Hour)), r.End(runs.Validate, now.Add(2*time.Hour), runs.Partly, &runs.ValidateCounts{Resources: verdicts}),
		r.Begin(runs.Send, now.Add(2*time.Hour)), r.End(runs.Send, now.Add(3*time.Hour), runs.Partly, &runs.SendCounts{Resources: loaded})); err != nil {
		t.Fatal(err)
	}
	r.Next = &runs.Next{Why: long, Command: []string{"sluice", "run", long, long + " " + long}, Folder: long}
	page := pageOfRun(t, r)
	for _, want := range []string{"does not add up", `<th scope="col" class="n">pending</th>`, "more causes</summary>", "notes</summary>", "Run it in"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}
