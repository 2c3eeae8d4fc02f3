package inspect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/expression"
)

// Column describes a column.
type Column struct {
	Header   string   `json:"header"`
	Type     string   `json:"type"` // as a bundle would declare it; "" if the column is empty
	Format   string   `json:"format,omitempty"`
	Filled   int64    `json:"filled"`
	Blank    int64    `json:"blank"`
	Distinct int      `json:"distinct"`
	Many     bool     `json:"many,omitempty"` // there are more than that
	Low      string   `json:"low,omitempty"`
	High     string   `json:"high,omitempty"`
	Values   []string `json:"values,omitempty"` // the most frequent, of a column with few
	Hidden   bool     `json:"hidden,omitempty"` // it may be a student's: no value is shown
}

// Bounds of what is kept and shown.
const (
	mostDistinct = 1000
	fewValues    = 12
	shownValues  = 5

	identifierDigits = 5 // numbers of so many digits that hardly repeat may be somebody's; longer ones may even if they do
)

// somebody are values that look like a person, an address or an identifier: "Doe, Jane", a@b.org, 600001.
var somebody = regexp.MustCompile(`^\p{Lu}[\p{L}'’-]+, \p{Lu}[\p{L}'’-]+|@|\d{6}`)

// personal are the words of headers whose values are never shown; identifiers are of somebody, too.
var personal = regexp.MustCompile(`(?i)first|last|middle|given.?name|family.?name|full.?name|maiden|nick|preferred|legal.?name|surname|birth|dob|mail|phone([^m]|$)|addr|street|zip|ssn|student|pupil|learner|child|parent|guardian|teacher|instructor|proctor|counselor|staff|examin|candidate|taker|user|login|person|gender|sex|race|ethnic|(^|[^a-z])(names?|mi)$|(id|ids|number|code|key|uuid|guid)$`)

// dateFormats are tried in this order; the first that fits all values is the column's.
var dateFormats = map[expression.Kind][]string{
	expression.KindDate:     {"YYYY-MM-DD", "MM/DD/YYYY", "M/D/YYYY", "DD/MM/YYYY", "M/D/YY", "YYYYMMDD", "MMDDYYYY", "YYYY-MM-DD HH:mm:ss", "MM/DD/YYYY HH:mm:ss", "M/D/YYYY H:mm"},
	expression.KindDateTime: {"YYYY-MM-DDTHH:mm:ssZ", "YYYY-MM-DDTHH:mm:ss.SSSZ"},
	expression.KindTime:     {"HH:mm:ss", "HH:mm", "H:mm"},
}

// candidate is a type that all values so far may have.
type candidate struct {
	name, format string
	fits         func(string) bool
}

// candidates are all types, the narrower ones first.
var candidates = func() []candidate {
	all := []candidate{}
	for _, kind := range []expression.Kind{expression.KindDate, expression.KindDateTime, expression.KindTime} {
		for _, source := range dateFormats[kind] {
			f, err := expression.ParseDateFormat(source, kind)
			if err != nil {
				continue // a test tries them all
			}
			all = append(all, candidate{kind.String(), source, f.Fits})
		}
	}
	word := func(words ...string) func(string) bool {
		return func(s string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(s, w) })
		}
	}
	return append(all,
		candidate{"boolean", "", word("y", "n", "yes", "no", "true", "false")},
		candidate{"integer", "", func(s string) bool { return expression.IsInteger(s) && !padded(s) }},
		candidate{"decimal", "", func(s string) bool { return expression.IsDecimal(s) && !padded(s) }},
		candidate{"text", "", func(string) bool { return true }})
}()

// padded reports whether a number would lose zeros that it begins with: 007 is a text.
func padded(s string) bool { return len(s) > 1 && s[0] == '0' && s[1] != '.' }

// tally gathers what stands in a column.
type tally struct {
	about Column
	left  []candidate
	seen  map[string]int64
	low   string
	high  string
}

// wholeRow is what a row of a file of fixed length holds, which has one column to whoever looks for delimiters, and
// hardly a header: words that blanks set apart, or a long number.
var wholeRow = regexp.MustCompile(`\S {3,}\S|\d{8}`)

// headerIsCell reports whether a header looks like a cell: it is a number or a date as all the cells below
// it are, or one of them says the same. It may then be a student's, and nobody knows what the column holds.
func (t *tally) headerIsCell() bool {
	h := t.about.Header
	if h == "" {
		return false
	}
	if _, again := t.seen[h]; again || wholeRow.MatchString(h) {
		return true
	}
	fits := func(c candidate) bool { return c.name != "text" && c.name != "boolean" && c.fits(h) }
	return t.about.Filled > 0 && slices.ContainsFunc(t.left, fits) || len(h) > 4 && slices.ContainsFunc(candidates, fits)
}

func newTally(header string, hidden bool) *tally {
	return &tally{about: Column{Header: header, Hidden: hidden || personal.MatchString(header)}, left: candidates, seen: map[string]int64{}}
}

func (t *tally) add(cell string) {
	if cell == "" {
		t.about.Blank++
		return
	}
	t.about.Filled++
	if _, known := t.seen[cell]; known || len(t.seen) < mostDistinct {
		if t.seen[cell]++; known {
			return // it fitted before
		}
	} else {
		t.about.Many = true
	}
	if len(t.left) > 1 { // the last one fits everything
		t.left = slices.DeleteFunc(slices.Clone(t.left), func(c candidate) bool { return !c.fits(cell) })
	}
	if !expression.IsDecimal(cell) {
		return
	}
	if t.low == "" || expression.CompareDecimals(cell, t.low) < 0 {
		t.low = cell
	}
	if t.high == "" || expression.CompareDecimals(cell, t.high) > 0 {
		t.high = cell
	}
}

// column says what was gathered.
func (t *tally) column() Column {
	c := t.about
	c.Distinct = len(t.seen)
	if c.Filled == 0 {
		return c
	}
	c.Type, c.Format = t.left[0].name, t.left[0].format
	if c.Hidden {
		return c
	}
	if c.Type == "integer" || c.Type == "decimal" {
		low, _, _ := strings.Cut(t.low, ".")
		high, _, _ := strings.Cut(t.high, ".")
		digits := max(len(low), len(high))
		if digits < identifierDigits || digits == identifierDigits && !c.Many && 2*int64(c.Distinct) < c.Filled {
			c.Low, c.High = t.low, t.high
		}
		return c
	}
	// A value that stands only once may be somebody's, whatever the header says, and so may one that looks like it.
	if !c.Many && c.Distinct <= fewValues && c.Filled >= 2*int64(c.Distinct) {
		for value, n := range t.seen {
			if n > 1 && !somebody.MatchString(value) {
				c.Values = append(c.Values, value)
			}
		}
		slices.SortFunc(c.Values, func(a, b string) int {
			if t.seen[a] != t.seen[b] {
				return int(t.seen[b] - t.seen[a])
			}
			return strings.Compare(a, b)
		})
		c.Values = c.Values[:min(len(c.Values), shownValues)]
	}
	return c
}
