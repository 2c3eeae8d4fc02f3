package transform

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// lookup compiles lookup("x", k1, …[, as_of]) and lookup_or_null: rows of one table, so that a
// wrong column is a problem before the first row.
func (x *expressionCompiler) lookup(n *ast.CallNode, name string) code {
	if len(n.Arguments) == 0 {
		return x.fail(n, "write "+name+`("table", key).column`, "%s needs the name of a table", name)
	}
	literal, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return x.fail(n.Arguments[0], `write the name in quotes: `+name+`("table", …)`, "the table's name must be a fixed text")
	}
	t := x.tables[literal.Value]
	if t == nil {
		return x.fail(literal, "put it at tables/"+literal.Value+".csv", "there is no table %q%s", literal.Value, diag.DidYouMean(literal.Value, sortedNames(x.tables)))
	}
	x.usedTables[t.name] = true
	t.keyed = true
	dated := t.from >= 0 || t.to >= 0
	want := len(t.keys)
	if dated {
		want++
	}
	if len(n.Arguments)-1 != want {
		usage := `"` + t.name + `", ` + t.keyNames()
		if dated {
			usage += ", day"
		}
		return x.fail(n, "write "+name+"("+usage+")", "the table %q is looked up by %d values, but %d are given", t.name, want, len(n.Arguments)-1)
	}
	args := make([]code, want)
	for i, a := range n.Arguments[1:] {
		args[i] = x.compile(a)
		if args[i].bad {
			return badCode
		}
		if args[i].kind == kindNull || args[i].kind == kindRow {
			return x.fail(a, "", "%s is %s and cannot be looked up", args[i].source, an(args[i].kind))
		}
		x.nullHint(a, args[i], name+"(…)")
		if i == len(t.keys) { // as_of
			if args[i].kind != kindDate && args[i].kind != kindText {
				return x.fail(a, "", "the day of validity must be a date, but %s is %s", args[i].source, an(args[i].kind))
			}
			continue
		}
		if !x.keyKind(t, t.keys[i], args[i].kind) {
			k := t.keys[i]
			return x.fail(a, "convert the value with int(…) or text(…), or say `types:` of the table", "the column %q of table %q holds %s, but %s is %s", t.header[k], t.name, t.kinds[k], args[i].source, an(args[i].kind))
		}
	}
	pos, orNull := x.at(n), name == "lookup_or_null"
	column := ""
	if len(t.keys) == 1 {
		column = headerOf(args[0])
	}
	out := code{typ: typ{kind: kindRow, table: t, nullable: orNull}, eval: func(r *state) (value, *fault) {
		var few [4]value
		values := few[:0]
		for i := range args {
			v, f := args[i].eval(r)
			if f != nil {
				return v, f
			}
			if v.null() || v.kind.isText() && blank(v.s) {
				return value{}, nullFault(args[i].pos, args[i].source, name+`("`+t.name+`", …)`)
			}
			if i == len(t.keys) {
				if f := notADate(&args[i], v); f != nil {
					return value{}, f
				}
			}
			values = append(values, v)
		}
		var scratch [96]byte
		key := scratch[:0]
		for _, v := range values[:len(t.keys)] {
			key = v.appendKey(key)
		}
		day := ""
		if dated {
			day = values[len(t.keys)].s
		}
		if row := t.find(key, day); row >= 0 {
			return value{kind: kindRow, n: int64(row)}, nil
		}
		m := &miss{table: t}
		for _, v := range values[:len(t.keys)] {
			m.keys = append(m.keys, strings.Clone(v.text()))
		}
		if orNull {
			if r != nil {
				r.note(m)
			}
			return value{}, nil
		}
		return value{}, m.fault(pos, column)
	}}
	return x.fold(out, args...)
}

// keyKind fits a table's key column to the values looked up in it, the same in every call.
func (x *expressionCompiler) keyKind(t *lookupTable, col int, k kind) bool {
	if !t.decided[col] {
		t.kinds[col], t.decided[col] = k, true
		if k.isText() {
			t.kinds[col] = kindText
		}
		return true
	}
	have := t.kinds[col]
	return have == k || have.isText() && k.isText() || have == kindDecimal && k == kindInteger
}

// headerOf is the header of the column that an argument is, if it is a bare one.
func headerOf(a code) string {
	if _, header, ok := strings.Cut(a.source, " (column "); ok {
		return strings.TrimSuffix(header, ")")
	}
	return ""
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
