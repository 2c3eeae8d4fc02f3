package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// How many problems of one cause are listed one by one; the others are counted. A file of a million
// records with one thing wrong must not become a list that nobody can open.
const (
	listErrors   = 10_000
	listWarnings = 1_000
	listInfos    = 100
	manyValues   = 1_000 // offending values that are told apart
)

// cause is what makes two problems the same to the reader; path has [*] for item numbers.
type cause struct {
	code  diag.Code
	path  string
	value string
}

// tally counts a cause.
type tally struct {
	seen        int // problems of the cause
	left        int // of these, not listed one by one
	level       diag.Level
	first, last int // staged lines of those left
}

// listing collects what is wrong with the records of one resource.
type listing struct {
	resource string
	problems diag.List
	tallies  map[cause]*tally // by code, path and value
	totals   map[cause]*tally // by code and path
	sums     map[cause]int    // where in problems a sum stands
}

func newListing(resource string) *listing {
	return &listing{resource: resource, tallies: map[cause]*tally{}, totals: map[cause]*tally{}, sums: map[cause]int{}}
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
func (l *listing) add(p diag.Problem) {
	total := l.total(p)
	total.seen++
	limit := listLimit(p.Level)
	if len(l.tallies) < manyValues {
		c := cause{p.Code, pattern(p.Path), p.Value}
		t := l.tallies[c]
		if t == nil {
			t = &tally{}
			l.tallies[c] = t
		}
		t.seen++
		if t.seen > limit {
			total.leave(p.StagedLine, 1)
			return
		}
	}
	// Rarer values of a cause still get their place after one value has used up its own.
	if total.seen-total.left > 5*limit {
		total.leave(p.StagedLine, 1)
		return
	}
	p.Resource = l.resource
	l.problems = append(l.problems, p)
}

// total is the tally of p's code and path.
func (l *listing) total(p diag.Problem) *tally {
	c := cause{code: p.Code, path: pattern(p.Path)}
	t := l.totals[c]
	if t == nil {
		t = &tally{level: p.Level}
		l.totals[c] = t
	}
	return t
}

func (t *tally) leave(line, n int) {
	if t.left == 0 {
		t.first = line
	}
	t.left, t.last = t.left+n, line
}

// sum lists the first problem of its code, path and message, and counts the others in it: for
// what is the same for every record.
func (l *listing) sum(p diag.Problem) {
	p.Path = pattern(p.Path)
	c := cause{p.Code, p.Path, p.Message}
	i, ok := l.sums[c]
	if !ok {
		i = len(l.problems)
		l.sums[c] = i
		p.Resource, p.Key, p.Value = l.resource, "", ""
		l.problems = append(l.problems, p)
	}
	l.problems[i].Count++
}

// finish gives the list, sorted by line.
func (l *listing) finish() diag.List {
	slices.SortStableFunc(l.problems, func(a, b diag.Problem) int {
		return cmp.Or(cmp.Compare(a.StagedLine, b.StagedLine), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code))
	})
	var more diag.List
	for c, t := range l.totals {
		if t.left > 0 {
			more = append(more, diag.Problem{Code: c.code, Level: t.level, Resource: l.resource, Path: c.path, Count: t.left,
				Message: fmt.Sprintf("%d more of this kind on staged lines %d to %d are counted, not listed", t.left, t.first, t.last)})
		}
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
