package main

import (
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/catalog"
)

// sayPlan prints what a command would ask the target in bulk: the way that is taken, and below it the others.
func (a *app) sayPlan(p *catalog.Plan) {
	if len(p.Steps) == 0 {
		a.screen.say("nothing has to be looked up at the target")
		return
	}
	number := func(n int64) string {
		if n < 0 {
			return "?"
		}
		return strconv.FormatInt(n, 10)
	}
	var rows [][]string
	for _, s := range p.Steps {
		row := []string{s.Of, number(s.Number), number(s.AtTarget)}
		if len(s.Ways) == 0 {
			rows = append(rows, append(row, "not at all", "0", "0"))
		}
		for i, w := range s.Ways {
			if i > 0 {
				row, w.Name = []string{"", "", ""}, "instead of "+w.Name
			}
			rows = append(rows, append(row, w.Name, number(w.Requests), number(w.Cost)))
		}
	}
	a.screen.grid([]string{"looked up", "different", "at the target", "way", "requests", "cost"}, rows)
	for _, s := range p.Steps {
		if s.Note != "" {
			a.screen.say("  %s: %s", s.Of, s.Note)
		}
	}
	n, more := p.Requests()
	about := "about " + plural(int(n), "request")
	if more {
		about += ", and what is not known"
	}
	a.screen.say("%s; a page of a collection costs as much as %d requests for one record", about, catalog.PageCost)
	a.screen.say("nothing was done")
}
