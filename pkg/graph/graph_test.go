package graph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOrder(t *testing.T) {
	tests := []struct {
		name  string
		nodes string
		edges []string // "ba": b refers to a
		want  Order[string]
	}{
		{"nothing", "", nil, Order[string]{}},
		{"no edges", "cab", nil, Order[string]{Waves: [][]string{{"a", "b", "c"}}}},
		{"a chain", "", []string{"cb", "ba"}, Order[string]{Waves: [][]string{{"a"}, {"b"}, {"c"}}}},
		{"the longest way counts", "", []string{"cb", "ba", "ca"}, Order[string]{Waves: [][]string{{"a"}, {"b"}, {"c"}}}},
		{"an edge twice", "", []string{"ba", "ba"}, Order[string]{Waves: [][]string{{"a"}, {"b"}}}},
		{"itself", "b", []string{"aa"}, Order[string]{Waves: [][]string{{"b"}}, Circular: []string{"a"}}},
		{"a circle, what it refers to and what is behind it", "", []string{"pq", "qp", "qa", "rp", "sr"},
			Order[string]{Waves: [][]string{{"a"}}, Circular: []string{"p", "q"}, Behind: []string{"r", "s"}}},
		{"between two circles", "", []string{"aa", "ba", "cb", "cc"}, Order[string]{Circular: []string{"a", "b", "c"}}},
	}
	for _, test := range tests {
		var g Graph[string]
		for _, n := range test.nodes {
			g.Add(string(n))
		}
		for _, e := range test.edges {
			g.Refer(e[:1], e[1:])
		}
		if diff := cmp.Diff(test.want, g.Order()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestRandomGraphs holds the order against one that is found from the paths between all pairs.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		n := 1 + random.IntN(9)
		edges := make([][2]int, random.IntN(2*n+1))
		for i := range edges {
			edges[i] = [2]int{random.IntN(n), random.IntN(n)}
		}
		want := naive(n, edges)

		var g Graph[int]
		for _, i := range random.Perm(n) {
			g.Add(i)
		}
		random.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		for _, e := range edges {
			g.Refer(e[0], e[1])
		}
		got := g.Order()
		for i, node := range got.Behind {
			for _, e := range edges {
				if e[0] == node && slices.Contains(got.Behind[i:], e[1]) {
					t.Fatalf("seed %d: %v: %d stands before %d in %v", seed, edges, node, e[1], got.Behind)
				}
			}
		}
		slices.Sort(got.Behind)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %v: %s", seed, edges, diff)
		}
	}
}

// naive is the order of a small graph, its last list sorted.
func naive(n int, edges [][2]int) (o Order[int]) {
	path := make([][]bool, n)
	for i := range path {
		path[i] = make([]bool, n)
	}
	for _, e := range edges {
		path[e[0]][e[1]] = true
	}
	for k := range n {
		for i := range n {
			for j := range n {
				path[i][j] = path[i][j] || path[i][k] && path[k][j]
			}
		}
	}
	var longest func(i int) int // path from a node that reaches no circle
	longest = func(i int) int {
		most := 0
		for _, e := range edges {
			if e[0] == i {
				most = max(most, 1+longest(e[1]))
			}
		}
		return most
	}
	for i := range n {
		reaches, reached := path[i][i], path[i][i]
		for j := range n {
			reaches = reaches || path[i][j] && path[j][j]
			reached = reached || path[j][i] && path[j][j]
		}
		switch {
		case reaches && reached:
			o.Circular = append(o.Circular, i)
		case reaches:
			o.Behind = append(o.Behind, i)
		default:
			for len(o.Waves) <= longest(i) {
				o.Waves = append(o.Waves, nil)
			}
			o.Waves[longest(i)] = append(o.Waves[longest(i)], i)
		}
	}
	return o
}
