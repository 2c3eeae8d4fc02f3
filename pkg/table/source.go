// Package table reads tabular files as vendors write them: CSV and TSV in any encoding, with
// headers on any line, to the byte as they stand. It finds the records one after the other and
// leaves their cells to be split in parallel; what a cell means is its callers' business.
//
// A file that cannot be read as a table is an error of level 1 with its line; a record that is
// short, long or malformed is a row like others, and visible as such.
package table

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Options says how a file is written; the zero value is CSV in UTF-8 with its header on line 1.
type Options struct {
	Format     string // csv (also if empty) or tsv
	Delimiter  string // one ASCII character; empty: that of the format
	Encoding   string // a name of the WHATWG Encoding Standard; empty: utf-8. A byte order mark overrules it
	HeaderRows []int  // lines of the header, ascending from 1; empty: [1]
	JoinTitles bool   // all but the last of HeaderRows are titles, filled to the right and joined to the names

	BlockSize int // bytes of a block; 0: 256 KiB
	MaxRecord int // bytes that one record may have; 0: 16 MiB
}

// Source is an open file, its header read. One goroutine uses it.
type Source struct {
	name     string
	file     io.Closer
	meter    *meter
	decoded  io.Reader
	encoding string
	delim    byte
	block    int
	maximum  int

	headers   []Header
	rawHeader string
	lineEnd   string

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

// Open opens a file and reads its header. The error is a *diag.Error.
func Open(path string, o Options) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errIsDirectory
	}
	if err != nil {
		_ = f.Close()
		return nil, openError(path, err)
	}
	s, err := OpenReader(path, f, o)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	s.file = f
	return s, nil
}

var errIsDirectory = errors.New("it is a directory")

func openError(path string, err error) error {
	switch {
	case errors.Is(err, errIsDirectory):
		return diag.Fail(diag.Usage, diag.ConfigFile, "Name a file in it.", "%s is a directory, not a file", path)
	case errors.Is(err, fs.ErrNotExist):
		return diag.FailWith(err, diag.Usage, diag.ConfigFile, "", "there is no file %s", path)
	}
	return diag.FailWith(err, diag.Usage, diag.ConfigFile, "", "%s cannot be read", path)
}

// OpenReader reads the header of r; name is what problems call it. The caller closes r.
func OpenReader(name string, r io.Reader, o Options) (*Source, error) {
	s := &Source{name: name, meter: &meter{r: r, sum: sha256.New()}, line: 1, lineEnd: "\n", block: o.BlockSize, maximum: o.MaxRecord}
	if s.block <= 0 {
		s.block = 256 << 10
	}
	if s.maximum <= 0 {
		s.maximum = 16 << 20
	}
	var err error
	if s.delim, err = o.delimiter(); err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.BundleValue, "", "%s cannot be read", name)
	}
	if s.decoded, s.encoding, err = decode(name, s.meter, o.Encoding); err != nil {
		return nil, err
	}
	if err := s.readHeader(o); err != nil {
		return nil, err
	}
	return s, nil
}

func (o Options) delimiter() (byte, error) {
	switch {
	case o.Delimiter == "" && o.Format == "tsv":
		return '\t', nil
	case o.Delimiter == "":
		return ',', nil
	case len(o.Delimiter) != 1 || o.Delimiter[0] >= 0x80 || strings.ContainsAny(o.Delimiter, "\"\r\n\x00"):
		return 0, fmt.Errorf("the delimiter %q is not one ASCII character", o.Delimiter)
	}
	return o.Delimiter[0], nil
}

// Close closes the file that Open opened.
func (s *Source) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Encoding is the encoding the file is read in: that of its byte order mark, else that of Options.
// Raw text is UTF-8 whatever it is.
func (s *Source) Encoding() string { return s.encoding }

// LineEnd is the line end of the header, "\n" or "\r\n".
func (s *Source) LineEnd() string { return s.lineEnd }

// BytesRead counts the bytes of the file read so far.
func (s *Source) BytesRead() int64 { return s.meter.n }

// Digest is the SHA-256 of the file in hex and its length, complete once Next has returned io.EOF.
func (s *Source) Digest() (sha string, size int64) {
	return hex.EncodeToString(s.meter.sum.Sum(nil)), s.meter.n
}

// Next fills b with some whole records. It returns io.EOF at the end, and a *diag.Error where the
// file cannot be read further as a table.
func (s *Source) Next(b *Block) error {
	if s.failed != nil {
		return s.failed
	}
	*b = Block{}
	text, err := s.take(s.block)
	if err != nil {
		s.failed = err
		return err
	}
	b.text, b.line, b.delim = text, s.line, s.delim
	s.line += int64(strings.Count(text, "\n"))
	return nil
}

// take returns whole records: about size bytes, at least one.
func (s *Source) take(size int) (string, error) {
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
func (s *Source) takeOne() (string, error) {
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
func (s *Source) cut(to int) (string, error) {
	if err := s.check(s.buf[s.start:to]); err != nil {
		return "", err
	}
	text := string(s.buf[s.start:to])
	s.start = to
	return text, nil
}

// collect reads until size bytes and a whole record are there, or the file ends.
func (s *Source) collect(size int) error {
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
func (s *Source) read(size int) error {
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
func (s *Source) search() {
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
func (s *Source) lineAt(at int) int64 {
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
