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
	if a.JSON {
		type failure struct {
			Code     diag.Code `json:"code"`
			Message  string    `json:"message"`
			Next     string    `json:"next"`
			Run      string    `json:"run,omitempty"`
			Problems diag.List `json:"problems,omitempty"`
		}
		object := struct {
			Error  failure        `json:"error"`
			Exit   runs.Outcome   `json:"exit"`
			Report *report.Report `json:"report,omitempty"` // of the stages that ran
		}{Error: failure{Code: e.Code, Message: e.Error(), Next: next, Problems: e.Problems}, Exit: outcome}
		if r != nil {
			object.Error.Run = r.Path
			object.Report, _ = report.Build(r) // a damaged run has none
		}
		if a.screen.result(object) == nil {
			return
		}
	}
	a.screen.problems(a.screen.err, e.Problems)
	a.screen.sayError("%s %s", paint(a.screen.errColour, red, "sluice: ["+string(e.Code)+"]"), e.Error())
	if next != "" {
		a.screen.sayError("  %s %s", paint(a.screen.errColour, dim, "→"), next)
	}
	if r != nil {
		a.printRunOfError(r, next)
	}
}

// printRunOfError says where the run lies that an error ended, and how to go on if the advice names no command.
func (a *app) printRunOfError(r *runs.Run, advice string) {
	sayWhere(a.screen.sayError, r, "  ")
	if r.Stages[runs.Send] != nil && r.Pass != nil && !strings.Contains(advice, "`") {
		a.screen.sayError("  to go on: %s", a.command("send", shownPath(r.Path), "--tenant", r.Tenant))
	}
}
