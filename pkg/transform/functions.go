package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// function is one function of the format (§9). None takes null but those that say so.
type function struct {
	usage    string
	params   []param
	variadic bool // the last parameter may repeat
	optional int  // how many parameters at the end may be left out
	result   func(args []code) typ
	call     func(args []value) (value, string) // the text says what is wrong with the arguments
}

// param is what a parameter takes.
type param uint8

const (
	takesText   param = iota
	takesNumber       // integer or decimal
	takesInteger
	takesDate // a date, or text that is one
	takesAny  // anything that has a text
)

func (p param) String() string {
	return [...]string{"text", "a number", "an integer", "a date", "a value"}[p]
}

func (p param) fits(k kind) bool {
	switch p {
	case takesText:
		return k.isText()
	case takesNumber:
		return k.isNumber()
	case takesInteger:
		return k == kindInteger
	case takesDate:
		return k == kindDate || k == kindText
	}
	return k != kindRow && k != kindNull
}

func gives(k kind, nullable bool) func([]code) typ {
	return func([]code) typ { return typ{kind: k, nullable: nullable} }
}

// functions is the white list: there are no others. lookup and lookup_or_null are compiled apart.
var functions map[string]*function

func init() { // by init, because scopes ask it which names are taken
	functions = map[string]*function{
		"key":         {usage: "key(parts…)", params: []param{takesAny}, variadic: true, result: gives(kindText, false), call: keyFunction},
		"short_code":  {usage: "short_code(text)", params: []param{takesText}, result: gives(kindText, false), call: shortCode},
		"left":        {usage: "left(text, n)", params: []param{takesText, takesInteger}, result: gives(kindText, false), call: left},
		"right":       {usage: "right(text, n)", params: []param{takesText, takesInteger}, result: gives(kindText, false), call: right},
		"mid":         {usage: "mid(text, from, n)", params: []param{takesText, takesInteger, takesInteger}, result: gives(kindText, false), call: mid},
		"part":        {usage: "part(text, separator, n)", params: []param{takesText, takesText, takesInteger}, result: gives(kindText, true), call: part},
		"lower":       {usage: "lower(text)", params: []param{takesText}, result: gives(kindText, false), call: textFunction(strings.ToLower)},
		"upper":       {usage: "upper(text)", params: []param{takesText}, result: gives(kindText, false), call: textFunction(strings.ToUpper)},
		"trim":        {usage: "trim(text)", params: []param{takesText}, result: gives(kindText, false), call: textFunction(trimSpace)},
		"replace":     {usage: "replace(text, old, new)", params: []param{takesText, takesText, takesText}, result: gives(kindText, false), call: replace},
		"text":        {usage: "text(value)", params: []param{takesAny}, result: gives(kindText, false), call: func(a []value) (value, string) { return textValue(a[0].text()), "" }},
		"int":         {usage: "int(value)", params: []param{takesAny}, result: gives(kindInteger, false), call: intFunction},
		"floor":       {usage: "floor(number)", params: []param{takesNumber}, result: gives(kindInteger, false), call: floor},
		"round":       {usage: "round(number)", params: []param{takesNumber}, result: gives(kindInteger, false), call: round},
		"spring_year": {usage: "spring_year(date[, first_month])", params: []param{takesDate, takesInteger}, optional: 1, result: gives(kindInteger, false), call: springYear},
	}
}

// call compiles a call of a function.
func (x *expressionCompiler) call(n *ast.CallNode) code {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return x.fail(n, "see docs/bundle-format.md §9", "values have no methods")
	}
	name := callee.Value
	if name == "lookup" || name == "lookup_or_null" {
		return x.lookup(n, name)
	}
	fn := functions[name]
	if fn == nil {
		known := []string{"lookup", "lookup_or_null"}
		for f := range functions {
			known = append(known, f)
		}
		return x.fail(n, "the functions are in docs/bundle-format.md §9", "there is no function %q%s", name, diag.DidYouMean(name, known))
	}
	if len(n.Arguments) < len(fn.params)-fn.optional || len(n.Arguments) > len(fn.params) && !fn.variadic {
		return x.fail(n, "write "+fn.usage, "%s does not take %d arguments", name, len(n.Arguments))
	}
	args := make([]code, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = x.compile(a)
		if args[i].bad {
			return badCode
		}
		p := fn.params[min(i, len(fn.params)-1)]
		if args[i].kind == kindNull || !p.fits(args[i].kind) {
			return x.fail(a, "write "+fn.usage, "%s takes %s here, but %s is %s", name, p, args[i].source, an(args[i].kind))
		}
		x.nullHint(a, args[i], name+"(…)")
	}
	pos, call, isKey := x.at(n), fn.call, name == "key"
	return x.fold(code{typ: fn.result(args), eval: func(r *state) (value, *fault) {
		var own []value
		stack := &own // for constants; else the worker's, on which calls in arguments stand above this one
		if r != nil {
			stack = &r.args
		}
		bottom := len(*stack)
		for i := range args {
			v, f := args[i].eval(r)
			if f == nil && (v.null() || isKey && v.kind.isText() && blank(v.s)) {
				f = nullFault(args[i].pos, args[i].source, name+"(…)")
			}
			if f != nil {
				*stack = (*stack)[:bottom]
				return value{}, f
			}
			*stack = append(*stack, v)
		}
		v, wrong := call((*stack)[bottom:])
		*stack = (*stack)[:bottom]
		if wrong != "" {
			return value{}, &fault{code: diag.ExpressionFails, rule: pos, message: name + "(…): " + wrong}
		}
		return v, nil
	}}, args...)
}

// maxKey is the length of a key, whatever the data standard, so that an upgrade moves no key.
const maxKey = 60

var keyEscape = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// keyFunction joins parts so that no two lists of parts give one text.
func keyFunction(args []value) (value, string) {
	var scratch [128]byte
	b := scratch[:0]
	for i, a := range args {
		if i > 0 {
			b = append(b, '|')
		}
		if a.kind.isText() && strings.ContainsAny(a.s, `\|`) {
			b = append(b, keyEscape.Replace(a.s)...)
		} else {
			b = a.appendText(b)
		}
	}
	if len(b) > maxKey && utf8.RuneCount(b) > maxKey {
		sum := sha256.Sum256(b)
		return textValue(hex.EncodeToString(sum[:20])), ""
	}
	return textValue(string(b)), ""
}

// shortCode keeps what fits, and tells apart what would be cut alike.
func shortCode(args []value) (value, string) {
	s := args[0].s
	if len(s) <= maxKey || utf8.RuneCountInString(s) <= maxKey {
		return args[0], ""
	}
	sum := sha256.Sum256([]byte(s))
	return textValue(s[:runeOffset(s, maxKey-9)] + "~" + hex.EncodeToString(sum[:4])), ""
}

// runeOffset is where the n-th character (from 0) of s begins.
func runeOffset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func left(args []value) (value, string) {
	if args[1].n < 0 {
		return value{}, "n is negative"
	}
	return textValue(args[0].s[:runeOffset(args[0].s, args[1].n)]), ""
}

func right(args []value) (value, string) {
	if args[1].n < 0 {
		return value{}, "n is negative"
	}
	s := args[0].s
	n := int64(utf8.RuneCountInString(s))
	return textValue(s[runeOffset(s, n-min(n, args[1].n)):]), ""
}

func mid(args []value) (value, string) {
	from, n := args[1].n, args[2].n
	if from < 1 || n < 0 {
		return value{}, "characters count from 1, and n may not be negative"
	}
	s := args[0].s[runeOffset(args[0].s, from-1):]
	return textValue(s[:runeOffset(s, n)]), ""
}

// part is the n-th piece, from 1, or from the end if n is negative; null if there is none.
func part(args []value) (value, string) {
	s, separator, n := args[0].s, args[1].s, args[2].n
	if separator == "" || n == 0 {
		return value{}, "the separator may not be empty, and pieces count from 1 or from -1"
	}
	if n < 0 {
		n += int64(strings.Count(s, separator)) + 2
	}
	if n < 1 {
		return value{}, ""
	}
	for ; n > 1; n-- {
		_, rest, found := strings.Cut(s, separator)
		if !found {
			return value{}, ""
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, separator)
	return textValue(s), ""
}

func textFunction(f func(string) string) func([]value) (value, string) {
	return func(args []value) (value, string) {
		s := f(args[0].s)
		if len(s) > maxText {
			return value{}, fmt.Sprintf("the text grows over %d KiB", maxText>>10)
		}
		return textValue(s), ""
	}
}

func replace(args []value) (value, string) {
	s, old, by := args[0].s, args[1].s, args[2].s
	if old == "" {
		return value{}, "the text to replace may not be empty"
	}
	if len(s)+strings.Count(s, old)*(len(by)-len(old)) > maxText {
		return value{}, fmt.Sprintf("the text grows over %d KiB", maxText>>10)
	}
	return textValue(strings.ReplaceAll(s, old, by)), ""
}

// intFunction takes whole numbers only.
func intFunction(args []value) (value, string) {
	v := args[0]
	var s string
	switch v.kind {
	case kindInteger:
		return v, ""
	case kindBoolean:
		return value{}, "true and false are no numbers"
	default:
		s = trimSpace(v.s)
	}
	if v.kind == kindDecimal || isDecimal(s) && strings.Contains(s, ".") {
		s = plainDecimal(s)
	}
	if !isInteger(s) {
		return value{}, "the text is no whole number"
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return value{}, "the number does not fit an integer of 64 bits"
	}
	return integerValue(n), ""
}

func floor(args []value) (value, string) { return wholeOf(args[0], false) }

// round is half away from zero.
func round(args []value) (value, string) { return wholeOf(args[0], true) }

func wholeOf(v value, half bool) (value, string) {
	if v.kind == kindInteger {
		return v, ""
	}
	r, ok := ratOf(v)
	if !ok {
		return value{}, fmt.Sprintf("the number has more than %d digits", maxDigits)
	}
	negative := r.Sign() < 0
	if half {
		r.Add(r.Abs(r), big.NewRat(1, 2))
	}
	n := new(big.Int).Div(r.Num(), r.Denom()) // Euclidean: floor, as the denominator is positive
	if half && negative {
		n.Neg(n)
	}
	if !n.IsInt64() {
		return value{}, "the number does not fit an integer of 64 bits"
	}
	return integerValue(n.Int64()), ""
}

// springYear is the year in which the school year of a day ends.
func springYear(args []value) (value, string) {
	first := int64(7)
	if len(args) > 1 {
		first = args[1].n
	}
	if first < 1 || first > 12 {
		return value{}, "the first month is 1 to 12"
	}
	if !isISODate(args[0].s) {
		return value{}, "the text is no date"
	}
	at, _ := isoDate.parse(args[0].s)
	if first > 1 && int64(at.month) >= first {
		at.year++
	}
	return integerValue(int64(at.year)), ""
}
