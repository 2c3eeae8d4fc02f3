// Package expression owns the language of expressions: its values and dates, its operators and
// functions, and how the text of an expression becomes a closure that is evaluated for each row.
//
//	"left(name, 3)" ──Parse──► Tree ──Compile──► Code ──Eval(Frame)──► Value, or a Fault
//	     text                  expr's            typed, constants      of the row at hand
//	                                             folded, lookups
//	                                             and names bound
//
// What surrounds an expression comes in by two types: Env, asked while an expression is compiled,
// for parameters, tables and where to report; and Frame, the row that a closure reads. The package
// knows nothing of Ed-Fi, of bundles or of files.
//
// expr (github.com/expr-lang/expr) reads the text. Its virtual machine is not used: its values are
// interfaces, so each text would be an allocation; null, whole numbers and decimals would not keep
// the rules of the language; and its messages speak of Go's types. Where the two languages agree,
// expr is the oracle of a test.
package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Env is what an expression is compiled in: what the names stand for that no scope holds, and who is
// told what is wrong, or unwise.
type Env interface {
	// Param finds a parameter, which is used now; the names are those of all.
	Param(name string) (sym *Symbol, names []string)
	// Lookup finds a table, which is looked up now; the names are those of all. Of one that cannot be read that
	// was reported.
	Lookup(name string) (table *Table, names []string, reported bool)
	// FitsKey reports whether values of a kind can be looked up in a key column of a table.
	FitsKey(t *Table, column int, k Kind) bool
	// Use notes that a name is used.
	Use(sym *Symbol)
	// Report takes what is wrong, Lint what is allowed and unwise.
	Report(p diag.Problem)
	Lint(p diag.Problem)
	// Inferring says that nothing is known yet but names and kinds: nothing is evaluated.
	Inferring() bool
}

// Type is what an expression gives, as far as it is known before the first row.
type Type struct {
	Kind     Kind
	Nullable bool
	Table    *Table // of a row
}

// Code is a compiled expression: what it gives, and the closure that gives it.
type Code struct {
	Type
	Eval     func(*Frame) (Value, *Fault)
	Constant bool // Eval needs no row
	Data     bool // a constant that comes from a table's row or the layout, not from params and ds alone
	Value    Value
	Fault    *Fault   // a constant that fails whenever it is used
	From     *Cells   // where a lookup takes it from, if nothing else is done with it
	Bad      bool     // has been reported; nothing more is said about it
	Source   string   // as written, for messages
	Column   string   // the header, if it is a column alone
	Headers  []string // of the columns that have a part in it
	Personal bool     // one of them is personal
	Pos      diag.Pos
}

// Cells is a column of a table.
type Cells struct {
	Table  *Table
	Column int
}

// ConstantCode is code that gives one value, whatever the row.
func ConstantCode(v Value, t Type) Code {
	return Code{Type: t, Constant: true, Value: v, Eval: func(*Frame) (Value, *Fault) { return v, nil }}
}

// BadCode stands for an expression that was reported.
var BadCode = Code{Bad: true, Constant: true, Type: Type{Kind: KindNull, Nullable: true},
	Eval: func(*Frame) (Value, *Fault) { return Value{}, nil }}

// fold evaluates code whose parts are all constant.
func (x *compiler) fold(out Code, parts ...Code) Code {
	for _, p := range parts {
		out.Personal = out.Personal || p.Personal
		for _, h := range p.Headers {
			if !slices.Contains(out.Headers, h) {
				out.Headers = append(out.Headers, h)
			}
		}
	}
	for _, p := range parts {
		if p.Bad {
			return BadCode
		}
		if !p.Constant {
			return out
		}
	}
	if x.env.Inferring() {
		return out
	}
	v, f := out.Eval(nil)
	out.Constant, out.Value, out.Fault = true, v, f
	for _, p := range parts {
		out.Data = out.Data || p.Data
	}
	out.Eval = func(*Frame) (Value, *Fault) { return v, f }
	if f == nil {
		out.Nullable = v.IsNull()
	}
	return out
}

// Compile compiles an expression in a scope. The same one may be compiled again in another scope.
func Compile(env Env, t *Tree, s *Scope) Code {
	x := compiler{env: env, text: t.text, scope: s}
	out := x.compile(t.root)
	if out.Pos.File == "" {
		out.Pos = t.text.At(1, 1)
	}
	return out
}

// CompileCondition compiles an expression that must be true or false; what says what it is for.
// Where it is null it rejects.
func CompileCondition(env Env, t *Tree, s *Scope, what string) Code {
	out := Compile(env, t, s)
	if out.Bad {
		return out
	}
	pos := t.text.At(1, 1)
	if out.Kind != KindBoolean && out.Kind != KindNull || out.Constant && out.Fault == nil && out.Value.IsNull() {
		env.Report(diag.At(pos, diag.BundleExpression, "Compare it with something, as in `x == \"Y\"` or `x != null`.", "%s must be true or false, but this is %s", what, WithArticle(out.Kind)))
		return BadCode
	}
	inner := out.Eval
	out.Eval = func(r *Frame) (Value, *Fault) {
		v, f := inner(r)
		if f == nil && v.IsNull() {
			f = &Fault{Code: diag.ExpressionNull, Rule: pos, Message: what + " is neither true nor false: what it asks for is empty",
				Fix: "Say what an empty value means: `(x ?? y)` or `x != null and …`."}
		}
		return v, f
	}
	return out
}

// WithArticle is a kind as messages name it: an integer, a date.
func WithArticle(k Kind) string {
	switch k {
	case KindInteger:
		return "an integer"
	case KindNull:
		return "null"
	case KindText:
		return "text"
	case KindTime:
		return "a time"
	}
	return "a " + k.String()
}

// compiler compiles one expression.
type compiler struct {
	env     Env
	text    Text
	scope   *Scope
	notNull []string // names that a condition around this place has found not to be null
}

// at is the place of a node.
func (x *compiler) at(n ast.Node) diag.Pos {
	return x.text.at(n.Location().From)
}

func (x *compiler) fail(n ast.Node, fix, format string, args ...any) Code {
	x.env.Report(diag.At(x.at(n), diag.BundleExpression, fix, format, args...))
	return BadCode
}

// lint notes what is allowed and unwise.
func (x *compiler) lint(n ast.Node, fix, format string, args ...any) {
	x.env.Lint(diag.At(x.at(n), diag.BundleLint, fix, format, args...))
}

func (x *compiler) compile(n ast.Node) Code {
	out := x.compileNode(n)
	if out.Pos.File == "" {
		out.Pos = x.at(n)
	}
	if out.Source == "" {
		out.Source = n.String()
	}
	return out
}

func (x *compiler) compileNode(n ast.Node) Code {
	switch n := n.(type) {
	case *ast.NilNode:
		return ConstantCode(Value{}, Type{Kind: KindNull, Nullable: true})
	case *ast.IntegerNode:
		return ConstantCode(IntegerValue(int64(n.Value)), Type{Kind: KindInteger})
	case *ast.FloatNode:
		v, ok := floatLiteral(n.Value)
		if !ok {
			return x.fail(n, "", "the number is too large")
		}
		return ConstantCode(v, Type{Kind: KindDecimal})
	case *ast.BoolNode:
		return ConstantCode(BooleanValue(n.Value), Type{Kind: KindBoolean})
	case *ast.StringNode:
		return ConstantCode(TextValue(n.Value), Type{Kind: KindText})
	case *ast.IdentifierNode:
		return x.identifier(n)
	case *ast.UnaryNode:
		return x.unary(n)
	case *ast.BinaryNode:
		return x.binary(n)
	case *ast.ConditionalNode:
		return x.conditional(n)
	case *ast.ChainNode:
		return x.compile(n.Node)
	case *ast.MemberNode:
		return x.member(n)
	case *ast.CallNode:
		return x.call(n)
	case *ast.BuiltinNode:
		return x.fail(n, "Write it with the functions of the format (docs/bundle-format.md §9).", "there is no function %q", n.Name)
	case *ast.SliceNode:
		return x.fail(n, "Use left, right or mid.", "texts are not cut with [ : ]")
	case *ast.ArrayNode:
		return x.fail(n, "", "a list of values may appear only to the right of `in`")
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return x.fail(n, "Put it under `let:` of the bundle.", "an expression is one value: `let` and `;` do not belong in it")
	}
	return x.fail(n, "See docs/bundle-format.md §9.", "this is not part of the language of bundles")
}

func (x *compiler) identifier(n *ast.IdentifierNode) Code {
	switch n.Value {
	case "null":
		return ConstantCode(Value{}, Type{Kind: KindNull, Nullable: true})
	case "$env":
		return x.fail(n, "Name what you need.", "$env is not part of the language of bundles")
	case "params":
		return x.fail(n, "Write params.<name>.", "`params` alone is not a value")
	case "scores", "levels", "objectives":
		return x.fail(n, "Write it alone as the value of a property, or under `each`.", "`%s` is a list, not a value", n.Value)
	}
	sym, ok := x.scope.Find(n.Value)
	if !ok {
		if x.scope.begins(n.Value + ".") {
			return x.fail(n, "Name one of its parts.", "`%s` alone is not a value", n.Value)
		}
		switch n.Value {
		case "layout":
			return x.fail(n, "Declare `layouts:` on the input.", "`layout` is not known here: the input has no `layouts`")
		case "student":
			return x.fail(n, "Declare `student: [columns]` on the input.", "`student` is not known here: the input has no `student`")
		}
		if IsFunction(n.Value) {
			return x.fail(n, "Write "+n.Value+"(…).", "%q is a function", n.Value)
		}
		fix := fixedText(n.Value)
		if fix != "" && n.Value != strings.TrimSpace(x.text.Source) { // a part of a longer one, which YAML reads as plain text
			fix = "If the text itself is meant, write it in quotes: \"" + n.Value + "\"."
		}
		return x.fail(n, fix, "there is no name %q here%s", n.Value, diag.DidYouMean(n.Value, x.scope.Known()))
	}
	return x.symbol(n, n.Value, sym)
}

// symbol is what a name stands for.
func (x *compiler) symbol(n ast.Node, name string, sym *Symbol) Code {
	x.env.Use(sym)
	out := sym.Code
	out.Source, out.Pos, out.Column = name, x.at(n), sym.Header
	if sym.Header != "" {
		out.Source = fmt.Sprintf("%s (column %s)", name, sym.Header)
		out.Headers = []string{sym.Header}
	}
	if slices.Contains(x.notNull, name) || x.scope.isNotNull(name) {
		out.Nullable = false
	}
	return out
}

func (x *compiler) unary(n *ast.UnaryNode) Code {
	a := x.compile(n.Node)
	if a.Bad {
		return a
	}
	switch n.Operator {
	case "!":
		return x.fail(n, "Write `not (…)`, or `x != null`.", "the operator `!` is not part of the language of bundles")
	case "not":
	default:
		return x.sign(n, a)
	}
	if a.Kind != KindBoolean {
		return x.fail(n, "Write `x != y` or `not (x == y)`.", "`%s` needs true or false, but %s is %s", n.Operator, a.Source, WithArticle(a.Kind))
	}
	inner := a.Eval
	pos, source := a.Pos, a.Source
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := inner(r)
		if f != nil {
			return v, f
		}
		if v.IsNull() {
			return v, nullFault(pos, source, "`not`")
		}
		return BooleanValue(v.N == 0), nil
	}}, a)
}

// conditional is `if c {a} else {b}`. What a condition says about null holds in its branches.
func (x *compiler) conditional(n *ast.ConditionalNode) Code {
	if n.Ternary {
		return x.fail(n.Cond, "Write `if c { a } else { b }`.", "`c ? a : b` is not part of the language of bundles")
	}
	test := x.compile(n.Cond)
	before := x.notNull
	x.notNull = slices.Concat(before, notNullIf(n.Cond, true))
	a := x.compile(n.Exp1)
	x.notNull = slices.Concat(before, notNullIf(n.Cond, false))
	b := x.compile(n.Exp2)
	x.notNull = before
	if test.Bad || a.Bad || b.Bad {
		return BadCode
	}
	if test.Kind != KindBoolean {
		return x.fail(n.Cond, "Compare it with something.", "the condition of `if` must be true or false, but %s is %s", test.Source, WithArticle(test.Kind))
	}
	t, ok := unify(a.Type, b.Type)
	if !ok {
		return x.fail(n.Cond, "Make both give the same type, for instance with text(…).", "one branch of `if` is %s, the other %s", WithArticle(a.Kind), WithArticle(b.Kind))
	}
	pos, source := test.Pos, test.Source
	out := Code{Type: t, Eval: func(r *Frame) (Value, *Fault) {
		v, f := test.Eval(r)
		switch {
		case f != nil:
			return v, f
		case v.IsNull():
			return v, nullFault(pos, source, "the condition of `if`")
		case v.N != 0:
			return a.Eval(r)
		}
		return b.Eval(r)
	}}
	if test.Constant && test.Fault == nil && !x.env.Inferring() { // only the branch taken counts
		branch := b
		if test.Value.IsTrue() {
			branch = a
		}
		if !test.Value.IsNull() {
			branch.Kind = t.Kind
			return branch
		}
	}
	return x.fold(out, test, a, b)
}

// unify is the type of either of two.
func unify(a, b Type) (Type, bool) {
	nullable := a.Nullable || b.Nullable
	switch {
	case a.Kind == KindNull:
		b.Nullable = true
		return b, true
	case b.Kind == KindNull:
		a.Nullable = true
		return a, true
	case a.Kind == b.Kind && a.Table == b.Table:
		a.Nullable = nullable
		return a, true
	case a.Kind.IsNumber() && b.Kind.IsNumber():
		return Type{Kind: KindDecimal, Nullable: nullable}, true
	case a.Kind.IsText() && b.Kind.IsText():
		return Type{Kind: KindText, Nullable: nullable}, true
	}
	return Type{}, false
}

// dotted is the path a.b.c that a node spells, with its first name; nil for anything else.
func dotted(n ast.Node) (path string, first *ast.IdentifierNode) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, n
	case *ast.MemberNode:
		property, ok := n.Property.(*ast.StringNode)
		if before, first := dotted(n.Node); ok && first != nil && !n.Optional {
			return before + "." + property.Value, first
		}
	}
	return "", nil
}

// member is `params.x`, or a column of the row that a lookup gave.
func (x *compiler) member(n *ast.MemberNode) Code {
	property, ok := n.Property.(*ast.StringNode)
	if !ok || n.Method {
		return x.fail(n, "Name a column: lookup(…).column.", "values have no parts that could be computed")
	}
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "params" {
		sym, names := x.env.Param(property.Value)
		if sym == nil {
			return x.fail(property, "Declare it under `params:`.", "there is no parameter %q%s", property.Value, diag.DidYouMean(property.Value, names))
		}
		out := sym.Code
		out.Source, out.Pos = "params."+property.Value, x.at(id)
		return out
	}
	if path, first := dotted(n); first != nil && x.scope.begins(first.Value+".") {
		if sym, ok := x.scope.Find(path); ok {
			return x.symbol(first, path, sym)
		}
		return x.fail(first, "", "there is no name %q here%s", path, diag.DidYouMean(path, x.scope.Known()))
	}
	row := x.compile(n.Node)
	if row.Bad {
		return row
	}
	if row.Kind != KindRow {
		return x.fail(property, "Only params and lookup(…) have parts.", "%s is %s and has no part %q", row.Source, WithArticle(row.Kind), property.Value)
	}
	table := row.Table
	col, ok := table.Column(property.Value)
	if !ok {
		return x.fail(property, "Its columns are "+strings.Join(table.Header, ", ")+".", "the table %q has no column %q%s", table.Name, property.Value, diag.DidYouMean(property.Value, table.Header))
	}
	if row.Nullable && !n.Optional {
		return x.fail(property, "Write lookup_or_null(…)?."+property.Value+".", "lookup_or_null may find nothing, so its column needs `?.`")
	}
	t := table.TypeOf(col)
	t.Nullable = t.Nullable || row.Nullable
	inner := row.Eval
	out := Code{Type: t, From: &Cells{table, col}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := inner(r)
		if f != nil || v.IsNull() {
			return Value{}, f
		}
		return table.Values[v.N][col], nil
	}}
	out.Source = row.Source + "." + property.Value
	return x.fold(out, row)
}
