package diag

import "regexp"

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
// holds dates or numbers, where a long number may be a date.
func Identifies(value string, typed bool) bool {
	return identifier.MatchString(value) && (!typed || !compactDate.MatchString(value))
}
