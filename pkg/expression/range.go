package expression

import "strings"

// IsRange reports whether a text is two decimals with - between them, blanks around it allowed; either may
// be negative.
func IsRange(s string) bool {
	for i := 1; i < len(s); i++ {
		if s[i] == '-' && IsDecimal(strings.TrimRight(s[:i], " ")) && IsDecimal(strings.TrimLeft(s[i+1:], " ")) {
			return true
		}
	}
	return false
}
