package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/durable"
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
	room []byte // of a change being written
}

// appendLines writes a change as the log has it.
func appendLines(dst []byte, r *row, body []byte) []byte {
	r.Size = len(body)
	line, err := json.Marshal(r)
	if err != nil { // a row is made of texts and numbers
		panic(err)
	}
	dst = append(append(dst, line...), '\n')
	if len(body) > 0 {
		dst = append(append(dst, body...), '\n')
	}
	return dst
}

// append writes a change. If that fails, the end stays where it was.
func (l *logFile) append(r *row, body []byte) error {
	l.room = appendLines(l.room[:0], r, body)
	if _, err := l.file.WriteAt(l.room, l.end); err != nil {
		return fmt.Errorf("append to the sandbox's store: %w", err)
	}
	l.end += int64(len(l.room))
	r.offset = l.end - int64(len(body)) - 1
	return nil
}

// read reads a record's body.
func (l *logFile) read(r *row) ([]byte, error) {
	body := make([]byte, r.Size)
	if _, err := l.file.ReadAt(body, r.offset); err != nil {
		return nil, fmt.Errorf("read a record of %s from the sandbox's store: %w", r.Resource, err)
	}
	return body, nil
}

// openFolder opens the store in the options' folder, or starts one there.
func (s *store) openFolder(o *Options, log *slog.Logger) error {
	lock, err := durable.LockFolder(o.Dir, "a sandbox", o.Now())
	if _, locked := errors.AsType[*durable.LockedError](err); locked {
		return fmt.Errorf("open the store in %s: the sandbox's store is in use by another process: %w", o.Dir, err)
	}
	if err != nil {
		return fmt.Errorf("open the store in %s: %w", o.Dir, err)
	}
	s.lock = lock
	if err := durable.Sweep(o.Dir); err != nil {
		return err
	}
	path := filepath.Join(o.Dir, logName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || o.Reset {
		title, err := json.Marshal(logTitle{logFormat, newID(), s.model.version})
		if err == nil {
			log := slices.Concat(title, []byte{'\n'})
			for _, r := range s.model.seeds(o.Descriptors) {
				log = appendLines(log, r, r.body)
			}
			err = durable.WriteFile(path, log)
		}
		if err != nil {
			return fmt.Errorf("start the store: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR, durable.FileMode)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	s.log = &logFile{file: file}
	if err := s.openLog(log); err != nil {
		return fmt.Errorf("open the store %s: %w", path, err)
	}
	return nil
}

// ErrStore says that a store cannot be used: an older version wrote it, or it is damaged.
var ErrStore = errors.New("the store cannot be used")

// openLog reads the log, and cuts off what follows its last whole change.
func (s *store) openLog(log *slog.Logger) error {
	in := bufio.NewReaderSize(s.log.file, 1<<16)
	line, err := in.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var title logTitle
	if json.Unmarshal(line, &title) != nil || title.Format != logFormat || len(title.ID) != 32 {
		return fmt.Errorf("%w: this is not the log of a sandbox that this version can read", ErrStore)
	}
	if title.Standard != s.model.version {
		return fmt.Errorf("%w: it holds data of Data Standard %s, not %s", ErrStore, title.Standard, s.model.version)
	}
	s.id, s.log.end = title.ID, int64(len(line))
	if err := s.load(in); err != nil {
		return err
	}
	info, err := s.log.file.Stat()
	if torn := info.Size() - s.log.end; err == nil && torn > 0 {
		log.Warn("the end of the sandbox's store was cut short and is dropped", "bytes", torn)
		err = s.log.file.Truncate(s.log.end)
	}
	return err
}

// load reads changes up to the last whole one.
func (s *store) load(in *bufio.Reader) error {
	for {
		if err := s.loadRow(in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// loadRow reads a change. io.EOF says that there is no whole one.
func (s *store) loadRow(in *bufio.Reader) error {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	r := &row{}
	if err := json.Unmarshal(line, r); err != nil {
		return fmt.Errorf("%w: a line is damaged", ErrStore)
	}
	e, ok := s.model.find(r.Resource)
	if !ok {
		return fmt.Errorf("it holds %s, which Data Standard %s does not have", r.Resource, s.model.version)
	}
	r.endpoint = e
	size := int64(len(line))
	if r.Size > 0 {
		r.offset = s.log.end + size
		size += int64(r.Size) + 1
		if _, err := in.Discard(r.Size + 1); err != nil {
			return err
		}
	}
	s.log.end += size
	s.apply(r)
	return nil
}
