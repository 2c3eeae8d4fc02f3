package diag

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCodesAreEmitted asks that each constant of this package's codes has its row in the table, and that code beside
// the tests gives it to a problem. Comparing with a code is not enough.
func TestCodesAreEmitted(t *testing.T) {
	constants := codeConstants(t)
	for name, code := range constants {
		if _, ok := Explain(code); !ok {
			t.Errorf("%s (%s) is not in the table", name, code)
		}
	}
	if len(constants) != len(Codes()) {
		t.Errorf("%d constants, %d rows", len(constants), len(Codes()))
	}
	used := map[string]bool{}
	for _, root := range []string{"../../cmd", "../../pkg"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "codes.go" {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				markEmitted(file, file.Name.Name == "diag", used)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, code := range constants {
		if !used[name] {
			t.Errorf("%s (%s) is documented, but nothing emits it", name, code)
		}
	}
}

// codeConstants reads the constants of type Code from codes.go.
func codeConstants(t *testing.T) map[string]Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value) //nolint:errcheck,forcetypeassert // a literal, or the test fails
			if err != nil {
				t.Fatal(err)
			}
			constants[spec.Names[0].Name] = Code(value)
		}
		return true
	})
	return constants
}

// markEmitted notes the codes that a file names otherwise than to compare with them.
func markEmitted(node ast.Node, inside bool, used map[string]bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			return n.Op != token.EQL && n.Op != token.NEQ
		case *ast.CaseClause:
			for _, statement := range n.Body {
				markEmitted(statement, inside, used)
			}
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "diag" {
				used[n.Sel.Name] = true
			}
		case *ast.Ident:
			used[n.Name] = used[n.Name] || inside
		}
		return true
	})
}
