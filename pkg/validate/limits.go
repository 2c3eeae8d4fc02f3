package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// How many problems of one cause are listed one by one; the others are counted. A file of a million
// records with one thing wrong must not become a list that nobody can open.
const (
	listErrors   = 10_000
	listWarnings = 1_000
	listInfos    = 100
	manyValues   = 1_000 // offending values that are told apart
)

// problemList collects what is wrong with the records of one resource. The paths of causes have [*] for
// the numbers of items.
type problemList struct {
	resource string
	problems diag.List
	values   runs.Limit         // by code, path and value
	totals   runs.Limit         // by code and path
	sums     map[runs.Cause]int // where in problems a sum stands
}

func newProblemList(resource string) *problemList {
	return &problemList{resource: resource, sums: map[runs.Cause]int{}}
}

func listLimit(l diag.Level) int {
	switch {
	case l <= diag.LevelError:
		return listErrors
	case l == diag.LevelWarning:
		return listWarnings
	}
	return listInfos
}

// add lists p, or only counts it when many of its cause are listed already.
func (l *problemList) add(p diag.Problem) {
	l.complete(&p)
	cause := runs.Cause{Code: p.Code, Path: pattern(p.Path), Rule: p.Rule}
	total := l.totals.Of(cause)
	total.Seen++
	limit := listLimit(p.Level)
	if l.values.Len() < manyValues {
		cause.Value = p.Value
		t := l.values.Of(cause)
		if t.Seen++; t.Seen > limit {
			l.totals.Leave(total, p)
			return
		}
	}
	// Rarer values of a cause still get their place after one value has used up its own.
	if total.Seen-total.Left > 5*limit {
		l.totals.Leave(total, p)
		return
	}
	l.problems = append(l.problems, p)
}

// complete fills in what all problems of the list have.
func (l *problemList) complete(p *diag.Problem) {
	p.Resource = l.resource
	if p.Level == 0 {
		p.Level = diag.LevelOf(p.Code)
	}
}

// leave counts p without listing it.
func (l *problemList) leave(p diag.Problem) {
	l.complete(&p)
	l.totals.Leave(l.totals.Of(runs.Cause{Code: p.Code, Path: pattern(p.Path), Rule: p.Rule}), p)
}

// sum lists the first problem of its code, path and message, and counts the others in it: for
// what is the same for every record.
func (l *problemList) sum(p diag.Problem) {
	p.Path = pattern(p.Path)
	cause := runs.Cause{Code: p.Code, Path: p.Path, Value: p.Message}
	i, ok := l.sums[cause]
	if !ok {
		i = len(l.problems)
		l.sums[cause] = i
		l.complete(&p)
		p.Key, p.Value = "", ""
		l.problems = append(l.problems, p)
	}
	l.problems[i].Count++
}

// finish gives the list, sorted by line.
func (l *problemList) finish() diag.List {
	slices.SortStableFunc(l.problems, func(a, b diag.Problem) int {
		return cmp.Or(cmp.Compare(a.StagedLine, b.StagedLine), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code))
	})
	var more diag.List
	for _, t := range l.totals.Left() {
		more = append(more, diag.Problem{Code: t.Cause.Code, Level: t.First.Level, Resource: l.resource, Path: t.Cause.Path, Count: t.Left, Rule: t.First.Rule, RuleID: t.First.RuleID,
			Message: fmt.Sprintf("%d more of this kind on staged lines %d to %d are counted, not listed", t.Left, t.First.StagedLine, t.Last)})
	}
	more.Sort()
	return append(l.problems, more...)
}

// pattern replaces the numbers of items in a JSON path by *.
func pattern(path string) string {
	if !strings.Contains(path, "[") {
		return path
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("[*]")
		_, path, _ = strings.Cut(rest, "]")
	}
}
