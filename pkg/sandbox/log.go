package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// The log is the store's only file, made of lines of JSON: one that names the store, then two for each
// change, the row and its body as it came; for a deleted record the row alone. What a new store knows
// from the start is written to it like any other record.
//
// Opening reads the rows and skips the bodies. The log is appended to without a sync: a killed process
// loses nothing that was answered, a power cut may lose the end. A change that is cut short by either is
// dropped at the next opening.
const (
	logName   = "store.log"
	logFormat = "sluice sandbox store 2"
)

// logTitle is the first line.
type logTitle struct {
	Format   string `json:"format"`
	ID       string `json:"id"`
	Standard string `json:"standard"`
}

// logFile is the log and where its end is.
type logFile struct {
	file *os.File
	end  int64
	room []byte // of a change being written or read
	refs []uint32
	in   *bufio.Reader // of the opening
}

// from goes to a place in the log, to read on there.
func (l *logFile) from(at int64) *bufio.Reader {
	l.in.Reset(io.NewSectionReader(l.file, at, math.MaxInt64-at))
	return l.in
}

// appendLines writes a change as the log has it, and notes in it how long both lines are.
func appendLines(dst []byte, e *entry, body []byte) []byte {
	from := len(dst)
	dst = strconv.AppendUint(append(dst, `{"number":`...), uint64(e.number), 10)
	dst = jsonl.AppendString(append(dst, `,"resource":`...), e.of.Name)
	dst = jsonl.AppendString(append(dst, `,"key":`...), e.text)
	if e.value != "" {
		dst = jsonl.AppendString(append(dst, `,"value":`...), e.value)
	}
	dst = strconv.AppendUint(append(dst, `,"version":`...), e.version, 10)
	dst = strconv.AppendInt(append(dst, `,"modified":`...), e.modified, 10)
	if len(e.refs) > 0 {
		dst = append(dst, `,"refs":[`...)
		for _, n := range e.refs {
			dst = append(strconv.AppendUint(dst, uint64(n), 10), ',')
		}
		dst = closeWith(dst, ']')
	}
	dst = strconv.AppendInt(append(dst, `,"size":`...), int64(len(body)), 10)
	dst = append(dst, "}\n"...)
	e.head, e.size = uint32(len(dst)-from), uint32(len(body))
	if len(body) > 0 {
		dst = append(append(dst, body...), '\n')
	}
	return dst
}

// append writes a change. If that fails, the end stays where it was.
func (l *logFile) append(e *entry, body []byte) error {
	l.room = appendLines(l.room[:0], e, body)
	if _, err := l.file.WriteAt(l.room, l.end); err != nil {
		return fmt.Errorf("append to the sandbox's store: %w", err)
	}
	e.offset, l.end = l.end, l.end+int64(len(l.room))
	return nil
}

// read appends n bytes of the log.
func (l *logFile) read(dst []byte, at int64, n int) ([]byte, error) {
	from := len(dst)
	dst = slices.Grow(dst, n)[:from+n]
	if _, err := l.file.ReadAt(dst[from:], at); err != nil {
		return nil, fmt.Errorf("read a record from the sandbox's store: %w", err)
	}
	return dst, nil
}

// openFolder opens the store in the options' folder, or starts one there.
func (s *store) openFolder(o *Options, log *slog.Logger) error {
	lock, err := durable.LockFolder(o.Dir, "a sandbox", o.Now())
	if err != nil {
		return fmt.Errorf("open the store in %s: %w", o.Dir, err)
	}
	s.lock = lock
	if err := durable.Sweep(o.Dir); err != nil {
		return err
	}
	path := filepath.Join(o.Dir, logName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || o.Reset {
		log := append(toJSON(logTitle{logFormat, newID(), s.model.version}), '\n')
		s.model.seeds(o.Descriptors, func(e *entry, body []byte) { log = appendLines(log, e, body) })
		if err := durable.WriteFile(path, log); err != nil {
			return fmt.Errorf("start the store: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR, durable.FileMode)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	s.log = &logFile{file: file, in: bufio.NewReader(nil)}
	return s.openLog(log)
}

// StandardIn is the data standard of the store in a folder; "" if there is none that can be read.
func StandardIn(folder string) string {
	file, err := os.Open(filepath.Join(folder, logName))
	if err != nil {
		return ""
	}
	defer file.Close()
	var title logTitle
	line, _ := bufio.NewReader(io.LimitReader(file, 1000)).ReadBytes('\n')
	_ = json.Unmarshal(line, &title) // of what it cannot read nothing is known
	return title.Standard
}

// damaged says that the log is not what was written.
func (s *store) damaged(at int64) error { return s.unusable("it is damaged at byte %d", at) }

// unusable says that the log cannot be used.
func (s *store) unusable(format string, args ...any) error {
	return &FileError{Path: s.log.file.Name(), Err: fmt.Errorf(format, args...)}
}

// openLog reads the log, and cuts off a last change that is not whole.
func (s *store) openLog(log *slog.Logger) error {
	line, err := s.log.from(0).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var title logTitle
	if json.Unmarshal(line, &title) != nil || title.Format != logFormat || len(title.ID) != 32 {
		return s.unusable("this is not the log of a sandbox that this version can read")
	}
	if title.Standard != s.model.version {
		return s.unusable("it holds data of Data Standard %s, not %s", title.Standard, s.model.version)
	}
	s.id, s.log.end = title.ID, int64(len(line))
	s.log.from(s.log.end)
	for err = nil; err == nil; {
		err = s.load()
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	info, err := s.log.file.Stat()
	if torn := info.Size() - s.log.end; err == nil && torn > 0 {
		log.Warn("the last change in the sandbox's store was cut short and is dropped", "bytes", torn)
		err = s.log.file.Truncate(s.log.end)
	}
	return err
}

// load reads the change at the end, and moves the end behind it. io.EOF says that the file ends in it, which
// a killed process may leave. What is damaged in another way has more lines after it, and is refused.
func (s *store) load() error {
	line, err := s.log.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) { // few records refer to that many
		line, err = s.log.from(s.log.end).ReadBytes('\n')
	}
	if err != nil {
		return err
	}
	e := entry{row: row{offset: s.log.end, head: uint32(len(line))}, refs: s.log.refs[:0]}
	scan := jsonl.Scanner{Data: line, Decoded: s.log.room[:0]}
	name, ok := e.readHead(&scan)
	s.log.refs, s.log.room = e.refs, scan.Decoded
	if !ok {
		return s.damaged(e.offset)
	}
	if e.of, ok = s.model.byName[string(name)]; !ok {
		return s.unusable("it holds %s, which Data Standard %s does not have", name, s.model.version)
	}
	e.endpoint, e.key = e.of.index, e.of.keyOf(e.text)
	next := e.offset + int64(len(line))
	if size := int(e.size); size > 0 {
		if size <= s.log.in.Buffered() {
			_, _ = s.log.in.Discard(size) // what is in the buffer can be passed over
		} else {
			s.log.from(next + int64(size))
		}
		end, err := s.log.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if _, after := s.log.from(next).ReadBytes('\n'); after == nil {
				return s.damaged(e.offset)
			}
		}
		if err != nil {
			return err
		}
		if end != '\n' {
			return s.damaged(e.offset)
		}
		next += int64(size) + 1
	}
	if err := s.readFormer(&e); err != nil {
		return err
	}
	s.log.end = next
	s.apply(&e)
	return nil
}

// readHead fills in an entry from its first line, and says what its resource is.
func (e *entry) readHead(s *jsonl.Scanner) (resource []byte, ok bool) {
	has := func(c byte) bool {
		found := s.Peek() == c
		if found {
			s.Pos++
		}
		return found
	}
	digits := func() (n uint64) {
		for c := s.Peek(); c >= '0' && c <= '9'; c = s.Peek() {
			n = 10*n + uint64(c-'0')
			s.Pos++
		}
		return n
	}
	text := func() (text []byte) {
		if ok = ok && s.Peek() == '"'; ok {
			text, ok = s.Text()
		}
		return text
	}
	ok = has('{')
	for more := true; ok && more; more = has(',') {
		name := text()
		ok = ok && s.Colon()
		switch string(name) {
		case "number":
			e.number = uint32(digits())
		case "resource":
			resource = text()
		case "key":
			e.text = text()
		case "value":
			e.value = string(text())
		case "version":
			e.version = digits()
		case "modified":
			e.modified = int64(digits())
		case "size":
			e.size = uint32(digits())
		case "refs":
			for has('[') || has(',') {
				e.refs = append(e.refs, uint32(digits()))
			}
			ok = ok && has(']')
		}
	}
	return resource, ok && has('}') && s.Peek() == 0 && len(resource) > 0
}
