package table

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Header is a column of the file.
type Header struct {
	Name  string // trimmed and unique: "X (1)", "X (2)" where X occurs more than once; empty: a column without header
	Raw   string // the cell as it stands, titles joined
	Index int
}

// Headers are the columns of the file in order.
func (s *Source) Headers() []Header { return s.headers }

// RawHeader is the text up to and with the last line of the header, verbatim, with its line ends.
func (s *Source) RawHeader() string { return s.rawHeader }

// DelimiterHint says so if the header looks as if it were written with another delimiter; else "".
func (s *Source) DelimiterHint() string {
	if len(s.headers) != 1 {
		return ""
	}
	best, most := "", 0
	for delim, name := range map[string]string{",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"} {
		if n := strings.Count(s.headers[0].Raw, delim); delim[0] != s.delim && (n > most || n == most && n > 0 && name < best) {
			best, most = name, n
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("the header is one column of %d characters with %s %d times in it: the file is delimited by %s, not by %s",
		len([]rune(s.headers[0].Raw)), best, most, best, delimiterName(s.delim))
}

func delimiterName(d byte) string {
	switch d {
	case ',':
		return "a comma"
	case ';':
		return "a semicolon"
	case '\t':
		return "a tab"
	case '|':
		return "a bar"
	}
	return fmt.Sprintf("%q", d)
}

// readHeader reads the header lines and all before them.
func (s *Source) readHeader(o Options) error {
	rows := o.HeaderRows
	if len(rows) == 0 {
		rows = []int{1}
	}
	if rows[0] < 1 || !slices.IsSorted(rows) {
		return diag.Fail(diag.Usage, diag.BundleValue, "", "the header rows %v are not ascending line numbers from 1", rows)
	}
	lines, err := s.headerLines(rows[len(rows)-1])
	if err != nil {
		return err
	}
	names := lines[len(lines)-1]
	if blank(names) {
		return s.problem(diag.FileDrift, rows[len(rows)-1], "", "line %d, where the header should stand, is blank", rows[len(rows)-1])
	}
	raw := slices.Clone(names)
	if o.JoinTitles {
		for _, n := range slices.Backward(rows[:len(rows)-1]) {
			joinTitles(raw, names, lines[n-1])
		}
	}
	s.headers = unique(raw)
	return nil
}

// headerLines takes the first n records; the block behind them begins with the first row.
func (s *Source) headerLines(n int) ([][]string, error) {
	var lines [][]string
	var parser Parser
	for len(lines) < n {
		text, err := s.takeOne()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil, s.noHeader(len(lines), n)
			}
			return nil, err
		}
		row, _ := parser.split(text, 0, s.delim)
		lines = append(lines, slices.Clone(row.Cells))
		s.rawHeader += text
		if strings.HasSuffix(text, "\r\n") {
			s.lineEnd = "\r\n"
		}
	}
	return lines, nil
}

// noHeader says that the file ends before its header does.
func (s *Source) noHeader(have, want int) error {
	if strings.TrimSpace(s.rawHeader) == "" {
		return s.problem(diag.FileEmpty, 0, "", "the file is empty")
	}
	return s.problem(diag.FileDrift, have, "", "the file ends at line %d; its header should stand on line %d", have, want)
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

// unique names the columns; a name that occurs more than once gets numbers, and is itself no name.
func unique(raw []string) []Header {
	headers := make([]Header, len(raw))
	count := map[string]int{}
	for i, r := range raw {
		headers[i] = Header{Name: trimHeader(r), Raw: r, Index: i}
		count[headers[i].Name]++
	}
	for again := true; again; { // a second time only if a file has both "X" twice and "X (1)"
		again = false
		seen, next := map[string]int{}, map[string]int{}
		for i, h := range headers {
			if h.Name != "" && count[h.Name] > 1 {
				seen[h.Name]++
				headers[i].Name = fmt.Sprintf("%s (%d)", h.Name, seen[h.Name])
				again = true
			}
			next[headers[i].Name]++
		}
		count = next
	}
	return headers
}
