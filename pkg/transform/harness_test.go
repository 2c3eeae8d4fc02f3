package transform

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// standard is the embedded data standard 5.1.
var standard = sync.OnceValue(func() *schema.Standard {
	s, err := schema.Load(schemas.FS, "5.1")
	if err != nil {
		panic(err)
	}
	return s
})

// archive is the files of a txtar text.
func archive(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

func load(t testing.TB, text string) *bundle.Bundle {
	t.Helper()
	b, problems := bundle.Load(archive(text), "b", "test")
	if problems.Blocks() {
		t.Fatalf("load: %s", problemText(problems))
	}
	return b
}

// problemText is problems as lines: code place message.
func problemText(list diag.List) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(string(p.Code) + " " + p.Pos().String() + ": " + p.Message + "\n")
	}
	return b.String()
}

func compile(t testing.TB, text string, config ...func(*mapping.Config)) *mapping.Program {
	t.Helper()
	p, problems := tryCompile(t, text, config...)
	if p == nil {
		t.Fatalf("compile:\n%s", problemText(problems))
	}
	return p
}

func tryCompile(t testing.TB, text string, config ...func(*mapping.Config)) (*mapping.Program, diag.List) {
	t.Helper()
	cfg := mapping.Config{Bundle: load(t, text), Standards: []*schema.Standard{standard()}}
	for _, f := range config {
		f(&cfg)
	}
	p, problems, err := mapping.Compile(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, problems
}

func params(pairs ...string) func(*mapping.Config) {
	return func(c *mapping.Config) {
		c.Params = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			c.Params[pairs[i]] = pairs[i+1]
		}
	}
}

// roster says which column holds the students' ids.
func roster(column string) func(*mapping.Config) {
	return func(c *mapping.Config) { c.RosterColumn = column }
}

// result is a run's directory and what it counted.
type result struct {
	*runs.TransformCounts
	run *runs.Run
	err error

	students map[string]Matched
}

func (r *result) file(t testing.TB, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(r.run.File(elem...))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (r *result) staged(t testing.TB, resource string) string {
	return r.file(t, "staged", resource+".jsonl")
}

// runProgram runs a program over files given as name, text pairs; the same name twice is two files.
func runProgram(t testing.TB, p *mapping.Program, workers int, files ...string) *result {
	t.Helper()
	return runOptions(t, p, Options{Workers: workers}, files...)
}

// runMeasured is runProgram with one who measures ids.
func runMeasured(t testing.TB, p *mapping.Program, m Measure, files ...string) *result {
	t.Helper()
	return runOptions(t, p, Options{Workers: 2, Measure: m}, files...)
}

func runOptions(t testing.TB, p *mapping.Program, o Options, files ...string) *result {
	t.Helper()
	dir := t.TempDir()
	given := map[string][]source.Local{}
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i]+string(rune('a'+i/2))+".csv")
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
		given[files[i]] = append(given[files[i]], source.File(path))
	}
	run, err := runs.Create(filepath.Join(dir, "run"), runs.Manifest{Created: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	o.Sink, o.Inputs = ToRun(run), given
	out, err := Run(context.Background(), p, o)
	if out == nil {
		return &result{nil, run, err, nil}
	}
	out.Keep(&run.Manifest)
	return &result{out.Counts, run, err, out.Students}
}

func mustRun(t testing.TB, p *mapping.Program, files ...string) *result {
	t.Helper()
	r := runProgram(t, p, 2, files...)
	if r.err != nil {
		e, _ := diag.AsError(r.err)
		if e != nil {
			t.Fatalf("run: %v\n%s", r.err, problemText(e.Problems))
		}
		t.Fatalf("run: %v", r.err)
	}
	return r
}

// with replaces parts of the simple bundle: old, new, old, new.
func with(t testing.TB, pairs ...string) string {
	t.Helper()
	text := simple
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the bundle", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// discard is a sink that keeps nothing.
type discard struct{}

func (discard) Begin() error                            { return nil }
func (discard) Row(mapping.Place, int64, RowFate) error { return nil }
func (discard) Staged(string, Lines) error              { return nil }
func (discard) Problem(diag.Problem) error              { return nil }
func (discard) Rejected(*RejectFile, string) error      { return nil }
func (discard) Unmapped(Unmapped) error                 { return nil }
func (discard) Mapped(Mapped) error                     { return nil }
func (discard) Commit(*Result) error                    { return nil }
func (discard) Close() error                            { return nil }
