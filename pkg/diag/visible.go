package diag

import (
	"fmt"
	"regexp"
	"strings"
)

// Visible is text with everything that would steer a terminal or turn the text around it (control
// characters but line end and tab, bidirectional marks) written as an escape, in the one spelling that
// a text of JSON may have too. What begins with a match of keep stays; nil keeps nothing.
func Visible(text string, keep *regexp.Regexp) string {
	var b strings.Builder
	for i, r := range text {
		if steers(r) && (keep == nil || !keep.MatchString(text[i:])) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// steers knows the characters of Unicode's UAX #9 that change the direction of text.
func steers(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
