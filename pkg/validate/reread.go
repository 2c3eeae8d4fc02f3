package validate

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
)

// blockStart is where a block of a staged file begins.
type blockStart struct {
	line   uint32 // number of its first line, from 1
	offset int64
}

// lineReader reads single lines of a staged file again: the few whose problems must be worded, or
// that must be compared. It keeps the blocks it read last, since such lines come in order.
type lineReader struct {
	file   *os.File
	starts []blockStart
	size   int64
	kept   []keptBlock // most recently used first
}

type keptBlock struct {
	n    int
	data []byte
}

const keepBlocks = 4

func openLines(path string, starts []blockStart, size int64) (*lineReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &lineReader{file: f, starts: starts, size: size}, nil
}

// line is the text of a line; it is valid until a few more were read.
func (r *lineReader) line(n uint32) ([]byte, error) {
	i, found := slices.BinarySearchFunc(r.starts, n, func(s blockStart, n uint32) int { return int(int64(s.line) - int64(n)) })
	if !found {
		i--
	}
	data, err := r.block(i)
	if err != nil {
		return nil, fmt.Errorf("read line %d of %s again: %w", n, r.file.Name(), err)
	}
	for at := r.starts[i].line; ; at++ {
		text, rest, more := bytes.Cut(data, []byte{'\n'})
		if at == n {
			return bytes.TrimSuffix(text, []byte{'\r'}), nil
		}
		if !more {
			return nil, fmt.Errorf("line %d of %s is gone: the file changed while it was read", n, r.file.Name())
		}
		data = rest
	}
}

func (r *lineReader) block(i int) ([]byte, error) {
	if at := slices.IndexFunc(r.kept, func(k keptBlock) bool { return k.n == i }); at >= 0 {
		b := r.kept[at]
		r.kept = slices.Insert(slices.Delete(r.kept, at, at+1), 0, b)
		return b.data, nil
	}
	end := r.size
	if i+1 < len(r.starts) {
		end = r.starts[i+1].offset
	}
	var b keptBlock
	if len(r.kept) == keepBlocks {
		b = r.kept[keepBlocks-1]
		r.kept = r.kept[:keepBlocks-1]
	}
	b.n = i
	b.data = slices.Grow(b.data[:0], int(end-r.starts[i].offset))[:end-r.starts[i].offset]
	if _, err := io.ReadFull(io.NewSectionReader(r.file, r.starts[i].offset, int64(len(b.data))), b.data); err != nil {
		return nil, err
	}
	r.kept = slices.Insert(r.kept, 0, b)
	return b.data, nil
}

// Close closes the file.
func (r *lineReader) Close() error { return r.file.Close() }
