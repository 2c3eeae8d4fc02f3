package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/target"
)

// Plan is what a command would ask the target in bulk, and in which of the ways that there are. Whoever asks
// in bulk adds its own steps; they are printed in one place.
type Plan struct {
	Steps []Step `json:"steps"`
}

// Step is one lookup in bulk.
type Step struct {
	Of       string `json:"of"`             // what is looked up: references to students
	Number   int64  `json:"number"`         // of different ones
	AtTarget int64  `json:"atTarget"`       // records that the target has of it; -1: not known
	Ways     []Way  `json:"ways"`           // the one that is taken first; none: it cannot be looked up
	Note     string `json:"note,omitempty"` // what else there is to know
}

// Way is one way to an answer, with about how many requests it takes; -1: not known.
type Way struct {
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
	Cost     int64  `json:"cost"` // in requests for a single record; see PageCost
}

// The names of the ways.
const (
	WayByKey = "key by key"
	WayWhole = "whole collection"
	WayKnown = "known already"
	WayKept  = "kept keys, and what was written since"
)

// PageCost is how many requests for a single record a page costs about as much as.
const PageCost = 4

// Pages is how many pages a collection of so many records takes.
func Pages(records int64) int64 { return records/target.MaxPage + 1 }

// ByKey and Whole are the two usual ways: n records one by one, or a collection of so many; -1: not known.
func ByKey(n int64) Way { return Way{WayByKey, n, n} }

// Whole is the way of reading a collection of so many records page by page; -1: not known.
func Whole(records int64) Way {
	if records < 0 {
		return Way{WayWhole, -1, -1}
	}
	return Way{WayWhole, Pages(records), PageCost * Pages(records)}
}

// Add adds a step.
func (p *Plan) Add(s Step) { p.Steps = append(p.Steps, s) }

// Requests is about how many requests the plan takes; more says that it is not known of every step.
func (p *Plan) Requests() (n int64, more bool) {
	for _, s := range p.Steps {
		if len(s.Ways) > 0 {
			n, more = n+max(s.Ways[0].Requests, 0), more || s.Ways[0].Requests < 0
		}
	}
	return n, more
}

// Plan adds to p how Ask would look up every reference that is open, and forgets them. It counts collections and
// reads no record.
func (q *References) Plan(ctx context.Context, p *Plan) error {
	for _, r := range q.referents {
		if len(r.open) > 0 {
			step, err := q.step(ctx, r)
			if err != nil {
				return err
			}
			p.Add(step)
		}
		q.forget(r)
	}
	return nil
}

// step is how the open references to a referent would be looked up.
func (q *References) step(ctx context.Context, r *Referent) (Step, error) {
	n := int64(len(r.open))
	s := Step{Of: "references to " + r.Name(), Number: n, AtTarget: -1}
	order := askOrder(r.resources)
	order = slices.DeleteFunc(order, func(t int) bool { return q.collection(r.resources[t]).resource == nil })
	if len(order) == 0 {
		s.Note = "the target does not have them"
		return s, nil
	}
	col := q.collection(r.resources[order[0]])
	if len(order) > 1 {
		s.Note = fmt.Sprintf("of %s; what is not among them is looked for among %d other kinds", col.resource.Name, len(order)-1)
	}
	if col.planned {
		s.Ways = []Way{{Name: WayKnown}}
		return s, nil
	}
	var err error
	if s.AtTarget, err = q.count(ctx, col); err != nil {
		return s, err
	}
	if col.denied {
		s.Note = "the credential may not read them: unchecked"
		return s, nil
	}
	s.Ways = []Way{Whole(s.AtTarget)}
	if q.mayAskByKey(col, r.open) {
		s.Ways = append(s.Ways, ByKey(n))
		if n <= alwaysByKey || cheaperByKey(n, s.AtTarget) {
			slices.Reverse(s.Ways)
		}
	}
	if n > alwaysByKey {
		if err := q.planKept(ctx, col, &s); err != nil {
			return s, err
		}
	}
	col.planned = s.Ways[0].Name != WayByKey
	return s, nil
}

// planKept puts the way over the keys that the cache has first, if it has them.
func (q *References) planKept(ctx context.Context, col *collection, s *Step) error {
	kept, there := q.catalog.cache.read(keysFile(col.resource))
	if !there || kept.Version == 0 || col.resource.KeyUpdates {
		return nil
	}
	written, err := q.catalog.reader.Count(ctx, col.path, writtenSince(kept.Version))
	if errors.Is(err, target.ErrNoCount) {
		return nil
	}
	if got, err := replyOf(err); err != nil || got != replyGiven {
		return err
	}
	s.Ways = append([]Way{{WayKept, 2 + Pages(written), 2 + PageCost*Pages(written)}}, s.Ways...)
	s.Note = "what is not among the kept keys is asked for as well"
	return nil
}
