package mapping

import (
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

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

func compile(t testing.TB, text string, config ...func(*Config)) *Program {
	t.Helper()
	p, problems := tryCompile(t, text, config...)
	if p == nil {
		t.Fatalf("compile:\n%s", problemText(problems))
	}
	return p
}

func tryCompile(t testing.TB, text string, config ...func(*Config)) (*Program, diag.List) {
	t.Helper()
	cfg := Config{Bundle: load(t, text), Standards: []*schema.Standard{standard()}}
	for _, f := range config {
		f(&cfg)
	}
	p, problems, err := Compile(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, problems
}

func params(pairs ...string) func(*Config) {
	return func(c *Config) {
		c.Params = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			c.Params[pairs[i]] = pairs[i+1]
		}
	}
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

var simple = func() string {
	text, err := os.ReadFile("testdata/simple.txtar")
	if err != nil {
		panic(err)
	}
	return string(text)
}()
