package table

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Alike reports whether two texts look the same: they differ in their Unicode form or their blanks alone.
func Alike(a, b string) bool {
	form := func(s string) string { return strings.Join(strings.Fields(norm.NFKC.String(s)), " ") }
	return form(a) == form(b)
}
