package expression

import "strings"

// untouched is the advice for a cell that a spreadsheet may have rewritten.
const untouched = "Use the vendor's file untouched: a spreadsheet that opened and saved it may have rewritten this column."

// rewrittenDates are how spreadsheets write dates when they save a file.
var rewrittenDates = func() (all DateFormats) {
	for _, source := range []string{"M/D/YY", "M/D/YYYY", "YYYY-MM-DD", "M/D/YY H:mm", "M/D/YYYY H:mm"} {
		if f, err := ParseDateFormat(source, KindDate); err == nil { // a test tries them all
			all = append(all, f)
		}
	}
	return all
}()

// rewritten reports whether a cell that does not fit its type is as a spreadsheet writes what it has opened
// and saved: a date in another form or as a number of days, a long number with an exponent.
func rewritten(s string, kind Kind) bool {
	if exponent(s) {
		return true
	}
	if kind != KindDate && kind != KindDateTime {
		return false
	}
	for _, f := range rewrittenDates {
		if f.Fits(s) {
			return true
		}
	}
	days, _, _ := strings.Cut(s, ".")
	return len(days) == 5 && isDigits(days) && days >= "20000" && days < "80000" // 1954 to 2119
}

// exponent reports whether a cell is a number as a spreadsheet writes a long one: 1.23E+08. Digits of it are lost.
func exponent(s string) bool {
	mantissa, power, ok := strings.Cut(s, "E+")
	return ok && len(power) == 2 && isDigits(power) && IsDecimal(mantissa)
}
