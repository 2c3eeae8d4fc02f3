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
		return x.fail(n, "Write "+name+`("table", key).column.`, "%s needs the name of a table", name)
	}
	literal, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return x.fail(n.Arguments[0], `Write the name in quotes: `+name+`("table", …).`, "the table's name must be a fixed text")
	}
	t, names, reported := x.env.Lookup(literal.Value)
	switch {
	case reported:
		return BadCode
	case t == nil:
		return x.fail(literal, "Put it at tables/"+literal.Value+".csv.", "there is no table %q%s", literal.Value, diag.DidYouMean(literal.Value, names))
	}
	args, ok := x.lookedUp(n, name, t)
	if !ok {
		return BadCode
	}
	l := &lookup{table: t, args: args, what: name + `("` + t.Name + `", …)`, orNull: name == "lookup_or_null", pos: x.at(n)}
	out := x.fold(Code{Type: Type{Kind: KindRow, Table: t, Nullable: l.orNull}, Eval: l.eval}, args...)
	l.personal, l.column = out.Personal, strings.Join(out.Headers, ", ")
	return out
}

// lookedUp compiles the values that a row is looked up by: the key, and the day if rows are valid for
// some days only.
func (x *compiler) lookedUp(n *ast.CallNode, name string, t *Table) (args []Code, ok bool) {
	fail := func(n ast.Node, fix, format string, args ...any) ([]Code, bool) {
		x.fail(n, fix, format, args...)
		return nil, false
	}
	want, usage := len(t.Keys), `"`+t.Name+`", `+t.keyNames()
	if t.dated() {
		want, usage = want+1, usage+", day"
	}
	if len(n.Arguments)-1 != want {
		return fail(n, "Write "+name+"("+usage+").", "the table %q is looked up by %s, not by %d", t.Name, diag.Counted(want, "value", "values"), len(n.Arguments)-1)
	}
	for i, a := range n.Arguments[1:] {
		arg := x.compile(a)
		switch {
		case arg.Bad:
			return nil, false
		case arg.Kind == KindNull || arg.Kind == KindRow:
			return fail(a, "", "%s is %s and cannot be looked up", arg.Source, WithArticle(arg.Kind))
		}
		x.nullHint(a, arg, name+"(…)")
		if i == len(t.Keys) {
			if arg.Kind != KindDate && arg.Kind != KindText {
				return fail(a, "", "the day of validity must be a date, but %s is %s", arg.Source, WithArticle(arg.Kind))
			}
		} else if k := t.Keys[i]; !x.env.FitsKey(t, k, arg.Kind) {
			return fail(a, "Convert the value with int(…) or text(…), or give the table `types:`.", "the column %q of table %q holds %s, but %s is %s", t.Header[k], t.Name, t.Kinds[k], arg.Source, WithArticle(arg.Kind))
		}
		args = append(args, arg)
	}
	return args, true
}

// lookup finds a row of a table.
type lookup struct {
	table  *Table
	args   []Code // the key, and the day
	what   string // for messages
	orNull bool   // one that finds nothing is null
	pos    diag.Pos
	column string // the headers of what is looked up

	personal bool // what is looked up may be a student's
}

func (l *lookup) eval(r *Frame) (Value, *Fault) {
	var few [4]Value
	values, keys := few[:0], len(l.table.Keys)
	for i := range l.args {
		a := &l.args[i]
		v, f := a.Eval(r)
		if f != nil {
			return v, f
		}
		if v.IsNull() || v.Kind.IsText() && IsBlank(v.S) {
			return Value{}, nullFault(a.Pos, a.Source, l.what)
		}
		if i == keys {
			if f := notOne(a, v, KindDate); f != nil {
				return Value{}, f
			}
		}
		values = append(values, v)
	}
	var scratch [96]byte
	key := scratch[:0]
	for _, v := range values[:keys] {
		key = v.AppendKey(key)
	}
	day := ""
	if len(values) > keys {
		day = values[keys].S
	}
	if row := l.table.Find(key, day); row >= 0 {
		return Value{Kind: KindRow, N: int64(row)}, nil
	}
	m := &Miss{Table: l.table}
	if rows := l.table.index[string(key)]; len(rows) > 0 {
		m.Day = day
		m.From, m.To = l.table.gap(rows, day)
	}
	for _, v := range values[:keys] {
		m.Keys = append(m.Keys, strings.Clone(v.Text()))
	}
	if !l.orNull {
		return Value{}, m.Fault(l.pos, l.column, l.personal)
	}
	if r != nil {
		r.Missed = append(r.Missed, m)
	}
	return Value{}, nil
}
