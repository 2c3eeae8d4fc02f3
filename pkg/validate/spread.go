package validate

import (
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/graph"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// spread marks the records that refer, in one step or several, to a record of the same file that
// send will not load. Records that refer to each other in a circle are invalid: none of them can
// be loaded first.
func (r *resource) spread(edges []edge) {
	if len(edges) == 0 {
		return
	}
	var g graph.Graph[uint32]
	parents := map[uint32][]edge{}
	for _, e := range edges {
		g.Refer(e.child, e.parent)
		parents[e.child] = append(parents[e.child], e)
	}
	order := g.Order()
	for _, n := range order.Circular {
		e := parents[n][0]
		r.raise(n, runs.Invalid)
		r.listing.add(diag.Problem{Code: diag.ReferenceCycle, Level: diag.LevelOf(diag.ReferenceCycle), StagedLine: int(n), Path: e.path, Message: circle(n, e.parent)})
	}
	for _, n := range append(slices.Concat(order.Waves...), order.Behind...) { // a parent before its children
		for _, e := range parents[n] {
			switch v := r.verdicts[e.parent-1]; {
			case good(v):
			case v == runs.Unchecked && !r.gate.online():
				r.raise(n, runs.Unchecked)
				p := open(e.path, r.name)
				p.StagedLine = int(n)
				r.listing.sum(p)
			default:
				r.raise(n, runs.Marked)
				p := spoilt(e.path, "", r.name, int(e.parent), v)
				p.StagedLine = int(n)
				r.listing.add(p)
			}
		}
	}
}

func circle(line, parent uint32) string {
	if line == parent {
		return "the record refers to itself"
	}
	return fmt.Sprintf("refers to line %d, which refers back to this record in one step or more", parent)
}
