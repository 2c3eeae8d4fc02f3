package runs

import (
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// acknowledged are the acknowledgements that are for the run's bundle, with those that covered something.
type acknowledged struct {
	list  []diag.Acknowledgement
	today string
	used  []int // how many problems each covers, or would if it had not expired
}

func (r *Run) acknowledged() acknowledged {
	a := acknowledged{today: r.Today}
	for _, one := range r.Acknowledgements {
		if one.Bundle == "" || one.Bundle == r.Bundle.Name {
			a.list = append(a.list, one)
		}
	}
	a.used = make([]int, len(a.list))
	return a
}

// mark says in a warning that somebody has acknowledged it.
func (a *acknowledged) mark(p *diag.Problem) {
	for i := range a.list {
		one := &a.list[i]
		if p.Code == diag.AckExpired || !one.Covers(p) {
			continue
		}
		a.used[i] += max(p.Count, 1)
		if !one.Expired(a.today) && p.Acknowledged == nil {
			p.Acknowledged = &one.Accepted
		}
	}
}

// Acknowledge lists which acknowledgements have expired or cover nothing; validate does when it has listed all else.
func (p *Problems) Acknowledge() error {
	a := &p.acknowledged
	if err := p.run.EachProblem(Transform, func(d diag.Problem) { a.mark(&d) }); err != nil {
		return err
	}
	for i := range a.list {
		one := &a.list[i]
		said := diag.Problem{Code: diag.AckExpired, File: one.Pos.File, Line: one.Pos.Line, Col: one.Pos.Col, Count: 1}
		switch {
		case one.Expired(a.today):
			again := "nothing in this run is covered by it"
			if a.used[i] > 0 {
				again = diag.Counted(a.used[i], "warning counts again", "warnings count again")
			}
			said.Message = fmt.Sprintf("%s was acknowledged until %s (%s); %s", one.Code, one.Until, one.Why, again)
		case a.used[i] == 0:
			said.Code, said.Message = diag.AckUnused, fmt.Sprintf("%s is acknowledged until %s, and nothing in this run is covered by it", one.Code, one.Until)
		default:
			continue
		}
		if err := p.Add(said); err != nil {
			return err
		}
	}
	return nil
}
