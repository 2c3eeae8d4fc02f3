package transform

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// rowFor is the row that a table lacks. What stands beside the key is taken from the rows whose key is the same
// but for the spelling, where these agree; near is one of them, -1 if there is none. A row that is only not valid
// on the day is not taken: that its validity ended may mean something.
func rowFor(m *expression.Miss) (cells []string, near int) {
	cells, near = m.Row(), -1
	t := m.Table
	if m.Day != "" {
		return cells, near
	}
	var rows []int
	least := mostSlips + 1
	for i, r := range t.Rows {
		slips := 0
		for k, col := range t.Keys {
			slips += slipsOf(m.Keys[k], r.Cells[col])
		}
		if slips < least {
			rows, least = rows[:0], slips
		}
		if slips == least && least <= mostSlips {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return cells, near
	}
	for i := range cells {
		if slices.Contains(t.Keys, i) || i == t.From || i == t.To {
			continue
		}
		value := t.Rows[rows[0]].Cells[i]
		if !slices.ContainsFunc(rows, func(r int) bool { return t.Rows[r].Cells[i] != value }) {
			cells[i] = value
		}
	}
	return cells, rows[0]
}

// mostSlips is how many words of a key may be written in another way.
const mostSlips = 1

// slipsOf counts the words that two values write in different ways; more than mostSlips where they are not the
// same but for the spelling.
func slipsOf(value, known string) int {
	a, b := table.Words(value), table.Words(known)
	if strings.Join(a, "") == strings.Join(b, "") && !strings.ContainsFunc(value, unicode.IsDigit) {
		return 0
	}
	if len(a) != len(b) {
		return mostSlips + 1
	}
	slips := 0
	for i := range a {
		switch {
		case a[i] == b[i], sameNumber(a[i], b[i]):
		case isSlip(a[i], b[i]):
			slips++
		default:
			return mostSlips + 1
		}
	}
	return slips
}

// sameNumber reports whether two words are one number, with and without leading zeros.
func sameNumber(a, b string) bool {
	return digits(a) == a && digits(b) == b && strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// isSlip reports whether two words of letters are one: one of them cut short to at most half (Math, Mathematics), or
// long ones that begin alike and have one letter more, less, other or changed places. In a word with a digit or a
// sign each character counts.
func isSlip(a, b string) bool {
	if strings.ContainsFunc(a+b, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return false
	}
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) >= 4 && len(y) >= 2*len(x) && strings.HasPrefix(string(y), string(x)) {
		return true
	}
	return len(x) >= 6 && x[0] == y[0] && oneSlip(x, y)
}

// oneSlip reports whether y becomes x, which is not longer, by one letter less or other, or by two that change places.
func oneSlip(x, y []rune) bool {
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) != len(y) {
		return slices.Equal(x[i:], y[i+1:])
	}
	if slices.Equal(x[i+1:], y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && slices.Equal(x[i+2:], y[i+2:])
}

// mostNearest is how many known values are named beside one that is not known.
const mostNearest = 3

// nearestKeys are known keys of which each part is that of the miss or near it, those with most equal parts first.
func nearestKeys(m *expression.Miss, first int) (near []string) {
	t := m.Table
	texts := t.KeyTexts()
	if first >= 0 {
		near = append(near, texts[first])
	}
	ranks := make([]map[string]int, len(t.Keys)) // of values of the part
	for k, col := range t.Keys {
		ranks[k] = map[string]int{m.Keys[k]: 0}
		var all []string
		for _, r := range t.Rows {
			all = append(all, r.Cells[col])
			if table.Alike(r.Cells[col], m.Keys[k]) { // short words in another Unicode form are far apart by their letters
				ranks[k][r.Cells[col]] = 0
			}
		}
		slices.Sort(all)
		all = slices.DeleteFunc(slices.Compact(all), func(v string) bool { return digits(v) != digits(m.Keys[k]) }) // 3 is not near 9
		for rank, v := range diag.Nearest(m.Keys[k], all, mostNearest) {
			if _, known := ranks[k][v]; !known {
				ranks[k][v] = rank + 1
			}
		}
	}
	type ranked struct {
		key  string
		rank int
	}
	var others []ranked
	for i, r := range t.Rows {
		sum := 0
		for k, col := range t.Keys {
			rank, ok := ranks[k][r.Cells[col]]
			if sum += rank; !ok {
				sum = -1
				break
			}
		}
		if sum >= 0 {
			others = append(others, ranked{texts[i], sum})
		}
	}
	slices.SortStableFunc(others, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	for _, o := range others {
		if len(near) < mostNearest && !slices.Contains(near, o.key) {
			near = append(near, o.key)
		}
	}
	return near
}

// digits are the digits of a text.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// mostAllowed is how long the list of values that a cell may have can become.
const mostAllowed = 4000

// allowedFor lists the values that the cells beside the key may have, as "column: a; b; c", a column to a line.
func (s *staging) allowedFor(t *expression.Table) string {
	if s.allowed == nil {
		return ""
	}
	var lines []string
	for i, name := range t.Header {
		if slices.Contains(t.Keys, i) {
			continue
		}
		if all := strings.Join(s.allowed(t.Name, name), "; "); all != "" {
			if len(all) > mostAllowed {
				cut := mostAllowed
				for !utf8.RuneStart(all[cut]) {
					cut--
				}
				all = all[:strings.LastIndex(all[:cut], ";")] + "; …"
			}
			lines = append(lines, name+": "+all)
		}
	}
	return strings.Join(lines, "\n")
}
