package match

import (
	"iter"
	"strings"
)

// Repair is what was done to an id before it matched.
type Repair uint8

// The repairs: spreadsheets drop the zeros in front of a number, or add some, and make a decimal of it.
const (
	Exact   Repair = iota
	Zeros          // with the zeros in front that it lacked
	Fewer          // without zeros in front
	Decimal        // without `.0` at the end, and perhaps with other zeros in front
)

func (r Repair) String() string {
	return [...]string{"as it stands", "with its zeros restored", "without zeros in front", "without .0"}[r]
}

// repairs are what a number may have been before a spreadsheet had it. widths are the lengths that it may have.
func repairs(id string, widths []int) iter.Seq2[string, Repair] {
	return func(yield func(string, Repair) bool) {
		how := Zeros
		if whole, zeros, ok := strings.Cut(id, "."); ok && zeros != "" && strings.Trim(zeros, "0") == "" {
			if id, how = whole, Decimal; !yield(id, how) {
				return
			}
		}
		if !isDigits(id) {
			return
		}
		bare := strings.TrimLeft(id, "0")
		for _, width := range widths {
			kind := how
			if kind == Zeros && width < len(id) {
				kind = Fewer
			}
			if width != len(id) && width >= len(bare) && bare != "" && !yield(strings.Repeat("0", width-len(bare))+bare, kind) {
				return
			}
		}
	}
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
