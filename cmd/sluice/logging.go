package main

import (
	"io"
	"log/slog"
)

// newLog is the log on stderr. What is logged holds no secret and no student's data.
func newLog(stderr io.Writer, s settings) (slog.Handler, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, usage("use debug, info, warn or error", "--log-level %q is not known", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "text":
		return slog.NewTextHandler(stderr, options), nil
	case "json":
		return slog.NewJSONHandler(stderr, options), nil
	}
	return nil, usage("use text or json", "--log-format %q is not known", s.LogFormat)
}
