package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// messagesFile lists what the program can say, so that it can be read in one sitting.
const messagesFile = "../../testdata/messages.txt"

// said is one text of the program: what stands between literals is "…".
type said struct {
	text   string
	remedy bool // what to do about it, not what is wrong
	at     token.Position
}

// messagesPage lists the texts of all packages, remedies with an arrow before them.
func messagesPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("What sluice says: the texts of its code by package, remedies with an arrow. `make docs` writes this file.\n" +
		"Read it as a user would. %s and its like stand for what the message names.\n")
	all := messages(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines := map[string]bool{}
		for _, s := range all[name] {
			line := "  " + strings.NewReplacer("\n", "\n      ", "\x00", `\x00`).Replace(strings.TrimRight(s.text, "\n"))
			if s.remedy {
				line = "→ " + line[2:]
			}
			lines[line] = true
		}
		fmt.Fprintf(&b, "\n## %s\n\n", name)
		for _, line := range slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
			return strings.Compare(strings.ToLower(strings.TrimLeft(a, "→ "))+a, strings.ToLower(strings.TrimLeft(b, "→ "))+b)
		}) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// wrong is what no text may hold, each with the reason, and with what may stand all the same.
var wrong = []struct {
	pattern *regexp.Regexp
	reason  string
	except  *regexp.Regexp
}{
	{regexp.MustCompile(`\b(is|are|was) no [a-zA-Z]`), `say "is not a"`, regexp.MustCompile(`[Tt]here (is|are|was) no |(is|are) no longer`)},
	{regexp.MustCompile(`\b[Mm]end(s|ed)?\b`), `say "fix" or "correct"`, nil},
	{regexp.MustCompile(`cannot be had|to be had|\bfate\b|is not here`), "use the plain word", nil},
	{regexp.MustCompile(`(^|[^\d.])1 (` + nouns + `)s\b`), "1 has no plural", nil},
	{regexp.MustCompile(`%d (` + nouns + `)s\b`), "wrong for 1: use plural or diag.Counted", regexp.MustCompile(`(of|of the|its|to|than|first|after %d of|after) %d \w+|^has %d columns; no|^%d files cannot be read as`)},
	{regexp.MustCompile(`\w\(s\)`), "use plural or diag.Counted", regexp.MustCompile(`identifying value\(s\)|item\(s\)`)}, // as the Ed-Fi API says it
	{regexp.MustCompile(`[\pL,;.]  [\pL]`), "two blanks", regexp.MustCompile(`(?s).*\n.*|^ .*`)},
	{regexp.MustCompile("(^|[^`])\\b[Ss]ee --help"), "name the command", nil},
}

const nouns = "row|record|line|column|file|warning|problem|value|resource|cell|fixture|page|student|run|byte|day|error|element"

// TestMessages holds the texts against the rules of CONTRIBUTING.md that a program can check.
func TestMessages(t *testing.T) {
	all := messages(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, s := range all[name] {
			for _, w := range wrong {
				text := s.text
				if w.except != nil {
					text = w.except.ReplaceAllString(text, "")
				}
				if w.pattern.MatchString(text) {
					t.Errorf("%s: %q: %s", s.at, s.text, w.reason)
				}
			}
			if s.remedy && !instruction.MatchString(s.text) {
				t.Errorf("%s: %q: a remedy is an instruction with a capital and a full stop", s.at, s.text)
			}
		}
	}
}

// instruction is the form of a remedy.
var instruction = regexp.MustCompile("(?s)^([A-Z…%]|`?--).*([.]|%s)$|^…$")

// messages collects the texts of the program, by package.
func messages(t *testing.T) map[string][]said {
	t.Helper()
	all := map[string][]said{}
	for _, root := range []string{"../../cmd", "../../pkg"} {
		packages := map[string][]*ast.File{}
		fset := token.NewFileSet()
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			folder := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../../"))
			packages[folder] = append(packages[folder], file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, files := range packages {
			c := collector{fset: fset}
			declared := remedyArgs(files)
			for _, file := range files {
				c.remedies = maps.Clone(declared)
				c.closures(file)
				c.walk(file)
			}
			all[name] = c.found
		}
	}
	return all
}

// remedyNames are the names under which the code keeps remedies.
var remedyNames = regexp.MustCompile(`^(next|fix|\w*Fix|[Rr]emedy|[Aa]dvice|[Rr]esolution|hint|habits|Next|\w+Again|rebuild|accept)$`)

// shared are the functions of pkg/diag that take a remedy, with its place among their arguments.
var shared = map[string]int{"At": 2, "Fail": 2, "FailWith": 3, "Unwritable": 1}

// remedyArgs finds the functions of a package that take a remedy.
func remedyArgs(files []*ast.File) map[string]int {
	found := map[string]int{}
	for _, file := range files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if at := remedyArg(f.Type); at >= 0 {
					found[f.Name.Name] = at
				}
			}
		}
	}
	return found
}

// remedyArg is the place of a function's parameter for a remedy, or -1.
func remedyArg(f *ast.FuncType) int {
	at := 0
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			if remedyNames.MatchString(name.Name) {
				return at
			}
			at++
		}
	}
	return -1
}

// closures adds the functions that a file keeps in variables.
func (c *collector) closures(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || len(assign.Lhs) != 1 {
			return true
		}
		f, is := assign.Rhs[0].(*ast.FuncLit)
		if name, named := assign.Lhs[0].(*ast.Ident); is && named {
			if at := remedyArg(f.Type); at >= 0 {
				c.remedies[name.Name] = at
			}
		}
		return true
	})
}

type collector struct {
	fset     *token.FileSet
	remedies map[string]int // functions of the package: which argument is the remedy
	found    []said
}

func (c *collector) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			return false // tags
		case *ast.CallExpr:
			return c.call(n)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && remedyNames.MatchString(key.Name) {
				c.remedy(n.Value)
				return false
			}
		case *ast.AssignStmt:
			return c.assigned(n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			return c.declared(n)
		case *ast.FuncDecl:
			if remedyNames.MatchString(n.Name.Name) {
				c.remediesIn(n.Body)
				return false
			}
		case *ast.BinaryExpr, *ast.BasicLit:
			if text, ok := literal(n.(ast.Expr)); ok { //nolint:errcheck,forcetypeassert // both are
				c.say(text, false, n.Pos())
				return false
			}
		}
		return true
	})
}

// call looks at a call: a pattern is not said, and one argument may be a remedy.
func (c *collector) call(n *ast.CallExpr) bool {
	name, at, ok := "", 0, false
	switch f := n.Fun.(type) {
	case *ast.Ident:
		name = f.Name
		at, ok = c.remedies[name]
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, is := f.X.(*ast.Ident); is && x.Name == "diag" {
			at, ok = shared[name]
		} else {
			at, ok = c.remedies[name]
		}
	}
	if name == "MustCompile" || name == "panic" || name == "Getenv" {
		return false
	}
	if !ok || at >= len(n.Args) {
		return true
	}
	for i, arg := range n.Args {
		if i == at {
			c.remedy(arg)
			continue
		}
		c.walk(arg)
	}
	c.walk(n.Fun)
	return false
}

func (c *collector) assigned(names, values []ast.Expr) bool {
	if len(names) != len(values) {
		return true
	}
	for i, name := range names {
		last := ""
		switch name := name.(type) {
		case *ast.Ident:
			last = name.Name
		case *ast.SelectorExpr:
			last = name.Sel.Name
		}
		if remedyNames.MatchString(last) {
			c.remedy(values[i])
		} else {
			c.walk(values[i])
		}
	}
	return false
}

// declared looks at a constant or variable.
func (c *collector) declared(n *ast.ValueSpec) bool {
	if len(n.Names) != 1 || len(n.Values) != 1 || !remedyNames.MatchString(n.Names[0].Name) {
		return true
	}
	if _, list := n.Values[0].(*ast.CompositeLit); list {
		c.remediesIn(n.Values[0])
	} else {
		c.remedy(n.Values[0])
	}
	return false
}

// remediesIn collects what a function named as a remedy returns, and what a list of remedies holds.
func (c *collector) remediesIn(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			for _, value := range n.Results {
				c.remedy(value)
			}
			return false
		case *ast.KeyValueExpr:
			c.remedy(n.Value)
			return false
		}
		return true
	})
}

// remedy collects a remedy: a literal, or the first text of a call such as Sprintf.
func (c *collector) remedy(value ast.Expr) {
	if text, ok := literal(value); ok {
		c.say(text, true, value.Pos())
		return
	}
	if call, ok := value.(*ast.CallExpr); ok && len(call.Args) > 0 {
		if text, ok := literal(call.Args[0]); ok && strings.HasSuffix(fmt.Sprint(call.Fun), "Sprintf}") {
			c.say(text, true, value.Pos())
			return
		}
	}
	c.walk(value)
}

// prose is what people read: two words.
var (
	prose    = regexp.MustCompile(`\pL{2}\S* .*\pL{2}`)
	verb     = regexp.MustCompile(`%[-+#.\d*\[\]]*[a-zA-Z]`)
	notProse = regexp.MustCompile(`^\s*(SELECT|INSERT|CREATE|UPDATE|DELETE|PRAGMA|DROP|ALTER|WITH|BEGIN|FROM|WHERE)\b`)
)

func (c *collector) say(text string, remedy bool, at token.Pos) {
	if text != "" && (remedy || prose.MatchString(strings.ReplaceAll(verb.ReplaceAllString(text, "x"), "…", "x"))) && !notProse.MatchString(text) {
		c.found = append(c.found, said{text, remedy, c.fset.Position(at)})
	}
}

// literal is the text of an expression with a literal in it; other parts are "…".
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.ParenExpr:
		return literal(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, a := literal(e.X)
		right, b := literal(e.Y)
		if !a {
			left = "…"
		}
		if !b {
			right = "…"
		}
		return left + right, a || b
	}
	return "", false
}

// checkMessages asks that each text of the code stands in the list. The order of its lines does not matter, and a line
// too many does no harm: branches that add to the list are merged line by line (.gitattributes), which leaves
// such lines, and the next `make docs` drops them.
func checkMessages(t *testing.T) {
	want := messagesPage(t)
	if *update {
		if err := os.WriteFile(messagesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(messagesFile)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\r\n", "\n")) {
		listed[line] = true
	}
	for line := range strings.Lines(want) {
		if !listed[line] {
			t.Errorf("%s lacks %q; run `make docs`, and read what has changed there", messagesFile, line)
		}
	}
}

// TestCommandsOfCodes asks that the command that `sluice explain` gives for a code is one, with its flags.
func TestCommandsOfCodes(t *testing.T) {
	root := newApp(streams{getenv: func(string) string { return "" }}).root
	root.InitDefaultHelpCmd()
	for _, e := range diag.Codes() {
		words := strings.Fields(e.Command)
		cmd, rest, err := root.Find(words[1:])
		if err != nil || words[0] != "sluice" || cmd == root {
			t.Errorf("%s: %s: %v", e.Code, e.Command, err)
			continue
		}
		for _, w := range rest {
			if name, flag := strings.CutPrefix(w, "--"); flag && cmd.Flags().Lookup(name) == nil && root.PersistentFlags().Lookup(name) == nil {
				t.Errorf("%s: %s: there is no %s", e.Code, e.Command, w)
			}
		}
	}
}
