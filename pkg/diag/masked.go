package diag

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// varying is what may be a student's in a sentence of the target: quoted parts, and words with a digit.
var varying = regexp.MustCompile(`'[^']*'|"[^"]*"|\S*\d\S*`)

// Masked is a sentence of the target without what may be a student's, as far as that can be told. It also
// makes sentences alike that differ in such parts only.
func Masked(sentence string) string { return varying.ReplaceAllString(sentence, "…") }

// identifier finds what may be somebody's, wherever it stands, as in a row whose cells have moved: long numbers
// and addresses. compactDate finds long numbers that are a date.
var (
	identifier  = regexp.MustCompile(`\d{6}|@`)
	compactDate = regexp.MustCompile(`^((19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])|(0[1-9]|1[0-2])([0-2]\d|3[01])(19|20)\d\d)$`)
)

// Identifies reports whether a value may be somebody's, whatever its column is called. typed says that the column
// holds dates or numbers, where a long number may be a date, and words may be a name from the column beside it.
func Identifies(value string, typed bool) bool {
	if !typed {
		return identifier.MatchString(value)
	}
	return identifier.MatchString(value) && !compactDate.MatchString(value) || mayName(value)
}

// markers are the words that vendors write in place of a date or a number. No other word is shown of such a column.
var markers = strings.Fields(`na nan none null nil missing absent abs invalid inv exempt exm excused error err pending incomplete complete
void voided not no yes true false tested taken attempted scored score scores applicable available reported enough data insufficient did dnt
dns dna test unknown suppressed blank empty refused withdrawn off on low high below above level grade percent points min max`)

// mayName reports whether a value holds a word that may be a part of a name: one of letters that is no marker.
func mayName(value string) bool {
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	return !strings.ContainsFunc(value, unicode.IsDigit) && slices.ContainsFunc(words, func(word string) bool {
		return utf8.RuneCountInString(word) > 2 && !slices.Contains(markers, strings.ToLower(word))
	})
}
