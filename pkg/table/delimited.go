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
	meter   *meter
	decoded io.Reader
	header  Header
	delim   byte
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
	s := &delimited{name: name, meter: &meter{r: r, sum: sha256.New()}, header: Header{LineEnd: "\n"}, line: 1, block: o.BlockSize, maximum: o.MaxRecord}
	if s.block <= 0 {
		s.block = 256 << 10
	}
	if s.maximum <= 0 {
		s.maximum = 16 << 20
	}
	if !ValidDelimiter(o.Delimiter) {
		return nil, diag.Fail(diag.Usage, diag.BundleValue, "", "%s cannot be read: the delimiter %q is not one ASCII character", name, o.Delimiter)
	}
	s.delim = o.Delimiter[0]
	var err error
	if s.decoded, s.header.Encoding, err = decode(name, s.meter, o.Encoding); err != nil {
		return nil, err
	}
	if err := s.readHeader(o); err != nil {
		return nil, err
	}
	return s, nil
}

// ValidDelimiter reports whether a text can separate cells: it is one ASCII character that stands for
// nothing else.
func ValidDelimiter(s string) bool {
	return len(s) == 1 && s[0] < 0x80 && !strings.ContainsAny(s, "\"\r\n\x00")
}

func (s *delimited) Header() Header { return s.header }

func (s *delimited) Close() error {
	if c, ok := s.meter.r.(io.Closer); ok {
		return c.Close() //nolint:wrapcheck // nothing to add: the caller knows the file
	}
	return nil
}

func (s *delimited) Digest() (sha string, size int64) {
	return hex.EncodeToString(s.meter.sum.Sum(nil)), s.meter.n
}

func (s *delimited) Next(b *Block) error {
	if s.failed != nil {
		return s.failed
	}
	*b = Block{}
	text, err := s.take(s.block)
	if err != nil {
		s.failed = err
		return err
	}
	*b = Block{text: text, line: s.line, delim: s.delim, size: len(text)}
	s.line += int64(strings.Count(text, "\n"))
	return nil
}

// take returns whole records: about size bytes, at least one.
func (s *delimited) take(size int) (string, error) {
	if err := s.collect(size); err != nil {
		return "", err
	}
	if s.start == s.end {
		return "", io.EOF
	}
	to := s.boundary
	if s.eof {
		if s.inQuote {
			return "", s.unclosed()
		}
		to = s.end
	}
	return s.cut(to)
}

// takeOne returns the next record alone, with its line end; io.EOF if there is none.
func (s *delimited) takeOne() (string, error) {
	if err := s.collect(1); err != nil {
		return "", err
	}
	if s.start == s.end {
		return "", io.EOF
	}
	to := s.boundary
	if to <= s.start {
		if s.inQuote {
			return "", s.unclosed()
		}
		to = s.end
	}
	if err := s.oldMac(); err != nil {
		return "", err
	}
	var p Parser
	_, next := p.split(string(s.buf[s.start:to]), 0, s.delim)
	text, err := s.cut(s.start + next)
	s.line += int64(strings.Count(text, "\n"))
	return text, err
}

// cut hands out the buffer up to a record boundary, if it is text.
func (s *delimited) cut(to int) (string, error) {
	if err := s.check(s.buf[s.start:to]); err != nil {
		return "", err
	}
	text := string(s.buf[s.start:to])
	s.start = to
	return text, nil
}

// collect reads until size bytes and a whole record are there, or the file ends.
func (s *delimited) collect(size int) error {
	for {
		for s.end-s.start < size && !s.eof {
			if err := s.read(size); err != nil {
				return err
			}
		}
		s.search()
		if s.eof || s.boundary > s.start {
			return nil
		}
		if size = 2 * (s.end - s.start); s.end-s.start > s.maximum {
			return s.tooLong()
		}
	}
}

// read reads once, making room for size bytes.
func (s *delimited) read(size int) error {
	if len(s.buf)-s.start < size {
		buf := s.buf
		if len(buf) < size {
			buf = make([]byte, max(size, s.block)+s.block/8)
		}
		copy(buf, s.buf[s.start:s.end])
		s.buf = buf
		s.end, s.pos, s.boundary, s.quoteAt, s.start = s.end-s.start, s.pos-s.start, s.boundary-s.start, s.quoteAt-s.start, 0
	}
	n, err := s.decoded.Read(s.buf[s.end:])
	s.end += n
	if errors.Is(err, io.EOF) {
		s.eof = true
		return nil
	}
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.ConfigFile, "", "reading %s", s.name)
	}
	return nil
}

// search moves pos to the end of what was read and remembers the last record boundary passed.
//
// A quote opens a quoted cell only where a cell begins; that can be seen from the byte before it,
// so everything between quotes is passed over at the speed of IndexByte.
func (s *delimited) search() {
	buf, pos, delim := s.buf[:s.end], s.pos, s.delim
	for pos < len(buf) {
		if s.inQuote {
			at := pos
			for at < len(buf) && buf[at] != '"' { // cells are short: a loop is faster than IndexByte
				at++
			}
			switch {
			case at == len(buf):
				pos = at
			case at+1 == len(buf) && !s.eof:
				s.pos = at // whether it closes, the next byte says
				return
			case at+1 < len(buf) && buf[at+1] == '"':
				pos = at + 2
			case at+2 < len(buf) && buf[at+1] == delim && buf[at+2] == '"': // one quoted cell after the other
				s.quoteAt, pos = at+2, at+3
			default:
				s.inQuote, pos = false, at+1
			}
			continue
		}
		at := bytes.IndexByte(buf[pos:], '"')
		found := at >= 0
		if at += pos; !found {
			at = len(buf)
		}
		if nl := bytes.LastIndexByte(buf[pos:at], '\n'); nl >= 0 {
			s.boundary = pos + nl + 1
		}
		if !found {
			pos = at
			break
		}
		if at == s.start || buf[at-1] == delim || buf[at-1] == '\n' {
			s.inQuote, s.quoteAt = true, at
		}
		pos = at + 1
	}
	s.pos = pos
}

// lineAt is the line of a byte of the buffer.
func (s *delimited) lineAt(at int) int64 {
	return s.line + int64(bytes.Count(s.buf[s.start:at], []byte("\n")))
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
