package catalog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// A file of events holds what a target had of one assessment at a change version: a line of JSON, the events, and the
// digest of both. An event is 58 bytes and its identifier. It names no student and holds no score.

type eventHead struct {
	Format  int   `json:"format"`
	Version int64 `json:"version"` // change version up to which it is complete
}

const (
	eventFormat = 1
	eventFixed  = 8 + 16 + 16 + 4 + 4 + 1 + 8 + 1
	digestSize  = sha256.Size
	eventPrefix = "events-"
)

// EventFiles is the pattern of the names of files of events.
const EventFiles = eventPrefix + "*"

var errDamagedEvents = errors.New("the file of events is damaged")

// eventWriter writes a file of events.
type eventWriter struct {
	file *durable.File
	out  *bufio.Writer
	sum  hash.Hash
	row  []byte
	n    int64
}

func createEvents(path string, version int64) (*eventWriter, error) {
	file, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	w := &eventWriter{file: file, sum: sha256.New()}
	w.out = bufio.NewWriterSize(io.MultiWriter(file, w.sum), 1<<16)
	head, err := json.Marshal(eventHead{eventFormat, version})
	if err == nil {
		_, err = w.out.Write(append(head, '\n'))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// add writes an event. An identifier is never longer than 255 bytes: the data standard has 60 characters for it.
func (w *eventWriter) add(e *Event) error {
	name := e.Identifier[:min(len(e.Identifier), 255)]
	b := binary.BigEndian.AppendUint64(w.row[:0], e.ID)
	b = append(append(b, e.Key[:]...), e.Student[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Day)
	b = binary.BigEndian.AppendUint32(b, uint32(e.Second))
	b = binary.BigEndian.AppendUint64(append(b, e.Values), e.Scores)
	w.row = append(append(b, byte(len(name))), name...)
	w.n++
	_, err := w.out.Write(w.row)
	return err
}

func (w *eventWriter) commit() error {
	if err := w.out.Flush(); err != nil {
		return errors.Join(err, w.file.Close())
	}
	if _, err := w.file.Write(w.sum.Sum(nil)); err != nil {
		return errors.Join(err, w.file.Close())
	}
	return w.file.Commit()
}

// eventFile is a whole file of events, open for reading.
type eventFile struct {
	eventHead
	file *os.File
	body int64 // where the events begin
	end  int64 // and where they end
}

// openEvents opens a file of events; one that is damaged is not used.
func openEvents(path string) (f *eventFile, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f = &eventFile{file: file, end: info.Size() - digestSize}
	if f.end < 1 {
		return nil, errDamagedEvents
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, f.end)); err != nil {
		return nil, err
	}
	want := make([]byte, digestSize)
	if _, err := file.ReadAt(want, f.end); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(io.NewSectionReader(file, 0, f.end)).ReadBytes('\n')
	if err != nil || !bytes.Equal(want, sum.Sum(nil)) || json.Unmarshal(line, &f.eventHead) != nil || f.Format != eventFormat {
		return nil, errDamagedEvents
	}
	f.body = int64(len(line))
	return f, nil
}

// each gives the events in their order; they are valid during the call.
func (f *eventFile) each(use func(*Event) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f.file, f.body, f.end-f.body), 1<<16)
	var b [eventFixed]byte
	var name [255]byte
	for {
		if _, err := io.ReadFull(in, b[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errors.Join(errDamagedEvents, err)
		}
		e := Event{ID: binary.BigEndian.Uint64(b[:]), Key: [16]byte(b[8:24]), Student: [16]byte(b[24:40]), Day: binary.BigEndian.Uint32(b[40:]),
			Second: int32(binary.BigEndian.Uint32(b[44:])), Values: b[48], Scores: binary.BigEndian.Uint64(b[49:])}
		text := name[:b[57]]
		if _, err := io.ReadFull(in, text); err != nil {
			return errors.Join(errDamagedEvents, err)
		}
		e.Identifier = string(text)
		if err := use(&e); err != nil {
			return err
		}
	}
}

func (f *eventFile) close() error { return f.file.Close() }

// eventPath is where the events of an assessment are kept; "" if nothing is kept.
func (c *cache) eventPath(assessment []byte) string {
	if c.folder == "" {
		return ""
	}
	return filepath.Join(c.folder, eventPrefix+hex.EncodeToString(assessment))
}
