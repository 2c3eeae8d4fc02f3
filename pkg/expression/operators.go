package expression

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func floatLiteral(f float64) (Value, bool) {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	return Value{Kind: KindDecimal, S: PlainDecimal(s)}, len(s) <= maxDigits
}

// sign is unary minus and plus.
func (x *compiler) sign(n *ast.UnaryNode, a Code) Code {
	if !a.Kind.IsNumber() {
		return x.fail(n, "", "`%s` needs a number, but %s is %s", n.Operator, a.Source, WithArticle(a.Kind))
	}
	if n.Operator == "+" {
		return a
	}
	inner, pos, source := a.Eval, a.Pos, a.Source
	return x.fold(Code{Type: Type{Kind: a.Kind}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := inner(r)
		switch {
		case f != nil:
			return v, f
		case v.IsNull():
			return v, nullFault(pos, source, "`-`")
		case v.Kind == KindInteger && v.N != math.MinInt64:
			return IntegerValue(-v.N), nil
		}
		return calculate("-", IntegerValue(0), v, pos)
	}}, a)
}

// binary compiles an operator with two sides.
func (x *compiler) binary(n *ast.BinaryNode) Code {
	switch n.Operator {
	case "and", "or":
		return x.logic(n)
	case "&&", "||":
		if !strings.Contains(x.text.Source, n.Operator) { // the parser makes && of it
			return x.fail(n, "Write `a < x and x < b`.", "a value is compared with one bound at a time")
		}
		return x.fail(n, "Write `and`, `or`.", "the operator `%s` is not part of the language of bundles", n.Operator)
	case "in":
		return x.in(n)
	}
	a, b := x.compile(n.Left), x.compile(n.Right)
	if a.Bad || b.Bad {
		return BadCode
	}
	for _, side := range []Code{a, b} {
		if side.Kind == KindRow && n.Operator != "==" && n.Operator != "!=" && n.Operator != "??" {
			return x.fail(n, "Name a column of it: lookup(…).column.", "%s is %s, not a value", side.Source, WithArticle(side.Kind))
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
	return x.fail(n, "See docs/bundle-format.md §9.", "the operator `%s` is not part of the language of bundles", n.Operator)
}

// logic is `and`, `or`; the right side counts only if the left does not decide.
func (x *compiler) logic(n *ast.BinaryNode) Code {
	decides := n.Operator == "or"
	a := x.compile(n.Left)
	before := x.notNull
	x.notNull = slices.Concat(before, notNullIf(n.Left, !decides))
	b := x.compile(n.Right)
	x.notNull = before
	if a.Bad || b.Bad {
		return BadCode
	}
	for _, side := range []Code{a, b} {
		if side.Kind != KindBoolean {
			return x.fail(n, "Compare it with something.", "`%s` needs true or false on both sides, but %s is %s", n.Operator, side.Source, WithArticle(side.Kind))
		}
	}
	operator := "`" + n.Operator + "`"
	out := Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := a.Eval(r)
		switch {
		case f != nil:
			return v, f
		case v.IsNull():
			return v, nullFault(a.Pos, a.Source, operator)
		case v.IsTrue() == decides:
			return v, nil
		}
		v, f = b.Eval(r)
		if f == nil && v.IsNull() {
			return v, nullFault(b.Pos, b.Source, operator)
		}
		return v, f
	}}
	if a.Constant && a.Fault == nil && !a.Value.IsNull() && a.Value.IsTrue() == decides && !x.env.Inferring() {
		return a
	}
	return x.fold(out, a, b)
}

// Comparable reports whether two kinds can be equal or ordered at all.
func Comparable(a, b Kind) bool {
	switch {
	case a == KindNull || b == KindNull, a == b:
		return true
	case a.IsNumber() && b.IsNumber():
		return true
	}
	return a.IsText() && b.IsText() && (a == KindText || b == KindText)
}

func (x *compiler) equality(n *ast.BinaryNode, a, b Code) Code {
	if !Comparable(a.Kind, b.Kind) {
		return x.fail(n, "Convert one of them: int(…) or text(…).", "%s is %s and %s is %s: they are never equal", a.Source, WithArticle(a.Kind), b.Source, WithArticle(b.Kind))
	}
	if !x.dateLiteral(n, a, b) {
		return BadCode
	}
	want, dates := n.Operator == "==", beside(a, b)
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, w, f := both(r, &a, &b, "")
		if f != nil {
			return v, f
		}
		if dates != nil {
			if f := dates(v, w); f != nil {
				return v, f
			}
		}
		return BooleanValue(Equal(v, w) == want), nil
	}}, a, b)
}

// moments are the kinds of dates and times: whether a text is one, and how it is written.
var moments = map[Kind]struct {
	is      func(string) bool
	example string
	form    string
}{
	KindDate:     {IsDate, "2026-03-01", "YYYY-MM-DD"},
	KindTime:     {IsTime, "08:15:00", "HH:mm:ss"},
	KindDateTime: {func(s string) bool { _, ok := instantOf(s); return ok }, "2026-03-01T08:15:00Z", "YYYY-MM-DDTHH:mm:ssZ"},
}

// dateLiteral reports a text in quotes that is compared with a date or a time and is none.
func (x *compiler) dateLiteral(n ast.Node, a, b Code) bool {
	if b.Kind == KindText {
		a, b = b, a
	}
	m, dated := moments[b.Kind]
	if dated && a.Kind == KindText && a.Constant && a.Fault == nil && !m.is(a.Value.S) {
		x.fail(n, `Write it as "`+m.example+`".`, "%s is compared with %s, but is not %s", a.Source, WithArticle(b.Kind), WithArticle(b.Kind))
		return false
	}
	return true
}

// beside gives the check of a text that is compared with a date or a time: on the row it must be one, or
// the comparison would be of letters. Nil if there is nothing to check.
func beside(a, b Code) func(v, w Value) *Fault {
	_, left := moments[a.Kind]
	_, right := moments[b.Kind]
	switch {
	case left && b.Kind == KindText && !b.Constant:
		return func(_, w Value) *Fault { return notOne(&b, w, a.Kind) }
	case right && a.Kind == KindText && !a.Constant:
		return func(v, _ Value) *Fault { return notOne(&a, v, b.Kind) }
	}
	return nil
}

// notOne is the fault of a text that must be a date or a time and is none; null is for the caller to judge.
func notOne(c *Code, v Value, k Kind) *Fault {
	m := moments[k]
	if v.Kind != KindText || m.is(v.S) {
		return nil
	}
	return &Fault{Code: diag.ExpressionFails, Rule: c.Pos, Column: c.Column, Value: strings.Clone(v.S), Personal: c.Personal,
		Message: fmt.Sprintf("%s is used as %s, but is not %s (%s)", c.Source, WithArticle(k), WithArticle(k), m.form),
		Fix:     fmt.Sprintf("Correct the cell. If the column is written in another form throughout, the bundle must give it `type: %s`, with its `format`.", k)}
}

func (x *compiler) order(n *ast.BinaryNode, a, b Code) Code {
	numbers := a.Kind.IsNumber() && b.Kind.IsNumber()
	if !Comparable(a.Kind, b.Kind) || !numbers && (!a.Kind.IsText() || !b.Kind.IsText()) {
		return x.fail(n, "Convert one of them: int(…) or text(…).", "`%s` cannot order %s (%s) and %s (%s)", n.Operator, a.Source, a.Kind, b.Source, b.Kind)
	}
	if !x.dateLiteral(n, a, b) {
		return BadCode
	}
	x.nullHint(n, a, "`"+n.Operator+"`")
	x.nullHint(n, b, "`"+n.Operator+"`")
	operator, dates := n.Operator, beside(a, b)
	accepts := map[string][3]bool{"<": {true, false, false}, "<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true}}[operator] // less, equal, greater
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
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
			c = CompareNumbers(v, w)
		} else {
			c = CompareTexts(v, w)
		}
		return BooleanValue(accepts[c+1]), nil
	}}, a, b)
}

// both evaluates two sides; an operator that is named takes no null.
func both(r *Frame, a, b *Code, operator string) (v, w Value, f *Fault) {
	if v, f = a.Eval(r); f != nil {
		return v, w, f
	}
	if w, f = b.Eval(r); f != nil {
		return v, w, f
	}
	switch {
	case operator == "":
	case v.IsNull():
		f = nullFault(a.Pos, a.Source, "`"+operator+"`")
	case w.IsNull():
		f = nullFault(b.Pos, b.Source, "`"+operator+"`")
	}
	return v, w, f
}

func (x *compiler) arithmetic(n *ast.BinaryNode, a, b Code) Code {
	pos, operator := x.at(n), n.Operator
	if operator == "+" && a.Kind.IsText() && b.Kind.IsText() {
		x.nullHint(n, a, "`+`")
		x.nullHint(n, b, "`+`")
		x.mixHint(n)
		return x.fold(Code{Type: Type{Kind: KindText}, Eval: func(r *Frame) (Value, *Fault) {
			v, w, f := both(r, &a, &b, operator)
			if f != nil {
				return v, f
			}
			if len(v.S)+len(w.S) > maxText {
				f := FaultAt(pos, diag.ExpressionFails, "the text grows beyond %d KiB: %s + %s", maxText>>10, v.shown(), w.shown())
				f.from(&a, v)
				f.from(&b, w)
				return v, f
			}
			return TextValue(v.S + w.S), nil
		}}, a, b)
	}
	if !a.Kind.IsNumber() || !b.Kind.IsNumber() {
		return x.fail(n, "Convert one of them: int(…) or text(…).", "`%s` cannot work on %s (%s) and %s (%s)", operator, a.Source, a.Kind, b.Source, b.Kind)
	}
	x.nullHint(n, a, "`"+operator+"`")
	x.nullHint(n, b, "`"+operator+"`")
	x.mixHint(n)
	t := Type{Kind: KindDecimal}
	if a.Kind == KindInteger && b.Kind == KindInteger && operator != "/" {
		t.Kind = KindInteger
	}
	if operator == "%" && t.Kind != KindInteger {
		return x.fail(n, "Use int(…) or floor(…) first.", "`%%` works on integers only")
	}
	return x.fold(Code{Type: t, Eval: func(r *Frame) (Value, *Fault) {
		v, w, f := both(r, &a, &b, operator)
		if f != nil {
			return v, f
		}
		out, f := calculate(operator, v, w, pos)
		if f != nil {
			f.Message += ": " + v.shown() + " " + operator + " " + w.shown()
			f.from(&b, w)
			f.from(&a, v)
		}
		return out, f
	}}, a, b)
}

// calculate is exact: integers stay integers, decimals never pass through a float.
func calculate(operator string, v, w Value, pos diag.Pos) (Value, *Fault) {
	if v.Kind == KindInteger && w.Kind == KindInteger && operator != "/" {
		if n, ok := calculateIntegers(operator, v.N, w.N); ok {
			return IntegerValue(n), nil
		}
		if operator == "%" {
			return v, FaultAt(pos, diag.ExpressionFails, "division by zero")
		}
		return v, FaultAt(pos, diag.ExpressionFails, "the result does not fit an integer of 64 bits")
	}
	p, ok := ratOf(v)
	q, ok2 := ratOf(w)
	if !ok || !ok2 {
		return v, FaultAt(pos, diag.ExpressionFails, "a number has more than %d digits", maxDigits)
	}
	if operator == "/" && q.Sign() == 0 {
		return v, FaultAt(pos, diag.ExpressionFails, "division by zero")
	}
	out, ok := decimalOf(rational[operator](new(big.Rat), p, q))
	if !ok {
		return v, FaultAt(pos, diag.ExpressionFails, "a number has more than %d digits", maxDigits)
	}
	return out, nil
}

var rational = map[string]func(z, x, y *big.Rat) *big.Rat{"+": (*big.Rat).Add, "-": (*big.Rat).Sub, "*": (*big.Rat).Mul, "/": (*big.Rat).Quo}

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
func (x *compiler) otherwise(n *ast.BinaryNode, a, b Code) Code {
	t, ok := unify(a.Type, b.Type)
	if !ok {
		return x.fail(n, "Make both sides the same type.", "%s is %s, but after ?? comes %s", a.Source, WithArticle(a.Kind), WithArticle(b.Kind))
	}
	if call, ok := n.Left.(*ast.CallNode); ok && !a.Nullable && !a.Constant {
		x.lint(call, "For a blank text write `if x == \"\" { … } else { … }`, or leave `??` out.",
			"%s is never null, so what comes after `??` is never used", a.Source)
	}
	t.Nullable = b.Nullable
	out := Code{Type: t, Eval: func(r *Frame) (Value, *Fault) {
		if v, f := a.Eval(r); f != nil || !v.IsNull() {
			return v, f
		}
		return b.Eval(r)
	}}
	if a.Constant && a.Fault == nil && !x.env.Inferring() {
		if !a.Value.IsNull() {
			a.Kind = t.Kind
			return a
		}
		b.Kind = t.Kind
		return b
	}
	return x.fold(out, a, b)
}

// textTest is contains, startsWith, endsWith; null contains nothing and is contained in nothing.
func (x *compiler) textTest(n *ast.BinaryNode, a, b Code) Code {
	for _, side := range []Code{a, b} {
		if !side.Kind.IsText() && side.Kind != KindNull {
			return x.fail(n, "Use text(…).", "`%s` works on texts, but %s is %s", n.Operator, side.Source, WithArticle(side.Kind))
		}
	}
	test := map[string]func(s, t string) bool{"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}[n.Operator]
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, w, f := both(r, &a, &b, "")
		if f != nil {
			return v, f
		}
		return BooleanValue(!v.IsNull() && !w.IsNull() && test(v.S, w.S)), nil
	}}, a, b)
}

func (x *compiler) matches(n *ast.BinaryNode, a, b Code) Code {
	if !a.Kind.IsText() && a.Kind != KindNull {
		return x.fail(n, "Use text(…).", "`matches` works on text, but %s is %s", a.Source, WithArticle(a.Kind))
	}
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		return x.fail(n.Right, `Write it in quotes: x matches "^[A-Z]$".`, "the pattern of `matches` must be a fixed text")
	}
	re, err := regexp.Compile(literal.Value)
	if err != nil {
		return x.fail(n.Right, "See https://pkg.go.dev/regexp/syntax.", "the pattern cannot be read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := a.Eval(r)
		if f != nil {
			return v, f
		}
		return BooleanValue(!v.IsNull() && re.MatchString(v.S)), nil
	}}, a, b)
}

// in is `x in ["A", "B"]`; null is in nothing.
func (x *compiler) in(n *ast.BinaryNode) Code {
	a := x.compile(n.Left)
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return x.fail(n.Right, `Write x in ["A", "B"]; for a text in a text use contains.`, "`in` needs a list of values to its right")
	}
	items := make([]Code, 0, len(list.Nodes))
	var dates []func(v, w Value) *Fault
	all := []Code{a}
	for _, item := range list.Nodes {
		b := x.compile(item)
		if a.Bad || b.Bad {
			return BadCode
		}
		if !Comparable(a.Kind, b.Kind) {
			return x.fail(item, "", "%s is %s and %s is %s: they are never equal", a.Source, WithArticle(a.Kind), b.Source, WithArticle(b.Kind))
		}
		if !x.dateLiteral(item, a, b) {
			return BadCode
		}
		items = append(items, b)
		dates = append(dates, beside(a, b))
		all = append(all, b)
	}
	if a.Bad {
		return BadCode
	}
	return x.fold(Code{Type: Type{Kind: KindBoolean}, Eval: func(r *Frame) (Value, *Fault) {
		v, f := a.Eval(r)
		if f != nil || v.IsNull() {
			return BooleanValue(false), f
		}
		for i := range items {
			w, f := items[i].Eval(r)
			if f != nil {
				return w, f
			}
			if dates[i] != nil {
				if f := dates[i](v, w); f != nil {
					return v, f
				}
			}
			if !w.IsNull() && Equal(v, w) {
				return BooleanValue(true), nil
			}
		}
		return BooleanValue(false), nil
	}}, all...)
}

// nullHint notes for lint that something which may be empty stands bare where null rejects.
func (x *compiler) nullHint(n ast.Node, operand Code, where string) {
	if operand.Nullable && !operand.Constant {
		source, _, _ := strings.Cut(operand.Source, " (column ")
		x.lint(n, "Write `("+source+" ?? …)` or `"+source+" != null and …`; null rejects the record.",
			"%s may be empty and is used in %s as it is", operand.Source, where)
	}
}

// mixHint notes for lint `a + b ?? c`, which is a + (b ?? c), where the parentheses are missing.
func (x *compiler) mixHint(n *ast.BinaryNode) {
	right, ok := n.Right.(*ast.BinaryNode)
	if !ok || right.Operator != "??" {
		return
	}
	source := []rune(x.text.Source)
	at := leftmost(right)
	for at > 0 && (source[at-1] == ' ' || source[at-1] == '\t' || source[at-1] == '\n') {
		at--
	}
	if at == 0 || source[at-1] != '(' {
		x.lint(n, "Write `(a "+n.Operator+" b) ?? c` or `a "+n.Operator+" (b ?? c)`.", "`a %s b ?? c` without parentheses means `a %s (b ?? c)`", n.Operator, n.Operator)
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
