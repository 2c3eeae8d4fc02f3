package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

const (
	parallelAsks   = 4   // a gate is a guest at the target
	alwaysByKey    = 3   // so few are asked for without counting the collection first
	keysPerPage    = 4   // a page costs about as much as this many questions by key
	confirmMissing = 100 // so many that a whole collection lacks are asked for once more by key
)

// asker is what the gate asks of an API; *target.Client is one.
type asker interface {
	Count(ctx context.Context, resource string, query url.Values) (int64, error)
	Get(ctx context.Context, resource string, query url.Values) (*target.Response, error)
	PagesParallel(ctx context.Context, resource string, query url.Values, size, workers int, yield func(items []json.RawMessage) error) error
}

// catalogue is what the target holds of the resources that records refer to.
type catalogue struct {
	asker       asker
	standard    *schema.Standard
	collections map[string]*collection
}

// collection is one resource at the target.
type collection struct {
	path     string // ed-fi/students
	resource *schema.Resource
	checker  *schema.Checker
	complete bool // the inquiry knows all of them
	denied   bool
}

func newCatalogue(a asker, std *schema.Standard) *catalogue {
	return &catalogue{asker: a, standard: std, collections: map[string]*collection{}}
}

func (c *catalogue) collection(name string) *collection {
	if col := c.collections[name]; col != nil {
		return col
	}
	col := &collection{}
	if res, ok := c.standard.Resource(name); ok {
		col.path, col.resource = res.Segment+"/"+name, res
		col.checker, _ = c.standard.Checker(name)
	} else {
		col.denied = true // an abstract reference may name what this target does not have
	}
	c.collections[name] = col
	return col
}

// ask finds out about every reference that is open, and forgets their parts.
func (q *inquiry) ask(ctx context.Context, c *catalogue) error {
	for _, a := range q.aims {
		left, unread := a.open, false
		for _, t := range askOrder(a.targets) {
			if len(left) == 0 {
				break
			}
			var denied bool
			var err error
			if left, denied, err = c.resolve(ctx, q, a, t, left); err != nil {
				return err
			}
			unread = unread || denied
		}
		for _, n := range left {
			q.fates[n] = fateAbsent
			if unread {
				q.fates[n] = fateUnread
			}
		}
		for _, n := range a.open {
			delete(q.kept, n)
		}
		a.open = nil
	}
	return nil
}

// askOrder gives the indexes of targets, with the kinds of organization that assessment data
// names most at the front: what they answer need not be asked of the others.
func askOrder(targets []string) []int {
	order := make([]int, len(targets))
	for i := range order {
		order[i] = i
	}
	usual := []string{"schools", "localEducationAgencies", "stateEducationAgencies"}
	rank := func(i int) int {
		if r := slices.Index(usual, targets[i]); r >= 0 {
			return r
		}
		return len(usual)
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank(a) - rank(b) })
	return order
}

// resolve asks one target resource about references and returns those that it does not have.
// It asks key by key or reads the collection, whichever is cheaper.
func (c *catalogue) resolve(ctx context.Context, q *inquiry, a *aim, t int, open []uint32) (left []uint32, denied bool, err error) {
	col := c.collection(a.targets[t])
	if col.denied {
		return open, true, nil
	}
	if !col.complete {
		byKey, err := c.byKeyIsCheaper(ctx, col, q, open)
		if err != nil {
			return nil, false, err
		}
		if byKey {
			left, told, err := c.askEach(ctx, col, q, a, t, open)
			if err != nil {
				return nil, false, err
			}
			switch told {
			case answerGiven:
				return left, false, nil
			case answerDenied:
				col.denied = true
			}
		}
		if !col.denied {
			if err := c.readAll(ctx, col, q); err != nil {
				return nil, false, err
			}
		}
		if col.denied {
			return open, true, nil
		}
	}
	for _, n := range open {
		if !q.present(a, n, t) {
			left = append(left, n)
		}
	}
	// While pages are read others write, which shifts them; and some targets fold the case of
	// keys. So a few that are missing are asked for once more.
	if len(left) > 0 && len(left) <= confirmMissing && q.allKept(left) {
		again, told, err := c.askEach(ctx, col, q, a, t, left)
		if err != nil {
			return nil, false, err
		}
		if told == answerGiven {
			left = again
		}
	}
	return left, false, nil
}

func (q *inquiry) allKept(ids []uint32) bool {
	return !slices.ContainsFunc(ids, func(n uint32) bool { return q.kept[n] == nil })
}

// byKeyIsCheaper weighs questions by key against pages.
func (c *catalogue) byKeyIsCheaper(ctx context.Context, col *collection, q *inquiry, open []uint32) (bool, error) {
	if !q.allKept(open) {
		return false, nil
	}
	if len(open) <= alwaysByKey {
		return true, nil
	}
	n, err := c.asker.Count(ctx, col.path, nil)
	told, err := heard(err)
	col.denied = told == answerDenied
	return told == answerGiven && int64(len(open)) <= keysPerPage*(n/target.MaxPage+1), err
}

// askEach asks for each reference by its key. The answer is odd if the target cannot be asked so.
func (c *catalogue) askEach(ctx context.Context, col *collection, q *inquiry, a *aim, t int, open []uint32) (left []uint32, told answer, err error) {
	found := make([]bool, len(open))
	tolds := make([]answer, len(open))
	asked := -1
	next := func() (int, error) {
		if asked++; asked == len(open) {
			return 0, io.EOF
		}
		return asked, nil
	}
	work := func() func(int) error {
		return func(i int) (err error) {
			found[i], tolds[i], err = c.askOne(ctx, col, q.kept[open[i]], a, t)
			return err
		}
	}
	if err := ordered.Run(ctx, parallelAsks, next, work, func(int) error { return nil }); err != nil {
		return nil, answerOdd, err
	}
	for i, n := range open {
		if tolds[i] != answerGiven {
			return nil, tolds[i], nil
		}
		if !found[i] {
			left = append(left, n)
		}
	}
	for i, n := range open {
		if found[i] {
			q.fates[n] = fatePresent
		}
	}
	return left, answerGiven, nil
}

// askOne asks for one key. An API may ignore a parameter that it does not know and answer with
// other records: only nothing, or the very record, is an answer.
func (c *catalogue) askOne(ctx context.Context, col *collection, w *wanted, a *aim, t int) (found bool, told answer, err error) {
	query := url.Values{"limit": {"2"}, "offset": {"0"}}
	for _, p := range w.parts {
		name := p.Name
		if a.abstract != "" && len(col.resource.Identity) == 1 {
			name = col.resource.Identity[0].Path.Leaf() // educationOrganizationId is schoolId at schools
		}
		query.Set(name, string(p.Value))
	}
	response, err := c.asker.Get(ctx, col.path, query)
	if told, err := heard(err); err != nil || told != answerGiven {
		return false, told, err
	}
	var items []json.RawMessage
	if json.Unmarshal(response.Body, &items) != nil {
		return false, answerOdd, nil
	}
	if len(items) == 0 {
		return false, answerGiven, nil
	}
	var rec schema.Record
	for _, item := range items {
		col.checker.Key(item, &rec)
		if rec.Key.OK && (rec.Key.Hash == w.hashes[t] || sameFolded(rec.Key.Parts, w.parts)) {
			return true, answerGiven, nil
		}
	}
	return false, answerOdd, nil
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

// readAll makes the keys of a whole collection known.
func (c *catalogue) readAll(ctx context.Context, col *collection, q *inquiry) error {
	var rec schema.Record
	told, err := readPages(ctx, c.asker, col.path, func(items []json.RawMessage) error {
		for _, item := range items {
			if col.checker.Key(item, &rec); rec.Key.OK {
				q.know(rec.Key.Hash)
			}
		}
		return nil
	})
	col.complete, col.denied = told == answerGiven, told != answerGiven
	return err
}

// readPages reads a collection. If others delete from it meanwhile, records slip between the
// pages: then it is read once more, and use sees records again.
func readPages(ctx context.Context, a asker, path string, use func(items []json.RawMessage) error) (answer, error) {
	read := func() error { return a.PagesParallel(ctx, path, nil, target.MaxPage, parallelAsks, use) }
	err := read()
	if f, ok := target.AsFailure(err); ok && f.Kind == target.Odd && f.Retryable {
		err = read()
	}
	return heard(err)
}
