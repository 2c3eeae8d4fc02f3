package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// narrow is the width of a terminal that every table fits.
const narrow = 80

// underneath is how far a text below a row stands to the right.
const underneath = 6

// leastColumn is how narrow a column of words may become.
const leastColumn = 8

// cells is how many places of a terminal a text takes: two for wide characters, none for combining marks.
func cells(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// table is rows in columns; numbers stand to the right.
type table struct {
	header []string
	rows   [][]string
	under  []string // a text below each row; nil: none
	cut    bool     // what does not fit of the last column is left out; else it goes on in the next line
	width  []int
	right  []bool
}

// newTable measures a table whose cells may hold anything.
func newTable(header []string, rows [][]string) *table {
	t := &table{header: header, width: make([]int, len(header)), right: make([]bool, len(header))}
	for _, row := range rows {
		row = slices.Clone(row)
		for i := range row {
			row[i] = strings.ReplaceAll(visible(row[i], false), "\n", `\n`)
		}
		t.rows = append(t.rows, row)
	}
	for i := range header {
		t.width[i] = cells(header[i])
		t.right[i] = true
		for _, row := range t.rows {
			t.width[i] = max(t.width[i], cells(row[i]))
			if _, err := strconv.ParseInt(row[i], 10, 64); err != nil && row[i] != "" {
				t.right[i] = false
			}
		}
	}
	return t
}

// column is a column of a table.
func (t *table) column(i int) []string {
	var all []string
	for _, row := range t.rows {
		all = append(all, row[i])
	}
	return all
}

// without is the table without a column.
func (t *table) without(i int) *table {
	var rows [][]string
	for _, row := range t.rows {
		rows = append(rows, slices.Delete(slices.Clone(row), i, i+1))
	}
	return newTable(slices.Delete(slices.Clone(t.header), i, i+1), rows)
}

// total is how wide the table is, its indentation included.
func (t *table) total() int {
	sum := 0
	for _, w := range t.width {
		sum += 2 + w
	}
	return sum
}

// fit makes the widest columns of words narrower until the table has a width; 0 is any.
func (t *table) fit(columns int) {
	for columns > 0 && t.total() > columns {
		widest := -1
		for i, w := range t.width {
			if !t.right[i] && w > leastColumn && (widest < 0 || w > t.width[widest]) {
				widest = i
			}
		}
		if last := len(t.width) - 1; t.cut && t.width[last] > 2*leastColumn {
			widest = last
		}
		if widest < 0 {
			return
		}
		t.width[widest]--
	}
}

// lines are a row as it is printed.
func (t *table) lines(row []string) []string {
	parts := make([][]string, len(row))
	high := 1
	for i, cell := range row {
		parts[i] = broken(cell, t.width[i])
		if t.cut && i == len(row)-1 && len(parts[i]) > 1 {
			parts[i] = []string{start(cell, t.width[i]-1) + "…"}
		}
		high = max(high, len(parts[i]))
	}
	var all []string
	for n := range high {
		var b strings.Builder
		for i := range row {
			text := ""
			if n < len(parts[i]) {
				text = parts[i][n]
			}
			pad := strings.Repeat(" ", max(0, t.width[i]-cells(text)))
			if t.right[i] {
				text = pad + text
			} else {
				text += pad
			}
			b.WriteString(text + "  ")
		}
		all = append(all, strings.TrimRight(b.String(), " "))
	}
	return all
}

// start is as much of a text as fits a width.
func start(text string, width int) string {
	n := 0
	for i, r := range text {
		if n += cells(string(r)); n > width {
			return text[:i]
		}
	}
	return text
}

// broken is a text in lines of a width, broken between words where that can be.
func broken(text string, width int) []string {
	var all []string
	for cells(text) > width {
		line := start(text, width)
		if line == "" {
			break // a wide character in a column that is none
		}
		if at := strings.LastIndexByte(text[:min(len(line)+1, len(text))], ' '); at > 0 {
			line = text[:at]
		} else if at := strings.LastIndexAny(line, "/-_,."); at > 0 {
			line = line[:at+1]
		}
		all = append(all, line)
		text = strings.TrimLeft(text[len(line):], " ")
	}
	return append(all, text)
}

// folded is a text in lines that fit a terminal, broken between words; 0 columns are any.
func folded(columns int, indent, text string) string {
	if columns == 0 {
		return text
	}
	return strings.Join(broken(visible(strings.ReplaceAll(text, "\n", " "), false), max(columns-len(indent), leastColumn)), "\n"+indent)
}

// paragraph prints a text after what begins its first line; where a terminal is too narrow for it, the next lines
// are indented as that one.
func (s *screen) paragraph(first, indent, text string) {
	s.say("%s%s", first, folded(s.columns(), indent, text))
}

// remedy prints what to do about a cause. One with a command is never folded: it is to be copied.
func (s *screen) remedy(text string) {
	first := "      " + paint(s.outColour, dim, "→") + " "
	if strings.Contains(text, "`") || strings.HasPrefix(text, "sluice ") {
		s.say("%s%s", first, text)
		return
	}
	s.paragraph(first, "        ", text)
}

// grid prints rows in columns that fit the terminal.
func (s *screen) grid(header []string, rows [][]string) { s.print(newTable(header, rows)) }

// gridCut is grid for rows whose last cell is a list of examples.
func (s *screen) gridCut(header []string, rows [][]string) {
	t := newTable(header, rows)
	t.cut = s.columns() > 0
	s.print(t)
}

func (s *screen) print(t *table) {
	if s.quiet || s.json || len(t.rows) == 0 {
		return
	}
	t.fit(s.columns())
	for _, line := range t.lines(t.header) {
		fmt.Fprintln(s.out, "  "+paint(s.outColour, dim, line))
	}
	for i, row := range t.rows {
		for _, line := range t.lines(row) {
			fmt.Fprintln(s.out, "  "+line)
		}
		if t.under != nil {
			for _, line := range broken(visible(t.under[i], false), max(s.columns()-underneath, leastColumn)) {
				fmt.Fprintln(s.out, strings.Repeat(" ", underneath)+line)
			}
		}
	}
}
