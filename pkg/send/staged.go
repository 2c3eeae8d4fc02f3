package send

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// line is one staged line. Its text belongs to the block it came in.
type line struct {
	no     int64 // from 1
	offset int64 // in the file
	text   []byte
	origin string // results:1042; empty if transform did not write the file
}

// staged reads the lines of a staged file in blocks, each with its origin.
type staged struct {
	reader  *jsonl.Reader
	origins *origins
	prints  prints // of the blocks still to come
	offset  int64
	skip    func(no int64) bool
}

// errChanged says that a staged file was changed while it was sent.
var errChanged = errors.New("the file was changed while it was read")

// openStaged opens a staged file that must still have the prints p.
func openStaged(r *runs.Run, resource string, p prints) (*staged, error) {
	reader, err := jsonl.OpenPlain(r.StagedFile(resource))
	if err != nil {
		return nil, fmt.Errorf("open staged %s: %w", resource, err)
	}
	o, err := openOrigins(r.OriginFile(resource))
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &staged{reader: reader, origins: o, prints: p}, nil
}

// next fills b with the next lines, or returns io.EOF.
func (s *staged) next(b *block) error {
	b.lines = b.lines[:0]
	err := s.reader.Next(&b.text, blockSize)
	switch {
	case errors.Is(err, io.EOF) && len(s.prints) > 0:
		return errChanged
	case err != nil:
		return err
	case len(s.prints) == 0 || s.prints[0] != printOf(b.text.Data):
		return errChanged
	}
	s.prints = s.prints[1:]
	no := b.text.First
	for rest := b.text.Data; len(rest) > 0; no++ {
		origin, err := s.origins.next()
		if err != nil {
			return err
		}
		text, tail, _ := bytes.Cut(rest, []byte{'\n'})
		if s.skip == nil || !s.skip(no) {
			b.lines = append(b.lines, line{no, s.offset, bytes.TrimSuffix(text, []byte{'\r'}), origin})
		}
		s.offset += int64(len(rest) - len(tail))
		rest = tail
	}
	return nil
}

func (s *staged) close() error { return errors.Join(s.reader.Close(), s.origins.close()) }

// origins reads staged/<resource>.origin line by line.
type origins struct {
	file *os.File // nil: there is none
	scan *bufio.Scanner
}

func openOrigins(path string) (*origins, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &origins{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open origins: %w", err)
	}
	return &origins{file: f, scan: bufio.NewScanner(f)}, nil
}

// next is the origin of the next line; empty behind the end.
func (o *origins) next() (string, error) {
	if o.scan == nil || !o.scan.Scan() {
		if o.scan != nil && o.scan.Err() != nil {
			return "", fmt.Errorf("read origins: %w", o.scan.Err())
		}
		return "", nil
	}
	return o.scan.Text(), nil
}

func (o *origins) close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// place is where a line that is sent later lies in its file.
type place struct {
	no     int64
	offset int64
	size   int
	origin string
}

// again reads lines of a staged file a second time, in the order of places.
type again struct {
	file   *os.File
	places []place
}

// next fills b with the next lines, or returns io.EOF.
func (a *again) next(b *block) error {
	if len(a.places) == 0 {
		return io.EOF
	}
	size, n := 0, 0
	for n < len(a.places) && (n == 0 || size+a.places[n].size <= blockSize) {
		size += a.places[n].size
		n++
	}
	b.lines = b.lines[:0]
	data := bytes.NewBuffer(b.text.Data[:0])
	data.Grow(size)
	for _, p := range a.places[:n] {
		if _, err := io.Copy(data, io.NewSectionReader(a.file, p.offset, int64(p.size))); err != nil {
			return err
		}
	}
	b.text.Data = data.Bytes()
	at := 0
	for _, p := range a.places[:n] {
		b.lines = append(b.lines, line{p.no, p.offset, b.text.Data[at : at+p.size], p.origin})
		at += p.size
	}
	a.places = a.places[n:]
	return nil
}

// blockSize is about how many bytes of records go through the stage together: enough to ask the
// ledger about some dozens of large records at once.
const blockSize = 512 << 10
