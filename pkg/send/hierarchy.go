package send

import (
	"errors"
	"io"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/graph"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// hierarchy is the load order inside a resource that refers to itself: an objective assessment to its
// parent. Records without a staged parent go first, streamed like any other; the rest follows
// generation by generation. The zero value is that of a resource that does not refer to itself.
type hierarchy struct {
	generations [][]position   // lines with a staged parent, by how many ancestors they have
	waits       map[int64]bool // lines of generations
	circular    map[int64]bool // lines that refer to each other in a circle
	behind      map[int64]bool // lines that depend on a circle
}

// selfReferences are the references of a resource that may mean a record of the same resource.
func selfReferences(r *schema.Resource) map[*schema.Reference]bool {
	refs := map[*schema.Reference]bool{}
	if r == nil {
		return refs
	}
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

// findHierarchy reads a staged file and finds the generations. It keeps the hash of each key: such
// resources are structures, not results, and small.
func findHierarchy(checker *schema.Checker, refs map[*schema.Reference]bool, name string, s *staged) (hierarchy, error) {
	var (
		rec       schema.Record
		b         block
		positions []position
		links     []link
	)
	lines := map[ledger.Hash]int{}
	for {
		err := s.next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return hierarchy{}, err
		}
		for _, ln := range b.lines {
			checker.Check(ln.text, &rec)
			i := len(positions)
			positions = append(positions, position{ln.no, ln.offset, len(ln.text), ln.origin})
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
	return generations(positions, links, lines), nil
}

// generations sorts the lines that refer to others of the file by how many staged ancestors they have.
func generations(positions []position, links []link, lines map[ledger.Hash]int) hierarchy {
	var g graph.Graph[int]
	for _, l := range links {
		if parent, ok := lines[l.parent]; ok { // else it is at the target already, or nowhere: the target will say
			g.Refer(l.child, parent)
		}
	}
	order := g.Order()
	h := hierarchy{waits: map[int64]bool{}, circular: map[int64]bool{}, behind: map[int64]bool{}}
	for i, wave := range order.Waves {
		if i == 0 {
			continue // these have no staged parent
		}
		generation := make([]position, len(wave))
		for j, n := range wave {
			generation[j] = positions[n]
			h.waits[positions[n].no] = true
		}
		h.generations = append(h.generations, generation)
	}
	for _, n := range order.Circular {
		h.circular[positions[n].no] = true
	}
	for _, n := range order.Behind {
		h.behind[positions[n].no] = true
	}
	return h
}
