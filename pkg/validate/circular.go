package validate

import (
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/graph"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// dependence is a record that refers to another one of the same file.
type dependence struct {
	child, parent uint32 // lines
	path          string
}

// judgeDependents marks the records that refer, in one step or several, to a record of the same file
// that send will not load. Records that refer to each other in a circle are invalid: none of them
// can be loaded first.
func (r *resource) judgeDependents(all []dependence) {
	if len(all) == 0 {
		return
	}
	var g graph.Graph[uint32]
	parents := map[uint32][]dependence{}
	for _, d := range all {
		g.Refer(d.child, d.parent)
		parents[d.child] = append(parents[d.child], d)
	}
	order := g.Order()
	for _, n := range order.Circular {
		d := parents[n][0]
		r.raise(n, runs.Invalid)
		r.list.add(diag.Problem{Code: diag.ReferenceCycle, StagedLine: int(n), Path: d.path, Message: circle(n, d.parent)})
	}
	for _, n := range append(slices.Concat(order.Waves...), order.Behind...) { // a parent before its children
		for _, d := range parents[n] {
			switch v := r.verdicts[d.parent-1]; {
			case passes(v):
			case v == runs.Unchecked && !r.gate.online():
				r.raise(n, runs.Unchecked)
				p := refersToUnchecked(d.path, r.name)
				p.StagedLine = int(n)
				r.list.sum(p)
			default:
				r.raise(n, runs.Marked)
				r.list.add(refersToBad(diag.Problem{StagedLine: int(n), Path: d.path}, r.name, int(d.parent), v))
			}
		}
	}
}

func circle(line, parent uint32) string {
	if line == parent {
		return "the record refers to itself"
	}
	return fmt.Sprintf("refers to staged line %d, which refers back to this record in one step or more", parent)
}
