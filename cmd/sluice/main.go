// Command sluice turns vendor assessment exports into Ed-Fi records, proves that the target will
// take them, and loads them.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"
)

// startGC lets the heap grow further between collections than Go's own 100 while a mapping is compiled:
// that saves a third of a small run. A stage goes back to Go's pace, so that memory stays flat in a large one.
const startGC = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(startGC)
	}
	signal.Ignore(syscall.SIGPIPE) // `sluice run … | head` must not stop a load half-way
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(int(run(ctx, os.Args[1:], streams{
		in:     os.Stdin,
		out:    os.Stdout,
		err:    os.Stderr,
		outTTY: term.IsTerminal(int(os.Stdout.Fd())),
		errTTY: term.IsTerminal(int(os.Stderr.Fd())),
		getenv: os.Getenv,
	})))
}
