package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// binaries is for testdata/compare.sh: the scripts run with the sluice of this folder, and go on where
// that one, being another version, does something else.
var binaries = flag.String("binaries", "", "folder of the sluice that the scripts run, in place of the one under test")

var update = flag.Bool("update", false, "rewrite generated documents and the output expected by scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// TestScripts runs the real binary as a user does, for each command, flag and exit status.
func TestScripts(t *testing.T) {
	// Under nohup a hangup is ignored, here and in every process begun here, unless somebody listens.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangups) })
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     *binaries != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("HOME", env.WorkDir)
			if *binaries != "" {
				env.Setenv("PATH", *binaries+string(os.PathListSeparator)+env.Getenv("PATH"))
			}
			root, err := filepath.Abs("../..")
			env.Setenv("PROJECT", root)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"count": count,
			"edit":  edit,
			"same":  same,
			"api":   api,
			"alike": alike,
			"post":  post,
			"holds": holds,

			"certificate": certificate,
			"proxy":       proxy,
		},
	})
}

// exits STATUS COMMAND ARGS… runs a command and compares its exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("%v", err)
		}
		got = e.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	for _, text := range []string{ts.ReadFile("stdout"), ts.ReadFile("stderr")} {
		if strings.Contains(text, "goroutine ") || strings.Contains(text, "panic:") {
			ts.Fatalf("a panic")
		}
		if n := verdictLines(text); args[1] == "sluice" && n != 0 && (n < 2 || n > mostLines) {
			ts.Fatalf("a verdict of %d lines", n)
		}
	}
}

// verdictBegins is the first line of a verdict, or of the error that comes before it.
var verdictBegins = regexp.MustCompile(`^(sluice: \[|(done|done, but something stayed behind|interrupted|stopped|not ended)( \(exit \d+\))?: |a dry run, and nothing was sent: )`)

// verdictLines is how many lines the verdict at the end of a text has; 0 if there is none.
func verdictLines(text string) int {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if i := slices.IndexFunc(lines, verdictBegins.MatchString); i >= 0 && (len(lines) > i+1 || !strings.HasPrefix(lines[i], "sluice: [")) {
		return len(lines) - i
	}
	return 0
}

// count FILE N [TEXT] checks how many lines of a file hold a text.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: count FILE N [TEXT]")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := ""
	if len(args) > 2 {
		text = args[2]
	}
	n := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if strings.Contains(line, text) {
			n++
		}
	}
	if n != want {
		ts.Fatalf("%s has %d lines with %q, want %d", args[0], n, text, want)
	}
}

// edit FILE OLD NEW replaces the first OLD in a file; \n \t and \x00 may stand in both.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	for i := 1; i < 3; i++ {
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[i], `"`, `\"`) + `"`)
		ts.Check(err)
		args[i] = text
	}
	path := ts.MkAbs(args[0])
	before, err := os.ReadFile(path)
	ts.Check(err)
	after := bytes.Replace(before, []byte(args[1]), []byte(args[2]), 1)
	if bytes.Equal(before, after) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, after, 0o600))
}

// same FOLDER FOLDER compares two folders file by file.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same FOLDER FOLDER")
	}
	read := func(root string) map[string]string {
		all := map[string]string{}
		root = ts.MkAbs(root)
		ts.Check(filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			all[strings.TrimPrefix(path, root)] = string(text)
			return err
		}))
		return all
	}
	a, b := read(args[0]), read(args[1])
	if len(a) == 0 || len(a) != len(b) {
		ts.Fatalf("%d files and %d files", len(a), len(b))
	}
	for name, text := range a {
		if b[name] != text {
			ts.Fatalf("%s differs", name)
		}
	}
}

// TestGeneratedDocs holds the list of messages, docs/codes.md, docs/commands.md and docs/configuration.md against what the binary says.
func TestGeneratedDocs(t *testing.T) {
	checkMessages(t)
	for path, want := range map[string]string{"../../docs/codes.md": codesPage(), "../../docs/commands.md": commandsPage(t),
		"../../docs/configuration.md": configurationPage(t)} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil || strings.ReplaceAll(string(got), "\r\n", "\n") != want {
			t.Errorf("%s is out of date (%v); run `make docs`", path, err)
		}
	}
}

func codesPage() string {
	var b strings.Builder
	b.WriteString("# Codes\n\nGenerated from the table in `pkg/diag/codes.go` by `make docs`; `sluice explain CODE` says the same.\n\n")
	b.WriteString("An error keeps a row, a record, a file or a command from going on, a warning is to be looked at, and a note is worth knowing.\n\n| code | level | meaning | what to do |\n|---|---|---|---|\n")
	for _, e := range diag.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Code, e.Level, e.Meaning, strings.ReplaceAll(e.Resolution, "|", "\\|"))
	}
	return b.String()
}

// TestHelpFits: help fits a narrow terminal, but for examples, which are to be pasted; and every value of a flag
// has a name.
func TestHelpFits(t *testing.T) {
	page := commandsPage(t)
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		if cells(line) > narrow && !strings.HasPrefix(line, "  sluice ") && !strings.HasPrefix(line, "  zcat ") {
			t.Errorf("%d places: %s", cells(line), line)
		}
		for _, typed := range []string{" string ", " stringArray ", " strings ", " int ", " uint "} {
			if strings.HasPrefix(line, "  ") && strings.Contains(line, "--") && strings.Contains(line, typed) {
				t.Errorf("a flag without a word for its value: %s", line)
			}
		}
	}
	for _, topic := range topics {
		for line := range strings.Lines(reflow(topic.text)) {
			if cells(strings.TrimRight(line, "\n")) > narrow {
				t.Errorf("%s: %s", topic.name, line)
			}
		}
	}
}

// TestExamplesParse: the examples of each command are command lines that it takes.
func TestExamplesParse(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Example == "" && cmd.Name() != "sluice" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			_, line, ok := strings.Cut(line, "sluice ")
			if !ok {
				t.Errorf("%s: the example %q calls no sluice", cmd.CommandPath(), line)
			}
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // what it is for
			line, _, _ = strings.Cut(line, " > ")
			line, _, _ = strings.Cut(line, " | ")
			var words []string
			for i, part := range strings.Split(strings.NewReplacer(")\"", "").Replace(line), "'") {
				if i%2 == 1 { // quoted, and never apart from what stands before it
					if len(words) > 0 && strings.HasSuffix(words[len(words)-1], "=") {
						words[len(words)-1] += part
					} else {
						words = append(words, part)
					}
					continue
				}
				words = append(words, strings.Fields(part)...)
			}
			root := newApp(silent()).root
			found, rest, err := root.Find(words)
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err == nil && found.Args != nil {
				err = found.Args(found, found.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %q: %v", cmd.CommandPath(), words, err)
			}
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.Name() != "completion" {
				walk(c)
			}
		}
	}
	walk(newApp(silent()).root)
}

// commandsPage is the help of every command.
func commandsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nGenerated from the commands' own help by `make docs`.\n")
	root := newApp(streams{getenv: func(string) string { return "" }}).root
	var walk func(names []string)
	walk = func(names []string) {
		cmd, _, err := root.Find(names)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		cmd.SetOut(&text)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		help := strings.TrimSpace(strings.TrimSuffix(text.String(), "\n"+exitHelp))
		if len(names) == 0 {
			help = strings.TrimSpace(text.String())
		}
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", cmd.CommandPath(), help)
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
				walk(append(append([]string{}, names...), sub.Name()))
			}
		}
	}
	walk(nil)
	for _, topic := range topics {
		if topic.name != "settings" { // which is docs/configuration.md
			fmt.Fprintf(&b, "\n## sluice help %s\n\n```text\n%s\n```\n", topic.name, reflow(topic.text))
		}
	}
	return b.String()
}

// configurationPage is the reference of sluice.yaml, with the commented example after it.
func configurationPage(t *testing.T) string {
	example, err := os.ReadFile("../../examples/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`# sluice.yaml

Generated from the table in ` + "`pkg/tenant/keys.go` by `make docs`; `sluice help settings`" + ` says the same.

sluice.yaml says who is served, and how each one differs. It is looked for in the current folder, or named with
` + "`--config`; `sluice init`" + ` writes a first one, and ` + "`sluice tenant show NAME`" + ` says what holds for a tenant and where it comes
from. Paths in it are relative to it. Unknown keys, repeated keys and secrets that are written out are refused.
[commands.md](commands.md) lists the [variables of the environment](commands.md#sluice-help-environment), the
[files of a run directory](commands.md#sluice-help-files) and the [exit statuses](commands.md#sluice-help-exit-codes).

| key | value | default | meaning |
|---|---|---|---|
`)
	for _, k := range tenant.Keys() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, k.Form, k.Default, strings.ReplaceAll(k.About, "|", "\\|"))
	}
	fmt.Fprintf(&b, "\n## An example\n\nThis is `examples/sluice.yaml`:\n\n```yaml\n%s```\n", example)
	return b.String()
}
