package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sluice-edfi/sluice/"

// layered is one row of the package table in ARCHITECTURE.md.
type layered struct {
	name    string // "diag" for pkg/diag; "cmd/sluice" for the command
	layer   int
	imports []string
}

// library is one module of the library table in ARCHITECTURE.md, with the packages that may import it.
type library struct {
	path  string
	homes []string // none: any package
}

// TestImports holds the code against the tables of ARCHITECTURE.md: imports go strictly downward, a
// row lists what its package imports, no more and no less, and a library has its home.
func TestImports(t *testing.T) {
	packages, libraries := architecture(t)
	imported := importsOfCode(t)
	for name := range imported {
		if strings.HasPrefix(name, "pkg/") && !slices.ContainsFunc(packages, func(p layered) bool { return "pkg/"+p.name == name }) {
			t.Errorf("%s has no row in the package table of ARCHITECTURE.md", name)
		}
	}
	layers := map[string]int{}
	for _, p := range packages {
		layers[p.name] = p.layer
	}
	for _, p := range packages {
		if p.name == "cmd/sluice" {
			continue
		}
		imports, ok := imported["pkg/"+p.name]
		if !ok {
			t.Errorf("pkg/%s has a row in ARCHITECTURE.md and does not exist", p.name)
			continue
		}
		var ours []string
		for _, i := range imports {
			if name, ok := strings.CutPrefix(i, module); ok {
				name = strings.TrimPrefix(name, "pkg/")
				if layer, known := layers[name]; !known || layer >= p.layer {
					t.Errorf("pkg/%s imports %s, which does not stand below it", p.name, name)
				}
				ours = append(ours, name)
			}
		}
		listed := slices.Sorted(slices.Values(p.imports))
		if slices.Sort(ours); !slices.Equal(listed, ours) {
			t.Errorf("pkg/%s imports %s; its row in ARCHITECTURE.md says %s", p.name, strings.Join(ours, ", "), strings.Join(listed, ", "))
		}
	}
	for name, imports := range imported {
		for _, l := range libraries {
			if len(l.homes) > 0 && !slices.Contains(l.homes, strings.TrimPrefix(name, "pkg/")) && slices.ContainsFunc(imports, l.holds) {
				t.Errorf("%s imports %s, whose home is %s", name, l.path, strings.Join(l.homes, ", "))
			}
		}
	}
}

// TestLinterRules holds the rules of depguard in .golangci.yml against the same tables; -update
// writes them.
func TestLinterRules(t *testing.T) {
	const path = "../../.golangci.yml"
	const begin, end = "    # Written from the tables of ARCHITECTURE.md by `make docs`.\n", "    # End of what is written.\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(string(text), "\r\n", "\n")
	before, rest, found := strings.Cut(config, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has lost the lines around its rules for imports", path)
	}
	want := before + begin + depguard(architecture(t)) + end + after
	switch {
	case want == config:
	case !*update:
		t.Errorf("the rules for imports in .golangci.yml are out of date; run `make docs`")
	default:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// depguard writes the linter's rules.
func depguard(packages []layered, libraries []library) string {
	var b strings.Builder
	rule := func(name, files string) {
		fmt.Fprintf(&b, "        %s:\n          list-mode: lax\n          files: [%s, '!$test']\n", name, files)
	}
	b.WriteString("    depguard:\n      rules:\n")
	for _, p := range packages {
		if p.name == "cmd/sluice" {
			continue
		}
		rule(p.name, "'**/pkg/"+p.name+"/*.go'")
		says := strings.Join(p.imports, ", ")
		if says == "" {
			says = "nothing of ours"
		}
		fmt.Fprintf(&b, "          deny: [{pkg: %s, desc: '%s may import %s'}]\n", strings.TrimSuffix(module, "/"), p.name, says)
		if len(p.imports) > 0 {
			allow := make([]string, len(p.imports))
			for i, name := range p.imports {
				allow[i] = module + "pkg/" + name + "$"
			}
			fmt.Fprintf(&b, "          allow: [%s]\n", strings.Join(allow, ", "))
		}
	}
	for _, l := range libraries {
		if len(l.homes) == 0 {
			continue
		}
		files := "'**/*.go'"
		for _, home := range l.homes {
			if home != "cmd/sluice" {
				home = "pkg/" + home
			}
			files += ", '!**/" + home + "/*.go'"
		}
		rule(strings.NewReplacer(".", "-", "/", "-").Replace(l.path), files)
		fmt.Fprintf(&b, "          deny: [{pkg: %s, desc: 'its home is %s'}]\n", l.path, strings.Join(l.homes, ", "))
	}
	return b.String()
}

// holds reports whether an import path is of the library.
func (l library) holds(path string) bool {
	return path == l.path || strings.HasPrefix(path, l.path+"/")
}

var (
	quoted  = regexp.MustCompile("`([^`]+)`")
	numeral = regexp.MustCompile(`^\d+$`)
)

// architecture reads the two tables: rows of `| layer | package | owns | imports |` and of
// `| library | home | why |`.
func architecture(t *testing.T) (packages []layered, libraries []library) {
	t.Helper()
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n## Packages\n")
	layer, table := 0, ""
	for line := range strings.Lines(tables) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			table = ""
		case table == "":
			table = cells[0]
		case strings.HasPrefix(cells[0], "---"):
		case table == "layer":
			if numeral.MatchString(cells[0]) {
				layer, _ = strconv.Atoi(cells[0])
			}
			p := layered{name: strings.Trim(cells[1], "`"), layer: layer}
			for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
				p.imports = append(p.imports, m[1])
			}
			packages = append(packages, p)
		case table == "library":
			var homes []string
			for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
				homes = append(homes, m[1])
			}
			for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
				libraries = append(libraries, library{m[1], homes})
			}
		}
	}
	if len(packages) < 10 || len(libraries) < 10 {
		t.Fatalf("ARCHITECTURE.md has %d packages and %d libraries in its tables", len(packages), len(libraries))
	}
	return packages, libraries
}

// importsOfCode lists what each package of the module imports outside its tests.
func importsOfCode(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
}

// TestLibraries holds the library table against go.mod: what is linked stands in it, and nothing else.
func TestLibraries(t *testing.T) {
	_, libraries := architecture(t)
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.Contains(fields[0], "/") {
			direct = append(direct, fields[0])
		}
	}
	for _, m := range direct {
		if !slices.ContainsFunc(libraries, func(l library) bool { return l.holds(m) || strings.HasPrefix(l.path, m) }) {
			t.Errorf("%s stands in go.mod and not in the library table of ARCHITECTURE.md", m)
		}
	}
	for _, l := range libraries {
		if !slices.ContainsFunc(direct, func(m string) bool { return l.holds(m) || strings.HasPrefix(l.path, m) }) {
			t.Errorf("%s stands in the library table of ARCHITECTURE.md and not in go.mod", l.path)
		}
	}
}
