package expression

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// lookup compiles lookup("x", k1, …[, as_of]) and lookup_or_null: rows of one table, so that a
// wrong column is a problem before the first row.
func (x *compiler) lookup(n *ast.CallNode, name string) Code {
	if len(n.Arguments) == 0 {
		return x.fail(n, "write "+name+`("table", key).column`, "%s needs the name of a table", name)
	}
	literal, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return x.fail(n.Arguments[0], `write the name in quotes: `+name+`("table", …)`, "the table's name must be a fixed text")
	}
	t, names := x.env.Lookup(literal.Value)
	if t == nil {
		return x.fail(literal, "put it at tables/"+literal.Value+".csv", "there is no table %q%s", literal.Value, diag.DidYouMean(literal.Value, names))
	}
	dated := t.Dated()
	want := len(t.Keys)
	if dated {
		want++
	}
	if len(n.Arguments)-1 != want {
		usage := `"` + t.Name + `", ` + t.KeyNames()
		if dated {
			usage += ", day"
		}
		return x.fail(n, "write "+name+"("+usage+")", "the table %q is looked up by %d values, but %d are given", t.Name, want, len(n.Arguments)-1)
	}
	args := make([]Code, want)
	for i, a := range n.Arguments[1:] {
		args[i] = x.compile(a)
		if args[i].Bad {
			return BadCode
		}
		if args[i].Kind == KindNull || args[i].Kind == KindRow {
			return x.fail(a, "", "%s is %s and cannot be looked up", args[i].Source, WithArticle(args[i].Kind))
		}
		x.nullHint(a, args[i], name+"(…)")
		if i == len(t.Keys) { // as_of
			if args[i].Kind != KindDate && args[i].Kind != KindText {
				return x.fail(a, "", "the day of validity must be a date, but %s is %s", args[i].Source, WithArticle(args[i].Kind))
			}
			continue
		}
		if !x.env.FitsKey(t, t.Keys[i], args[i].Kind) {
			k := t.Keys[i]
			return x.fail(a, "convert the value with int(…) or text(…), or say `types:` of the table", "the column %q of table %q holds %s, but %s is %s", t.Header[k], t.Name, t.Kinds[k], args[i].Source, WithArticle(args[i].Kind))
		}
	}
	pos, orNull := x.at(n), name == "lookup_or_null"
	column := ""
	if len(t.Keys) == 1 {
		column = args[0].Column
	}
	out := Code{Type: Type{Kind: KindRow, Table: t, Nullable: orNull}, Eval: func(r *Frame) (Value, *Fault) {
		var few [4]Value
		values := few[:0]
		for i := range args {
			v, f := args[i].Eval(r)
			if f != nil {
				return v, f
			}
			if v.IsNull() || v.Kind.IsText() && IsBlank(v.S) {
				return Value{}, nullFault(args[i].Pos, args[i].Source, name+`("`+t.Name+`", …)`)
			}
			if i == len(t.Keys) {
				if f := notADate(&args[i], v); f != nil {
					return Value{}, f
				}
			}
			values = append(values, v)
		}
		var scratch [96]byte
		key := scratch[:0]
		for _, v := range values[:len(t.Keys)] {
			key = v.AppendKey(key)
		}
		day := ""
		if dated {
			day = values[len(t.Keys)].S
		}
		if row := t.Find(key, day); row >= 0 {
			return Value{Kind: KindRow, N: int64(row)}, nil
		}
		m := &Miss{Table: t}
		for _, v := range values[:len(t.Keys)] {
			m.Keys = append(m.Keys, strings.Clone(v.Text()))
		}
		if orNull {
			if r != nil {
				r.Missed = append(r.Missed, m)
			}
			return Value{}, nil
		}
		return Value{}, m.Fault(pos, column)
	}}
	return x.fold(out, args...)
}
