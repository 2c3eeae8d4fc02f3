package table

import (
	"fmt"
	"strings"
)

// maxCellLines bounds the lines of one cell: a longer one is a quote that nobody meant.
const maxCellLines = 1000

// swallows says so if a quote that nobody meant has made one record of several: a quoted cell of it has
// a line that is a whole row by itself, or more lines than any text. line is the record's first one.
func (p *Parser) swallows(record string, line int64, s style) string {
	var inner Parser // p holds the record's cells
	for from := 0; ; {
		at := quotedLines(record, from, s.delim)
		if at.end < 0 {
			return ""
		}
		first := line + int64(strings.Count(record[:at.start], "\n"))
		cell := record[at.start:at.end]
		last := first + int64(strings.Count(cell, "\n"))
		span := fmt.Sprintf("a quote opens a cell in line %d and closes it in line %d", first, last)
		if last-first >= maxCellLines {
			return fmt.Sprintf("%s: no cell may have more than %d lines", span, maxCellLines)
		}
		if n := inner.rowIn(record, at, s); n > 0 {
			return fmt.Sprintf("%s, but line %d is a row by itself: it has as many cells as the header", span, first+int64(n))
		}
		from = at.end
	}
}

// cellSpan is where a quoted cell stands in a record, with its quotes.
type cellSpan struct{ start, end int }

// quotedLines finds the first quoted cell from a place on, where a cell begins or ends, that holds a line
// end; its end is -1 if there is none.
func quotedLines(record string, from int, delim byte) cellSpan {
	for pos := from; pos < len(record); pos++ {
		if record[pos] == '"' && (pos == 0 || record[pos-1] == delim) {
			_, end := quotedCell(record, pos)
			if strings.IndexByte(record[pos:end], '\n') >= 0 {
				return cellSpan{pos, end}
			}
			pos = end - 1
		}
	}
	return cellSpan{-1, -1}
}

// rowIn finds a line of a quoted cell that splits into as many cells as the header has; 0 if there is
// none. The cell's last line counts only if its first one is whole, too: with other cells around the
// quoted one, both are only whole where two rows were made one. The closing quote may then be a stray one
// itself, which seems to open a cell of the last line.
func (p *Parser) rowIn(record string, at cellSpan, s style) int {
	begin := strings.LastIndexByte(record[:at.start], '\n') + 1
	end := len(record)
	if nl := strings.IndexByte(record[at.end:], '\n'); nl >= 0 {
		end = at.end + nl
	}
	lines := strings.Split(record[begin:end], "\n")
	if len(lines) < 2 || s.width < 2 {
		return 0
	}
	last := len(lines) - 1
	for i, l := range lines[1:] {
		if i+1 < last {
			if p.isRow(l, s) {
				return i + 1
			}
			continue
		}
		closing := at.end - 1 - (end - len(l))
		if strings.Count(lines[0], string(s.delim))+1 == s.width && (p.isRow(l, s) || closing >= 0 && p.isRow(l[:closing]+l[closing+1:], s)) {
			return last
		}
	}
	return 0
}

// isRow reports whether a line has as many cells as the header.
func (p *Parser) isRow(line string, s style) bool {
	row, _ := p.split(line, 0, s)
	return len(row.Cells) == s.width && !row.Blank
}
