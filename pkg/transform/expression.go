package transform

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Bounds of an expression.
const (
	maxNodes  = 500
	maxSource = 16 << 10
	maxText   = 64 << 10 // bytes of a text that an expression makes
)

// typ is what an expression gives, as far as it is known before the first row.
type typ struct {
	kind     kind
	nullable bool
	table    *lookupTable // of a row
}

// code is a compiled expression. Expressions are parsed by expr and compiled here into closures
// over typed values instead of expr's virtual machine: its values are interfaces, so each text
// would be an allocation; null, whole numbers and decimals would not keep the format's rules; and
// its messages speak of Go's types. Where the two languages agree, expr is the oracle of a test.
type code struct {
	typ
	eval     func(*state) (value, *fault)
	constant bool // eval needs no row
	data     bool // a constant that comes from a table's row or the layout, not from params and ds alone
	val      value
	fault    *fault // a constant that fails whenever it is used
	bad      bool   // has been reported; nothing more is said about it
	source   string // as written, for messages
	pos      diag.Pos
}

func constantCode(v value, t typ) code {
	return code{typ: t, constant: true, val: v, eval: func(*state) (value, *fault) { return v, nil }}
}

var badCode = code{bad: true, constant: true, typ: typ{kind: kindNull, nullable: true},
	eval: func(*state) (value, *fault) { return value{}, nil }}

// fold evaluates code whose parts are all constant.
func (c *compiler) fold(out code, parts ...code) code {
	for _, p := range parts {
		if p.bad {
			return badCode
		}
		if !p.constant {
			return out
		}
	}
	if c.inferring {
		return out
	}
	v, f := out.eval(nil)
	out.constant, out.val, out.fault = true, v, f
	for _, p := range parts {
		out.data = out.data || p.data
	}
	out.eval = func(*state) (value, *fault) { return v, f }
	if f == nil {
		out.nullable = v.null()
	}
	return out
}

// parserConfig switches every builtin of expr off; the functions of the format are ours.
var parserConfig = func() *conf.Config {
	cfg := conf.New(map[string]any{})
	cfg.MaxNodes = maxNodes
	for _, f := range builtin.Builtins {
		cfg.Disabled[f.Name] = true
	}
	return cfg
}()

// expression compiles one expression in a scope. It may be called again for the same expression in
// another scope.
func (c *compiler) expression(e *bundle.Expr, s *scope) code {
	tree := c.tree(e)
	if tree == nil {
		return badCode
	}
	x := expressionCompiler{compiler: c, expr: e, scope: s}
	out := x.compile(tree.Node)
	if out.pos.File == "" {
		out.pos = e.Pos
	}
	if out.bad { // perhaps by a name whose own expression was reported
		c.problems.met++
	}
	return out
}

// condition compiles an expression that must be true or false. Where it is null it rejects.
func (c *compiler) condition(e *bundle.Expr, s *scope, what string) code {
	out := c.expression(e, s)
	if out.bad {
		return out
	}
	if out.kind != kindBoolean && out.kind != kindNull || out.constant && out.fault == nil && out.val.null() {
		c.add(e.Pos, diag.BundleExpression, "compare it with something, as in `x == \"Y\"` or `x != null`", "%s must be true or false, but this is %s", what, an(out.kind))
		return badCode
	}
	inner := out.eval
	pos := e.Pos
	out.eval = func(r *state) (value, *fault) {
		v, f := inner(r)
		if f == nil && v.null() {
			f = &fault{code: diag.ExpressionNull, rule: pos, message: what + " is neither true nor false: what it asks for is empty",
				fix: "say what an empty value means: `(x ?? y)` or `x != null and …`"}
		}
		return v, f
	}
	return out
}

func an(k kind) string {
	switch k {
	case kindInteger:
		return "an integer"
	case kindNull:
		return "null"
	case kindText:
		return "text"
	case kindTime:
		return "a time"
	}
	return "a " + k.String()
}

// tree is an expression parsed. One that cannot be parsed is not remembered, so that it is reported
// again when the walk is one that reports.
func (c *compiler) tree(e *bundle.Expr) *parser.Tree {
	tree := c.trees[e]
	if tree == nil {
		if tree = c.parse(e); tree != nil {
			c.trees[e] = tree
		}
	}
	return tree
}

// parse parses an expression; what expr would not take is a problem at its place in the bundle.
func (c *compiler) parse(e *bundle.Expr) *parser.Tree {
	if len(e.Source) > maxSource {
		c.add(e.Pos, diag.BundleExpression, "put the cases into a table and use lookup", "the expression is longer than %d bytes", maxSource)
		return nil
	}
	tree, err := parser.ParseWithConfig(e.Source, parserConfig)
	if err == nil {
		if at, found := pipe(e.Source); found {
			c.add(placeIn(e, at), diag.BundleExpression, "write f(x) for x | f()", "the operator `|` is not part of the language of bundles")
			return nil
		}
		return tree
	}
	pos, message := e.Pos, err.Error()
	var at *file.Error
	if errors.As(err, &at) {
		pos, message = e.At(at.Line, at.Column+1), at.Message
	}
	fix := ""
	switch {
	case strings.Contains(message, "maximum allowed nodes"):
		message, fix = fmt.Sprintf("the expression has more than %d parts", maxNodes), "put the cases into a table and use lookup"
	case strings.Contains(message, "cannot be mixed"):
		message, fix = "?? stands beside another operator", "put the one or the other into parentheses: `(a ?? b) + c`"
	case strings.Contains(message, "token EOF"):
		message, fix = "the expression ends too early", "close what is open"
	case strings.HasPrefix(message, "a map key must"):
		message, fix = "cannot read { here", "write the expression itself: nothing is filled into {{ … }} or ${…}"
	case strings.HasPrefix(message, "unexpected token "):
		message = "cannot read " + tokenWord(message) + " here"
	case strings.Contains(message, "integer literal"):
		message = "the number is too large"
	}
	if strings.TrimSpace(e.Source) == "" {
		message, fix = "the expression is empty", "write a name, or \"a text\" in quotes"
	}
	c.add(pos, diag.BundleExpression, fix, "%s", message)
	return nil
}

// pipe finds expr's `|`, which leaves no trace in the tree.
func pipe(source string) (at int, found bool) {
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return 0, false
	}
	for _, t := range tokens {
		if t.Is(lexer.Operator, "|") {
			return t.From, true
		}
	}
	return 0, false
}

// placeIn is the place of a character of an expression in the bundle.
func placeIn(e *bundle.Expr, at int) diag.Pos {
	line, col := 1, 1
	for i, r := range []rune(e.Source) {
		if i == at {
			break
		}
		if r == '\n' {
			line, col = line+1, 1
		} else {
			col++
		}
	}
	return e.At(line, col)
}

// tokenWord takes the token out of expr's `unexpected token Operator("..")`.
var tokenForm = regexp.MustCompile(`^unexpected token \w+\((.*)\)$`)

func tokenWord(message string) string {
	if m := tokenForm.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return "this"
}

// expressionCompiler compiles one expression.
type expressionCompiler struct {
	*compiler
	expr    *bundle.Expr
	scope   *scope
	notNull []string // names that a condition around this place has found not to be null
}

// at is the place of a node in the bundle.
func (x *expressionCompiler) at(n ast.Node) diag.Pos {
	return placeIn(x.expr, n.Location().From)
}

func (x *expressionCompiler) fail(n ast.Node, fix, format string, args ...any) code {
	x.add(x.at(n), diag.BundleExpression, fix, format, args...)
	return badCode
}

func (x *expressionCompiler) compile(n ast.Node) code {
	out := x.compileNode(n)
	if out.pos.File == "" {
		out.pos = x.at(n)
	}
	if out.source == "" {
		out.source = n.String()
	}
	return out
}

func (x *expressionCompiler) compileNode(n ast.Node) code {
	switch n := n.(type) {
	case *ast.NilNode:
		return constantCode(value{}, typ{kind: kindNull, nullable: true})
	case *ast.IntegerNode:
		return constantCode(integerValue(int64(n.Value)), typ{kind: kindInteger})
	case *ast.FloatNode:
		v, ok := floatLiteral(n.Value)
		if !ok {
			return x.fail(n, "", "the number is too large")
		}
		return constantCode(v, typ{kind: kindDecimal})
	case *ast.BoolNode:
		return constantCode(booleanValue(n.Value), typ{kind: kindBoolean})
	case *ast.StringNode:
		return constantCode(textValue(n.Value), typ{kind: kindText})
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
		return x.fail(n, "write it with the functions of the format (docs/bundle-format.md §9)", "there is no function %q", n.Name)
	case *ast.SliceNode:
		return x.fail(n, "use left, right or mid", "texts are not cut with [ : ]")
	case *ast.ArrayNode:
		return x.fail(n, "", "a list of values may stand only to the right of `in`")
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return x.fail(n, "put it under `let:` of the bundle", "an expression is one value: `let` and `;` do not belong into it")
	}
	return x.fail(n, "see docs/bundle-format.md §9", "this is not part of the language of bundles")
}

func (x *expressionCompiler) identifier(n *ast.IdentifierNode) code {
	switch n.Value {
	case "null":
		return constantCode(value{}, typ{kind: kindNull, nullable: true})
	case "$env":
		return x.fail(n, "name what you need", "$env is not part of the language of bundles")
	case "params":
		return x.fail(n, "write params.<name>", "`params` alone is no value")
	case "scores", "levels", "objectives":
		return x.fail(n, "write it alone as the value of a property, or under `each`", "`%s` is a list, not a value", n.Value)
	}
	sym, ok := x.scope.find(n.Value)
	if !ok {
		switch n.Value {
		case "layout":
			return x.fail(n, "declare `layouts:` on the input", "`layout` is not known here: the input has no `layouts`")
		case "student":
			return x.fail(n, "declare `student: [columns]` on the input", "`student` is not known here: the input has no `student`")
		}
		if functions[n.Value] != nil {
			return x.fail(n, "write "+n.Value+"(…)", "%q is a function", n.Value)
		}
		return x.fail(n, "", "there is no name %q here%s", n.Value, diag.DidYouMean(n.Value, x.scope.known()))
	}
	x.used[sym.pos] = true
	out := sym.code
	out.source, out.pos = n.Value, x.at(n)
	if sym.header != "" {
		out.source = fmt.Sprintf("%s (column %s)", n.Value, sym.header)
	}
	if contains(x.notNull, n.Value) || x.scope.isNotNull(n.Value) {
		out.nullable = false
	}
	return out
}

func (x *expressionCompiler) unary(n *ast.UnaryNode) code {
	a := x.compile(n.Node)
	if a.bad {
		return a
	}
	switch n.Operator {
	case "!":
		return x.fail(n, "write `not (…)`, or `x != null`", "the operator `!` is not part of the language of bundles")
	case "not":
	default:
		return x.sign(n, a)
	}
	if a.kind != kindBoolean {
		return x.fail(n, "write `x != y` or `not (x == y)`", "`%s` needs true or false, but %s is %s", n.Operator, a.source, an(a.kind))
	}
	inner := a.eval
	pos, source := a.pos, a.source
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := inner(r)
		if f != nil {
			return v, f
		}
		if v.null() {
			return v, nullFault(pos, source, "`not`")
		}
		return booleanValue(v.n == 0), nil
	}}, a)
}

// conditional is `if c {a} else {b}`. What a condition says about null holds in its branches.
func (x *expressionCompiler) conditional(n *ast.ConditionalNode) code {
	if n.Ternary {
		return x.fail(n.Cond, "write `if c { a } else { b }`", "`c ? a : b` is not part of the language of bundles")
	}
	test := x.compile(n.Cond)
	before := x.notNull
	x.notNull = append(before[:len(before):len(before)], notNullIf(n.Cond, true)...)
	a := x.compile(n.Exp1)
	x.notNull = append(before[:len(before):len(before)], notNullIf(n.Cond, false)...)
	b := x.compile(n.Exp2)
	x.notNull = before
	if test.bad || a.bad || b.bad {
		return badCode
	}
	if test.kind != kindBoolean {
		return x.fail(n.Cond, "compare it with something", "the condition of `if` must be true or false, but %s is %s", test.source, an(test.kind))
	}
	t, ok := unify(a.typ, b.typ)
	if !ok {
		return x.fail(n.Cond, "let both give the same, for instance with text(…)", "one branch of `if` is %s, the other %s", an(a.kind), an(b.kind))
	}
	pos, source := test.pos, test.source
	out := code{typ: t, eval: func(r *state) (value, *fault) {
		v, f := test.eval(r)
		switch {
		case f != nil:
			return v, f
		case v.null():
			return v, nullFault(pos, source, "the condition of `if`")
		case v.n != 0:
			return a.eval(r)
		}
		return b.eval(r)
	}}
	if test.constant && test.fault == nil && !x.inferring { // only the branch taken counts
		branch := b
		if test.val.isTrue() {
			branch = a
		}
		if !test.val.null() {
			branch.kind = t.kind
			return branch
		}
	}
	return x.fold(out, test, a, b)
}

// unify is the type of either of two.
func unify(a, b typ) (typ, bool) {
	nullable := a.nullable || b.nullable
	switch {
	case a.kind == kindNull:
		b.nullable = true
		return b, true
	case b.kind == kindNull:
		a.nullable = true
		return a, true
	case a.kind == b.kind && a.table == b.table:
		a.nullable = nullable
		return a, true
	case a.kind.isNumber() && b.kind.isNumber():
		return typ{kind: kindDecimal, nullable: nullable}, true
	case a.kind.isText() && b.kind.isText():
		return typ{kind: kindText, nullable: nullable}, true
	}
	return typ{}, false
}

// notNullIf is the names that are not null where a condition is true (or false).
func notNullIf(n ast.Node, is bool) []string {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return notNullIf(n.Node, !is)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			if is {
				return append(notNullIf(n.Left, true), notNullIf(n.Right, true)...)
			}
		case "or", "||":
			if !is {
				return append(notNullIf(n.Left, false), notNullIf(n.Right, false)...)
			}
		case "!=", "==":
			if (n.Operator == "!=") == is {
				if name, ok := comparedWithNull(n); ok {
					return []string{name}
				}
			}
		}
	}
	return nil
}

func comparedWithNull(n *ast.BinaryNode) (string, bool) {
	left, right := n.Left, n.Right
	if isNull(left) {
		left, right = right, left
	}
	name, ok := left.(*ast.IdentifierNode)
	if !ok || !isNull(right) {
		return "", false
	}
	return name.Value, true
}

func isNull(n ast.Node) bool {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return id.Value == "null"
	}
	_, ok := n.(*ast.NilNode)
	return ok
}

// member is `params.x`, or a column of the row that a lookup gave.
func (x *expressionCompiler) member(n *ast.MemberNode) code {
	property, ok := n.Property.(*ast.StringNode)
	if !ok || n.Method {
		return x.fail(n, "name a column: lookup(…).column", "values have no parts that could be computed")
	}
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "params" {
		sym, ok := x.params[property.Value]
		if !ok {
			return x.fail(property, "declare it under `params:`", "there is no parameter %q%s", property.Value, diag.DidYouMean(property.Value, x.paramNames()))
		}
		x.used[sym.pos] = true
		out := sym.code
		out.source, out.pos = "params."+property.Value, x.at(id)
		return out
	}
	row := x.compile(n.Node)
	if row.bad {
		return row
	}
	if row.kind != kindRow {
		return x.fail(property, "only params and lookup(…) have parts", "%s is %s and has no part %q", row.source, an(row.kind), property.Value)
	}
	table := row.table
	col, ok := table.column(property.Value)
	if !ok {
		return x.fail(property, "its columns are "+strings.Join(table.header, ", "), "the table %q has no column %q%s", table.name, property.Value, diag.DidYouMean(property.Value, table.header))
	}
	if row.nullable && !n.Optional {
		return x.fail(property, "write lookup_or_null(…)?."+property.Value, "lookup_or_null may find nothing, so its column needs `?.`")
	}
	t := table.typeOf(col)
	t.nullable = t.nullable || row.nullable
	inner := row.eval
	out := code{typ: t, eval: func(r *state) (value, *fault) {
		v, f := inner(r)
		if f != nil || v.null() {
			return value{}, f
		}
		return table.values[v.n][col], nil
	}}
	out.source = row.source + "." + property.Value
	return x.fold(out, row)
}

// notNullIn is the names that are not null where a `when` holds.
func (c *compiler) notNullIn(when *bundle.Expr) []string {
	if tree := c.trees[when]; tree != nil {
		return notNullIf(tree.Node, true)
	}
	return nil
}
