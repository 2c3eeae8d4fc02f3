// Package transform owns the mapping engine: a bundle compiled against a data standard, bound to
// the headers of a vendor's files, and run over their rows into staged records, with every row and
// every record accounted for.
//
// It knows neither tenants' settings nor the target: what it needs of them stands in Config. It
// prints nothing. One bad row or record is a diag.Problem in the run's files; a run that cannot go
// on is a *diag.Error.
package transform

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/bundle"
)

// kind is what a value is, and what an expression gives.
type kind uint8

const (
	kindNull kind = iota
	kindText
	kindInteger
	kindDecimal
	kindBoolean
	kindDate
	kindDateTime
	kindTime
	kindRow // of a table: what lookup gives, before a column of it is named
)

func (k kind) String() string {
	return [...]string{"null", "text", "integer", "decimal", "boolean", "date", "datetime", "time", "row of a table"}[k]
}

// isText reports whether values of the kind are texts in expressions: dates and times are ISO text.
func (k kind) isText() bool {
	return k == kindText || k == kindDate || k == kindDateTime || k == kindTime
}

func (k kind) isNumber() bool { return k == kindInteger || k == kindDecimal }

// kindOf is the kind of a declared type.
func kindOf(t bundle.Type) kind {
	switch t {
	case bundle.TypeInteger:
		return kindInteger
	case bundle.TypeDecimal:
		return kindDecimal
	case bundle.TypeBoolean:
		return kindBoolean
	case bundle.TypeDate:
		return kindDate
	case bundle.TypeDateTime:
		return kindDateTime
	case bundle.TypeTime:
		return kindTime
	}
	return kindText
}

// value is one value of an expression. The zero value is null. Texts, dates and the digits of a
// decimal (as the vendor wrote them) stand in s; integers, booleans and row numbers in n.
type value struct {
	kind kind
	n    int64
	s    string
}

func textValue(s string) value   { return value{kind: kindText, s: s} }
func integerValue(n int64) value { return value{kind: kindInteger, n: n} }
func booleanValue(b bool) value {
	if b {
		return value{kind: kindBoolean, n: 1}
	}
	return value{kind: kindBoolean}
}

func (v value) null() bool   { return v.kind == kindNull }
func (v value) isTrue() bool { return v.kind == kindBoolean && v.n != 0 }

// text is the value as text: a decimal keeps its digits, an integer has no sign but minus.
func (v value) text() string {
	switch v.kind {
	case kindInteger:
		return strconv.FormatInt(v.n, 10)
	case kindBoolean:
		return strconv.FormatBool(v.n != 0)
	}
	return v.s
}

// appendText appends what text returns.
func (v value) appendText(dst []byte) []byte {
	switch v.kind {
	case kindInteger:
		return strconv.AppendInt(dst, v.n, 10)
	case kindBoolean:
		return strconv.AppendBool(dst, v.n != 0)
	}
	return append(dst, v.s...)
}

// appendKey appends a form in which equal values are equal bytes and no two lists of values meet:
// the length stands before the text.
func (v value) appendKey(dst []byte) []byte {
	if v.null() {
		return append(dst, 'n')
	}
	var scratch [24]byte
	var s []byte
	switch v.kind {
	case kindInteger, kindBoolean:
		s = v.appendText(scratch[:0])
	case kindDecimal:
		s = append(scratch[:0], plainDecimal(v.s)...)
	default:
		dst = strconv.AppendInt(dst, int64(len(v.s)), 10)
		dst = append(dst, ':')
		return append(dst, v.s...)
	}
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, ':')
	return append(dst, s...)
}

// blank reports whether a text has nothing to see: such computed text is null (format §2).
func blank(s string) bool { return trimSpace(s) == "" }

// trimSpace trims Unicode white space, the no-break space among it, and the byte-order mark.
func trimSpace(s string) string {
	if s == "" {
		return s
	}
	if c, d := s[0], s[len(s)-1]; c > ' ' && c < utf8.RuneSelf && d > ' ' && d < utf8.RuneSelf {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// isInteger reports whether s is [+-]?\d+.
func isInteger(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return allDigits(s)
}

func allDigits(s string) bool {
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

// isDecimal reports whether s is digits with at most one point, and a sign or none.
func isDecimal(s string) bool {
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

// plainInteger is an integer's text without plus and leading zeros, as long as it may be.
func plainInteger(s string) string {
	if plain := s[0] != '+' && s[0] != '-' && (s[0] != '0' || len(s) == 1); plain {
		return s
	}
	minus := s[0] == '-'
	s = strings.TrimLeft(s, "+-0")
	switch {
	case s == "":
		return "0"
	case minus:
		return "-" + s
	}
	return s
}

// plainDecimal is the shortest text of a decimal: no plus, no zeros that say nothing, no point at an end.
func plainDecimal(s string) string {
	whole, fraction, point := strings.Cut(s, ".")
	if !point {
		return plainInteger(whole)
	}
	sign := ""
	if whole != "" && (whole[0] == '-' || whole[0] == '+') {
		if whole[0] == '-' {
			sign = "-"
		}
		whole = whole[1:]
	}
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	switch {
	case whole == "" && fraction == "":
		return "0"
	case fraction == "":
		return sign + whole
	case whole == "":
		return sign + "0." + fraction
	case len(sign)+len(whole)+1+len(fraction) == len(s):
		return s
	}
	return sign + whole + "." + fraction
}

// maxDigits bounds the numbers that expressions calculate with.
const maxDigits = 400

// ratOf is the number for exact arithmetic; false if it is out of bounds.
func ratOf(v value) (*big.Rat, bool) {
	if v.kind == kindInteger {
		return new(big.Rat).SetInt64(v.n), true
	}
	if len(v.s) > maxDigits {
		return nil, false
	}
	return new(big.Rat).SetString(strings.TrimPrefix(v.s, "+"))
}

// decimalPlaces is how many places a division that does not end keeps.
const decimalPlaces = 18

// decimalOf is the number as a decimal value; false if it is out of bounds.
func decimalOf(r *big.Rat) (value, bool) {
	places, exact := r.FloatPrec()
	if !exact || places > maxDigits {
		places = decimalPlaces
	}
	s := plainDecimal(r.FloatString(places))
	return value{kind: kindDecimal, s: s}, len(s) <= maxDigits
}

// compareNumbers orders two numbers exactly, of any size.
func compareNumbers(a, b value) int {
	if a.kind == kindInteger && b.kind == kindInteger {
		return cmp.Compare(a.n, b.n)
	}
	var x, y [24]byte
	return compareDigits(digitsOf(a, &x), digitsOf(b, &y))
}

// digits is a decimal cut into parts that say nothing twice.
type digits struct {
	negative        bool
	whole, fraction string
}

func digitsOf(v value, scratch *[24]byte) digits {
	if v.kind == kindInteger {
		return digitsIn(string(strconv.AppendInt(scratch[:0], v.n, 10)))
	}
	return digitsIn(v.s)
}

func digitsIn(s string) (d digits) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		d.negative = s[0] == '-'
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
		d.negative = false
	}
	return d
}

func compareDigits(a, b digits) int {
	if a.negative != b.negative {
		if a.negative {
			return -1
		}
		return 1
	}
	c := cmp.Or(cmp.Compare(len(a.whole), len(b.whole)), strings.Compare(a.whole, b.whole), strings.Compare(a.fraction, b.fraction))
	if a.negative {
		return -c
	}
	return c
}

// equalValues is `==`: null equals only null, numbers are equal by size, texts by their bytes.
func equalValues(a, b value) bool {
	if a.null() || b.null() {
		return a.null() && b.null()
	}
	if a.kind.isNumber() && b.kind.isNumber() {
		return compareNumbers(a, b) == 0
	}
	if a.kind == kindBoolean || b.kind == kindBoolean {
		return a.kind == b.kind && a.n == b.n
	}
	return a.s == b.s
}
