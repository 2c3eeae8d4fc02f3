package table

import (
	"encoding/csv"
	"fmt"
	"iter"
	"strings"
)

// Block is some whole records: text that Rows splits, or rows of a format whose reader gets cells. The
// text is immutable: strings cut from it stay valid, and keep the whole block in memory; clone what is
// kept for long.
type Block struct {
	text  string
	line  int64 // of the text's first record
	lines int64
	style style
	rows  []Row // in place of the text
	size  int
}

// style is how the lines of a file are cut into cells.
type style struct {
	delim  byte
	quotes bool // else a quote is a character like others
	width  int  // cells of the header; 0: not known yet
}

// Len is how many bytes of the file the block stands for.
func (b *Block) Len() int { return b.size }

// Lines is how many lines of the file the block stands for.
func (b *Block) Lines() int64 { return b.lines }

// Row is one record.
type Row struct {
	Line      int64    // its first line
	Cells     []string // without quotes, untrimmed; the slice is valid until the next row
	Raw       string   // verbatim, without its line end; of a format that is not text: the cells as CSV
	Blank     bool     // no cell holds any text: not a row of data
	Cut       bool     // the file ends in it, without a line end
	Malformed string   // what is wrong with its quotes, if anything
}

// Parser splits records into cells. One goroutine uses it at a time; the zero value is ready.
type Parser struct {
	cells []string
}

// Rows yields the records of the block in order.
func (b *Block) Rows(p *Parser) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, row := range b.rows {
			if !yield(row) {
				return
			}
		}
		line := b.line
		for pos := 0; pos < len(b.text); {
			row, next := p.split(b.text, pos, b.style)
			row.Line = line
			if more := strings.Count(row.Raw, "\n"); more > 0 {
				if wrong := p.swallows(row.Raw, line, b.style); wrong != "" {
					row.Malformed = wrong
				} else if row.Malformed != "" {
					row.Malformed += fmt.Sprintf("; the row is in lines %d to %d", line, line+int64(more))
				}
				line += int64(more)
			}
			line++
			pos = next
			row.Cut = pos == len(b.text) && b.text[pos-1] != '\n'
			if !yield(row) {
				return
			}
		}
	}
}

// split cuts the record at pos; next is the place behind its line end.
func (p *Parser) split(text string, pos int, s style) (row Row, next int) {
	rec := text[pos:]
	next = len(text)
	if nl := strings.IndexByte(rec, '\n'); nl >= 0 {
		rec = rec[:nl]
		next = pos + nl + 1
	}
	p.cells = p.cells[:0]
	if s.quotes && strings.IndexByte(rec, '"') >= 0 {
		next, row.Malformed = p.splitQuoted(text, pos, s.delim)
		row.Raw = trimLineEnd(text[pos:next])
	} else {
		rec = strings.TrimSuffix(rec, "\r")
		row.Raw = rec
		from := 0
		for i := 0; i < len(rec); i++ {
			if rec[i] == s.delim {
				p.cells = append(p.cells, rec[from:i])
				from = i + 1
			}
		}
		p.cells = append(p.cells, rec[from:])
	}
	row.Cells = p.cells
	row.Blank = blank(p.cells)
	return row, next
}

// splitQuoted is split for a record that holds quotes, and therefore maybe line ends.
func (p *Parser) splitQuoted(text string, pos int, delim byte) (next int, malformed string) {
	for {
		// The common cell first: closed by a quote right before the next delimiter. Cells are short, so a
		// loop is faster than IndexByte.
		if pos < len(text) && text[pos] == '"' {
			at := pos + 1
			for at < len(text) && text[at] != '"' {
				at++
			}
			if at+1 < len(text) && text[at+1] == delim {
				p.cells = append(p.cells, text[pos+1:at])
				pos = at + 2
				continue
			}
		}
		cell, quoted := "", pos < len(text) && text[pos] == '"'
		if quoted {
			cell, pos = quotedCell(text, pos)
		}
		from := pos
		for pos < len(text) && text[pos] != delim && text[pos] != '\n' {
			pos++
		}
		tail, last := text[from:pos], pos == len(text) || text[pos] == '\n'
		if last {
			tail = strings.TrimSuffix(tail, "\r")
		}
		if quoted && malformed == "" && tail != "" && strings.TrimSpace(tail) != "" {
			malformed = "there is text after a closing quote"
		}
		if tail != "" {
			cell += tail
		}
		p.cells = append(p.cells, cell)
		if last {
			return min(pos+1, len(text)), malformed
		}
		pos++
	}
}

// quotedCell reads the quoted cell at pos and returns the place behind its closing quote. Only a
// text that no Reader has made can lack it.
func quotedCell(text string, pos int) (cell string, end int) {
	at := pos + 1
	for {
		i := strings.IndexByte(text[at:], '"')
		if i < 0 {
			return strings.ReplaceAll(text[pos+1:], `""`, `"`), len(text)
		}
		at += i
		if at+1 == len(text) || text[at+1] != '"' {
			return strings.ReplaceAll(text[pos+1:at], `""`, `"`), at + 1
		}
		at += 2
	}
}

func trimLineEnd(record string) string {
	return strings.TrimSuffix(strings.TrimSuffix(record, "\n"), "\r")
}

// blank reports whether no cell holds more than white space.
func blank(cells []string) bool {
	for _, c := range cells {
		if c != "" && strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// Line is cells as one line of CSV, without its end, quoted where they must be; no delimiter is a comma.
func Line(cells []string, delimiter string) string {
	var line strings.Builder
	w := csv.NewWriter(&line)
	if delimiter != "" {
		w.Comma = rune(delimiter[0])
	}
	_ = w.Write(cells) // a strings.Builder takes everything
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n")
}
