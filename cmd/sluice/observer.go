package main

import (
	"time"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/target"
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
