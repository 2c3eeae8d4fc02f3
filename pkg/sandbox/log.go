package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// The log is the store's only file: a line that names the store, then entries, each
//
//	length of head, length of body, checksum of head · head · body
//
// It is appended to without a sync: a killed process loses nothing that was answered, a power cut may
// lose the tail. Opening reads the heads alone; the body of the last entry is checked as well,
// because only the end of the file can be torn. Bodies are checked when they are read.

const (
	logName    = "store.log"
	logMagic   = "sluice-sandbox-store 1"
	prefixSize = 12
	maxHead    = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// op is what an entry says.
type op uint8

const (
	opPut    op = 1 // a record as it now is
	opDelete op = 2
	opCount  op = 3 // the counters, after a compaction
)

// entry is the head of a log entry.
type entry struct {
	op       op
	seeded   bool   // the record is one of the seeds or virtual ones, changed
	number   uint32 // which record; not for seeded ones
	version  uint64 // change version
	modified int64  // Unix nanoseconds
	key      key
	endpoint string
	bodySum  uint32
	links    []key // what the record refers to
}

func (e *entry) append(dst []byte) []byte {
	seeded := byte(0)
	if e.seeded {
		seeded = 1
	}
	dst = append(dst, byte(e.op), seeded)
	dst = binary.LittleEndian.AppendUint32(dst, e.number)
	dst = binary.LittleEndian.AppendUint64(dst, e.version)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.modified))
	dst = binary.LittleEndian.AppendUint32(dst, e.bodySum)
	dst = append(dst, e.key[:]...)
	dst = append(dst, byte(len(e.endpoint)))
	dst = append(dst, e.endpoint...)
	for _, k := range e.links {
		dst = append(dst, k[:]...)
	}
	return dst
}

const fixedHead = 2 + 4 + 8 + 8 + 4 + 16 + 1

var errTorn = errors.New("entry is cut short or damaged")

func (e *entry) parse(head []byte) error {
	if len(head) < fixedHead {
		return errTorn
	}
	e.op, e.seeded = op(head[0]), head[1] == 1
	e.number = binary.LittleEndian.Uint32(head[2:])
	e.version = binary.LittleEndian.Uint64(head[6:])
	e.modified = int64(binary.LittleEndian.Uint64(head[14:]))
	e.bodySum = binary.LittleEndian.Uint32(head[22:])
	copy(e.key[:], head[26:])
	name, rest := int(head[42]), head[fixedHead:]
	if len(rest) < name || (len(rest)-name)%len(key{}) != 0 {
		return errTorn
	}
	e.endpoint, rest = string(rest[:name]), rest[name:]
	e.links = e.links[:0]
	for ; len(rest) > 0; rest = rest[len(key{}):] {
		e.links = append(e.links, key(rest))
	}
	return nil
}

// medium holds the log's bytes.
type medium interface {
	io.ReaderAt
	// write puts data at the end of the log, which is at offset.
	write(data []byte, offset int64) error
	io.Closer
}

// blocks is a medium in memory, for stores that need not survive.
type blocks struct {
	mu   sync.RWMutex
	list [][]byte
}

const blockSize = 1 << 22

func (m *blocks) write(data []byte, offset int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(data) > 0 {
		i, at := int(offset/blockSize), int(offset%blockSize)
		for len(m.list) <= i {
			m.list = append(m.list, make([]byte, blockSize))
		}
		n := copy(m.list[i][at:], data)
		data, offset = data[n:], offset+int64(n)
	}
	return nil
}

// ReadAt implements io.ReaderAt.
func (m *blocks) ReadAt(p []byte, offset int64) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	read := 0
	for read < len(p) {
		i, at := int(offset/blockSize), int(offset%blockSize)
		if i >= len(m.list) {
			return read, io.EOF
		}
		n := copy(p[read:], m.list[i][at:])
		read, offset = read+n, offset+int64(n)
	}
	return read, nil
}

// Close implements io.Closer.
func (m *blocks) Close() error { return nil }

// file is a medium on disk.
type file struct{ *os.File }

func (f file) write(data []byte, offset int64) error {
	_, err := f.WriteAt(data, offset)
	return err
}

// logFile is an append log and where its end is.
type logFile struct {
	medium medium
	end    int64
	start  int64      // of the first entry
	room   []byte     // of an entry being written
	page   [2048]byte // of a head being read
}

// append writes an entry and says where it starts. A write that fails leaves the end where it was.
func (l *logFile) append(e *entry, body []byte) (offset int64, head int, err error) {
	e.bodySum = crc32.Checksum(body, castagnoli)
	l.room = append(l.room[:0], make([]byte, prefixSize)...)
	l.room = e.append(l.room)
	head = len(l.room) - prefixSize
	binary.LittleEndian.PutUint32(l.room, uint32(head))
	binary.LittleEndian.PutUint32(l.room[4:], uint32(len(body)))
	binary.LittleEndian.PutUint32(l.room[8:], crc32.Checksum(l.room[prefixSize:], castagnoli))
	l.room = append(l.room, body...)
	if err := l.medium.write(l.room, l.end); err != nil {
		return 0, 0, fmt.Errorf("append to the store: %w", err)
	}
	offset = l.end
	l.end += int64(len(l.room))
	return offset, head, nil
}

// readHead reads the head of the entry at offset. Unlike readBody it is for the store's writer alone.
func (l *logFile) readHead(offset int64, e *entry) (head, body int, err error) {
	room := &l.page
	n, err := l.medium.ReadAt(room[:min(int64(len(room)), l.end-offset)], offset)
	if n < prefixSize {
		return 0, 0, errors.Join(errTorn, err)
	}
	head = int(binary.LittleEndian.Uint32(room[:]))
	body = int(binary.LittleEndian.Uint32(room[4:]))
	if head > maxHead || offset+prefixSize+int64(head)+int64(body) > l.end {
		return 0, 0, errTorn
	}
	data := room[prefixSize:n]
	if head <= len(data) {
		data = data[:head]
	} else {
		data = make([]byte, head)
		if _, err := l.medium.ReadAt(data, offset+prefixSize); err != nil {
			return 0, 0, errors.Join(errTorn, err)
		}
	}
	if crc32.Checksum(data, castagnoli) != binary.LittleEndian.Uint32(room[8:]) {
		return 0, 0, errTorn
	}
	return head, body, e.parse(data)
}

// readBody reads the body of the entry at offset into dst.
func (l *logFile) readBody(dst []byte, offset int64, head, body int) ([]byte, error) {
	at := len(dst)
	dst = append(dst, make([]byte, body)...)
	if _, err := l.medium.ReadAt(dst[at:], offset+prefixSize+int64(head)); err != nil {
		return nil, fmt.Errorf("read a record from the store: %w", err)
	}
	return dst, nil
}

// openLog opens the log in dir, or starts one. It returns the store's id.
func openLog(dir, standard string, reset bool) (*logFile, string, error) {
	path := filepath.Join(dir, logName)
	if err := durable.Sweep(dir); err != nil {
		return nil, "", err
	}
	_, err := os.Stat(path)
	if missing := errors.Is(err, os.ErrNotExist); missing || reset && err == nil {
		if err := durable.WriteFile(path, logTitle(newID(), standard)); err != nil {
			return nil, "", fmt.Errorf("start the store: %w", err)
		}
	} else if err != nil {
		return nil, "", err
	}
	f, err := os.OpenFile(path, os.O_RDWR, durable.FileMode)
	if err != nil {
		return nil, "", fmt.Errorf("open the store: %w", err)
	}
	l, id, err := readTitle(f, standard)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("open the store %s: %w", path, err), f.Close())
	}
	return l, id, nil
}

func logTitle(id, standard string) []byte {
	return fmt.Appendf(nil, "%s %s %s\n", logMagic, id, standard)
}

func readTitle(f *os.File, standard string) (*logFile, string, error) {
	line, err := bufio.NewReader(io.NewSectionReader(f, 0, 256)).ReadString('\n')
	if err != nil {
		return nil, "", errors.New("this is not the log of a sandbox")
	}
	words := strings.Fields(strings.TrimPrefix(line, logMagic))
	if !strings.HasPrefix(line, logMagic+" ") || len(words) != 2 {
		return nil, "", errors.New("this is not the log of a sandbox that this version can read; start it anew with --reset")
	}
	if words[1] != standard {
		return nil, "", fmt.Errorf("the store holds data of Data Standard %s, not %s; start it anew with --reset", words[1], standard)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	return &logFile{medium: file{f}, start: int64(len(line)), end: info.Size()}, words[0], nil
}

// scan reads the entries' heads in order, and cuts off a torn tail; it returns how many bytes that was.
func (l *logFile) scan(each func(e *entry, offset int64, head, body int) error) (torn int64, err error) {
	size := l.end
	var last struct {
		offset     int64
		head, body int
		sum        uint32
	}
	var e entry
	at := l.start
	for at < size {
		head, body, err := l.readHead(at, &e)
		if err != nil {
			break
		}
		next := at + prefixSize + int64(head) + int64(body)
		if next == size { // only the last body can be torn within its length: by a power cut
			last.offset, last.head, last.body, last.sum = at, head, body, e.bodySum
			data, err := l.readBody(nil, last.offset, last.head, last.body)
			if err != nil || crc32.Checksum(data, castagnoli) != last.sum {
				break
			}
		}
		if err := each(&e, at, head, body); err != nil {
			return 0, err
		}
		at = next
	}
	l.end = at
	if at == size {
		return 0, nil
	}
	if f, ok := l.medium.(file); ok {
		if err := f.Truncate(at); err != nil {
			return 0, fmt.Errorf("cut the torn end off the store: %w", err)
		}
	}
	return size - at, nil
}

// sameBody says that the entry at offset has this very body.
func (l *logFile) sameBody(offset int64, head, length int, body []byte) bool {
	if length != len(body) {
		return false
	}
	old, err := l.readBody(nil, offset, head, length)
	return err == nil && bytes.Equal(old, body)
}
