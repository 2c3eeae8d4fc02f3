package send

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// staged reads the lines of a staged file in blocks, each with its origin.
type staged struct {
	reader  *jsonl.Reader
	origins *origins
	sums    checksums             // of the blocks still to come
	belongs func(line int64) bool // chooses the lines to be read, by their numbers; nil: all
}

// errChanged says that a staged file was changed while it was sent.
var errChanged = errors.New("the file was changed while it was read")

// openStaged opens a staged file whose blocks must still have these checksums.
func openStaged(r *runs.Run, resource string, sums checksums) (*staged, error) {
	reader, err := jsonl.OpenPlain(r.StagedFile(resource))
	if err != nil {
		return nil, fmt.Errorf("open staged %s: %w", resource, err)
	}
	o, err := openOrigins(r.OriginFile(resource))
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &staged{reader: reader, origins: o, sums: sums}, nil
}

// next fills b with the next lines, or returns io.EOF.
func (s *staged) next(b *block) error {
	b.lines = b.lines[:0]
	err := s.reader.Next(&b.text, blockSize)
	switch {
	case errors.Is(err, io.EOF) && len(s.sums) > 0:
		return errChanged
	case err != nil:
		return err
	case len(s.sums) == 0 || s.sums[0] != checksum(b.text.Data):
		return errChanged
	}
	s.sums = s.sums[1:]
	for no, text := range b.text.Lines {
		origin, err := s.origins.next()
		if err != nil {
			return err
		}
		if s.belongs == nil || s.belongs(no) {
			b.lines = append(b.lines, line{no, text, origin})
		}
	}
	return nil
}

func (s *staged) close() error { return errors.Join(s.reader.Close(), s.origins.file.Close()) }

// origins reads staged/<resource>.origin line by line.
type origins struct {
	file io.ReadCloser
	scan *bufio.Scanner
}

func openOrigins(path string) (*origins, error) {
	var file io.ReadCloser
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = io.NopCloser(strings.NewReader("")), nil
	}
	if err != nil {
		return nil, fmt.Errorf("open origins: %w", err)
	}
	return &origins{file, bufio.NewScanner(file)}, nil
}

// checkOrigins makes sure that the origins can be read to their end.
func checkOrigins(path string) error {
	o, err := openOrigins(path)
	if err != nil {
		return err
	}
	for o.scan.Scan() {
	}
	return errors.Join(o.scan.Err(), o.file.Close())
}

// next is the origin of the next line; empty after the last.
func (o *origins) next() (string, error) {
	if !o.scan.Scan() && o.scan.Err() != nil {
		return "", fmt.Errorf("read origins: %w", o.scan.Err())
	}
	return o.scan.Text(), nil
}

// checksums are those of the blocks of a staged file, taken while the pass is checked against the
// whole file. What is read again to be sent is held against them block by block, before any of it
// leaves: that is a tenth of the work of the file's digest. They hold in this process only.
type checksums []uint64

var checksumSeed = maphash.MakeSeed()

func checksum(data []byte) uint64 { return maphash.Bytes(checksumSeed, data) }

// takeChecksums reads a staged file for its digest and the checksums of its blocks. Nothing is sent
// meanwhile, so reading, the checksums and the digest, which is one long chain, go side by side.
func takeChecksums(ctx context.Context, path string) (d jsonl.Digest, sums checksums, err error) {
	r, err := jsonl.OpenPlain(path)
	if err != nil {
		return d, nil, err
	}
	defer r.Close()
	type piece struct {
		block jsonl.Block
		sum   uint64
	}
	pieces := sync.Pool{New: func() any { return &piece{} }}
	whole := sha256.New()
	read := func() (*piece, error) {
		p := pieces.Get().(*piece)
		return p, r.Next(&p.block, blockSize)
	}
	sum := func(p *piece) error {
		p.sum = checksum(p.block.Data)
		return nil
	}
	digest := func(p *piece) error {
		whole.Write(p.block.Data)
		sums = append(sums, p.sum)
		pieces.Put(p)
		return nil
	}
	if err := ordered.Run(ctx, 1, read, func() func(*piece) error { return sum }, digest); err != nil {
		return d, nil, err
	}
	d = r.Digest()
	d.SHA256 = hex.EncodeToString(whole.Sum(nil))
	return d, sums, nil
}
