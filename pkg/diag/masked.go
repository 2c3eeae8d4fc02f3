package diag

import "regexp"

// varying is what may be a student's in a sentence of the target: quoted parts, and words with a digit.
var varying = regexp.MustCompile(`'[^']*'|"[^"]*"|\S*\d\S*`)

// Masked is a sentence of the target without what may be a student's, as far as that can be told. It also
// makes sentences alike that differ in such parts only.
func Masked(sentence string) string { return varying.ReplaceAllString(sentence, "…") }
