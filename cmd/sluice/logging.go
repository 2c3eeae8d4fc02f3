package main

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// logging feeds stderr and the log.jsonl of the run at work. What is logged holds no secret and no
// student's data. The logger is made once, because the target's client keeps it over several stages.
type logging struct {
	logger *slog.Logger
	file   runLog
}

func newLogging(stderr io.Writer, s settings) (*logging, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, usage("use debug, info, warn or error", "--log-level %q is not known", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	var people slog.Handler
	switch s.LogFormat {
	case "text":
		people = slog.NewTextHandler(stderr, options)
	case "json":
		people = slog.NewJSONHandler(stderr, options)
	default:
		return nil, usage("use text or json", "--log-format %q is not known", s.LogFormat)
	}
	l := &logging{}
	l.logger = slog.New(slog.NewMultiHandler(people, slog.NewJSONHandler(&l.file, &slog.HandlerOptions{Level: slog.LevelInfo})))
	return l, nil
}

// into writes to the run's log.jsonl from now on, what was logged before it included.
func (l *logging) into(r *runs.Run) error {
	l.close()
	f, err := os.OpenFile(r.File("log.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, durable.FileMode)
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the folder's rights and free space", "the run's log cannot be written")
	}
	l.file.open(f)
	return nil
}

func (l *logging) close() { l.file.close() }

// runLog is the file at work. Lines that come while there is none are kept for the next one, within bounds.
type runLog struct {
	mu     sync.Mutex
	file   *os.File
	kept   []byte
	failed bool // slog itself drops such errors
}

// mostKept bounds what is kept between stages.
const mostKept = 1 << 20

func (l *runLog) open(f *os.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file, l.failed = f, false
	if _, err := f.Write(l.kept); err != nil {
		l.failed = true
	}
	l.kept = nil
}

func (l *runLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
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
