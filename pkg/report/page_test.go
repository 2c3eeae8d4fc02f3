package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// pageOfRun is report.html of a run, as text.
func pageOfRun(t *testing.T, r *runs.Run) string {
	t.Helper()
	rep, err := Build(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := rep.Write(r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.File("report.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFilesOfTheRun: the page links to what is there and says something, relative to itself, and to nothing else.
func TestFilesOfTheRun(t *testing.T) {
	r := exampleRun(t)
	for name, text := range map[string]string{"rejects/a #1 & \"b\".csv": "h\nrow\n", "rejects/c:d.csv": "h\n", "errors/students.csv": "h\nrow\n", "unmapped.csv": "h\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(r.File(name)), 0o700), os.WriteFile(r.File(name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(pageOfRun(t, r), -1) {
		got = append(got, m[1])
	}
	want := []string{"rejects/a%20%231%20&amp;%20%22b%22.csv", "errors/students.csv", "problems/transform.csv", "run.json", "report.json"}
	if !slices.Equal(got[1:], want) { // the first is the icon
		t.Errorf("%q", got)
	}
	if relative("c:d.csv") != "./c:d.csv" {
		t.Errorf("%q would be another scheme", relative("c:d.csv"))
	}
}

// TestNextCommand: the page has the next command, to be copied as it stands, and where to run it.
func TestNextCommand(t *testing.T) {
	r := exampleRun(t)
	r.Next = &runs.Next{Why: "correct the rows, then: ", Command: []string{"sluice", "run", "b", "--input", "results=a b.csv"}, Folder: "/srv/x"}
	page := pageOfRun(t, r)
	for _, want := range []string{"<p>Correct the rows, then:</p>", "<pre>sluice run b --input &#39;results=a b.csv&#39;</pre>", "<code>/srv/x</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	r.Next.Command = nil
	if page := pageOfRun(t, r); !strings.Contains(page, "<pre></pre>") {
		t.Error("an empty command")
	}
	r.Stopped = &runs.Stop{Stage: runs.Validate, Code: diag.Unmapped, Message: "m", Next: "run `sluice x` first"}
	if page := pageOfRun(t, r); !strings.Contains(page, "Run <code>sluice x</code> first") {
		t.Error("the advice of a stopped run is not there")
	}
	if err := r.Begin(runs.Validate, time.Now()); err != nil || r.Next != nil {
		t.Errorf("a command that was carried out is still the next: %v", err)
	}
}

// TestMissingRows: a value that no table knows has the row to paste, unless it may be a student's.
func TestMissingRows(t *testing.T) {
	r := exampleRun(t)
	r.Inputs = []runs.Input{{Name: "results", Personal: []string{"Student"}}}
	p, err := r.NewProblems(runs.Transform)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []diag.Problem{{Column: "Subject", Value: "Art"}, {Column: "Subject", Value: "=Art"}, {Column: "Student", Value: "Ximena"}} {
		d.Code, d.Input, d.Line, d.File = diag.Unmapped, "results", 9, "f.csv"
		if err := p.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	table := "lookup,value,count,firstLine,nearest,file,header,row,allowed\n" +
		"tests,Art,1,results:9,Arts,tenants/gb/map/tests.csv,\"a,b\",\"Art,\",x; y\n" +
		"tests,'=Art,1,results:9,Arts,tenants/gb/map/tests.csv,\"a,b\",\"\"\"=Art\"\",\",x; y\n" +
		"tests,Ximena,1,results:9,,tenants/gb/map/tests.csv,\"a,b\",\"Ximena,\",\n"
	if err := errors.Join(p.Commit(), os.WriteFile(r.File("unmapped.csv"), []byte(table), 0o600)); err != nil {
		t.Fatal(err)
	}
	page := pageOfRun(t, r)
	for _, want := range []string{"nearest: Arts", "<code>tenants/gb/map/tests.csv</code>", "<pre>&#34;=Art&#34;,\nArt,</pre>", "To fill in: x; y"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "Ximena") {
		t.Error("a student's value is shown")
	}
}

// TestProblemsByRowsLost: errors before warnings, and those that cost most rows first, with their lines; what is
// only worth knowing, and more causes than anybody reads, are folded.
func TestProblemsByRowsLost(t *testing.T) {
	r := exampleRun(t)
	p, err := r.NewProblems(runs.Transform)
	if err != nil {
		t.Fatal(err)
	}
	add := func(d diag.Problem) {
		t.Helper()
		if err := p.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 { // five rows, though twelve times each
		add(diag.Problem{Code: diag.CellType, Column: "Often", File: "f.csv", Line: 2 + i/12, Message: "often"})
	}
	for i := range 15 {
		add(diag.Problem{Code: diag.CellType, Column: "Wide", File: "f.csv", Line: 2 + i, Message: "wide"})
	}
	for i := range 40 {
		add(diag.Problem{Code: diag.CellType, Level: diag.LevelWarning, Column: fmt.Sprint("C", i), File: "f.csv", Line: 2, Message: "warned"})
	}
	add(diag.Problem{Code: diag.RowBlank, Level: diag.LevelInfo, Message: "noted", Count: 3})
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	page := pageOfRun(t, r)
	for _, want := range []string{`</span> wide</h3><span class="times">15 rows<`, `</span> often</h3><span class="times">5 rows<`, "f.csv lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 5 more",
		"<summary>17 more causes</summary>", "<summary>1 note</summary>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Index(page, "> wide<") > strings.Index(page, "> often<") {
		t.Error("not sorted by rows")
	}
}

// TestStrictPage: nothing but the file itself is asked for, and nothing is run.
func TestStrictPage(t *testing.T) {
	page := pageOfRun(t, exampleRun(t))
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", `<html lang="en">`, "<title>Transformed, not yet validated · map 1.0.0 · gb · "} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if found := regexp.MustCompile(`<script|<iframe|<form|\bon\w+=|url\(|@import|https?:|animation|transition`).FindString(page); found != "" {
		t.Errorf("the page has %s", found)
	}
}

// TestProblemsOfAnEarlierTime: a stage that has begun again has not found what it found before.
func TestProblemsOfAnEarlierTime(t *testing.T) {
	r := exampleRun(t)
	if page := pageOfRun(t, r); !strings.Contains(page, "is not a date") {
		t.Error("no problems")
	}
	if err := r.Begin(runs.Transform, time.Now()); err != nil {
		t.Fatal(err)
	}
	if page := pageOfRun(t, r); strings.Contains(page, "is not a date") || !strings.Contains(page, "Transform has not ended") {
		t.Errorf("%s", page)
	}
}

// TestLocalTime: times are those of the machine's clock, and say by how much it differs from UTC.
func TestLocalTime(t *testing.T) {
	defer func() { time.Local = time.UTC }()
	at := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	if moment(at) != "2026-11-22 01:02:03 UTC" || local(at) != "2026-11-22T01:02:03Z" {
		t.Error(moment(at), local(at))
	}
	time.Local = time.FixedZone("", -5*3600)
	if moment(at) != "2026-11-21 20:02:03 -05:00" || minute(at) != "2026-11-21 20:02 -05:00" || local(at) != "2026-11-21T20:02:03-05:00" {
		t.Error(moment(at), minute(at), local(at))
	}
}
