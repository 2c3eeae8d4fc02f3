package send

import (
	"bytes"
	"io"
	"os"
)

// position is where a line that is sent later lies in its file.
type position struct {
	no     int64
	offset int64
	size   int
	origin string
}

// chosenLines reads lines of a staged file in the order of their positions.
type chosenLines struct {
	file      *os.File
	positions []position
}

// next fills b with the next lines, or returns io.EOF.
func (c *chosenLines) next(b *block) error {
	if len(c.positions) == 0 {
		return io.EOF
	}
	size, n := 0, 0
	for n < len(c.positions) && (n == 0 || size+c.positions[n].size <= blockSize) {
		size += c.positions[n].size
		n++
	}
	b.lines = b.lines[:0]
	data := bytes.NewBuffer(b.text.Data[:0])
	data.Grow(size)
	for _, p := range c.positions[:n] {
		if _, err := io.Copy(data, io.NewSectionReader(c.file, p.offset, int64(p.size))); err != nil {
			return err
		}
	}
	b.text.Data = data.Bytes()
	at := 0
	for _, p := range c.positions[:n] {
		b.lines = append(b.lines, line{p.no, p.offset, b.text.Data[at : at+p.size], p.origin})
		at += p.size
	}
	c.positions = c.positions[n:]
	return nil
}
