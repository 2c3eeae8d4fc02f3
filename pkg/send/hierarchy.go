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
// parent. Records without a staged parent go first; the rest follows level by level. The
// zero value is that of a resource that does not refer to itself.
type hierarchy struct {
	generation map[int64]int  // of the lines with a staged parent: how many ancestors they have
	last       int            // the last generation
	circular   map[int64]bool // lines that refer to each other in a circle
	behind     map[int64]bool // lines that depend on a circle
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

// link is a reference from a line to a record of the same resource.
type link struct {
	child  int64
	parent ledger.Hash
}

// findHierarchy reads a staged file and finds the generations. It keeps the hash of each key: such
// resources are structures, not results, and small.
func findHierarchy(checker *schema.Checker, refs map[*schema.Reference]bool, name string, s *staged) (hierarchy, error) {
	var (
		rec   schema.Record
		b     block
		links []link
	)
	lines := map[ledger.Hash]int64{}
	for {
		err := s.next(&b)
		if errors.Is(err, io.EOF) {
			return generations(links, lines), nil
		}
		if err != nil {
			return hierarchy{}, err
		}
		for _, ln := range b.lines {
			checker.Check(ln.text, &rec)
			if _, twice := lines[rec.Key.Hash]; rec.Key.OK && !twice {
				lines[rec.Key.Hash] = ln.no
			}
			for j := range rec.References {
				if u := &rec.References[j]; refs[u.Reference] {
					links = append(links, link{ln.no, u.HashFor(name)})
				}
			}
		}
	}
}

// generations sorts the lines that refer to others of the file by how many staged ancestors they have.
func generations(links []link, lines map[ledger.Hash]int64) hierarchy {
	var g graph.Graph[int64]
	for _, l := range links {
		if parent, ok := lines[l.parent]; ok { // else it is at the target already, or nowhere: the target will say
			g.Refer(l.child, parent)
		}
	}
	order := g.Order()
	h := hierarchy{generation: map[int64]int{}, circular: map[int64]bool{}, behind: map[int64]bool{}}
	for i, wave := range order.Waves {
		h.last = i
		for _, n := range wave {
			h.generation[n] = i
		}
	}
	for _, n := range order.Circular {
		h.circular[n] = true
	}
	for _, n := range order.Behind {
		h.behind[n] = true
	}
	return h
}
