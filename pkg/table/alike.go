package table

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Alike reports whether two texts look the same: they differ in their Unicode form or their blanks alone.
func Alike(a, b string) bool {
	form := func(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }
	return form(a) == form(b)
}

// Words are the words of a text in one form, so that two texts have the same words if they differ only in case, in
// blanks, in what joins words (`Language-Arts`, `language_arts`, `Reading & Writing`) or in the point of an
// abbreviation. Other signs may mean something, and stay: `A-` is not `A`, `1-2` is not `1 2`.
func Words(s string) []string {
	text := []rune(strings.ToLower(norm.NFKC.String(s)))
	letter := func(i int) bool { return i >= 0 && i < len(text) && unicode.IsLetter(text[i]) }
	var b strings.Builder
	for i, r := range text {
		end := i+1 == len(text) || unicode.IsSpace(text[i+1])
		switch {
		case r == '_' && letter(i-1) && letter(i+1), r == '.' && letter(i-1) && end:
			b.WriteRune(' ')
		case unicode.Is(unicode.Pd, r) && letter(i-1) && letter(i+1):
			b.WriteRune(' ')
		case r == '&' && end:
			b.WriteString(" and ")
		case r == '’' || r == '‘':
			b.WriteRune('\'')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Fields(b.String())
}
