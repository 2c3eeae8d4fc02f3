package intake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

var names = []string{"assessments", "studentAssessments", "students"}

// folder makes a folder of files, by path and text.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestStage(t *testing.T) {
	root := folder(t, map[string]string{
		"Assessments.ndjson":           "\ufeff{\"a\":1}\r\n\r\n{\"a\":2}\r\n  \n",
		"studentAssessments.JSONL":     "{\"s\":1}\n{\"s\":2}",
		"studentAssessments/1.json":    "\n{\"s\":3}\n",
		"studentAssessments/x/y.jsonl": "{}",
		"students.jsonl":               "\n",
		"mistyped.jsonl":               "{\"m\":1}\n",
		"old/students.jsonl":           "{}\n",
		"empty/keep.txt":               "",
		"lightbeam.yaml":               "",
		"._students.jsonl":             "\x00",
	})
	found, err := Find(root, names)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runs.Create(filepath.Join(t.TempDir(), "run"), runs.Manifest{Records: root})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := Stage(t.Context(), r, found, &Progress{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	for name, want := range map[string][2]string{
		"assessments":        {"{\"a\":1}\n{\"a\":2}\n", "assessments:1\nassessments:3\n"},
		"studentAssessments": {"{\"s\":3}\n{\"s\":1}\n{\"s\":2}\n", "studentAssessments#1:2\nstudentAssessments#2:1\nstudentAssessments#2:2\n"},
		"students":           {"", ""},
		"mistyped":           {"{\"m\":1}\n", "mistyped:1\n"},
	} {
		if d := cmp.Diff(want, [2]string{read(r.StagedFile(name)), read(r.OriginFile(name))}); d != "" {
			t.Error(name, d)
		}
		if staged := counts.Resources[name].Staged; staged != int64(strings.Count(want[0], "\n")) || staged != r.Staged[name].Lines {
			t.Error(name, staged, r.Staged[name])
		}
	}
	var said []string
	if err := r.EachProblem(runs.Transform, func(p diag.Problem) {
		where, _ := filepath.Rel(root, p.File)
		said = append(said, p.Level.String()+" "+filepath.ToSlash(where)+": "+p.Message)
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{
		"note lightbeam.yaml: it was not read: its name does not end with .jsonl, .ndjson, .json",
		"warning old: it was not read: no resource has this name",
		"warning studentAssessments/x: it was not read: folders are looked at one level deep",
		"note Assessments.ndjson: lines without any text were passed over",
		"note studentAssessments/1.json: lines without any text were passed over",
		"warning students.jsonl: the file holds no records",
	}, said); d != "" {
		t.Error(d)
	}
}

// The digest that the pass holds for changes with any file.
func TestDigest(t *testing.T) {
	a := []runs.Input{{Name: "students", SHA256: "1"}, {Name: "students", SHA256: "2"}}
	if digest(a) == digest(a[:1]) || digest(a) != digest([]runs.Input{a[0], a[1]}) {
		t.Error("the digest does not stand for the files")
	}
}

func TestFindRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[\n{}]\n":            "the file holds one JSON array",
		"\ufeff \n[{},\n{}]":  "the file holds one JSON array",
		"{\n  \"a\": 1\n}\n":  "the first record stands on several lines",
		"\xff\xfe{\x00}\x00":  "the file is written in UTF-16",
		"\x1f\x8b\x08\x00abc": "the file is an archive",
	} {
		_, err := Find(folder(t, map[string]string{"students.jsonl": text, "assessments.jsonl": "{}"}), names)
		e, ok := diag.AsError(err)
		if !ok || len(e.Problems) != 1 || e.Problems[0].Message != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := Find(folder(t, map[string]string{"notes.txt": ""}), names)
	if e, ok := diag.AsError(err); !ok || e.Code != diag.ConfigInput {
		t.Error(err)
	}
}
