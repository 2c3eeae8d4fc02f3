package expression

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// function is one function of the language. None takes null.
type function struct {
	usage    string
	params   []param
	variadic bool // the last parameter may repeat
	optional int  // how many parameters at the end may be left out
	result   func(args []Code) Type
	call     func(args []Value) (Value, string) // the text says what is wrong with the arguments
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

func (p param) fits(k Kind) bool {
	switch p {
	case takesText:
		return k.IsText()
	case takesNumber:
		return k.IsNumber()
	case takesInteger:
		return k == KindInteger
	case takesDate:
		return k == KindDate || k == KindText
	}
	return k != KindRow && k != KindNull
}

func gives(k Kind, nullable bool) func([]Code) Type {
	return func([]Code) Type { return Type{Kind: k, Nullable: nullable} }
}

// functions is the allow list: there are no others. lookup and lookup_or_null are compiled apart.
var functions map[string]*function

func init() { // by init, because scopes ask it which names are taken
	functions = map[string]*function{
		"key":         {usage: "key(parts…)", params: []param{takesAny}, variadic: true, result: gives(KindText, false), call: keyFunction},
		"short_code":  {usage: "short_code(text)", params: []param{takesText}, result: gives(KindText, false), call: shortCode},
		"left":        {usage: "left(text, n)", params: []param{takesText, takesInteger}, result: gives(KindText, false), call: left},
		"right":       {usage: "right(text, n)", params: []param{takesText, takesInteger}, result: gives(KindText, false), call: right},
		"mid":         {usage: "mid(text, from, n)", params: []param{takesText, takesInteger, takesInteger}, result: gives(KindText, false), call: mid},
		"part":        {usage: "part(text, separator, n)", params: []param{takesText, takesText, takesInteger}, result: gives(KindText, true), call: part},
		"lower":       {usage: "lower(text)", params: []param{takesText}, result: gives(KindText, false), call: textFunction(strings.ToLower)},
		"upper":       {usage: "upper(text)", params: []param{takesText}, result: gives(KindText, false), call: textFunction(strings.ToUpper)},
		"trim":        {usage: "trim(text)", params: []param{takesText}, result: gives(KindText, false), call: textFunction(TrimSpace)},
		"replace":     {usage: "replace(text, old, new)", params: []param{takesText, takesText, takesText}, result: gives(KindText, false), call: replace},
		"text":        {usage: "text(value)", params: []param{takesAny}, result: gives(KindText, false), call: func(a []Value) (Value, string) { return TextValue(a[0].Text()), "" }},
		"int":         {usage: "int(value)", params: []param{takesAny}, result: gives(KindInteger, false), call: intFunction},
		"floor":       {usage: "floor(number)", params: []param{takesNumber}, result: gives(KindInteger, false), call: floor},
		"round":       {usage: "round(number)", params: []param{takesNumber}, result: gives(KindInteger, false), call: round},
		"spring_year": {usage: "spring_year(date[, first_month])", params: []param{takesDate, takesInteger}, optional: 1, result: gives(KindInteger, false), call: springYear},
	}
}

// IsFunction reports whether a name is that of a function, lookup and lookup_or_null aside.
func IsFunction(name string) bool { return functions[name] != nil }

// call compiles a call of a function.
func (x *compiler) call(n *ast.CallNode) Code {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return x.fail(n, "See docs/bundle-format.md §9.", "values have no methods")
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
		return x.fail(n, "The functions are in docs/bundle-format.md §9.", "there is no function %q%s", name, diag.DidYouMean(name, known))
	}
	if len(n.Arguments) < len(fn.params)-fn.optional || len(n.Arguments) > len(fn.params) && !fn.variadic {
		return x.fail(n, "Write "+fn.usage+".", "%s does not take %d arguments", name, len(n.Arguments))
	}
	args := make([]Code, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = x.compile(a)
		if args[i].Bad {
			return BadCode
		}
		p := fn.params[min(i, len(fn.params)-1)]
		if args[i].Kind == KindNull || !p.fits(args[i].Kind) {
			return x.fail(a, "Write "+fn.usage+".", "%s takes %s here, but %s is %s", name, p, args[i].Source, WithArticle(args[i].Kind))
		}
		x.nullHint(a, args[i], name+"(…)")
	}
	return x.fold(Code{Type: fn.result(args), Eval: fn.eval(name, args, x.at(n))}, args...)
}

// eval is the closure that evaluates the arguments and calls the function.
func (fn *function) eval(name string, args []Code, pos diag.Pos) func(*Frame) (Value, *Fault) {
	call, isKey := fn.call, name == "key"
	return func(r *Frame) (Value, *Fault) {
		var own []Value
		stack := &own // for constants; else the worker's, on which calls in arguments stand above this one
		if r != nil {
			stack = &r.args
		}
		bottom := len(*stack)
		for i := range args {
			v, f := args[i].Eval(r)
			if f == nil && (v.IsNull() || isKey && v.Kind.IsText() && IsBlank(v.S)) {
				f = nullFault(args[i].Pos, args[i].Source, name+"(…)")
			}
			if f != nil {
				*stack = (*stack)[:bottom]
				return Value{}, f
			}
			*stack = append(*stack, v)
		}
		values := (*stack)[bottom:]
		v, wrong := call(values)
		*stack = (*stack)[:bottom]
		if wrong != "" {
			return Value{}, callFault(name, args, values, pos, wrong)
		}
		return v, nil
	}
}

// callFault says with which values a function failed.
func callFault(name string, args []Code, values []Value, pos diag.Pos, wrong string) *Fault {
	f := &Fault{Code: diag.ExpressionFails, Rule: pos}
	shown := make([]string, len(values))
	for i := range values {
		shown[i] = values[i].shown()
		f.from(&args[i], values[i])
	}
	f.Message = name + "(" + strings.Join(shown, ", ") + "): " + wrong
	return f
}

// maxKey is the length of a key in UTF-16 units, as the API counts, whatever the data standard, so that an
// upgrade moves no key.
const maxKey = 60

// fitting is where a text ends that may have n UTF-16 units.
func fitting[T string | []byte](s T, n int) int {
	for i, r := range string(s) {
		if n -= utf16.RuneLen(r); n < 0 {
			return i
		}
	}
	return len(s)
}

var keyEscape = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// keyFunction joins parts so that no two lists of parts give one text.
func keyFunction(args []Value) (Value, string) {
	var scratch [128]byte
	b := scratch[:0]
	for i, a := range args {
		if i > 0 {
			b = append(b, '|')
		}
		if a.Kind.IsText() && strings.ContainsAny(a.S, `\|`) {
			b = append(b, keyEscape.Replace(a.S)...)
		} else {
			b = a.AppendText(b)
		}
	}
	if len(b) > maxKey && fitting(b, maxKey) < len(b) {
		sum := sha256.Sum256(b)
		return TextValue(hex.EncodeToString(sum[:20])), ""
	}
	return TextValue(string(b)), ""
}

// shortCode keeps what fits, and tells apart what would be cut alike.
func shortCode(args []Value) (Value, string) {
	s := args[0].S
	if len(s) <= maxKey || fitting(s, maxKey) == len(s) {
		return args[0], ""
	}
	sum := sha256.Sum256([]byte(s))
	return TextValue(s[:fitting(s, maxKey-9)] + "~" + hex.EncodeToString(sum[:4])), ""
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

func left(args []Value) (Value, string) {
	if args[1].N < 0 {
		return Value{}, "n is negative"
	}
	return TextValue(args[0].S[:runeOffset(args[0].S, args[1].N)]), ""
}

func right(args []Value) (Value, string) {
	if args[1].N < 0 {
		return Value{}, "n is negative"
	}
	s := args[0].S
	n := int64(utf8.RuneCountInString(s))
	return TextValue(s[runeOffset(s, n-min(n, args[1].N)):]), ""
}

func mid(args []Value) (Value, string) {
	from, n := args[1].N, args[2].N
	if from < 1 || n < 0 {
		return Value{}, "characters are counted from 1, and n may not be negative"
	}
	s := args[0].S[runeOffset(args[0].S, from-1):]
	return TextValue(s[:runeOffset(s, n)]), ""
}

// part is the n-th piece, from 1, or from the end if n is negative; null if there is none.
func part(args []Value) (Value, string) {
	s, separator, n := args[0].S, args[1].S, args[2].N
	if separator == "" || n == 0 {
		return Value{}, "the separator may not be empty, and pieces are counted from 1 or from -1"
	}
	if n < 0 {
		n += int64(strings.Count(s, separator)) + 2
	}
	if n < 1 {
		return Value{}, ""
	}
	for ; n > 1; n-- {
		_, rest, found := strings.Cut(s, separator)
		if !found {
			return Value{}, ""
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, separator)
	return TextValue(s), ""
}

func textFunction(f func(string) string) func([]Value) (Value, string) {
	return func(args []Value) (Value, string) {
		s := f(args[0].S)
		if len(s) > maxText {
			return Value{}, fmt.Sprintf("the text grows beyond %d KiB", maxText>>10)
		}
		return TextValue(s), ""
	}
}

func replace(args []Value) (Value, string) {
	s, old, by := args[0].S, args[1].S, args[2].S
	if old == "" {
		return Value{}, "the text to replace may not be empty"
	}
	if len(s)+strings.Count(s, old)*(len(by)-len(old)) > maxText {
		return Value{}, fmt.Sprintf("the text grows beyond %d KiB", maxText>>10)
	}
	return TextValue(strings.ReplaceAll(s, old, by)), ""
}

// intFunction takes whole numbers only.
func intFunction(args []Value) (Value, string) {
	v := args[0]
	var s string
	switch v.Kind {
	case KindInteger:
		return v, ""
	case KindBoolean:
		return Value{}, "true and false are not numbers"
	default:
		s = TrimSpace(v.S)
	}
	if v.Kind == KindDecimal || IsDecimal(s) && strings.Contains(s, ".") {
		s = PlainDecimal(s)
	}
	if !IsInteger(s) {
		return Value{}, "the text is not a whole number"
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return Value{}, "the number does not fit an integer of 64 bits"
	}
	return IntegerValue(n), ""
}

func floor(args []Value) (Value, string) { return wholeOf(args[0], false) }

// round is half away from zero.
func round(args []Value) (Value, string) { return wholeOf(args[0], true) }

func wholeOf(v Value, half bool) (Value, string) {
	if v.Kind == KindInteger {
		return v, ""
	}
	r, ok := ratOf(v)
	if !ok {
		return Value{}, fmt.Sprintf("the number has more than %d digits", maxDigits)
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
		return Value{}, "the number does not fit an integer of 64 bits"
	}
	return IntegerValue(n.Int64()), ""
}

// springYear is the year in which the school year of a day ends.
func springYear(args []Value) (Value, string) {
	first := int64(7)
	if len(args) > 1 {
		first = args[1].N
	}
	if first < 1 || first > 12 {
		return Value{}, "the first month is 1 to 12"
	}
	if !IsDate(args[0].S) {
		return Value{}, "the text is not a date"
	}
	at, _ := isoDate.parse(args[0].S)
	if first > 1 && int64(at[month]) >= first {
		at[year]++
	}
	return IntegerValue(int64(at[year])), ""
}
