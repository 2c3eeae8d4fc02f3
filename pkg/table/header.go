package table

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// delimiterHint says so if the header looks as if it were written with another delimiter; else "".
func (d *delimited) delimiterHint() string {
	if len(d.header.Cells) != 1 {
		return ""
	}
	best, most := byte(0), 0
	for i := range len(usualDelimiters) {
		if n := strings.Count(d.header.Cells[0], usualDelimiters[i:i+1]); usualDelimiters[i] != d.style.delim && n > most {
			best, most = usualDelimiters[i], n
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("is separated by %s, not by %s", DelimiterName(string(best)), DelimiterName(string(d.style.delim)))
}

// usualDelimiters are tried in this order where it is not known what separates cells.
const usualDelimiters = ",\t;|"

// DelimiterName is a delimiter in words.
func DelimiterName(delimiter string) string {
	if i := strings.Index(usualDelimiters, delimiter); i >= 0 && len(delimiter) == 1 {
		return []string{"commas", "tabs", "semicolons", "bars"}[i]
	}
	return strconv.Quote(delimiter)
}

// maxColumns bounds the columns of a file.
const maxColumns = 20_000

// readHeader reads the header lines and all before them.
func (d *delimited) readHeader(o Options) error {
	rows := o.HeaderRows
	if len(rows) == 0 {
		rows = []int{1}
	}
	if rows[0] < 1 || !slices.IsSorted(rows) {
		return diag.Fail(diag.Usage, diag.BundleValue, "", "the header rows %v are not ascending line numbers from 1", rows)
	}
	lines, err := d.headerLines(rows[len(rows)-1])
	if err != nil {
		return err
	}
	names := lines[len(lines)-1]
	if blank(names) {
		return d.problem(diag.FileDrift, rows[len(rows)-1], "Remove the blank lines before the header, or export the file again.", "should be the header, and is blank")
	}
	if len(names) > maxColumns {
		return d.problem(diag.FileDrift, rows[len(rows)-1], "Check that the file has a header, and lines that end.",
			"has %d columns; no file may have more than %d", len(names), maxColumns)
	}
	raw := slices.Clone(names)
	if o.JoinTitles {
		for _, n := range slices.Backward(rows[:len(rows)-1]) {
			joinTitles(raw, names, lines[n-1])
		}
	}
	d.header.Cells, d.header.Names = raw, uniqueNames(raw)
	d.header.Hint = d.delimiterHint()
	return nil
}

// headerLines takes the first n records; the block behind them begins with the first row.
func (d *delimited) headerLines(n int) ([][]string, error) {
	var lines [][]string
	var parser Parser
	for len(lines) < n {
		text, err := d.takeOne()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil, d.noHeader(len(lines), n)
			}
			return nil, err
		}
		row, _ := parser.split(text, 0, d.style)
		lines = append(lines, slices.Clone(row.Cells))
		d.header.Text += text
		if strings.HasSuffix(text, "\r\n") {
			d.header.LineEnd = "\r\n"
		}
	}
	return lines, nil
}

// noHeader says that the file ends before its header does.
func (d *delimited) noHeader(have, want int) error {
	if strings.TrimSpace(d.header.Text) == "" {
		what := "is empty"
		if d.header.Text != "" {
			what = "holds nothing but blank lines"
		}
		return d.whole(diag.FileEmpty, "", what)
	}
	return d.problem(diag.FileDrift, have, "Check that it is the file that the vendor exported.", "is its last one; the header should be on line %d", want)
}

// joinTitles puts the titles of a line before the names, each title reaching to the next.
func joinTitles(joined, names, titles []string) {
	title := ""
	for i := range joined {
		if i < len(titles) {
			if t := trimHeader(titles[i]); t != "" {
				title = t
			}
		}
		if title != "" && trimHeader(names[i]) != "" {
			joined[i] = title + "__" + trimHeader(joined[i])
		}
	}
}

// trimHeader trims white space and byte order marks, which some exports write into the first cell.
func trimHeader(s string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "\ufeff"))
}

// uniqueNames names the columns. A name that occurs more than once becomes "X (1)", "X (2)"; the name
// without a number is then no column's.
func uniqueNames(cells []string) []string {
	names := make([]string, len(cells))
	count := map[string]int{}
	for i, cell := range cells {
		names[i] = trimHeader(cell)
		count[names[i]]++
	}
	for again := true; again; { // a second time only if a file has both "X" twice and "X (1)"
		again = false
		seen, next := map[string]int{}, map[string]int{}
		for i, name := range names {
			if name != "" && count[name] > 1 {
				seen[name]++
				names[i] = fmt.Sprintf("%s (%d)", name, seen[name])
				again = true
			}
			next[names[i]]++
		}
		count = next
	}
	return names
}
