package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Group is the problems of one cause.
type Group struct {
	Stage    string     `json:"stage"`
	Code     diag.Code  `json:"code"`
	Level    diag.Level `json:"level"`
	Input    string     `json:"input,omitempty"`
	Column   string     `json:"column,omitempty"`
	Resource string     `json:"resource,omitempty"`
	Path     string     `json:"path,omitempty"`
	Message  string     `json:"message"` // of the first, or of the code where it is the target's; a student's data is never in it
	Fix      string     `json:"fix,omitempty"`
	Rule     string     `json:"rule,omitempty"`
	First    string     `json:"first,omitempty"` // where the first is: file:line
	Count    int64      `json:"count"`
}

// index is the number of an item in a path: problems of all items of a list have one cause.
var index = regexp.MustCompile(`\[\d+\]`)

// mostShapes is how many causes the target's messages may tell apart: some have a part that varies and is
// neither quoted nor a number.
const mostShapes = 200

// gather reads a stage's problems and adds them up by cause.
func (rep *Report) gather(r *runs.Run, stage string) error {
	at := map[runs.Cause]int{}
	return r.EachProblem(stage, func(p diag.Problem) {
		n := int64(max(p.Count, 1))
		rep.Totals[p.Level.String()] += n
		path := index.ReplaceAllString(p.Path, "[]")
		cause := runs.Cause{Code: p.Code, Input: p.Input, Column: p.Column, Resource: p.Resource, Path: path, Rule: p.Rule}
		message := masked(p)
		if stage == runs.Send {
			e, _ := diag.Explain(p.Code)
			message = e.Meaning // the target's own words may quote a student's data: they stand in errors/
			if len(at) < mostShapes && !strings.HasPrefix(string(p.Code), "REF-") {
				cause.Value = diag.Masked(p.Message)
			}
		}
		i, known := at[cause]
		if !known {
			i = len(rep.Problems)
			at[cause] = i
			rep.Problems = append(rep.Problems, Group{Stage: stage, Code: p.Code, Level: p.Level, Input: p.Input, Column: p.Column,
				Resource: p.Resource, Path: path, Message: message, Fix: p.Fix, Rule: p.Rule, First: place(p)})
		}
		rep.Problems[i].Count += n
	})
}

// place is where a problem was found, for people.
func place(p diag.Problem) string {
	switch {
	case p.File != "" && p.Line > 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	case p.File != "":
		return p.File
	case p.Resource != "" && p.StagedLine > 0:
		return fmt.Sprintf("staged/%s.jsonl:%d", p.Resource, p.StagedLine)
	}
	return ""
}
