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

// TestCodesAreEmitted asks that each code that this package declares is in the table, and that code beside
// the tests gives it to a problem. Comparing with a code is not enough.
func TestCodesAreEmitted(t *testing.T) {
	declared := declaredCodes(t)
	for name, code := range declared {
		if _, ok := Explain(code); !ok {
			t.Errorf("%s (%s) is not in the table", name, code)
		}
	}
	if len(declared) != len(Codes()) {
		t.Errorf("%d declared codes, %d rows", len(declared), len(Codes()))
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
	for name, code := range declared {
		if !used[name] {
			t.Errorf("%s (%s) is documented, but nothing emits it", name, code)
		}
	}
}

// declaredCodes reads from codes.go which codes it declares, and under which names.
func declaredCodes(t *testing.T) map[string]Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if call, ok := spec.Values[0].(*ast.CallExpr); ok {
			value, err := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value) //nolint:errcheck,forcetypeassert // a literal, or the test fails
			if err != nil {
				t.Fatal(err)
			}
			declared[spec.Names[0].Name] = Code(value)
		}
		return true
	})
	return declared
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
