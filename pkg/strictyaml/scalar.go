package strictyaml

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What YAML 1.2 takes for something other than text, with the forms of YAML 1.1 that many tools still
// read (leading zeros, underscores, binary and sexagesimal numbers): 1:30 must not be a number in an
// editor and text here.
var (
	numberForm  = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))$|^\.(nan|NaN|NAN)$`)
	booleanForm = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	nullForm    = regexp.MustCompile(`^(~|null|Null|NULL)$`)
)

// typeOf says what YAML takes a plain scalar for; null is not one of the types.
func typeOf(plain string) (t Type, null bool) {
	switch {
	case nullForm.MatchString(plain):
		return Text, true
	case booleanForm.MatchString(plain):
		return Boolean, false
	case numberForm.MatchString(plain):
		return Number, false
	}
	return Text, false
}

// quotedText is what scanQuoted reads.
type quotedText struct {
	value   string
	columns []int // the source column of each character of value
	length  int   // of the text with its quotes, in bytes
}

// scanQuoted reads the quoted scalar at the beginning of s, whose first character is in column col.
// ok is false if the quote does not close on this line.
func scanQuoted(s string, col int) (q quotedText, ok bool) {
	if s == "" {
		return q, false
	}
	quote := s[0]
	var b strings.Builder
	at := col + 1
	for i := 1; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		wide := 1 // characters of the source
		switch {
		case r == rune(quote) && quote == '\'' && strings.HasPrefix(s[i:], "''"):
			n, wide = 2, 2
		case r == rune(quote):
			q.value, q.length = b.String(), i+1
			return q, true
		case quote == '"' && r == '\\':
			r, n = escape(s[i:])
			if n == 0 {
				return q, false
			}
			wide = n
		}
		b.WriteRune(r)
		q.columns = append(q.columns, at)
		i, at = i+n, at+wide
	}
	return q, false
}

var simpleEscapes = map[byte]rune{'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
	'e': 0x1b, ' ': ' ', '"': '"', '/': '/', '\\': '\\', 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029}

// escape decodes the escape at the beginning of s and says how long it is; 0 for none.
func escape(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	if r, ok := simpleEscapes[s[1]]; ok {
		return r, 2
	}
	r, n := hexEscape(s)
	if n == 6 && utf16.IsSurrogate(r) { // a pair, as in JSON
		low, m := hexEscape(s[n:])
		r, n = utf16.DecodeRune(r, low), n+m
	}
	if r == utf8.RuneError || !utf8.ValidRune(r) {
		return 0, 0
	}
	return r, n
}

// hexEscape decodes \xNN, \uNNNN and \UNNNNNNNN.
func hexEscape(s string) (rune, int) {
	if len(s) < 2 || s[0] != '\\' {
		return 0, 0
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits == 0 || len(s) < 2+digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0
	}
	return rune(v), 2 + digits
}

// straight reports whether the columns simply follow each other, so that they need not be kept.
func straight(columns []int) bool {
	return len(columns) == 0 || columns[len(columns)-1] == columns[0]+len(columns)-1
}
