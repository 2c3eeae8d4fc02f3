package main

import "runtime/debug"

// How far the heap may grow between collections, in percent. While a mapping is compiled it may grow
// further than Go's own 100: that saves a third of a small run. A stage goes back to Go's pace, so that
// memory stays flat in a large one.
const (
	gcWhileCompiling = 200
	gcInAStage       = 100
	gcForARoster     = 50 // reading millions of students waits for the target or the disk, not for the collector
)

// collectAt sets how far the heap may grow, unless GOGC says it.
func (a *app) collectAt(percent int) {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
