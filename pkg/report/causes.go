package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Group is the problems of one cause.
type Group struct {
	Stage    string     `json:"stage"`
	Code     diag.Code  `json:"code"`
	Level    diag.Level `json:"level"`
	Word     string     `json:"levelWord"`
	Input    string     `json:"input,omitempty"`
	Column   string     `json:"column,omitempty"`
	Resource string     `json:"resource,omitempty"`
	Path     string     `json:"path,omitempty"`
	Message  string     `json:"message"` // of the first, or of the code where it is the target's; a student's data is never in it
	Fix      string     `json:"fix,omitempty"`
	Rule     string     `json:"rule,omitempty"`
	RuleID   string     `json:"ruleId,omitempty"`
	First    string     `json:"first,omitempty"` // where the first is: file:line
	Count    int64      `json:"count"`
	Rows     int64      `json:"rows"`             // rows that they stand in; records where the file is not known
	Lines    []Place    `json:"lines,omitempty"`  // of the first ten of these rows
	Values   []Value    `json:"values,omitempty"` // the most frequent ones of the column; none where they may be a student's

	Acknowledged *diag.Accepted `json:"acknowledged,omitempty"` // by the tenant, until a day

	last     Place // of a row that was counted
	seen     map[string]*Value
	distinct int  // values
	more     bool // there are more than that
}

// Place is a line of a file.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Value is a value that caused problems.
type Value struct {
	Value   string   `json:"value"`
	Count   int64    `json:"count"`
	Line    int      `json:"line,omitempty"`    // of the first
	Nearest string   `json:"nearest,omitempty"` // values that a table knows
	Missing *Missing `json:"missing,omitempty"` // the row that a table lacks

	table  string // that has no row for the value
	hidden bool   // it may be a student's: it is only counted
}

// index is the number of an item in a path: problems of all items of a list have one cause.
var index = regexp.MustCompile(`\[\d+\]`)

// mostShapes is how many causes the target's messages may tell apart: some have a part that varies and is
// neither quoted nor a number.
const mostShapes = 200

// onceCalled are words by which report.json also counts levels, for programs that know these.
var onceCalled = map[diag.Level]string{diag.LevelFormat: "format", diag.LevelInfo: "info"}

// gather reads a stage's problems and adds them up by cause.
func (rep *Report) gather(r *runs.Run, stage string) error {
	type kind struct {
		runs.Cause
		accepted diag.Accepted
	}
	at := map[kind]int{}
	return r.EachProblem(stage, func(p diag.Problem) {
		n := int64(max(p.Count, 1))
		rep.Totals[p.Level.String()] += n
		if p.Acknowledged != nil {
			rep.Totals["acknowledged"] += n
		}
		if once := onceCalled[p.Level]; once != "" {
			rep.Totals[once] += n
		}
		path := index.ReplaceAllString(p.Path, "[]")
		cause := kind{Cause: runs.Cause{Code: p.Code, Input: p.Input, Column: p.Column, Resource: p.Resource, Path: path, Rule: p.Rule}}
		if p.Acknowledged != nil {
			cause.accepted = *p.Acknowledged
		}
		message := masked(p)
		if stage == runs.Send {
			e, _ := diag.Explain(p.Code)
			message = e.Meaning      // the target's own words may quote a student's data: they stand in errors/
			path = diag.Masked(path) // and so is what it calls a path
			cause.Path = path
			if len(at) < mostShapes && !strings.HasPrefix(string(p.Code), "REF-") {
				cause.Value = diag.Masked(p.Message)
			}
		}
		i, known := at[cause]
		if !known {
			i = len(rep.Problems)
			at[cause] = i
			rep.Problems = append(rep.Problems, Group{Stage: stage, Code: p.Code, Level: p.Level, Word: p.Level.String(), Input: p.Input, Column: p.Column,
				Resource: p.Resource, Path: path, Message: message, Fix: p.Fix, Rule: p.Rule, RuleID: p.RuleID, First: place(p), Acknowledged: p.Acknowledged})
		}
		rep.Problems[i].count(p, n)
		if show := rep.mayShow(p); show || p.Code == diag.Unmapped && p.Value != "" { // the verdict counts all of these
			rep.Problems[i].add(p, n, !show)
		}
	})
}

// Bounds of the values of a cause: how many are told apart, and how many are shown; and of its lines.
const (
	mostValues  = 1000
	shownValues = 5
	shownLines  = 10
)

// count adds problems that one entry of a list stands for. Those of one row follow each other.
func (g *Group) count(p diag.Problem, n int64) {
	g.Count += n
	at := Place{cmp.Or(p.File, p.Input), p.Line} // of a record that no row gives: the row of a table
	switch {
	case p.Line == 0:
		g.Rows += n
	case at != g.last:
		g.Rows, g.last = g.Rows+1, at
		if len(g.Lines) < shownLines {
			g.Lines = append(g.Lines, at)
		}
	}
}

// add counts a value of the cause.
func (g *Group) add(p diag.Problem, n int64, hidden bool) {
	v := g.seen[p.Value]
	if v == nil {
		if len(g.seen) == mostValues {
			g.more = true
			return
		}
		if g.seen == nil {
			g.seen = map[string]*Value{}
		}
		v = &Value{Value: p.Value, Line: p.Line, table: p.Table, hidden: hidden}
		g.seen[p.Value] = v
	}
	v.Count, v.hidden = v.Count+n, v.hidden || hidden
}

// finish picks the values to be shown, the most frequent first.
func (g *Group) finish() {
	for _, v := range g.seen {
		if !v.hidden {
			g.Values = append(g.Values, *v)
		}
	}
	slices.SortFunc(g.Values, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Value, b.Value))
	})
	g.distinct = len(g.seen)
	g.Values = g.Values[:min(len(g.Values), shownValues)]
	g.seen = nil
}

// mayShow reports whether a problem's value is the vendor's vocabulary or a score, and not a student's: it
// came from a column of an input that is known to be neither the student's nor personal, or was looked up
// in a table and no such column has a part in it.
func (rep *Report) mayShow(p diag.Problem) bool {
	if p.Value == "" || p.Personal || p.Stage != runs.Transform || diag.Identifies(p.Value, p.Code == diag.CellType || p.Code == diag.CellScore) {
		return false
	}
	known := false
	for _, in := range rep.Inputs {
		if in.Name != p.Input || in.Personal == nil {
			continue
		}
		known = true
		for _, column := range append(strings.Split(p.Column, ", "), p.Column) { // of a value that is made of several
			if slices.ContainsFunc(in.Personal, func(pattern string) bool { return bundle.MatchHeader(pattern, column) }) {
				return false
			}
		}
	}
	switch p.Code {
	case diag.Unmapped, diag.LevelUndeclared, diag.DescriptorCase, diag.DescriptorSame:
		return true
	case diag.RowExpectation: // which names what it looked at
		return known
	}
	return known && p.Column != ""
}

// place is where a problem was found, for people.
func place(p diag.Problem) string {
	switch {
	case p.File != "" && p.Line > 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	case p.File != "":
		return p.File
	case p.Input != "" && p.Line > 0: // of a record that no row gives: a row of a table
		return fmt.Sprintf("%s:%d", p.Input, p.Line)
	case p.Resource != "" && p.StagedLine > 0:
		return fmt.Sprintf("staged/%s.jsonl:%d", p.Resource, p.StagedLine)
	}
	return ""
}
