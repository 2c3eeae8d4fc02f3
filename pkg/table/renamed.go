package table

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Rename is a header that a file lacks, and the one that it seems to have in its place.
type Rename struct {
	Old, New string
	Sure     bool // they have the same letters and digits; else they are only much like each other
}

// Renames pairs headers that a file lacks with headers of it that are not known. One that could be paired
// with several is paired with none.
func Renames(missing, unknown []string) []Rename {
	var all []Rename
	pair := func(sure bool, like func(old, name string) bool) {
		taken := func(of func(Rename) string, h string) bool {
			return slices.ContainsFunc(all, func(r Rename) bool { return of(r) == h })
		}
		missing := slices.DeleteFunc(slices.Clone(missing), func(h string) bool { return taken(func(r Rename) string { return r.Old }, h) })
		unknown := slices.DeleteFunc(slices.Clone(unknown), func(h string) bool { return taken(func(r Rename) string { return r.New }, h) })
		for _, old := range missing {
			name, n := only(unknown, func(h string) bool { return like(old, h) })
			if _, back := only(missing, func(h string) bool { return like(h, name) }); n == 1 && back == 1 {
				all = append(all, Rename{old, name, sure})
			}
		}
	}
	same := func(old, name string) bool { return letters(old) == letters(name) }
	turned := func(old, name string) bool { return same(old, name) || slices.Equal(words(old), words(name)) }
	pair(true, same)
	pair(false, turned)
	pair(false, func(old, name string) bool {
		return turned(old, name) || digits(old) == digits(name) && len(diag.Nearest(old, []string{name}, 1)) > 0
	})
	return all
}

// digits are the digits of a header: columns that are numbered differ in these.
func digits(header string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, header)
}

// only is the first of some texts for which a condition holds, and for how many it does.
func only(of []string, holds func(string) bool) (first string, n int) {
	for _, s := range of {
		if holds(s) {
			if n == 0 {
				first = s
			}
			n++
		}
	}
	return first, n
}

// letters is a header without what is often written otherwise: case, blanks, punctuation.
func letters(header string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(header))
}

// words are the words of a header in an order of their own, those aside that say little: TestStartDate and
// "Start date of the test" have the same.
func words(header string) []string {
	var b strings.Builder
	before := ' '
	for _, r := range norm.NFKC.String(header) {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteByte(' ')
		case unicode.IsUpper(r) && unicode.IsLower(before) || unicode.IsDigit(r) != unicode.IsDigit(before):
			b.WriteByte(' ')
			fallthrough
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	all := strings.Fields(b.String())
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(w string) bool { return w == "of" || w == "the" || w == "a" })
}
