package main

import (
	"errors"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// printError prints what ended the command: for people on stderr, under --json as an object on stdout.
func (a *app) printError(err error, outcome runs.Outcome) {
	e, ok := diag.AsError(err)
	if !ok {
		e = diag.Fail(diag.CouldNotRun, diag.Internal, "", "%s", err.Error())
	}
	next := e.Advice()
	var r *runs.Run
	if of, ok := errors.AsType[*pipeline.RunError](err); ok {
		r = of.Run
	}
	going := a.nextAfterError(e, outcome, r)
	if a.JSON {
		type failure struct {
			Code     diag.Code `json:"code"`
			Message  string    `json:"message"`
			Fix      string    `json:"fix"`            // what to do, for people
			Next     []string  `json:"next,omitempty"` // the command that does it or goes on, word by word
			Run      string    `json:"run,omitempty"`
			Problems diag.List `json:"problems,omitempty"`
		}
		object := struct {
			Error  failure        `json:"error"`
			Exit   runs.Outcome   `json:"exit"`
			Report *report.Report `json:"report,omitempty"` // of the stages that ran
		}{Error: failure{Code: e.Code, Message: e.Error(), Fix: next, Next: a.nextWords(going, next), Problems: e.Problems}, Exit: outcome}
		if r != nil {
			object.Error.Run = r.Path
			object.Report, _ = report.Build(r) // a damaged run has none
		}
		if a.screen.result(object) == nil {
			return
		}
	}
	if a.toPrograms() {
		if r != nil && len(e.Problems) == 0 {
			_ = a.printJudged(r, e) // a damaged run has none
		} else {
			_ = a.printFindings(byFile(e.Problems), e)
		}
	}
	if !e.Repeats() {
		a.screen.problems(a.screen.err, e.Problems)
	}
	who := "sluice: [" + string(e.Code) + "]"
	text := folded(a.screen.errColumns(), "  ", who+" "+e.Error())
	a.screen.sayError("%s%s", paint(a.screen.errColour, red, who), strings.TrimPrefix(text, who))
	lines := mostLines - 1
	if next != "" && (going == nil || e.Code != diag.MachineInterrupt) { // whose advice is to go on
		lines--
		a.screen.sayError("  %s %s", paint(a.screen.errColour, dim, "→"), next)
	}
	if r == nil {
		a.sayNext(a.screen.sayError, going)
		return
	}
	if rep, err := report.Build(r); err == nil { // a damaged run has none
		a.sayVerdict(a.screen.sayError, r, rep, outcome, going, lines)
	}
}
