package send

import (
	"errors"
	"io"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// family is the order inside a resource that refers to itself: an objective assessment to its
// parent. Records without a staged parent go first, streamed like any other; the rest follows
// generation by generation.
type family struct {
	later   [][]place      // generations, the children of the first ones in front
	waits   map[int64]bool // lines of later and circles
	circles map[int64]bool // lines that refer to each other in a circle
	behind  map[int64]bool // lines that depend on a circle
}

// selfReferences are the references of a resource that may mean a record of the same resource.
func selfReferences(r *schema.Resource) map[*schema.Reference]bool {
	refs := map[*schema.Reference]bool{}
	for _, ref := range r.References {
		if slices.Contains(ref.Targets, r.Name) {
			refs[ref] = true
		}
	}
	return refs
}

// link is a reference from a record to another one of its resource.
type link struct {
	child  int // index of the line, from 0
	parent ledger.Hash
}

// sortFamily reads a staged file and finds the generations. It keeps the hash of each key: such
// resources are structures, not results, and small.
func sortFamily(checker *schema.Checker, refs map[*schema.Reference]bool, name string, s *staged) (*family, error) {
	var (
		rec    schema.Record
		b      block
		places []place
		links  []link
	)
	lines := map[ledger.Hash]int{}
	for {
		err := s.next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, ln := range b.lines {
			checker.Check(ln.text, &rec)
			i := len(places)
			places = append(places, place{ln.no, ln.offset, len(ln.text), ln.origin})
			if rec.Key.OK {
				if _, twice := lines[rec.Key.Hash]; !twice {
					lines[rec.Key.Hash] = i
				}
			}
			for j := range rec.References {
				if u := &rec.References[j]; refs[u.Reference] {
					links = append(links, link{i, u.HashFor(name)})
				}
			}
		}
	}
	return generations(places, links, lines), nil
}

// generations sorts lines by how many staged ancestors they have, and finds circles.
func generations(places []place, links []link, lines map[ledger.Hash]int) *family {
	f := &family{waits: map[int64]bool{}, circles: map[int64]bool{}, behind: map[int64]bool{}}
	children := map[int][]int{}
	parents := map[int][]int{}
	for _, l := range links {
		p, ok := lines[l.parent]
		if !ok {
			continue // at the target already, or nowhere: the target will say
		}
		children[p] = append(children[p], l.child)
		parents[l.child] = append(parents[l.child], p)
	}
	waiting := map[int]int{}
	for child, ps := range parents {
		waiting[child] = len(ps)
	}
	var next []int
	release := func(p int) {
		for _, c := range children[p] {
			if waiting[c]--; waiting[c] == 0 {
				next = append(next, c)
				delete(waiting, c)
			}
		}
	}
	for p := range children {
		if len(parents[p]) == 0 {
			release(p)
		}
	}
	for len(next) > 0 {
		slices.Sort(next)
		now := next
		next = nil
		generation := make([]place, len(now))
		for i, c := range now {
			generation[i] = places[c]
			f.waits[places[c].no] = true
			release(c)
		}
		f.later = append(f.later, generation)
	}
	f.circular(waiting, parents, children, places)
	return f
}

// circular tells the members of circles from what merely depends on them: those have no child that
// waits as well, or only such children.
func (f *family) circular(waiting map[int]int, parents, children map[int][]int, places []place) {
	open := map[int]int{}
	var leaves []int
	for n := range waiting {
		for _, c := range children[n] {
			if _, ok := waiting[c]; ok {
				open[n]++
			}
		}
		if open[n] == 0 {
			leaves = append(leaves, n)
		}
	}
	for len(leaves) > 0 {
		n := leaves[len(leaves)-1]
		leaves = leaves[:len(leaves)-1]
		f.behind[places[n].no] = true
		delete(waiting, n)
		for _, p := range parents[n] {
			if _, ok := waiting[p]; !ok {
				continue
			}
			if open[p]--; open[p] == 0 {
				leaves = append(leaves, p)
			}
		}
	}
	for n := range waiting {
		f.circles[places[n].no] = true
	}
}
