package expression

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a value is, and what an expression gives.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindText
	KindInteger
	KindDecimal
	KindBoolean
	KindDate
	KindDateTime
	KindTime
	KindRow // of a table: what lookup gives, before a column of it is named
)

func (k Kind) String() string {
	return [...]string{"null", "text", "integer", "decimal", "boolean", "date", "datetime", "time", "row of a table"}[k]
}

// IsText reports whether values of the kind are texts in expressions: dates and times are ISO text.
func (k Kind) IsText() bool {
	return k == KindText || k == KindDate || k == KindDateTime || k == KindTime
}

// IsNumber reports whether values of the kind are numbers.
func (k Kind) IsNumber() bool { return k == KindInteger || k == KindDecimal }

// Value is one value of an expression. The zero value is null. Texts, dates and the digits of a
// decimal (as they were written) stand in S; integers, booleans and row numbers in N.
type Value struct {
	Kind Kind
	N    int64
	S    string
}

// TextValue is a text.
func TextValue(s string) Value { return Value{Kind: KindText, S: s} }

// IntegerValue is an integer.
func IntegerValue(n int64) Value { return Value{Kind: KindInteger, N: n} }

// BooleanValue is true or false.
func BooleanValue(b bool) Value {
	if b {
		return Value{Kind: KindBoolean, N: 1}
	}
	return Value{Kind: KindBoolean}
}

// ParseValue reads a text as a value of a kind: dates in ISO form, booleans as true and false, no text
// as null. It is false if the text does not fit.
func ParseValue(s string, k Kind) (Value, bool) {
	if s == "" {
		return Value{}, true
	}
	switch k {
	case KindInteger:
		if !IsInteger(s) {
			return Value{}, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		return IntegerValue(n), err == nil
	case KindDecimal:
		return Value{Kind: KindDecimal, S: s}, IsDecimal(s)
	case KindBoolean:
		return BooleanValue(s == "true"), s == "true" || s == "false"
	case KindDate:
		return Value{Kind: KindDate, S: s}, IsDate(s)
	}
	return TextValue(s), true
}

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.Kind == KindNull }

// IsTrue reports whether the value is true; null is not.
func (v Value) IsTrue() bool { return v.Kind == KindBoolean && v.N != 0 }

// Text is the value as text: a decimal keeps its digits, an integer has no sign but minus.
func (v Value) Text() string {
	switch v.Kind {
	case KindInteger:
		return strconv.FormatInt(v.N, 10)
	case KindBoolean:
		return strconv.FormatBool(v.N != 0)
	}
	return v.S
}

// shown is the value as messages show it: a text in quotes, and not all of a long one.
func (v Value) shown() string {
	s := v.Text()
	if i := runeOffset(s, 60); i < len(s) {
		s = s[:i] + "…"
	}
	if v.Kind.IsText() {
		return strconv.Quote(s)
	}
	return s
}

// AppendText appends what text returns.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Kind {
	case KindInteger:
		return strconv.AppendInt(dst, v.N, 10)
	case KindBoolean:
		return strconv.AppendBool(dst, v.N != 0)
	}
	return append(dst, v.S...)
}

// AppendKey appends a form in which equal values are equal bytes and no two lists of values meet:
// the length stands before the text.
func (v Value) AppendKey(dst []byte) []byte {
	if v.IsNull() {
		return append(dst, 'n')
	}
	s := v.S
	switch v.Kind {
	case KindInteger, KindBoolean:
		var scratch [24]byte
		s = string(v.AppendText(scratch[:0])) // on the stack
	case KindDecimal:
		s = PlainDecimal(s)
	}
	dst = append(strconv.AppendInt(dst, int64(len(s)), 10), ':')
	return append(dst, s...)
}

// IsBlank reports whether a text shows nothing: where one was computed, it counts as null.
func IsBlank(s string) bool { return TrimSpace(s) == "" }

// TrimSpace trims Unicode white space, the no-break space among it, and the byte-order mark.
func TrimSpace(s string) string {
	if s == "" {
		return s
	}
	if c, d := s[0], s[len(s)-1]; c > ' ' && c < utf8.RuneSelf && d > ' ' && d < utf8.RuneSelf {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// IsInteger reports whether s is [+-]?\d+.
func IsInteger(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return isDigits(s)
}

// isDigits reports whether s is \d+.
func isDigits(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// IsPlain reports whether s is the shortest text of a whole number, not negative and of at most 18 digits.
func IsPlain(s string) bool {
	return isDigits(s) && (s[0] != '0' || len(s) == 1) && len(s) < 19
}

// IsDecimal reports whether s is digits with at most one point, and a sign or none.
func IsDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	digits, points := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}

// PlainDecimal is the shortest text of a decimal: no plus, no zeros that change nothing, no point at an end.
func PlainDecimal(s string) string {
	d := DigitsOf(s)
	sign, point := "", ""
	if d.Negative {
		sign = "-"
	}
	if d.fraction != "" {
		point = "."
	}
	if d.whole != "" && len(sign)+len(d.whole)+len(point)+len(d.fraction) == len(s) {
		return s
	}
	return sign + cmp.Or(d.whole, "0") + point + d.fraction
}

// maxDigits bounds the numbers that expressions calculate with.
const maxDigits = 400

// ratOf is the number for exact arithmetic; false if it is out of bounds.
func ratOf(v Value) (*big.Rat, bool) {
	if v.Kind == KindInteger {
		return new(big.Rat).SetInt64(v.N), true
	}
	if len(v.S) > maxDigits {
		return nil, false
	}
	return new(big.Rat).SetString(strings.TrimPrefix(v.S, "+"))
}

// decimalPlaces is how many places a division that does not end keeps.
const decimalPlaces = 18

// decimalOf is the number as a decimal value; false if it is out of bounds.
func decimalOf(r *big.Rat) (Value, bool) {
	places, exact := r.FloatPrec()
	if !exact || places > maxDigits {
		places = decimalPlaces
	}
	s := PlainDecimal(r.FloatString(places))
	return Value{Kind: KindDecimal, S: s}, len(s) <= maxDigits
}

// CompareNumbers orders two numbers exactly, of any size.
func CompareNumbers(a, b Value) int {
	if a.Kind == KindInteger && b.Kind == KindInteger {
		return cmp.Compare(a.N, b.N)
	}
	return CompareDecimals(a.Text(), b.Text())
}

// CompareDecimals orders the texts of two decimals exactly, of any size.
func CompareDecimals(a, b string) int { return DigitsOf(a).Compare(DigitsOf(b)) }

// Digits is a decimal cut into its parts, without the zeros that change nothing.
type Digits struct {
	Negative        bool
	whole, fraction string
}

// DigitsOf cuts the text of a decimal.
func DigitsOf(s string) (d Digits) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		d.Negative = s[0] == '-'
		s = s[1:]
	}
	d.whole = s
	if i := strings.IndexByte(s, '.'); i >= 0 {
		d.whole, d.fraction = s[:i], s[i+1:]
	}
	for d.whole != "" && d.whole[0] == '0' {
		d.whole = d.whole[1:]
	}
	for n := len(d.fraction); n > 0 && d.fraction[n-1] == '0'; n-- {
		d.fraction = d.fraction[:n-1]
	}
	if d.whole == "" && d.fraction == "" {
		d.Negative = false
	}
	return d
}

// Compare orders two decimals exactly, of any size.
func (a Digits) Compare(b Digits) int {
	if a.Negative != b.Negative {
		if a.Negative {
			return -1
		}
		return 1
	}
	c := cmp.Or(cmp.Compare(len(a.whole), len(b.whole)), strings.Compare(a.whole, b.whole), strings.Compare(a.fraction, b.fraction))
	if a.Negative {
		return -c
	}
	return c
}

// Equal is `==`: null equals only null, numbers are equal by size, texts by their bytes.
func Equal(a, b Value) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	if a.Kind.IsNumber() && b.Kind.IsNumber() {
		return CompareNumbers(a, b) == 0
	}
	if a.Kind == KindBoolean || b.Kind == KindBoolean {
		return a.Kind == b.Kind && a.N == b.N
	}
	return a.S == b.S || (a.Kind == KindDateTime || b.Kind == KindDateTime) && CompareTexts(a, b) == 0
}

// CompareTexts orders texts by code point, and datetimes as the instants that they are, also where one of
// the two is a text.
func CompareTexts(a, b Value) int {
	if a.Kind == KindDateTime || b.Kind == KindDateTime {
		s, ok := instantOf(a.S)
		t, ok2 := instantOf(b.S)
		if ok && ok2 {
			return s.Compare(t)
		}
	}
	return strings.Compare(a.S, b.S) // of UTF-8: by code point
}
