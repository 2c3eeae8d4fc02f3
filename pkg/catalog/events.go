package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// EventQuery asks for the results of one assessment that may be the same events as staged ones.
type EventQuery struct {
	Assessment keyset.Key // EventReader.AssessmentKey
	Identifier string
	Namespace  string
	Students   []string // whose results are wanted, each once; nil: more than MostStudents
}

// MostStudents is how many students are asked for one by one at most.
const MostStudents = 2000

// fewStudents are asked for without finding out first what else it would cost.
const fewStudents = 4

// errOddQuestion says that the target refuses a question for results in this form.
var errOddQuestion = errors.New("the target does not answer such questions")

// Events looks up results at the target. It is owned by one goroutine.
type Events struct {
	catalog *Catalog
	reader  *EventReader
	path    string
	opened  bool
	empty   bool // the target has no results at all
	filters bool // it is known to find results by student and assessment
	newest  int64
}

// EventWay is how the results of an assessment are read.
type EventWay string

// The ways.
const (
	EventsNone      EventWay = "nothing is there"
	EventsByStudent EventWay = "student by student"
	EventsChanged   EventWay = "what changed since they were read"
	EventsWhole     EventWay = "whole collection"
)

// EventPlan is how the results of an assessment would be read, and about what that costs.
type EventPlan struct {
	Way      EventWay
	Requests int64
	AtTarget int64 // results of the assessment; -1: not known
	kept     *eventFile
}

// Events begins a lookup of results.
func (c *Catalog) Events() (*Events, error) {
	res, ok := c.standard.Resource(Results)
	reader := NewEventReader(c.standard)
	if !ok || reader == nil {
		return nil, ErrNoResource
	}
	return &Events{catalog: c, reader: reader, path: res.Endpoint()}, nil
}

// open finds out, once, whether there is anything, and whether questions find what is there: a target ignores
// parameters that it does not know, and one that finds nothing must not be believed.
func (v *Events) open(ctx context.Context) error {
	if v.opened {
		return nil
	}
	first, err := v.get(ctx, url.Values{"offset": {"0"}, "limit": {"1"}})
	if errors.Is(err, errOddQuestion) {
		v.opened = true // what it holds is read as any collection is
		return nil
	}
	if err != nil {
		return err
	}
	v.opened, v.empty = true, len(first) == 0
	if v.empty {
		return nil
	}
	if v.newest, err = NewestChange(ctx, v.catalog.reader); err != nil {
		return err
	}
	e, ok := v.reader.readItem(first[0])
	if !ok {
		return nil
	}
	q := &EventQuery{Assessment: v.reader.AssessmentKey(), Identifier: string(v.reader.Part("assessmentIdentifier")), Namespace: string(v.reader.Part("namespace"))}
	found, whole, err := v.ofStudent(ctx, q, string(v.reader.Part("studentUniqueId")))
	v.filters = whole && slices.ContainsFunc(found, func(f Event) bool { return f.Key == e.Key })
	return err
}

// Empty reports whether the target has no results at all.
func (v *Events) Empty(ctx context.Context) (bool, error) {
	err := v.open(ctx)
	return v.empty, err
}

// get asks for one page of results.
func (v *Events) get(ctx context.Context, query url.Values) (items []json.RawMessage, err error) {
	response, err := v.catalog.reader.Get(ctx, v.path, query)
	if target.IsKind(err, target.Validation) {
		return nil, errOddQuestion
	}
	if err := v.denied(err); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(response.Body, &items); err != nil {
		return nil, notAsked(&target.Failure{Kind: target.Odd, Resource: v.path, Detail: "the answer is not a list of records"})
	}
	return items, nil
}

// denied makes ErrDenied of the failure of a credential that may not read results, and the end of the run of another.
func (v *Events) denied(err error) error {
	if got, ends := replyOf(err); got == replyDenied && ends == nil {
		return ErrDenied
	}
	return notAsked(err)
}

func (q *EventQuery) values() url.Values {
	return url.Values{"assessmentIdentifier": {q.Identifier}, "namespace": {q.Namespace}}
}

// query is what the collection is asked for; nil, if the target does not find results by their assessment: all of it.
func (v *Events) query(q *EventQuery) url.Values {
	if !v.filters {
		return url.Values{}
	}
	return q.values()
}

// count asks how many results an assessment has, since a change version if that is not 0; -1: the target does not say.
func (v *Events) count(ctx context.Context, q *EventQuery, since int64) (int64, error) {
	query := v.query(q)
	if since > 0 {
		query.Set("minChangeVersion", strconv.FormatInt(since+1, 10))
	}
	n, err := v.catalog.reader.Count(ctx, v.path, query)
	if errors.Is(err, target.ErrNoCount) {
		return -1, nil
	}
	return n, v.denied(err)
}

// Plan chooses the cheaper way; Each goes it. The error is ErrDenied if the credential may not read results.
func (v *Events) Plan(ctx context.Context, q *EventQuery) (p EventPlan, err error) {
	if err := v.open(ctx); err != nil {
		return p, err
	}
	students := int64(len(q.Students))
	byStudent := EventPlan{Way: EventsByStudent, Requests: students, AtTarget: -1}
	switch {
	case v.empty:
		return EventPlan{Way: EventsNone}, nil
	case v.filters && students > 0 && students <= fewStudents:
		return byStudent, nil
	}
	total, err := v.count(ctx, q, 0)
	if err != nil {
		return p, err
	}
	if total == 0 && v.filters {
		return EventPlan{Way: EventsNone, Requests: 0}, nil
	}
	if p, err = v.planChanged(ctx, q, total); err != nil || p.kept != nil {
		return p, err
	}
	pages := max(total, 0)/target.MaxPage + 1
	if byStudent.AtTarget = total; v.filters && students > 0 && total >= 0 && students <= PageCost*pages {
		return byStudent, nil
	}
	return EventPlan{Way: EventsWhole, Requests: pages, AtTarget: total}, nil
}

// planChanged plans to bring the kept file up to date, if that is possible and worth it.
func (v *Events) planChanged(ctx context.Context, q *EventQuery, total int64) (p EventPlan, err error) {
	path := v.keptAt(q)
	if path == "" || total < 0 {
		return p, nil
	}
	kept, err := openEvents(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		v.catalog.cache.fail("read", err)
		return p, nil
	}
	changed := int64(0)
	if kept.Version < v.newest {
		if changed, err = v.count(ctx, q, kept.Version); err != nil {
			return p, errors.Join(err, kept.close())
		}
	}
	// An older version at the target than here: it was restored, and what is kept is not true of it.
	if kept.Version > v.newest || changed < 0 || 2*changed > total {
		return p, kept.close()
	}
	p = EventPlan{Way: EventsChanged, AtTarget: total, kept: kept}
	if kept.Version < v.newest {
		p.Requests = changed/target.MaxPage + 2 // deletes, too
	}
	return p, nil
}

// keptAt is where the results of an assessment are kept; "" if they cannot be kept up to date.
func (v *Events) keptAt(q *EventQuery) string {
	if v.newest == 0 || !v.filters {
		return ""
	}
	return v.catalog.cache.eventPath(q.Assessment[:])
}

// AsWay is the plan as a way of looking up.
func (p *EventPlan) AsWay() Way {
	cost := p.Requests
	if p.Way != EventsByStudent {
		cost *= PageCost
	}
	return Way{string(p.Way), p.Requests, cost}
}

// Close gives up a plan that is not gone.
func (p *EventPlan) Close() error {
	if p.kept == nil {
		return nil
	}
	return p.kept.close()
}

// Each gives results of the assessment, of the students asked for at least, in any order, each once.
func (v *Events) Each(ctx context.Context, q *EventQuery, p EventPlan, use func(*Event) error) error {
	switch p.Way {
	case EventsNone:
		return nil
	case EventsByStudent:
		if whole, err := v.eachOf(ctx, q, use); whole || err != nil {
			return err
		}
	case EventsChanged:
		current, err := v.eachKept(ctx, q, p, use)
		if err := errors.Join(err, p.kept.close()); err != nil || current {
			return err
		}
	}
	return v.readWhole(ctx, q, use)
}

// eachOf asks student by student. It gives nothing if the target does not answer such questions.
func (v *Events) eachOf(ctx context.Context, q *EventQuery, use func(*Event) error) (whole bool, err error) {
	answers := make([][]Event, len(q.Students))
	wholes := make([]bool, len(q.Students))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, student := range q.Students {
		g.Go(func() (err error) {
			own := *v // a reader of its own
			own.reader = NewEventReader(v.catalog.standard)
			answers[i], wholes[i], err = own.ofStudent(ctx, q, student)
			return err
		})
	}
	if err := g.Wait(); err != nil || slices.Contains(wholes, false) {
		return false, err
	}
	for _, events := range answers {
		for i := range events {
			if err := use(&events[i]); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}

// ofStudent asks for the results of a student. They are not whole if the answer holds those of others, or may go on.
func (v *Events) ofStudent(ctx context.Context, q *EventQuery, student string) (events []Event, whole bool, err error) {
	query := q.values()
	query.Set("studentUniqueId", student)
	query.Set("offset", "0")
	query.Set("limit", "100") // no student has so many
	items, err := v.get(ctx, query)
	if errors.Is(err, errOddQuestion) {
		return nil, false, nil
	}
	if err != nil || len(items) >= 100 {
		return nil, false, err
	}
	for _, item := range items {
		e, ok := v.reader.readItem(item)
		if !ok || e.Student != StudentKey([]byte(student)) || v.reader.AssessmentKey() != q.Assessment {
			return nil, false, nil
		}
		events = append(events, e)
	}
	return events, true, nil
}

// readWhole reads all results of the assessment, and keeps them where they can be kept up to date.
func (v *Events) readWhole(ctx context.Context, q *EventQuery, use func(*Event) error) error {
	var w *eventWriter
	if path := v.keptAt(q); path != "" {
		var err error
		if w, err = createEvents(path, v.newest); err != nil {
			v.catalog.cache.fail("write", err)
		}
	}
	err := v.catalog.reader.EachMatching(ctx, v.path, v.query(q), workers, func(items []json.RawMessage) error {
		for _, item := range items {
			e, ok := v.reader.readItem(item)
			if !ok || v.reader.AssessmentKey() != q.Assessment {
				continue
			}
			if w != nil {
				if err := w.add(&e); err != nil {
					v.catalog.cache.fail("write", errors.Join(err, w.file.Close()))
					w = nil
				}
			}
			if err := use(&e); err != nil {
				return err
			}
		}
		return nil
	})
	return v.settle(w, v.denied(err))
}

// settle keeps a file of events that is complete. One that cannot be written is done without.
func (v *Events) settle(w *eventWriter, err error) error {
	switch {
	case w == nil:
		return err
	case err != nil:
		return errors.Join(err, w.file.Close())
	}
	if err := w.commit(); err != nil {
		v.catalog.cache.fail("write", err)
	}
	return nil
}

// eachKept brings the kept results up to date. It gives nothing if they do not come to as many as the target counts:
// something was deleted that it does not tell, or it was restored.
func (v *Events) eachKept(ctx context.Context, q *EventQuery, p EventPlan, use func(*Event) error) (current bool, err error) {
	gone := map[uint64]bool{} // deleted, or among fresh
	var fresh []Event
	if p.kept.Version < v.newest {
		if fresh, err = v.changedSince(ctx, q, p.kept.Version, gone); err != nil {
			return false, err
		}
	}
	n := int64(len(fresh))
	count := func(e *Event) error {
		if !gone[e.ID] {
			n++
		}
		return nil
	}
	if err := p.kept.each(count); err != nil || n != p.AtTarget {
		return false, nil // read whole
	}
	var w *eventWriter
	if p.kept.Version < v.newest {
		if w, err = createEvents(v.keptAt(q), v.newest); err != nil {
			v.catalog.cache.fail("write", err)
		}
	}
	keep := func(e *Event) error {
		if gone[e.ID] {
			return nil
		}
		if w != nil {
			if err := w.add(e); err != nil {
				return err
			}
		}
		return use(e)
	}
	err = p.kept.each(keep)
	clear(gone)
	for i := range fresh {
		if err == nil {
			err = keep(&fresh[i])
		}
	}
	return true, v.settle(w, err)
}

// changedSince reads the results that were written since a change version, and notes in gone their ids and those that
// were deleted. A target that does not list what was deleted is found out by its count.
func (v *Events) changedSince(ctx context.Context, q *EventQuery, since int64, gone map[uint64]bool) (fresh []Event, err error) {
	query := v.query(q)
	query.Set("minChangeVersion", strconv.FormatInt(since+1, 10))
	err = v.catalog.reader.EachMatching(ctx, v.path, query, workers, func(items []json.RawMessage) error {
		for _, item := range items {
			if e, ok := v.reader.readItem(item); ok && v.reader.AssessmentKey() == q.Assessment && !gone[e.ID] {
				gone[e.ID] = true
				fresh = append(fresh, e)
			}
		}
		return nil
	})
	if err := v.denied(err); err != nil {
		return nil, err
	}
	query = url.Values{"minChangeVersion": query["minChangeVersion"]}
	err = v.catalog.reader.EachMatching(ctx, v.path+"/deletes", query, workers, func(items []json.RawMessage) error {
		for _, item := range items {
			gone[recordID(target.IDOf(item))] = true
		}
		return nil
	})
	if _, ends := replyOf(err); ends != nil && !target.IsKind(err, target.Odd) {
		return nil, ends
	}
	// One that was deleted and is there again, or the other way round: what came last is not known here.
	return fresh, nil
}
