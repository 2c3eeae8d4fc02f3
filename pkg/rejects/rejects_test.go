package rejects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// world is a run after transform.
type world struct {
	*testing.T
	*runs.Run
	vendor string // folder
}

func newWorld(t *testing.T) *world {
	r, err := runs.Create(filepath.Join(t.TempDir(), "r"), runs.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	r.Staged, r.Verdicts, r.Folder = map[string]jsonl.Digest{}, map[string]jsonl.Digest{}, t.TempDir()
	for _, dir := range []string{"verdicts", "errors"} {
		if err := os.Mkdir(r.File(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &world{t, r, r.Folder}
}

func (w *world) write(path, text string) {
	w.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.Helper()
	text, err := os.ReadFile(w.File(name))
	if err != nil {
		return ""
	}
	return string(text)
}

// input is a vendor's file.
func (w *world) input(name, file, text string, o table.Options) {
	w.write(filepath.Join(w.vendor, file), text)
	sum := sha256.Sum256([]byte(text))
	w.Inputs = append(w.Inputs, runs.Input{Name: name, Path: file, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Written: WrittenAs(o)})
}

// staged are records of a resource, with where they come from and what validate says of them.
func (w *world) staged(resource, verdicts string, origins ...string) {
	w.write(w.StagedFile(resource), strings.Repeat("{}\n", len(origins)))
	w.write(w.OriginFile(resource), strings.Join(origins, "\n")+"\n")
	w.write(w.VerdictFile(resource), verdicts)
	w.Staged[resource] = jsonl.Digest{Lines: int64(len(origins))}
	w.Verdicts[resource] = jsonl.Digest{Lines: int64(len(verdicts))}
}

func (w *world) problems(stage string, all ...diag.Problem) {
	p, err := w.NewProblems(stage)
	if err != nil {
		w.Fatal(err)
	}
	for _, d := range all {
		if err := p.Add(d); err != nil {
			w.Fatal(err)
		}
	}
	if err := p.Commit(); err != nil {
		w.Fatal(err)
	}
}

// refused are lines of errors/: "line outcome source message".
func (w *world) refused(resource string, rows ...string) {
	var b strings.Builder
	for _, row := range rows {
		var line int
		var outcome, source, message string
		if _, err := fmt.Sscan(row, &line, &outcome, &source, &message); err != nil {
			w.Fatal(err)
		}
		text, _ := json.Marshal(map[string]any{"resource": resource, "stagedLine": line, "outcome": outcome, "source": source, "message": message, "code": "C"})
		b.Write(append(text, '\n'))
	}
	w.write(w.File("errors", resource+".jsonl"), b.String())
}

func (w *world) update(stage string) []string {
	w.Helper()
	kept, err := Update(w.Run, Options{Stage: stage})
	if err != nil {
		w.Fatal(err)
	}
	return kept
}

const small = "K,V\n1,a\n2,b\n3,c\n4,d\n"

// TestRowsAreKept: rows stand in rejects/ as they stand in their file, whatever it looks like, and are read from there
// as they were.
func TestRowsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		o          table.Options
	}{
		"plain":           {"K,V\n1,a\n2,b\n3,c\n", "K,V\n2,b\n", table.Options{}},
		"crlf":            {"K,V\r\n1,a\r\n2,b\r\n3,c\r\n", "K,V\r\n2,b\r\n", table.Options{}},
		"several lines":   {"K,V\n1,\"a\na\"\n2,b\n", "K,V\n1,\"a\na\"\n", table.Options{}},
		"no end":          {"K,V\n1,a\n2,b", "K,V\n2,b\n", table.Options{}},
		"semicolons":      {"K;V\n1;a,a\n2;b\n", "K;V\n1;a,a\n", table.Options{Delimiter: ";"}},
		"tabs":            {"K\tV\n1\ta\n", "K\tV\n1\ta\n", table.Options{Format: "tsv"}},
		"no quotes":       {"K,V\n1,\"a\n2,b\n", "K,V\n1,\"a\n", table.Options{NoQuotes: true}},
		"titles":          {"Report,\nK,V\n1,a\n2,b\n", "Report,\nK,V\n2,b\n", table.Options{HeaderRows: []int{2}}},
		"mark":            {"\ufeffK,V\n1,é\n", "K,V\n1,é\n", table.Options{}},
		"windows-1252":    {"K,V\n1,\xe9\n2,b\n", "\ufeffK,V\n1,é\n", table.Options{Encoding: "windows-1252"}},
		"declared utf-16": {"K\x00,\x00V\x00\n\x001\x00,\x00\xe9\x00\n\x00", "\ufeffK,V\n1,é\n", table.Options{Encoding: "utf-16le"}},
		"marked utf-16":   {"\xff\xfeK\x00,\x00V\x00\n\x001\x00,\x00\xe9\x00\n\x00", "\ufeffK,V\n1,é\n", table.Options{}},
		"blank lines":     {"K,V\n\n1,a\n,\n2,b\n", "K,V\n2,b\n", table.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.input("in", "f.csv", c.text, c.o)
			last := strings.TrimRight(c.want[strings.LastIndex(strings.TrimRight(c.want, "\r\n"), "\n")+1:], "\r\n")
			if name == "several lines" {
				last = "1,\"a\na\""
			}
			line := 0
			reader, err := table.Open(filepath.Join(w.vendor, "f.csv"), c.o)
			if err != nil {
				t.Fatal(err)
			}
			for row, err := range rowsOf(reader) {
				if err != nil {
					t.Fatal(err)
				}
				if row.raw == last {
					line = int(row.line)
				}
			}
			_ = reader.Close()
			w.staged("a", "vi", "in:1", fmt.Sprintf("in:%d", line))
			for range 2 { // what is there already is written again, from the vendor's file or without it
				w.update(runs.Validate)
				if d := cmp.Diff(c.want, w.read("rejects/in.csv")); d != "" {
					t.Fatal(d)
				}
				if err := os.Remove(filepath.Join(w.vendor, "f.csv")); err != nil {
					t.Fatal(err)
				}
				w.write(filepath.Join(w.vendor, "f.csv"), "other")
			}
			if w.ToCorrect[0].Lost != 0 || w.ToCorrect[0].Rows != 1 {
				t.Errorf("%+v", w.ToCorrect)
			}
			c.o.Encoding = "" // as a bundle that declares none reads it
			again, err := table.Open(w.File("rejects", "in.csv"), c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			for row := range rowsOf(again) {
				if row.raw != last {
					t.Errorf("%q is read as %q", last, row.raw)
				}
			}
		})
	}
}

// TestEachRowOnce: of a row whose records failed in several ways there is one line, with all reasons; a record that
// passed has none, whatever is said of it.
func TestEachRowOnce(t *testing.T) {
	w := newWorld(t)
	w.input("in", "f.csv", small, table.Options{})
	w.problems(runs.Transform, diag.Problem{Code: "T-1", Level: diag.LevelError, Input: "in", File: "f.csv", Line: 3, RejectLine: 2, Message: "no number", Value: "x"},
		diag.Problem{Code: "T-2", Level: diag.LevelWarning, Input: "in", File: "f.csv", Line: 4, Message: "odd"})
	w.staged("a", "iivd", "in:2", "in:2", "in:3", "in:4")
	w.staged("b", "mvi", "in:2", "in:3", "in:5")
	w.staged("tables", "i", "tables/t.csv:2")
	w.problems(runs.Validate,
		diag.Problem{Code: "A-1", Level: diag.LevelError, Resource: "a", StagedLine: 1, Input: "in", File: "f.csv", Line: 2, Message: "too long"},
		diag.Problem{Code: "A-2", Level: diag.LevelWarning, Resource: "a", StagedLine: 1, Input: "in", File: "f.csv", Line: 2, Message: "a warning"},
		diag.Problem{Code: "A-1", Level: diag.LevelError, Resource: "a", StagedLine: 2, Input: "in", File: "f.csv", Line: 2, Message: "too long"},
		diag.Problem{Code: "A-2", Level: diag.LevelWarning, Resource: "a", StagedLine: 3, Input: "in", File: "f.csv", Line: 3, Message: "a warning"},
		diag.Problem{Code: diag.ReferenceInvalid, Level: diag.LevelWarning, Resource: "b", StagedLine: 1, Input: "in", File: "f.csv", Line: 2, Message: "refers to a bad one"},
		diag.Problem{Code: "A-1", Level: diag.LevelError, Resource: "tables", StagedLine: 1, Input: "tables/t.csv", Line: 2, Message: "bad"})
	w.update(runs.Validate)
	want := `line,rejectLine,stage,codes,messages
2,2,validate,A-1; REF-INVALID-PARENT,a: too long; b: refers to a bad one
3,3,transform,T-1,"no number (""x"")"
5,4,validate,,"b: the record is not valid; problems/validate.csv says what is wrong, and how often"
`
	if d := cmp.Diff(want, w.read("rejects/in.reasons.csv")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("K,V\n1,a\n2,b\n4,d\n", w.read("rejects/in.csv")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[runs.Fate]int64{runs.RowRejected: 1, runs.RecordInvalid: 2}, w.ToCorrect[0].Because); d != "" {
		t.Error(d)
	}
	// The list of a resource that refers to itself goes through its lines more than once. What is pending is only to be
	// sent again.
	w.refused("a", "2 rejected in:2 second", "4 rejected in:4 last", "1 blocked in:2 first", "3 pending in:3 later")
	w.update(runs.Send)
	want = `line,rejectLine,stage,codes,messages
2,2,send,C,a: second; a: first
3,3,transform,T-1,"no number (""x"")"
4,4,send,C,a: last
`
	if d := cmp.Diff(want, w.read("rejects/in.reasons.csv")); d != "" {
		t.Error(d)
	}
	text, _ := os.ReadFile(w.File("problems", "transform.jsonl"))
	if !strings.Contains(string(text), `"rejectLine":3`) || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%s", text)
	}
	// Everything is accepted: only what transform rejected is left, and without that nothing.
	w.refused("a")
	w.update(runs.Send)
	if got := w.read("rejects/in.csv"); got != "K,V\n2,b\n" {
		t.Errorf("%q", got)
	}
	w.problems(runs.Transform)
	w.update(runs.Send)
	if left, err := os.ReadDir(w.File("rejects")); err != nil || len(left) > 0 || len(w.ToCorrect) > 0 {
		t.Error(left, err, w.ToCorrect)
	}
}

// TestSeveralFiles: each file of an input has one of its own, named like it.
func TestSeveralFiles(t *testing.T) {
	w := newWorld(t)
	for _, file := range []string{"fall.csv", "win ter*.csv", "spring.csv"} {
		w.input("in", file, small, table.Options{})
	}
	w.input("levels", "levels.csv", small, table.Options{})
	w.staged("a", "iiiv", "in#1:2", "in#2:3", "levels:4", "levels:5")
	w.update(runs.Validate)
	for name, want := range map[string]string{"in-1-fall": "1,a", "in-2-win_ter_": "2,b", "levels": "3,c", "in-3-spring": ""} {
		if want != "" {
			want = "K,V\n" + want + "\n"
		}
		if got := w.read("rejects/" + name + ".csv"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestLostRows: rows that cannot be read again are listed by their lines, with why.
func TestLostRows(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		harm func(w *world, path string)
		why  string
	}{
		"gone":      {"f.csv", func(_ *world, path string) { _ = os.Remove(path) }, "f.csv is not there any more"},
		"longer":    {"f.csv", func(w *world, path string) { w.write(path, small+"5,e\n") }, "f.csv has changed since it was transformed"},
		"corrected": {"f.csv", func(w *world, path string) { w.write(path, strings.Replace(small, "b", "x", 1)) }, "f.csv has changed since it was transformed"},
		"folder": {"f.csv", func(_ *world, path string) {
			_ = os.Remove(path)
			_ = os.Mkdir(path, 0o700)
		}, "f.csv is a pipe or a device, which cannot be read twice"},
		"stdin": {"standard input", func(_ *world, path string) { _ = os.Remove(path) }, "they came from standard input, which cannot be read twice"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.input("in", c.path, small, table.Options{})
			w.problems(runs.Transform, diag.Problem{Code: "T-1", Level: diag.LevelError, Input: "in", File: c.path, Line: 4, RejectLine: 2, Message: "no number"})
			w.update(runs.Validate) // as transform left it
			w.staged("a", "ii", "in:2", "in:5")
			c.harm(w, filepath.Join(w.vendor, c.path))
			w.update(runs.Validate)
			if got := w.read("rejects/in.csv"); got != "K,V\n3,c\n" {
				t.Errorf("what was there already is %q", got)
			}
			if got := w.read("rejects/in.lost.csv"); strings.Count(got, "\n") != 3 || !strings.Contains(got, "\n2,validate,") || !strings.Contains(got, "\n5,validate,") {
				t.Error(got)
			}
			if got := w.ToCorrect[0]; got.Rows != 1 || got.Lost != 2 || got.Why != c.why {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestEditedRows: what somebody made of the rows is never overwritten.
func TestEditedRows(t *testing.T) {
	w := newWorld(t)
	w.input("in", "f.csv", small, table.Options{})
	w.staged("a", "ii", "in:2", "in:4")
	w.update(runs.Validate)
	w.write(w.File("rejects", "in.csv"), "K,V\n1,right\n")
	if kept := w.update(runs.Validate); kept != nil || w.read("rejects/in.csv") != "K,V\n1,right\n" {
		t.Errorf("%v %q: the same rows are to be corrected", kept, w.read("rejects/in.csv"))
	}
	w.staged("a", "iv", "in:2", "in:4")
	if kept := w.update(runs.Validate); !cmp.Equal(kept, []string{"rejects/in.edited.csv"}) || w.read("rejects/in.csv") != "K,V\n1,a\n" {
		t.Errorf("%v %q", kept, w.read("rejects/in.csv"))
	}
	w.write(w.File("rejects", "in.csv"), "K,V\n1,right again\n")
	w.staged("a", "vv", "in:2", "in:4")
	if kept := w.update(runs.Validate); !cmp.Equal(kept, []string{"rejects/in.edited-2.csv"}) || w.read("rejects/in.csv") != "" {
		t.Errorf("%v %q", kept, w.read("rejects/in.csv"))
	}
	if w.read("rejects/in.edited.csv") != "K,V\n1,right\n" || w.read("rejects/in.edited-2.csv") != "K,V\n1,right again\n" {
		t.Error("an edited file is gone")
	}
}

// TestLinesThatAreNotKnown: where lines of a staged file were added or removed, no row is taken for another; nor from
// reasons that do not fit.
func TestLinesThatAreNotKnown(t *testing.T) {
	w := newWorld(t)
	w.input("in", "f.csv", small, table.Options{})
	w.staged("a", "ii", "in:2", "in:4")
	w.update(runs.Validate)
	if err := os.Remove(filepath.Join(w.vendor, "f.csv")); err != nil {
		t.Fatal(err)
	}
	reasons := strings.Split(w.read("rejects/in.reasons.csv"), "\n")
	reasons[1], reasons[2] = reasons[2], reasons[1]
	w.write(w.File("rejects", "in.reasons.csv"), strings.Join(reasons, "\n"))
	w.update(runs.Validate)
	if got := w.read("rejects/in.csv"); got != "" || w.ToCorrect[0].Lost != 2 {
		t.Errorf("%q %+v", got, w.ToCorrect)
	}
	w.Staged["a"] = jsonl.Digest{Lines: 3}
	w.update(runs.Validate)
	if len(w.ToCorrect) > 0 {
		t.Errorf("%+v", w.ToCorrect)
	}
}

// TestUnwritable: where the new files cannot be written, the old ones stay.
func TestUnwritable(t *testing.T) {
	w := newWorld(t)
	w.input("in", "f.csv", small, table.Options{})
	w.staged("a", "iv", "in:2", "in:4")
	w.update(runs.Validate)
	was := w.read("rejects/in.csv")
	w.staged("a", "ii", "in:2", "in:4")
	w.Inputs[0].Name = strings.Repeat("x", 250) // whose reasons have a name that is too long
	w.write(w.OriginFile("a"), w.Inputs[0].Name+":2\n"+w.Inputs[0].Name+":4\n")
	if _, err := Update(w.Run, Options{Stage: runs.Validate}); err == nil {
		t.Fatal("no error")
	} else if e, ok := diag.AsError(err); !ok || e.Code != diag.MachineDisk {
		t.Error(err)
	}
	left, err := os.ReadDir(w.File("rejects"))
	if err != nil || len(left) != 2 || w.read("rejects/in.csv") != was {
		t.Error(left, err)
	}
}

// TestListInNoOrder: a resource that refers to itself in a long chain has each generation's lines anew.
func TestListInNoOrder(t *testing.T) {
	w := newWorld(t)
	var text strings.Builder
	var origins, errors []string
	text.WriteString("K,V\n")
	for i := range mostParts + 10 {
		fmt.Fprintf(&text, "%d,x\n", i)
		origins = append(origins, fmt.Sprintf("in:%d", i+2))
		errors = append([]string{fmt.Sprintf("%d rejected in:%d m", i+1, i+2)}, errors...)
	}
	w.input("in", "f.csv", text.String(), table.Options{})
	w.staged("a", strings.Repeat("v", len(origins)), origins...)
	w.refused("a", errors...)
	w.update(runs.Send)
	if got := w.read("rejects/in.csv"); got != text.String() {
		t.Errorf("%q", got)
	}
}
