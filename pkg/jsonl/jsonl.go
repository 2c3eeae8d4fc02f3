// Package jsonl owns record files: one JSON object a line, written with a digest and read in blocks of
// whole lines, with the origin of each line in a file beside it; and, for the hot paths, JSON that is
// appended and scanned without building a tree.
package jsonl

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// Digest is what a committed file holds.
type Digest struct {
	Lines  int64  `json:"lines"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Writer writes a file of lines that is complete or absent. It is owned by one goroutine.
type Writer struct {
	file  *durable.File
	buf   *bufio.Writer
	hash  hash.Hash
	lines int64
	bytes int64
}

const bufferSize = 1 << 20

// Create begins the file; its folder must exist.
func Create(path string) (*Writer, error) {
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, hash: sha256.New()}
	w.buf = bufio.NewWriterSize(io.MultiWriter(f, w.hash), bufferSize)
	return w, nil
}

// Write appends text that holds n whole lines, each with its line end; Commit counts by it.
func (w *Writer) Write(text []byte, n int) error {
	w.lines += int64(n)
	w.bytes += int64(len(text))
	_, err := w.buf.Write(text)
	return err
}

// Commit syncs the file, gives it its name, and says what it holds.
func (w *Writer) Commit() (Digest, error) {
	if err := w.buf.Flush(); err != nil {
		return Digest{}, errors.Join(err, w.file.Close())
	}
	if err := w.file.Commit(); err != nil {
		return Digest{}, err
	}
	return Digest{w.lines, w.bytes, hex.EncodeToString(w.hash.Sum(nil))}, nil
}

// Close discards a file that was not committed; after Commit it does nothing.
func (w *Writer) Close() error { return w.file.Close() }

// Block holds some whole lines of a file. It belongs to the caller of Next until the next call with it.
type Block struct {
	First int64  // number of the first line, from 1
	Data  []byte // the lines with their line ends (the last line of a file may have none)
}

// Lines calls yield for each line without its line end, with its number; the text is part of Data.
func (b *Block) Lines(yield func(line int64, text []byte) bool) {
	n := b.First
	for text := range bytes.Lines(b.Data) {
		if !yield(n, bytes.TrimSuffix(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\r'})) {
			return
		}
		n++
	}
}

// Reader reads a record file in blocks and computes its digest on the way.
type Reader struct {
	file  *os.File
	hash  hash.Hash // nil: the digest is not needed
	tail  []byte
	line  int64
	bytes int64
	eof   bool
}

// Open opens a record file.
func Open(path string) (*Reader, error) {
	r, err := OpenPlain(path)
	if err == nil {
		r.hash = sha256.New()
	}
	return r, err
}

// OpenPlain opens a record file whose digest is known or not needed.
func OpenPlain(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &Reader{file: f, line: 1}, nil
}

// Next fills b with the next whole lines, about size bytes of them (0: 256 KiB), or returns io.EOF.
func (r *Reader) Next(b *Block, size int) error {
	if size <= 0 {
		size = 256 << 10
	}
	b.Data = append(b.Data[:0], r.tail...)
	r.tail = r.tail[:0]
	b.First = r.line
	for {
		if !r.eof {
			have := len(b.Data)
			if cap(b.Data)-have < size {
				grown := make([]byte, have, have+size+size/4)
				copy(grown, b.Data)
				b.Data = grown
			}
			n, err := io.ReadFull(r.file, b.Data[have:have+size])
			b.Data = b.Data[:have+n]
			if r.hash != nil {
				r.hash.Write(b.Data[have:])
			}
			r.bytes += int64(n)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				r.eof = true
			} else if err != nil {
				return err
			}
		}
		end := len(b.Data)
		if !r.eof {
			end = bytes.LastIndexByte(b.Data, '\n') + 1
			if end == 0 {
				continue // a line longer than the block
			}
		}
		if end == 0 {
			return io.EOF
		}
		r.tail = append(r.tail, b.Data[end:]...)
		b.Data = b.Data[:end]
		r.line += int64(bytes.Count(b.Data, []byte{'\n'}))
		if b.Data[end-1] != '\n' {
			r.line++
		}
		return nil
	}
}

// Digest is the digest of the whole file, after Next has returned io.EOF; without SHA256 if the reader
// is OpenPlain's.
func (r *Reader) Digest() Digest {
	d := Digest{Lines: r.line - 1, Bytes: r.bytes}
	if r.hash != nil {
		d.SHA256 = hex.EncodeToString(r.hash.Sum(nil))
	}
	return d
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Line is one line of a record file; Text is valid until the next one.
type Line struct {
	Number int64 // from 1
	Text   []byte
}

// Each calls yield for each line of the file at path, without its line feed, until yield returns an
// error, which Each returns. A file that does not exist has no lines.
func Each(path string, yield func(Line) error) error {
	r, err := OpenPlain(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	var b Block
	for {
		if err := r.Next(&b, 0); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		line := Line{Number: b.First}
		for text := range bytes.Lines(b.Data) {
			line.Text = bytes.TrimSuffix(text, []byte{'\n'})
			if err := yield(line); err != nil {
				return err
			}
			line.Number++
		}
	}
}

// DigestFile reads a whole file for its digest.
func DigestFile(path string) (Digest, error) {
	r, err := Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer r.Close()
	var b Block
	for err == nil {
		err = r.Next(&b, bufferSize)
	}
	if !errors.Is(err, io.EOF) {
		return Digest{}, err
	}
	return r.Digest(), nil
}

// Indented is a value as JSON for people to read, with a line end; <, > and & stay as they are.
func Indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
