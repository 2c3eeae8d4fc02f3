package transform

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func floatLiteral(f float64) (value, bool) {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	return value{kind: kindDecimal, s: plainDecimal(s)}, len(s) <= maxDigits
}

// sign is unary minus and plus.
func (x *expressionCompiler) sign(n *ast.UnaryNode, a code) code {
	if !a.kind.isNumber() {
		return x.fail(n, "", "`%s` needs a number, but %s is %s", n.Operator, a.source, an(a.kind))
	}
	if n.Operator == "+" {
		return a
	}
	inner, pos, source := a.eval, a.pos, a.source
	return x.fold(code{typ: typ{kind: a.kind}, eval: func(r *state) (value, *fault) {
		v, f := inner(r)
		switch {
		case f != nil:
			return v, f
		case v.null():
			return v, nullFault(pos, source, "`-`")
		case v.kind == kindInteger && v.n != math.MinInt64:
			return integerValue(-v.n), nil
		}
		return calculate("-", integerValue(0), v, pos)
	}}, a)
}

// binary compiles an operator with two sides.
func (x *expressionCompiler) binary(n *ast.BinaryNode) code {
	switch n.Operator {
	case "and", "or":
		return x.logic(n)
	case "&&", "||":
		return x.fail(n, "write `and`, `or`; a value between two bounds is `a < x and x < b`", "the operator `%s` is not part of the language of bundles", n.Operator)
	case "in":
		return x.in(n)
	}
	a, b := x.compile(n.Left), x.compile(n.Right)
	if a.bad || b.bad {
		return badCode
	}
	for _, side := range []code{a, b} {
		if side.kind == kindRow && n.Operator != "==" && n.Operator != "!=" && n.Operator != "??" {
			return x.fail(n, "name a column of it: lookup(…).column", "%s is %s, not a value", side.source, an(side.kind))
		}
	}
	switch n.Operator {
	case "==", "!=":
		return x.equality(n, a, b)
	case "<", "<=", ">", ">=":
		return x.order(n, a, b)
	case "+", "-", "*", "/", "%":
		return x.arithmetic(n, a, b)
	case "??":
		return x.otherwise(n, a, b)
	case "contains", "startsWith", "endsWith":
		return x.textTest(n, a, b)
	case "matches":
		return x.matches(n, a, b)
	}
	return x.fail(n, "see docs/bundle-format.md §9", "the operator `%s` is not part of the language of bundles", n.Operator)
}

// logic is `and`, `or`; the right side counts only if the left does not decide.
func (x *expressionCompiler) logic(n *ast.BinaryNode) code {
	decides := n.Operator == "or"
	a := x.compile(n.Left)
	before := x.notNull
	x.notNull = append(before[:len(before):len(before)], notNullIf(n.Left, !decides)...)
	b := x.compile(n.Right)
	x.notNull = before
	if a.bad || b.bad {
		return badCode
	}
	for _, side := range []code{a, b} {
		if side.kind != kindBoolean {
			return x.fail(n, "compare it with something", "`%s` needs true or false on both sides, but %s is %s", n.Operator, side.source, an(side.kind))
		}
	}
	operator := "`" + n.Operator + "`"
	out := code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := a.eval(r)
		switch {
		case f != nil:
			return v, f
		case v.null():
			return v, nullFault(a.pos, a.source, operator)
		case v.isTrue() == decides:
			return v, nil
		}
		v, f = b.eval(r)
		if f == nil && v.null() {
			return v, nullFault(b.pos, b.source, operator)
		}
		return v, f
	}}
	if a.constant && a.fault == nil && !a.val.null() && a.val.isTrue() == decides && !x.inferring {
		return a
	}
	return x.fold(out, a, b)
}

// comparable reports whether two kinds can be equal or ordered at all.
func comparableKinds(a, b kind) bool {
	switch {
	case a == kindNull || b == kindNull, a == b:
		return true
	case a.isNumber() && b.isNumber():
		return true
	}
	return a.isText() && b.isText() && (a == kindText || b == kindText)
}

func (x *expressionCompiler) equality(n *ast.BinaryNode, a, b code) code {
	if !comparableKinds(a.kind, b.kind) {
		return x.fail(n, "convert one of them: int(…) or text(…)", "%s is %s and %s is %s: they are never equal", a.source, an(a.kind), b.source, an(b.kind))
	}
	if !x.dateLiteral(n, a, b) {
		return badCode
	}
	want, dates := n.Operator == "==", beside(a, b)
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := a.eval(r)
		if f != nil {
			return v, f
		}
		w, f := b.eval(r)
		if f != nil {
			return w, f
		}
		if dates != nil {
			if f := dates(v, w); f != nil {
				return v, f
			}
		}
		return booleanValue(equalValues(v, w) == want), nil
	}}, a, b)
}

// dateLiteral reports a text in quotes that is compared with a date and is none.
func (x *expressionCompiler) dateLiteral(n ast.Node, a, b code) bool {
	if a.kind == kindDate {
		a, b = b, a
	}
	if b.kind == kindDate && a.kind == kindText && a.constant && a.fault == nil && !isISODate(a.val.s) {
		x.fail(n, `write it as "2026-03-01"`, "%s is compared with a date, but is no date", a.source)
		return false
	}
	return true
}

// beside gives the check of a text that is compared with a date: on the row it must be one, or the
// comparison would be of letters. Nil if there is nothing to check.
func beside(a, b code) func(v, w value) *fault {
	switch {
	case a.kind == kindDate && b.kind == kindText && !b.constant:
		return func(_, w value) *fault { return notADate(&b, w) }
	case b.kind == kindDate && a.kind == kindText && !a.constant:
		return func(v, _ value) *fault { return notADate(&a, v) }
	}
	return nil
}

// notADate is the fault of a text that must be a date and is none; null is for the caller to judge.
func notADate(c *code, v value) *fault {
	if v.kind != kindText || isISODate(v.s) {
		return nil
	}
	return &fault{code: diag.ExpressionFails, rule: c.pos, column: headerOf(*c), value: strings.Clone(v.s),
		message: c.source + " is used as a date, but is no date (YYYY-MM-DD)", fix: "correct the cell; or say `type: date` of the column, with its `format`"}
}

func (x *expressionCompiler) order(n *ast.BinaryNode, a, b code) code {
	numbers := a.kind.isNumber() && b.kind.isNumber()
	if !comparableKinds(a.kind, b.kind) || !numbers && (!a.kind.isText() || !b.kind.isText()) {
		return x.fail(n, "convert one of them: int(…) or text(…)", "`%s` cannot order %s (%s) and %s (%s)", n.Operator, a.source, a.kind, b.source, b.kind)
	}
	if !x.dateLiteral(n, a, b) {
		return badCode
	}
	x.nullHint(n, a, "`"+n.Operator+"`")
	x.nullHint(n, b, "`"+n.Operator+"`")
	operator, dates := n.Operator, beside(a, b)
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, w, f := both(r, &a, &b, operator)
		if f != nil {
			return v, f
		}
		if dates != nil {
			if f := dates(v, w); f != nil {
				return v, f
			}
		}
		c := 0
		if numbers {
			c = compareNumbers(v, w)
		} else {
			c = strings.Compare(v.s, w.s)
		}
		switch operator {
		case "<":
			return booleanValue(c < 0), nil
		case "<=":
			return booleanValue(c <= 0), nil
		case ">":
			return booleanValue(c > 0), nil
		}
		return booleanValue(c >= 0), nil
	}}, a, b)
}

// both evaluates two sides that may not be null.
func both(r *state, a, b *code, operator string) (v, w value, f *fault) {
	if v, f = a.eval(r); f != nil {
		return v, w, f
	}
	if w, f = b.eval(r); f != nil {
		return v, w, f
	}
	if v.null() {
		return v, w, nullFault(a.pos, a.source, "`"+operator+"`")
	}
	if w.null() {
		return v, w, nullFault(b.pos, b.source, "`"+operator+"`")
	}
	return v, w, nil
}

func (x *expressionCompiler) arithmetic(n *ast.BinaryNode, a, b code) code {
	pos, operator := x.at(n), n.Operator
	if operator == "+" && a.kind.isText() && b.kind.isText() {
		x.nullHint(n, a, "`+`")
		x.nullHint(n, b, "`+`")
		x.mixHint(n, b)
		return x.fold(code{typ: typ{kind: kindText}, eval: func(r *state) (value, *fault) {
			v, w, f := both(r, &a, &b, operator)
			if f != nil {
				return v, f
			}
			if len(v.s)+len(w.s) > maxText {
				return v, faultAt(pos, diag.ExpressionFails, "the text grows over %d KiB", maxText>>10)
			}
			return textValue(v.s + w.s), nil
		}}, a, b)
	}
	if !a.kind.isNumber() || !b.kind.isNumber() {
		return x.fail(n, "convert one of them: int(…) or text(…)", "`%s` cannot work on %s (%s) and %s (%s)", operator, a.source, a.kind, b.source, b.kind)
	}
	x.nullHint(n, a, "`"+operator+"`")
	x.nullHint(n, b, "`"+operator+"`")
	x.mixHint(n, b)
	t := typ{kind: kindDecimal}
	if a.kind == kindInteger && b.kind == kindInteger && operator != "/" {
		t.kind = kindInteger
	}
	if operator == "%" && t.kind != kindInteger {
		return x.fail(n, "use int(…) or floor(…) first", "`%%` works on integers only")
	}
	return x.fold(code{typ: t, eval: func(r *state) (value, *fault) {
		v, w, f := both(r, &a, &b, operator)
		if f != nil {
			return v, f
		}
		return calculate(operator, v, w, pos)
	}}, a, b)
}

// calculate is exact: integers stay integers, decimals never pass through a float.
func calculate(operator string, v, w value, pos diag.Pos) (value, *fault) {
	if v.kind == kindInteger && w.kind == kindInteger && operator != "/" {
		if n, ok := calculateIntegers(operator, v.n, w.n); ok {
			return integerValue(n), nil
		}
		if operator == "%" {
			return v, faultAt(pos, diag.ExpressionFails, "division by zero")
		}
		return v, faultAt(pos, diag.ExpressionFails, "the result does not fit an integer of 64 bits")
	}
	p, ok := ratOf(v)
	q, ok2 := ratOf(w)
	if !ok || !ok2 {
		return v, faultAt(pos, diag.ExpressionFails, "a number has more than %d digits", maxDigits)
	}
	z := new(big.Rat)
	switch operator {
	case "+":
		z.Add(p, q)
	case "-":
		z.Sub(p, q)
	case "*":
		z.Mul(p, q)
	case "/":
		if q.Sign() == 0 {
			return v, faultAt(pos, diag.ExpressionFails, "division by zero")
		}
		z.Quo(p, q)
	}
	out, ok := decimalOf(z)
	if !ok {
		return v, faultAt(pos, diag.ExpressionFails, "a number has more than %d digits", maxDigits)
	}
	return out, nil
}

// calculateIntegers is false where the result does not fit.
func calculateIntegers(operator string, a, b int64) (int64, bool) {
	switch operator {
	case "+":
		n := a + b
		return n, (n > a) == (b > 0)
	case "-":
		n := a - b
		return n, (n < a) == (b > 0)
	case "*":
		if a == 0 || b == 0 {
			return 0, true
		}
		if a == -1 || b == -1 { // MinInt64 has no opposite
			return a * b, a != math.MinInt64 && b != math.MinInt64
		}
		n := a * b
		return n, n/b == a
	}
	if b == 0 {
		return 0, false
	}
	if b == -1 {
		return 0, true // MinInt64 % -1 would trap
	}
	return a % b, true
}

// otherwise is `??`.
func (x *expressionCompiler) otherwise(n *ast.BinaryNode, a, b code) code {
	t, ok := unify(a.typ, b.typ)
	if !ok {
		return x.fail(n, "let both sides be of one type", "%s is %s, but after ?? comes %s", a.source, an(a.kind), an(b.kind))
	}
	t.nullable = b.nullable
	out := code{typ: t, eval: func(r *state) (value, *fault) {
		if v, f := a.eval(r); f != nil || !v.null() {
			return v, f
		}
		return b.eval(r)
	}}
	if a.constant && a.fault == nil && !x.inferring {
		if !a.val.null() {
			a.kind = t.kind
			return a
		}
		b.kind = t.kind
		return b
	}
	return x.fold(out, a, b)
}

// textTest is contains, startsWith, endsWith; null contains nothing and is contained in nothing.
func (x *expressionCompiler) textTest(n *ast.BinaryNode, a, b code) code {
	for _, side := range []code{a, b} {
		if !side.kind.isText() && side.kind != kindNull {
			return x.fail(n, "use text(…)", "`%s` works on texts, but %s is %s", n.Operator, side.source, an(side.kind))
		}
	}
	test := map[string]func(s, t string) bool{"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}[n.Operator]
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := a.eval(r)
		if f != nil {
			return v, f
		}
		w, f := b.eval(r)
		if f != nil {
			return w, f
		}
		return booleanValue(!v.null() && !w.null() && test(v.s, w.s)), nil
	}}, a, b)
}

func (x *expressionCompiler) matches(n *ast.BinaryNode, a, b code) code {
	if !a.kind.isText() && a.kind != kindNull {
		return x.fail(n, "use text(…)", "`matches` works on text, but %s is %s", a.source, an(a.kind))
	}
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		return x.fail(n.Right, `write it in quotes: x matches "^[A-Z]$"`, "the pattern of `matches` must be a fixed text")
	}
	re, err := regexp.Compile(literal.Value)
	if err != nil {
		return x.fail(n.Right, "see https://pkg.go.dev/regexp/syntax", "the pattern cannot be read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := a.eval(r)
		if f != nil {
			return v, f
		}
		return booleanValue(!v.null() && re.MatchString(v.s)), nil
	}}, a, b)
}

// in is `x in ["A", "B"]`; null is in nothing.
func (x *expressionCompiler) in(n *ast.BinaryNode) code {
	a := x.compile(n.Left)
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return x.fail(n.Right, `write x in ["A", "B"]; for a text in a text use contains`, "to the right of `in` stands a list of values")
	}
	items := make([]code, 0, len(list.Nodes))
	var dates []func(v, w value) *fault
	all := []code{a}
	for _, item := range list.Nodes {
		b := x.compile(item)
		if a.bad || b.bad {
			return badCode
		}
		if !comparableKinds(a.kind, b.kind) {
			return x.fail(item, "", "%s is %s and %s is %s: they are never equal", a.source, an(a.kind), b.source, an(b.kind))
		}
		if !x.dateLiteral(item, a, b) {
			return badCode
		}
		items = append(items, b)
		dates = append(dates, beside(a, b))
		all = append(all, b)
	}
	if a.bad {
		return badCode
	}
	return x.fold(code{typ: typ{kind: kindBoolean}, eval: func(r *state) (value, *fault) {
		v, f := a.eval(r)
		if f != nil || v.null() {
			return booleanValue(false), f
		}
		for i := range items {
			w, f := items[i].eval(r)
			if f != nil {
				return w, f
			}
			if dates[i] != nil {
				if f := dates[i](v, w); f != nil {
					return v, f
				}
			}
			if !w.null() && equalValues(v, w) {
				return booleanValue(true), nil
			}
		}
		return booleanValue(false), nil
	}}, all...)
}

// nullHint notes for lint that something which may be empty stands bare where null rejects.
func (x *expressionCompiler) nullHint(n ast.Node, operand code, where string) {
	if operand.nullable && !operand.constant {
		x.lint(x.at(n), "write `("+operand.source+" ?? …)` or `"+operand.source+" != null and …`; null rejects the record",
			"%s may be empty and stands bare in %s", operand.source, where)
	}
}

// mixHint notes for lint `a + b ?? c`, which is a + (b ?? c), where the parentheses are missing.
func (x *expressionCompiler) mixHint(n *ast.BinaryNode, _ code) {
	right, ok := n.Right.(*ast.BinaryNode)
	if !ok || right.Operator != "??" {
		return
	}
	source := []rune(x.expr.Source)
	at := leftmost(right)
	for at > 0 && (source[at-1] == ' ' || source[at-1] == '\t' || source[at-1] == '\n') {
		at--
	}
	if at == 0 || source[at-1] != '(' {
		x.lint(x.at(n), "write `(a "+n.Operator+" b) ?? c` or `a "+n.Operator+" (b ?? c)`", "`a %s b ?? c` without parentheses means `a %s (b ?? c)`", n.Operator, n.Operator)
	}
}

// leftmost is where the source of a node begins, in characters.
func leftmost(n ast.Node) int {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return leftmost(n.Left)
	case *ast.MemberNode:
		return leftmost(n.Node)
	case *ast.ChainNode:
		return leftmost(n.Node)
	}
	return n.Location().From
}
