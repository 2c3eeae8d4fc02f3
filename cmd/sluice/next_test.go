package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func silent() streams {
	return streams{in: bytes.NewReader(nil), out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}
}

// TestCommandsCanBePasted: a printed command is quoted for the shell and carries the global flags.
func TestCommandsCanBePasted(t *testing.T) {
	a := newApp(silent())
	if err := a.root.PersistentFlags().Parse([]string{"--config", "our tenants/sluice.yaml", "--tenant=gb", "--strict", "--workers", "2"}); err != nil {
		t.Fatal(err)
	}
	a.given = givenFlags(a.root.PersistentFlags())
	want := `sluice validate 'my runs/r1' --tenant gb '--config=our tenants/sluice.yaml' --strict --workers=2`
	if got := a.command("validate", "my runs/r1", "--tenant", "gb"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestNextWithRejects: the inputs that have rejected rows are named, whatever their reject files are called, and
// they are run as the others were.
func TestNextWithRejects(t *testing.T) {
	a := newApp(silent())
	r, err := runs.Create(filepath.Join(t.TempDir(), "r 1"), runs.Manifest{Tenant: "gb", Bundle: runs.Bundle{Name: "b", Origin: "embedded"},
		Params: map[string]string{"year": "2026"}, Student: "column State ID", StudentAsked: true,
		ReadAs: map[string]string{"re-sults": "encoding windows-1252, delimiter ;", "levels": "delimiter tab"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Folder = filepath.Dir(r.Path)
	latin := &runs.Written{Encoding: "windows-1252"}
	r.Inputs = []runs.Input{{Name: "re-sults", Path: "a.csv", Written: latin}, {Name: "re-sults", Path: "b.csv", Written: latin}, {Name: "levels", Path: "c.csv"},
		{Name: "needed", Path: "d.csv"}, {Name: "other", Path: "e.csv", Optional: true}}
	if got := a.nextOf(r); got != nil {
		t.Error(got)
	}
	second, levels := runs.RejectFile("re-sults", 2, "b.csv"), runs.RejectFile("levels", 0, "c.csv")
	r.ToCorrect = []runs.Reject{{Input: "re-sults", From: "b.csv", File: second, Rows: 1}, {Input: "levels", From: "c.csv", File: levels, Rows: 2}}
	second, levels = r.File(second), r.File(levels)
	r.Pass = &runs.Pass{Online: true}
	partly := runs.Partly
	for _, stage := range runs.Stages() {
		r.Stages[stage.Name] = &runs.Execution{Exit: &partly}
	}
	want := "next: correct the rows in " + r.File("rejects") + ", then: sluice run b --input 're-sults=" + second + "' --input 'levels=" + levels +
		"' --input needed=" + filepath.Join(r.Folder, "d.csv") + " --param year=2026 --encoding re-sults=utf-8 --delimiter levels=tab --delimiter 're-sults=;' --student 'State ID' --tenant gb"
	var got string
	if a.sayNext(func(format string, args ...any) { got = fmt.Sprintf(format, args...) }, a.nextOf(r)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestVerdictIsShort: whatever stayed behind, a verdict has two to five lines, with the error that it may follow, and
// names every file.
func TestVerdictIsShort(t *testing.T) {
	a := newApp(silent())
	a.screen = newScreen(silent(), settings{})
	r := &runs.Run{Path: "r", Manifest: runs.Manifest{Stages: map[string]*runs.Execution{}}}
	rep := &report.Report{Verdict: []report.Remark{{Text: "9 of 27 rows are loaded", Total: true}, {Text: "106 of 107 records are at the target", Total: true}}}
	files := []string{}
	for n := range 6 {
		if n > 0 {
			file := fmt.Sprintf("file%d.csv", n)
			files = append(files, file)
			rep.Verdict = append(rep.Verdict, report.Remark{Text: fmt.Sprint(n, " things stayed behind"), File: file})
		}
		for _, next := range []*step{nil, {words: []string{"send", "r"}}} {
			for said := range 3 { // lines of an error before it
				var lines []string
				a.sayVerdict(func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }, r, rep, runs.Partly, next, mostLines-said)
				if len(lines) < 2 || said+len(lines) > mostLines {
					t.Errorf("%d things behind, %d lines before: %q", n, said, lines)
				}
				for _, file := range files {
					if !strings.Contains(strings.Join(lines, "\n"), "→ "+filepath.Join("r", file)) {
						t.Errorf("%s is not named: %q", file, lines)
					}
				}
			}
		}
	}
}

// TestNextAfterJudging: what was judged is to be sent, unless that was too long ago; also what was sent once and
// judged again since.
func TestNextAfterJudging(t *testing.T) {
	a := newApp(silent())
	now, done, partly := time.Now(), runs.Done, runs.Partly
	r := &runs.Run{Path: "r", Manifest: runs.Manifest{Tenant: "sandbox", Pass: &runs.Pass{Tenant: "sandbox", Online: true, At: now},
		Stages: map[string]*runs.Execution{
			runs.Transform: {Start: now, Exit: &done},
			runs.Validate:  {Start: now.Add(1), Exit: &partly},
			runs.Send:      {Start: now.Add(2), Exit: &partly, Counts: []byte(`{"resources":{"students":{"staged":1,"invalid":1}}}`)},
		}}}
	expect := func(stage string) {
		t.Helper()
		if got := a.nextOf(r); got == nil || got.words[0] != stage {
			t.Errorf("%+v, want %s", got, stage)
		}
	}
	expect(runs.Validate)
	r.Stages[runs.Validate].Start = now.Add(3)
	expect(runs.Send)
	r.Pass.At = now.Add(-48 * time.Hour)
	expect(runs.Validate)
}

// TestPace: the time that remains is said once there is a pace, and what an earlier execution had done is not
// taken for one.
func TestPace(t *testing.T) {
	at := func(done, total int64) pipeline.Progress {
		return pipeline.Progress{Doing: "loading", Done: done, Total: total, Also: done / 2, Of: "accepted by the target"}
	}
	var p pace
	now := time.Now()
	step := func(done int64) { now = now.Add(sampled); p.add(now, done) }
	p.add(now, 0)
	if got := p.said(at(0, 0)); got != "preparing" {
		t.Error(got)
	}
	step(50_000) // found to be there already
	step(50_010)
	if got := p.said(at(50_010, 60_000)); got != "loading 50,010 of 60,000 records · 25,005 accepted by the target" {
		t.Error(got)
	}
	for n := int64(50_020); n <= 50_200; n += 10 {
		step(n)
	}
	if got := p.said(at(50_200, 60_000)); got != "loading 50,200 of 60,000 records · 25,100 accepted by the target · 8 min left" {
		t.Error(got)
	}
	for range mostSamples { // the target is down
		step(50_200)
	}
	if got := p.said(at(50_200, 60_000)); got != "loading 50,200 of 60,000 records · 25,100 accepted by the target" {
		t.Error(got)
	}
	if got := p.said(pipeline.Progress{Doing: "reading", Done: 26 << 20, Total: 45 << 20, Bytes: true}); got != "reading 26.0 of 45.0 MiB" {
		t.Error(got)
	}
	if got := p.said(pipeline.Progress{Doing: "copying", Done: 26 << 20, Bytes: true}); got != "copying 26.0 MiB" {
		t.Error(got)
	}
}

// TestTableFits: wide characters take two places and combining marks none, and what is too long goes on below.
func TestTableFits(t *testing.T) {
	table := newTable([]string{"name", "n", "meaning"}, [][]string{
		{"学校一覧", "7", "a long text that has to go on in the next line"},
		{"e\u0301cole", "12", "short"},
		{"a\nb\x1b[31m", "3", "averyveryverylongwordwithoutanyblankinit"},
	})
	table.fit(40)
	var all []string
	for _, row := range append([][]string{table.header}, table.rows...) {
		for _, line := range table.lines(row) {
			all = append(all, line)
			if cells(line) > 38 {
				t.Errorf("%q is %d wide", line, cells(line))
			}
		}
	}
	want := []string{
		"name             n  meaning",
		"学校一覧         7  a long text that",
		"                    has to go on in",
		"                    the next line",
		"e\u0301cole           12  short",
		`a\nb\u001b[31m   3  averyveryverylongw`,
		"                    ordwithoutanyblank",
		"                    init",
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}

func TestProgressEndsAtAll(t *testing.T) {
	for _, c := range [][3]int64{{5, 10, 5}, {15, 10, 10}, {15, 0, 15}, {0, 10, 0}} {
		if got := reached(pipeline.Progress{Done: c[0], Total: c[1]}); got != c[2] {
			t.Errorf("%d of %d is shown as %d", c[0], c[1], got)
		}
	}
}
