package pipeline

import (
	"log/slog"
	"os"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
)

// runLog is the log.jsonl of a run. Lines that come before there is a run are kept for it, within
// bounds. What is logged holds no secret and no student's data.
type runLog struct {
	mu     sync.Mutex
	file   *os.File
	kept   []byte
	failed bool // slog itself drops such errors
}

// mostKept bounds what is kept.
const mostKept = 1 << 20

// logger writes to the run's log, and to another handler, which may be nil.
func (l *runLog) logger(other slog.Handler) *slog.Logger {
	file := slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo})
	if other == nil {
		return slog.New(file)
	}
	return slog.New(slog.NewMultiHandler(other, file))
}

// into writes to the file from now on, what was kept included.
func (l *runLog) into(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		return nil // another stage of the same execution
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, durable.FileMode)
	if err != nil {
		return diag.Unwritable(err, "Check the folder's permissions and free space.", "the run's log cannot be written")
	}
	_, err = f.Write(l.kept)
	l.file, l.failed, l.kept = f, err != nil, nil
	return nil
}

func (l *runLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.failed = l.file.Close() != nil || l.failed
		l.file = nil
	}
}

func (l *runLog) hasFailed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Write takes one line.
func (l *runLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		if len(l.kept)+len(p) <= mostKept {
			l.kept = append(l.kept, p...)
		}
		return len(p), nil
	}
	n, err := l.file.Write(p)
	l.failed = l.failed || err != nil
	return n, err
}
