package table

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// delimited reads csv and tsv, to the byte as they stand.
//
//	file ─► meter ─► decode ─► buf ─► search ─► take ─► Block ─► Rows, in parallel
//	       digest    UTF-8            records' borders  whole records
//
// Only quotes matter to find where a record ends, so search passes over everything else at the speed of
// bytes.IndexByte; cells are split later, by whoever has the block.
type delimited struct {
	name    string
	input   string
	meter   *meter
	decoded io.Reader
	header  Header
	style   style
	block   int
	maximum int

	buf        []byte // buf[start:end] is read and not yet handed out
	start, end int
	eof        bool
	failed     error
	line       int64 // of buf[start], which always begins a record

	pos      int  // buf[start:pos] is searched for record boundaries
	boundary int  // end of the last whole record in it
	inQuote  bool // pos stands inside a quoted cell
	quoteAt  int  // where that cell begins
}

// openDelimited opens a file of lines with delimited, maybe quoted cells: csv and tsv.
func openDelimited(name string, r io.Reader, o Options) (Reader, error) {
	d := &delimited{name: name, input: o.Input, meter: &meter{r: r, sum: sha256.New()}, header: Header{LineEnd: "\n"}, line: 1, block: o.BlockSize, maximum: o.MaxRecord}
	if d.block <= 0 {
		d.block = 256 << 10
	}
	if d.maximum <= 0 {
		d.maximum = 16 << 20
	}
	if !ValidDelimiter(o.Delimiter) {
		return nil, diag.Fail(diag.Usage, diag.BundleValue, "", "%s cannot be read: the delimiter %q is not one ASCII character", name, o.Delimiter)
	}
	d.style = style{delim: o.Delimiter[0], quotes: !o.NoQuotes}
	if err := d.decode(d.meter, o.Encoding); err != nil {
		return nil, err
	}
	if err := d.readHeader(o); err != nil {
		return nil, err
	}
	d.style.width = len(d.header.Names)
	return d, nil
}

// ValidDelimiter reports whether a text can separate cells: it is one ASCII character that stands for
// nothing else.
func ValidDelimiter(s string) bool {
	return len(s) == 1 && s[0] < 0x80 && !strings.ContainsAny(s, "\"\r\n\x00")
}

func (d *delimited) Header() Header { return d.header }

func (d *delimited) Close() error {
	if c, ok := d.meter.r.(io.Closer); ok {
		return c.Close() //nolint:wrapcheck // nothing to add: the caller knows the file
	}
	return nil
}

func (d *delimited) Digest() (sha string, size int64) {
	return hex.EncodeToString(d.meter.sum.Sum(nil)), d.meter.n
}

func (d *delimited) Next(b *Block) error {
	if d.failed != nil {
		return d.failed
	}
	*b = Block{}
	text, err := d.take(d.block)
	if err != nil {
		d.failed = err
		return err
	}
	lines := int64(strings.Count(text, "\n"))
	*b = Block{text: text, line: d.line, lines: lines, style: d.style, size: len(text)}
	d.line += lines
	if text[len(text)-1] != '\n' {
		b.lines++ // the last line of the file has no end
	}
	return nil
}

// take returns whole records: about size bytes, at least one.
func (d *delimited) take(size int) (string, error) {
	if err := d.collect(size); err != nil {
		return "", err
	}
	if d.start == d.end {
		return "", io.EOF
	}
	to := d.boundary
	if d.eof {
		if d.inQuote {
			return "", d.unclosed()
		}
		to = d.end
	}
	return d.cut(to)
}

// takeOne returns the next record alone, with its line end; io.EOF if there is none.
func (d *delimited) takeOne() (string, error) {
	if err := d.collect(1); err != nil {
		return "", err
	}
	if d.start == d.end {
		return "", io.EOF
	}
	to := d.boundary
	if to <= d.start {
		if d.inQuote {
			return "", d.unclosed()
		}
		to = d.end
	}
	if err := d.oldMac(); err != nil {
		return "", err
	}
	var p Parser
	_, next := p.split(string(d.buf[d.start:to]), 0, d.style)
	text, err := d.cut(d.start + next)
	d.line += int64(strings.Count(text, "\n"))
	return text, err
}

// cut hands out the buffer up to a record boundary, if it is text.
func (d *delimited) cut(to int) (string, error) {
	if err := d.check(d.buf[d.start:to]); err != nil {
		return "", err
	}
	text := string(d.buf[d.start:to])
	d.start = to
	return text, nil
}

// collect reads until size bytes and a whole record are there, or the file ends.
func (d *delimited) collect(size int) error {
	for {
		for d.end-d.start < size && !d.eof {
			if err := d.read(size); err != nil {
				return err
			}
		}
		d.search()
		if d.eof || d.boundary > d.start {
			return nil
		}
		if size = 2 * (d.end - d.start); d.end-d.start > d.maximum {
			return d.tooLong()
		}
	}
}

// read reads once, making room for size bytes.
func (d *delimited) read(size int) error {
	if len(d.buf)-d.start < size {
		buf := d.buf
		if len(buf) < size {
			buf = make([]byte, max(size, d.block)+d.block/8)
		}
		copy(buf, d.buf[d.start:d.end])
		d.buf = buf
		d.end, d.pos, d.boundary, d.quoteAt, d.start = d.end-d.start, d.pos-d.start, d.boundary-d.start, d.quoteAt-d.start, 0
	}
	n, err := d.decoded.Read(d.buf[d.end:])
	d.end += n
	if errors.Is(err, io.EOF) {
		d.eof = true
		return nil
	}
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.ConfigFile, "", "%s cannot be read", d.name)
	}
	return nil
}

// search moves pos to the end of what was read and remembers the last record boundary passed.
//
// A quote opens a quoted cell only where a cell begins; that can be seen from the byte before it,
// so everything between quotes is passed over at the speed of IndexByte.
func (d *delimited) search() {
	buf, pos, delim := d.buf[:d.end], d.pos, d.style.delim
	if !d.style.quotes {
		if nl := bytes.LastIndexByte(buf[pos:], '\n'); nl >= 0 {
			d.boundary = pos + nl + 1
		}
		pos = len(buf)
	}
	for pos < len(buf) {
		if d.inQuote {
			at := pos
			for at < len(buf) && buf[at] != '"' { // cells are short: a loop is faster than IndexByte
				at++
			}
			switch {
			case at == len(buf):
				pos = at
			case at+1 == len(buf) && !d.eof:
				d.pos = at // whether it closes, the next byte says
				return
			case at+1 < len(buf) && buf[at+1] == '"':
				pos = at + 2
			case at+2 < len(buf) && buf[at+1] == delim && buf[at+2] == '"': // one quoted cell after the other
				d.quoteAt, pos = at+2, at+3
			default:
				d.inQuote, pos = false, at+1
			}
			continue
		}
		at := bytes.IndexByte(buf[pos:], '"')
		found := at >= 0
		if at += pos; !found {
			at = len(buf)
		}
		if nl := bytes.LastIndexByte(buf[pos:at], '\n'); nl >= 0 {
			d.boundary = pos + nl + 1
		}
		if !found {
			pos = at
			break
		}
		if at == d.start || buf[at-1] == delim || buf[at-1] == '\n' {
			d.inQuote, d.quoteAt = true, at
		}
		pos = at + 1
	}
	d.pos = pos
}

// lineAt is the line of a byte of the buffer.
func (d *delimited) lineAt(at int) int {
	return int(d.line) + bytes.Count(d.buf[d.start:at], []byte("\n"))
}

// unclosed reports a quote that swallows the rest of the file, unless something worse explains it.
func (d *delimited) unclosed() error {
	if err := d.check(d.buf[d.start:d.end]); err != nil && d.eof {
		return err
	}
	return d.problem(diag.FileQuote, d.lineAt(d.quoteAt), "Close the quote in that line, or take it out; or export the file again.", "opens a quote that is never closed")
}

// tooLong reports a record that does not end within the bound on memory.
func (d *delimited) tooLong() error {
	if d.inQuote {
		return d.unclosed()
	}
	if err := d.oldMac(); err != nil {
		return err
	}
	return d.problem(diag.FileEncoding, int(d.line), "Check that it is a CSV file with one record in each line.", "is longer than %d bytes", d.maximum)
}

// oldMac recognises files whose lines end with CR alone.
func (d *delimited) oldMac() error {
	text := d.buf[d.start:d.end]
	if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(bytes.TrimRight(text, "\r"), '\r') < 0 {
		return nil
	}
	return d.whole(diag.FileLineEnds, "", "has lines that end with carriage returns alone, as on old Macs")
}

// meter counts and digests what is read from a file.
type meter struct {
	r   io.Reader
	n   int64
	sum hash.Hash
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.sum.Write(p[:n])
	return n, err //nolint:wrapcheck // a reader returns its reader's errors as they are
}
