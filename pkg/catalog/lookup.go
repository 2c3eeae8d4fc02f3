package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// How references are looked up: key by key or by reading the collection, whichever is cheaper.
//
//	keys of the last time are kept ─► with what was written since, they answer what they can; then
//	few open ────────────────────────────┐
//	many open ─ count the collection ─┬──┴─► key by key ─► answered
//	                                  │            │ odd, or a record that is there is not found
//	more than a lookup keeps ─────────┴────────────┴─► read the collection ─► a few that are
//	                                                       missing once more, key by key
//
// So what is missing does not depend on the way: a question by key that finds nothing counts only where
// such a question is known to find what is there.
const (
	alwaysByKey    = 3   // so few are asked for without counting the collection first
	confirmMissing = 100 // so many that a whole collection lacks are asked for once more by key
	probeMissing   = 10  // of more than those so many are, and the others too if one of them is there
)

// collection is one resource at the target.
type collection struct {
	path     string // ed-fi/students
	resource *schema.Resource
	checker  *schema.Checker
	complete bool // all its keys are known
	denied   bool
	found    bool // a question by key found a record
	keyless  bool // questions by key do not find what is there
	planned  bool // a plan has it read whole
	kept     bool // the cache was asked for its keys
}

func (q *References) collection(name string) *collection {
	if col := q.collections[name]; col != nil {
		return col
	}
	col := &collection{denied: true} // an abstract reference may name what this target does not have
	if res, ok := q.catalog.standard.Resource(name); ok {
		col.path, col.resource, col.denied = res.Endpoint(), res, false
		col.checker, _ = q.catalog.standard.Checker(name)
	}
	q.collections[name] = col
	return col
}

// Ask finds out about every reference that is open, and forgets their parts.
func (q *References) Ask(ctx context.Context) error {
	for _, r := range q.referents {
		left, unread := r.open, false
		for _, t := range askOrder(r.resources) {
			if len(left) == 0 {
				break
			}
			var denied bool
			var err error
			if left, denied, err = q.resolve(ctx, question{r, t, q.collection(r.resources[t])}, left); err != nil {
				return err
			}
			unread = unread || denied
		}
		for _, n := range left {
			*q.answers.At(n) = Absent
			if unread {
				*q.answers.At(n) = Unreadable
			}
		}
		q.forget(r)
	}
	return nil
}

// forget drops what is kept of the open references to a referent.
func (q *References) forget(r *Referent) {
	for _, n := range r.open {
		delete(q.lookups, n)
	}
	r.open = nil
}

// askOrder gives the indexes of resources, with the kinds of organization that assessment data
// names most at the front: what they answer need not be asked of the others.
func askOrder(resources []string) []int {
	order := make([]int, len(resources))
	for i := range order {
		order[i] = i
	}
	usual := []string{"schools", "localEducationAgencies", "stateEducationAgencies"}
	rank := func(i int) int {
		if r := slices.Index(usual, resources[i]); r >= 0 {
			return r
		}
		return len(usual)
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank(a) - rank(b) })
	return order
}

// question is whether references to a referent mean records of its t-th resource.
type question struct {
	referent   *Referent
	t          int
	collection *collection
}

// resolve asks one resource about references and returns those that it does not have.
func (q *References) resolve(ctx context.Context, ask question, open []uint32) (left []uint32, denied bool, err error) {
	col := ask.collection
	if col.denied {
		return open, true, nil
	}
	if !col.complete && len(open) > alwaysByKey {
		if err := q.useKept(ctx, col); err != nil {
			return nil, false, err
		}
		if open = q.absent(ask, open); len(open) == 0 {
			return nil, false, nil
		}
	}
	if !col.complete {
		byKey, err := q.byKeyIsCheaper(ctx, col, open)
		if err != nil {
			return nil, false, err
		}
		if byKey {
			left, got, err := q.askEach(ctx, ask, open)
			if err != nil {
				return nil, false, err
			}
			switch {
			case got == replyGiven && len(left) == 0:
				return nil, false, nil
			case got == replyGiven:
				if err := q.prove(ctx, ask, q.lookups[left[0]]); err != nil {
					return nil, false, err
				}
				if !col.keyless {
					return left, false, nil
				}
			case got == replyDenied:
				col.denied = true
			}
		}
		if !col.denied {
			if err := q.readAll(ctx, col); err != nil {
				return nil, false, err
			}
		}
		if col.denied {
			return open, true, nil
		}
	}
	left = q.absent(ask, open)
	// While pages are read others write, which shifts them; and some targets fold the case of
	// keys. So what is missing is asked for once more.
	if len(left) > 0 && !col.keyless && q.allKept(left) {
		left, err = q.confirm(ctx, ask, left)
	}
	return left, false, err
}

// confirm asks by key for what a whole collection lacks, and returns what is missing. Of many a few are asked for
// first: those that fold the case of keys have one of them.
func (q *References) confirm(ctx context.Context, ask question, left []uint32) ([]uint32, error) {
	n := len(left)
	if n > confirmMissing {
		n = probeMissing
	}
	missing, got, err := q.askEach(ctx, ask, left[:n])
	if err != nil || got != replyGiven || len(missing) == n {
		return left, err
	}
	rest, got, err := q.askEach(ctx, ask, left[n:])
	if got != replyGiven {
		rest = left[n:]
	}
	return append(missing, rest...), err
}

// absent are those of the references that no record is known for.
func (q *References) absent(ask question, open []uint32) (left []uint32) {
	for _, n := range open {
		if !q.present(n, ask.t) {
			left = append(left, n)
		}
	}
	return left
}

func (q *References) allKept(open []uint32) bool {
	return !slices.ContainsFunc(open, func(n uint32) bool { return q.lookups[n] == nil })
}

// byKeyIsCheaper weighs questions by key against pages.
func (q *References) byKeyIsCheaper(ctx context.Context, col *collection, open []uint32) (bool, error) {
	if !q.mayAskByKey(col, open) {
		return false, nil
	}
	if len(open) <= alwaysByKey {
		return true, nil
	}
	records, err := q.count(ctx, col)
	return !col.denied && cheaperByKey(int64(len(open)), records), err
}

// mayAskByKey reports whether a collection can be asked for references by their keys.
func (q *References) mayAskByKey(col *collection, open []uint32) bool {
	return !col.keyless && q.allKept(open)
}

func cheaperByKey(n, records int64) bool { return records >= 0 && n <= PageCost*Pages(records) }

// count asks how many records a collection has; -1: the target does not say.
func (q *References) count(ctx context.Context, col *collection) (int64, error) {
	n, err := q.catalog.reader.Count(ctx, col.path, nil)
	if errors.Is(err, target.ErrNoCount) {
		return -1, nil
	}
	got, err := replyOf(err)
	col.denied = got == replyDenied
	if got != replyGiven {
		n = -1
	}
	return n, err
}

// askEach asks for each reference by its key and returns those that were not found. The reply is
// odd if the target cannot be asked so.
func (q *References) askEach(ctx context.Context, ask question, open []uint32) (left []uint32, got reply, err error) {
	found := make([]bool, len(open))
	replies := make([]reply, len(open))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, n := range open {
		g.Go(func() (err error) {
			found[i], replies[i], err = q.askOne(ctx, ask, q.lookups[n])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, replyOdd, err
	}
	for i, n := range open {
		if replies[i] != replyGiven {
			return nil, replies[i], nil
		}
		if !found[i] {
			left = append(left, n)
		}
	}
	for i, n := range open {
		if found[i] {
			*q.answers.At(n) = Present
			ask.collection.found = true
		}
	}
	return left, replyGiven, nil
}

// prove finds out, once for a collection, whether a question like l finds a record that is there: it asks
// for the collection's first one. Where there is none, nothing that is missing could be found.
func (q *References) prove(ctx context.Context, ask question, l *lookup) error {
	col := ask.collection
	if col.found {
		return nil
	}
	col.keyless = true
	response, err := q.catalog.reader.Get(ctx, col.path, url.Values{"limit": {"1"}, "offset": {"0"}})
	if got, err := replyOf(err); err != nil || got != replyGiven {
		return err
	}
	var items []json.RawMessage
	if json.Unmarshal(response.Body, &items) != nil {
		return nil
	}
	if len(items) == 0 {
		col.keyless = false
		return nil
	}
	var rec schema.Record
	col.checker.Key(items[0], &rec)
	there := &lookup{reference: l.reference, parts: slices.Clone(l.parts), hashes: slices.Clone(l.hashes)}
	there.hashes[ask.t] = rec.Key.Hash
	for i, k := range l.reference.Keys {
		part := slices.IndexFunc(col.resource.Identity, func(p schema.KeyPart) bool { return slices.Equal(p.Path, k.Target) })
		if len(col.resource.Identity) == 1 {
			part = 0 // an organization's number has another name in each kind of organization
		}
		if part < 0 || !rec.Key.OK {
			return nil
		}
		there.parts[i].Value = rec.Key.Parts[part].Value
	}
	found, _, err := q.askOne(ctx, ask, there)
	col.found, col.keyless = found, !found
	return err
}

// askOne asks for one key. An API may ignore a parameter that it does not know and answer with
// other records: only nothing, or the very record, is an answer.
func (q *References) askOne(ctx context.Context, ask question, l *lookup) (found bool, got reply, err error) {
	query := url.Values{"limit": {"2"}, "offset": {"0"}}
	identity := ask.collection.resource.Identity
	for _, p := range l.parts {
		name := p.Name
		if ask.referent.abstract != "" && len(identity) == 1 {
			name = identity[0].Path.Leaf() // educationOrganizationId is schoolId at schools
		}
		query.Set(name, string(p.Value))
	}
	response, err := q.catalog.reader.Get(ctx, ask.collection.path, query)
	if got, err := replyOf(err); err != nil || got != replyGiven {
		return false, got, err
	}
	var items []json.RawMessage
	if json.Unmarshal(response.Body, &items) != nil {
		return false, replyOdd, nil
	}
	if len(items) == 0 {
		return false, replyGiven, nil
	}
	var rec schema.Record
	for _, item := range items {
		ask.collection.checker.Key(item, &rec)
		if rec.Key.OK && (rec.Key.Hash == l.hashes[ask.t] || sameFolded(rec.Key.Parts, l.parts)) {
			return true, replyGiven, nil
		}
	}
	return false, replyOdd, nil
}

// sameFolded reports whether two keys hold the same values but for case, in whatever order.
func sameFolded(a, b []schema.KeyValue) bool {
	if len(a) != len(b) {
		return false
	}
	folded := func(parts []schema.KeyValue) []string {
		out := make([]string, len(parts))
		for i, p := range parts {
			out[i] = string(bytes.ToUpper(p.Value))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(folded(a), folded(b))
}

// useKept makes the keys of a collection known that the cache has, once. What is not among them is asked for in the
// usual ways.
func (q *References) useKept(ctx context.Context, col *collection) error {
	if col.kept {
		return nil
	}
	col.kept = true
	keys, err := q.catalog.keptKeys(ctx, col)
	for i := 0; i < len(keys); i += keySize {
		q.know(keyset.Key(keys[i : i+keySize]))
	}
	return err
}

// readAll makes the keys of a whole collection known, and keeps them for the next time.
func (q *References) readAll(ctx context.Context, col *collection) error {
	version, err := q.catalog.newestChange(ctx)
	if err != nil {
		return err
	}
	var rec schema.Record
	var keys []byte
	got, err := q.catalog.readPages(ctx, col.path, func(items []json.RawMessage) error {
		for _, item := range items {
			if col.checker.Key(item, &rec); rec.Key.OK {
				q.know(rec.Key.Hash)
				if version > 0 {
					keys = append(keys, rec.Key.Hash[:]...)
				}
			}
		}
		return nil
	})
	col.complete, col.denied = got == replyGiven, got != replyGiven
	if col.complete && version > 0 {
		q.catalog.cache.writeAt(keysFile(col.resource), "", version, keys)
	}
	return err
}
