package main

import (
	"io"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// logging feeds stderr and the run's log.jsonl. What is logged holds no secret and no student's data.
type logging struct {
	stderr slog.Handler
	logger *slog.Logger
	file   *os.File
	failed atomic.Bool
}

func newLogging(stderr io.Writer, s settings) (*logging, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, usage("use debug, info, warn or error", "--log-level %q is not known", s.LogLevel)
	}
	l := &logging{}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "text":
		l.stderr = slog.NewTextHandler(stderr, options)
	case "json":
		l.stderr = slog.NewJSONHandler(stderr, options)
	default:
		return nil, usage("use text or json", "--log-format %q is not known", s.LogFormat)
	}
	l.logger = slog.New(l.stderr)
	return l, nil
}

// into also writes to the run's log.jsonl from now on.
func (l *logging) into(r *runs.Run) error {
	l.close()
	f, err := os.OpenFile(r.File("log.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, durable.FileMode)
	if err != nil {
		return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the folder's rights and free space", "the run's log cannot be written")
	}
	l.file = f
	l.failed.Store(false)
	l.logger = slog.New(slog.NewMultiHandler(l.stderr, slog.NewJSONHandler(&watched{f, &l.failed}, &slog.HandlerOptions{Level: slog.LevelInfo}))).
		With("run", r.ID, "tenant", r.Tenant)
	return nil
}

func (l *logging) close() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
		l.logger = slog.New(l.stderr)
	}
}

// watched notes that a log line could not be written: slog itself drops such errors.
type watched struct {
	w      io.Writer
	failed *atomic.Bool
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.failed.Store(true)
	}
	return n, err
}
