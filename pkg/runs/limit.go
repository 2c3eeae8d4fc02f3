package runs

import "github.com/sluice-edfi/sluice/pkg/diag"

// Cause is what makes two problems the same to a reader. A stage fills in what it tells apart.
type Cause struct {
	Code                          diag.Code
	Input, Column, Resource, Path string
	Rule, Value                   string
}

// Tally counts the problems of one cause.
type Tally struct {
	Cause Cause
	Seen  int           // problems of the cause
	Left  int           // of these, counted and not listed one by one
	First *diag.Problem // of those left; nil: none was
	Last  int           // the staged line of the last of those left
}

// Limit keeps lists of problems short: many problems of one cause are counted instead of listed one by
// one, so that a file of a million rows with one thing wrong does not become a list that nobody can
// open. How many are too many is for the stage to say. The zero value is ready; it is owned by one
// goroutine.
type Limit struct {
	tallies map[Cause]*Tally
	left    []*Tally
}

// Of is the tally of a cause.
func (l *Limit) Of(c Cause) *Tally {
	t := l.tallies[c]
	if t == nil {
		if l.tallies == nil {
			l.tallies = map[Cause]*Tally{}
		}
		t = &Tally{Cause: c}
		l.tallies[c] = t
	}
	return t
}

// Leave counts a problem of t's cause that is not listed.
func (l *Limit) Leave(t *Tally, p diag.Problem) {
	if t.Left == 0 {
		first := p
		t.First = &first
		l.left = append(l.left, t)
	}
	t.Left, t.Last = t.Left+1, p.StagedLine
}

// Len is how many causes were seen.
func (l *Limit) Len() int { return len(l.tallies) }

// Left are the tallies of which problems were left out, in the order in which that began.
func (l *Limit) Left() []*Tally { return l.left }
