package report

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

var update = flag.Bool("update", false, "rewrite the page that is expected, for review")

func TestMain(m *testing.M) {
	time.Local = time.UTC // pages tell times by the clock of the machine
	os.Exit(m.Run())
}

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
			Value: "13/05/25", Message: `"13/05/25" is not a date`}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Add(diag.Problem{Code: diag.Unmapped, Input: "results", Column: "Subject", Value: "Art", Message: `"Art" is not in tests`, Line: 9, File: "f.csv"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := r.End(runs.Transform, now.Add(1500*time.Millisecond), runs.Partly, &runs.TransformCounts{
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
	for _, bad := range []string{"13/05/25", "<b>2026", "http://", "https://", "<script"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("report.html holds %q", bad)
		}
	}
	const golden = "testdata/report.html"
	got := strings.NewReplacer(r.Manifest.ID, "RUN", r.Path, "FOLDER").Replace(string(page))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := os.ReadFile(golden)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("report.html (-%s +found):\n%s", golden, diff)
	}
	if strings.Contains(string(text), "13/05/25") {
		t.Error("report.json holds a value of a row")
	}
	if found, _ := filepath.Glob(r.File("summaries", "*-transform.json")); len(found) != 2 {
		t.Errorf("%v", found)
	}
}

// What the target says may quote a student's data: the report has the code's sentence, and a group for
// each thing that it says, whatever it quotes.
func TestTheTargetsWordsStayInTheRun(t *testing.T) {
	r := exampleRun(t)
	problems, err := r.NewProblems(runs.Send)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"value 600007 not ok", "value 600008 not ok", "'Ximena' is unknown", "'Zoë' is unknown", "no"} {
		if err := problems.Add(diag.Problem{Code: diag.TargetRefused, Resource: "students", StagedLine: 1, Path: "$.600009", Message: message}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	if err := errors.Join(problems.Commit(), r.Begin(runs.Send, now), r.End(runs.Send, now, runs.Partly, &runs.SendCounts{})); err != nil {
		t.Fatal(err)
	}
	rep, err := Build(r)
	if err != nil {
		t.Fatal(err)
	}
	var counts []int64
	for _, g := range rep.Problems {
		if g.Stage == runs.Send {
			counts = append(counts, g.Count)
			if g.Message != "The target refused the record." {
				t.Errorf("%+v", g)
			}
		}
	}
	if !slices.Equal(counts, []int64{2, 2, 1}) {
		t.Errorf("%v", counts)
	}
	if err := errors.Join(rep.Write(r), rep.Summarise(r, runs.Send)); err != nil {
		t.Fatal(err)
	}
	summaries, _ := filepath.Glob(r.File("summaries", "*-send.json"))
	for _, path := range append(summaries, r.File("report.json"), r.File("report.html")) {
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "60000") || strings.Contains(string(text), "Ximena") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestTableOfRecords: a row for each resource, the counts of the stages side by side.
func TestTableOfRecords(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r := exampleRun(t)
	for stage, counts := range map[string]runs.Counts{
		runs.Validate: &runs.ValidateCounts{Resources: map[string]runs.Verdicts{"studentAssessments": {Staged: 6, Valid: 5, Invalid: 1}, "students": {Staged: 1200, Valid: 1200}}},
		runs.Send:     &runs.SendCounts{Resources: map[string]runs.Loaded{"studentAssessments": {Staged: 6, Created: 4, Unchanged: 1, Invalid: 1}}},
	} {
		if err := errors.Join(r.Begin(stage, now), r.End(stage, now, runs.Done, counts)); err != nil {
			t.Fatal(err)
		}
	}
	rep, err := Build(r)
	if err != nil {
		t.Fatal(err)
	}
	page, err := rep.page()
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), `<table class="records">`)
	table, _, _ = strings.Cut(table, "</table>")
	var got []string
	for row := range strings.SplitSeq(table, "</tr>") {
		cells := regexp.MustCompile(`<t[dh][^>]*>([^<]*)</t`).FindAllStringSubmatch(row, -1)
		var texts []string
		for _, c := range cells {
			texts = append(texts, c[1])
		}
		got = append(got, strings.Join(texts, "|"))
	}
	want := []string{"Resource|Staged|valid|invalid|created|unchanged",
		"studentAssessments|6|5|1|4|1", "students|1 200|1 200|0|–|–", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(string(page), `<div class="eq">`); n != 4 {
		t.Errorf("%d equations, want 4", n)
	}
}

func TestEquationThatFailsIsSaid(t *testing.T) {
	r := exampleRun(t)
	rep, _ := Build(r)
	rep.Stage(runs.Transform).Counts.(*runs.TransformCounts).Inputs["results"] = runs.InputCounts{Read: 10, Used: 6}
	page, err := rep.page()
	if err != nil || !strings.Contains(string(page), "does not add up") {
		t.Errorf("%v", err)
	}
}

func TestHidden(t *testing.T) {
	for _, c := range [][3]string{{`"1" is less than 100`, "1", `"…" is less than 100`}, {`"0" is less than 100`, "0", `"…" is less than 100`}, {"Zoë was here, Zoëlle too", "Zoë", "… was here, Zoëlle too"}, {"a b", "c", "a b"}} {
		if got := hidden(c[0], c[1]); got != c[2] {
			t.Errorf("%q", got)
		}
	}
}

// What an expression made of a student's data is not the value of a column.
func TestOperandsAreHidden(t *testing.T) {
	p := diag.Problem{Code: diag.ExpressionFails, Message: `spring_year("ZOË \"Q\" X"): the text is not a date`}
	if got := masked(p); got != "spring_year(…): the text is not a date" {
		t.Error(got)
	}
	p.Message = "int_id: 604822 / 0"
	if got := masked(p); got != "int_id: … / …" {
		t.Error(got)
	}
	rep := &Report{Inputs: []runs.Input{{Name: "results", Personal: []string{"Student*"}}}}
	p = diag.Problem{Code: diag.Unmapped, Stage: runs.Transform, Input: "results", Column: "Student ID", Value: "604822"}
	if rep.mayShow(p) {
		t.Error("a student's id that was looked up is shown")
	}
	if p.Column, p.Value = "Grade", "K9"; !rep.mayShow(p) {
		t.Error("a vendor's word is hidden")
	}
}

// TestIdentifiersAreNoVocabulary: a long number or an address is not shown as a word of the vendor's,
// whatever column it came from, nor is what a personal column made of a code.
func TestIdentifiersAreNoVocabulary(t *testing.T) {
	rep := &Report{Inputs: []runs.Input{{Name: "results", Personal: []string{}}}}
	for value, want := range map[string]bool{"Meets": true, "Grade 3": true, "604822": false, "id 604822x": false, "a@b.org": false} {
		for _, code := range []diag.Code{diag.Unmapped, diag.LevelUndeclared, diag.DescriptorCase} {
			p := diag.Problem{Code: code, Stage: runs.Transform, Input: "results", Value: value}
			if rep.mayShow(p) != want {
				t.Errorf("%s %s", code, value)
			}
			if p.Personal = true; rep.mayShow(p) {
				t.Errorf("%s %s: a student's data", code, value)
			}
		}
	}
	for value, want := range map[string]bool{"09/05/25": true, "20250905": true, "09052025": true, "604822": false, "77000277": false, "NA": true,
		"Absent": true, "Not Tested": true, "2O8": true, "<2": true, "Ximena Q": false, "Smith, Ann": false, "ANN": false, "Zoë": false, "O'Neil": false} {
		if rep.mayShow(diag.Problem{Code: diag.CellType, Stage: runs.Transform, Input: "results", Column: "Test Date", Value: value}) != want {
			t.Errorf("a cell: %s", value)
		}
	}
	if rep.mayShow(diag.Problem{Code: diag.CellScoreRange, Stage: runs.Transform, Input: "results", Column: "Score", Value: "20250905"}) {
		t.Error("a score")
	}
	p := diag.Problem{Code: diag.DescriptorCase, Value: "ANN", Message: `the codes "Ann" and "ANN" differ only in case`}
	if got := masked(p); got != "the codes … and … differ only in case" {
		t.Error(got)
	}
}

// TestGroupsHoldNoRowsLine: what is said of a cause names no line of one row.
func TestGroupsHoldNoRowsLine(t *testing.T) {
	for message, want := range map[string]string{
		"the row has the same key as line 7, but different contents in Score": "the row has the same key as another line, but different contents in Score",
		"refers to line 19 of assessments, which is invalid":                  "refers to another line of assessments, which is invalid",
	} {
		if got := masked(diag.Problem{Code: diag.RowKeyConflict, Message: message}); got != want {
			t.Error(got)
		}
	}
	if got := masked(diag.Problem{Code: diag.RowLong, Message: "the row has 9 cells, the header 8"}); got != "A row has more cells than the header." {
		t.Error(got)
	}
	if got := masked(diag.Problem{Code: diag.FileNUL, Message: "line 11 of f.csv holds 3 NUL bytes"}); !strings.Contains(got, "line 11") {
		t.Error(got)
	}
}

// TestValuesThatMayBeShown: the values of a column are shown where the run knows which columns are a
// student's, and this is not one of them.
func TestValuesThatMayBeShown(t *testing.T) {
	build := func(personal []string) *Group {
		r := exampleRun(t)
		r.Inputs = []runs.Input{{Name: "results", Personal: personal}}
		rep, err := Build(r)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rep.Problems, func(g Group) bool { return g.Code == diag.CellType })
		return &rep.Problems[i]
	}
	if g := build([]string{"Student*"}); len(g.Values) != 1 || g.Values[0] != (Value{Value: "13/05/25", Count: 3, Line: 7}) {
		t.Errorf("%+v", g.Values)
	}
	for _, personal := range [][]string{nil, {"Test*Date"}} {
		if g := build(personal); g.Values != nil || strings.Contains(g.Message, "13/05") {
			t.Errorf("%v: %+v", personal, g)
		}
	}
}

// TestVerdictOfAStoppedSend: what an earlier send left at the target is not said to be there now.
func TestVerdictOfAStoppedSend(t *testing.T) {
	r := exampleRun(t)
	said := func() string {
		rep, err := Build(r)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, v := range rep.Verdict {
			all = append(all, v.Text)
		}
		return strings.Join(all, "; ")
	}
	now := time.Date(2026, 5, 1, 13, 0, 0, 0, time.UTC)
	counts := &runs.SendCounts{Resources: map[string]runs.Loaded{"studentAssessments": {Staged: 5, Created: 5}}}
	if err := errors.Join(r.Begin(runs.Send, now), r.End(runs.Send, now, runs.Done, counts)); err != nil {
		t.Fatal(err)
	}
	if got := said(); !strings.Contains(got, "5 of 5 records are at the target") {
		t.Error(got)
	}
	if err := r.StopAt(runs.Send, now, diag.Fail(diag.Guarded, diag.GuardLedger, "", "the target was emptied")); err != nil {
		t.Fatal(err)
	}
	if got := said(); !strings.Contains(got, "5 of 5 records were at the target after the last send") {
		t.Error(got)
	}
}

// TestVerdictOfUnmappedValues: values that are not shown count too, and more than are told apart are not given as a number.
func TestVerdictOfUnmappedValues(t *testing.T) {
	for _, c := range []struct {
		values int
		want   string
	}{{3, "3 values have no mapping"}, {mostValues + 1, "at least 1000 values have no mapping"}} {
		r := exampleRun(t)
		p, err := r.NewProblems(runs.Transform)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.values {
			if err := p.Add(diag.Problem{Code: diag.Unmapped, Input: "results", Column: "Grade", Value: strconv.Itoa(i), Personal: i == 0}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		rep, err := Build(r)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(rep.Verdict, func(v Remark) bool { return v.Text == c.want }) {
			t.Errorf("%d: %+v", c.values, rep.Verdict)
		}
		if slices.ContainsFunc(rep.Problems[0].Values, func(v Value) bool { return v.Value == "0" }) {
			t.Error("a student's value is shown")
		}
	}
}

// TestNothingCounted: a run that stopped before it counted is not said to add up.
func TestNothingCounted(t *testing.T) {
	page, err := (&Report{}).page()
	if err != nil || strings.Contains(string(page), "add up") {
		t.Errorf("%v %s", err, page)
	}
}
