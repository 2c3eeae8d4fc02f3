package validate

import (
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// spread marks the records that refer, in one step or several, to a record of the same file that
// send will not load. Records that refer to each other in a circle are invalid: none of them can
// be loaded first.
func (r *resource) spread(edges []edge) {
	if len(edges) == 0 {
		return
	}
	parents := map[uint32][]edge{}
	children := map[uint32][]uint32{}
	up, down := map[uint32]int{}, map[uint32]int{} // edges not yet taken away, by line
	var nodes []uint32                             // in order of the file
	add := func(line uint32) {
		if _, ok := up[line]; !ok {
			up[line], down[line] = 0, 0
			nodes = append(nodes, line)
		}
	}
	for _, e := range edges {
		add(e.child)
		add(e.parent)
		parents[e.child] = append(parents[e.child], e)
		children[e.parent] = append(children[e.parent], e.child)
		up[e.child]++
		down[e.parent]++
	}

	// Take away what has no parents left, again and again: what remains hangs on circles.
	order := make([]uint32, 0, len(nodes))
	for _, n := range nodes {
		if up[n] == 0 {
			order = append(order, n)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, c := range children[order[i]] {
			if up[c]--; up[c] == 0 {
				order = append(order, c)
			}
		}
	}
	// Of that, take away what has no children left: what still remains is the circles.
	var tail []uint32
	for _, n := range nodes {
		if up[n] > 0 && down[n] == 0 {
			tail = append(tail, n)
		}
	}
	for i := 0; i < len(tail); i++ {
		for _, e := range parents[tail[i]] {
			if down[e.parent]--; down[e.parent] == 0 && up[e.parent] > 0 {
				tail = append(tail, e.parent)
			}
		}
	}
	for _, n := range nodes {
		if up[n] > 0 && down[n] > 0 {
			e := parents[n][0]
			r.raise(n, runs.Invalid)
			r.listing.add(diag.Problem{Code: diag.ReferenceCycle, Level: diag.LevelOf(diag.ReferenceCycle), StagedLine: int(n), Path: e.path, Message: circle(n, e.parent)})
		}
	}
	for i := len(tail) - 1; i >= 0; i-- {
		order = append(order, tail[i])
	}
	for _, n := range order {
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
