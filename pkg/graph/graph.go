// Package graph owns the order of things that refer to each other: which can come first, which
// come next, and which can never come because they refer to themselves by way of others.
//
// The answers depend on the graph alone, not on the order in which it was built.
package graph

import (
	"cmp"
	"maps"
	"slices"
)

// Graph is a directed graph whose edges lead from a node to one that must come before it. The zero
// value is empty. A graph belongs to one goroutine.
type Graph[N cmp.Ordered] struct {
	refers   map[N][]N // from a node to those that it refers to
	referred map[N][]N // from a node to those that refer to it
}

// Add adds a node, if it is not there yet.
func (g *Graph[N]) Add(node N) {
	if _, ok := g.refers[node]; ok {
		return
	}
	if g.refers == nil {
		g.refers, g.referred = map[N][]N{}, map[N][]N{}
	}
	g.refers[node] = nil
}

// Refer adds an edge, and its nodes if they are not there yet.
func (g *Graph[N]) Refer(from, to N) {
	g.Add(from)
	g.Add(to)
	g.refers[from] = append(g.refers[from], to)
	g.referred[to] = append(g.referred[to], from)
}

// Order sorts the nodes of a graph by when they can come. Each node is in one of its lists.
type Order[N cmp.Ordered] struct {
	Waves    [][]N // a node is in the first wave behind all that it refers to; each wave is sorted
	Circular []N   // on a circle, or on a path from one circle to another; sorted
	Behind   []N   // not circular, but refers to what is; each stands behind those of the list that it refers to
}

// Order finds the waves of the graph and what its circles keep back.
//
// Taking away, again and again, what refers to nothing any more leaves the circles and what is behind
// them. Taking away from that what nothing refers to any more leaves the circles:
//
//	a ◄─ b ◄─ c       waves: a, b, c
//	p ◄─► q ◄─ r      circular: p, q; behind: r
func (g *Graph[N]) Order() Order[N] {
	left := maps.Clone(g.refers)
	o := Order[N]{Waves: peel(left, g.refers, g.referred)}
	behind := slices.Concat(peel(left, g.referred, g.refers)...)
	slices.Reverse(behind)
	o.Behind = behind
	o.Circular = slices.Sorted(maps.Keys(left))
	return o
}

// peel takes away from left what has no edge to the rest of it, again and again, and returns what it
// took, layer by layer. Edges lead to the nodes in ahead; back has them the other way round.
func peel[N cmp.Ordered](left, ahead, back map[N][]N) [][]N {
	edges := make(map[N]int, len(left)) // from a node to others that are left
	var layer []N
	for n := range left {
		for _, other := range ahead[n] {
			if _, ok := left[other]; ok {
				edges[n]++
			}
		}
		if edges[n] == 0 {
			layer = append(layer, n)
		}
	}
	var layers [][]N
	for len(layer) > 0 {
		slices.Sort(layer)
		layers = append(layers, layer)
		var next []N
		for _, n := range layer {
			delete(left, n)
			for _, other := range back[n] {
				if _, ok := left[other]; !ok {
					continue
				}
				if edges[other]--; edges[other] == 0 {
					next = append(next, other)
				}
			}
		}
		layer = next
	}
	return layers
}
