package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// progressEvery is how often the bar moves, and lineEvery how often a line is written where
// stderr is not a terminal.
const (
	progressEvery = 200 * time.Millisecond
	lineEvery     = 20 * time.Second
)

// observer shows what goes on in a run to the person at the terminal.
func (a *app) observer() pipeline.Observer {
	return pipeline.Observer{
		Note:  func(text string) { a.screen.note("%s", text) },
		Wait:  a.onWait(),
		Begin: func(string) { a.collectAt(gcInAStage) },
		Watch: a.watch,
		End:   a.printStage,
		Path:  shownPath,
	}
}

// onWait tells the person at the terminal why nothing moves. Where notes are not shown it is nil: then
// the client logs a warning instead.
func (a *app) onWait() func(target.Wait) {
	if a.screen.quiet || a.screen.json {
		return nil
	}
	return func(w target.Wait) {
		a.screen.note("waiting %s for %s: %s", w.For.Round(time.Second), w.Host, w.Why)
	}
}

// watch shows progress until the returned function is called. It samples counters, so that the
// work itself only touches atomics.
func (a *app) watch(title string, read func() pipeline.Progress) (stop func()) {
	if a.Quiet || a.JSON {
		return func() {}
	}
	end := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if a.screen.progress {
			a.moveBar(title, read, end)
		} else {
			a.writeLines(title, read, end)
		}
	}()
	return func() { close(end); <-done }
}

func (a *app) moveBar(title string, read func() pipeline.Progress, end <-chan struct{}) {
	bar := progressbar.NewOptions64(-1, progressbar.OptionShowBytes(read().Bytes), progressbar.OptionSetWriter(a.screen.bar), progressbar.OptionSetDescription(title),
		progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionEnableColorCodes(false), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionFullWidth(), progressbar.OptionThrottle(progressEvery/2))
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-end:
			_ = bar.Finish()
			_ = bar.Clear()
			return
		case <-tick.C:
			s := read()
			if s.Total > 0 {
				bar.ChangeMax64(s.Total)
			}
			bar.Describe(title + ": " + s.Note)
			_ = bar.Set64(reached(s))
		}
	}
}

func (a *app) writeLines(title string, read func() pipeline.Progress, end <-chan struct{}) {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			s := read()
			a.screen.note("%s: %s", title, saidOf(s))
		}
	}
}

// saidOf says how far a stage is, in words.
func saidOf(p pipeline.Progress) string {
	amount := func(n int64) string { return fmt.Sprintf("%d", n) }
	what := " records"
	if p.Bytes {
		amount, what = report.Size, ""
	}
	if p.Total > 0 {
		return amount(reached(p)) + " of " + amount(p.Total) + what + ", " + p.Note
	}
	return amount(p.Done) + what + ", " + p.Note
}

// reached is how far the stage is, and never more than all of it: work that must be done again counts
// twice.
func reached(p pipeline.Progress) int64 {
	if p.Total > 0 {
		return min(p.Done, p.Total)
	}
	return p.Done
}
