package target

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// EachPage reads a whole collection, several pages under way at a time. yield gets its records in any
// order, each of them once, never two pages at once; if it fails, the reading ends with its error.
// workers is bounded by the client's Concurrency, and by mostReaders.
//
// Every record comes that is there from the beginning to the end, whatever others write meanwhile (steadily).
//
// What a target promises is not believed: records are told apart by their ids, and only a page that is
// not full ends a collection, or, without a Total-Count that agrees, an empty one. Where fewer records come
// than the target counts, the collection is read once more, page after page. If they still do not come, or
// pages repeat, that is a failure, never a silent gap.
func (c *Client) EachPage(ctx context.Context, resource string, workers int, yield func(items []json.RawMessage) error) error {
	return c.eachPage(ctx, reading{resource: resource, size: c.usualPage(), workers: workers}, yield)
}

// EachNow is EachPage for those who keep what records hold, and not only which there are: no record is from a
// snapshot, which may be older than the change version that the caller has noted.
func (c *Client) EachNow(ctx context.Context, resource string, workers int, yield func(items []json.RawMessage) error) error {
	return c.eachPage(ctx, reading{resource: resource, size: c.usualPage(), workers: workers, live: true}, yield)
}

// EachChanged reads those records of a collection that were created or changed after a change version, as they are now.
func (c *Client) EachChanged(ctx context.Context, resource string, version int64, workers int,
	yield func(items []json.RawMessage) error) error {
	return c.EachMatching(ctx, resource, url.Values{"minChangeVersion": {strconv.FormatInt(version+1, 10)}}, workers, yield)
}

// EachMatching reads those records of a collection that a query asks for. A target may not know a parameter, and
// then gives others too. They are as they are now.
func (c *Client) EachMatching(ctx context.Context, resource string, query url.Values, workers int,
	yield func(items []json.RawMessage) error) error {
	return c.eachPage(ctx, reading{resource: resource, size: c.usualPage(), workers: workers, query: query, live: true}, yield)
}

// mostReaders is how many pages of a collection are asked for at a time at most: reading should not load a target that
// others work with.
const mostReaders = 4

func (c *Client) readers(r reading) int {
	return max(1, min(r.workers, c.config.Concurrency, mostReaders))
}

// EachDeleted reads the ids of those records of a collection that were deleted after a change version. It fails
// with Forbidden or NotFound where the target does not tell, or not this credential.
func (c *Client) EachDeleted(ctx context.Context, resource string, version int64, yield func(ids []string) error) error {
	query := url.Values{"minChangeVersion": {strconv.FormatInt(version+1, 10)}}
	return c.eachPage(ctx, reading{resource: resourcePath(resource) + "/deletes", size: c.usualPage(), workers: 1, query: query},
		func(items []json.RawMessage) error {
			ids := make([]string, len(items))
			for i, item := range items {
				if ids[i] = IDOf(item); ids[i] == "" {
					return &Failure{Kind: Odd, Method: http.MethodGet, Resource: resourcePath(resource) + "/deletes", Detail: "a deleted record has no id"}
				}
			}
			return yield(ids)
		})
}

// usualPage is the largest page that this target is known to serve.
func (c *Client) usualPage() int {
	if known := c.pageSize.Load(); known > 0 {
		return int(known)
	}
	return MaxPage
}

// reading is a collection that is read.
type reading struct {
	resource string
	size     int // of a page
	workers  int
	query    url.Values // what is asked for; nil: all
	live     bool       // no snapshot will do
	snapshot *snapshot  // nil: the live data
}

func (c *Client) eachPage(ctx context.Context, r reading, yield func(items []json.RawMessage) error) error {
	s := &collector{yield: yield}
	first, err := c.firstPage(ctx, &r)
	if err == nil {
		_, err = s.take(first)
	}
	if err != nil || first.ends(int64(len(first.items)), first.total, r.size) {
		return err
	}
	return c.steadily(ctx, r, s, first)
}

// collect reads a collection. first is its first page, if that was read already. shifts: it was read by offset, so
// that what others delete meanwhile may move a record to a page that was read already.
func (c *Client) collect(ctx context.Context, r reading, s *collector, first *page) (shifts bool, err error) {
	var total int64
	for _, several := range []bool{true, false} {
		if first == nil {
			if first, err = c.firstPage(ctx, &r); err == nil {
				_, err = s.take(first)
			}
			if err != nil {
				return true, err
			}
		}
		total, shifts = first.total, true
		switch whole := several && first.totalKnown && len(first.items) == r.size; {
		case whole && c.offersCursor() && total >= int64(cursorPages*r.size):
			shifts, err = c.readPartitions(ctx, r, s, first)
		case whole:
			err = c.readTogether(ctx, r, s, first)
		default:
			err = c.follow(ctx, r, s, first, int64(len(first.items)))
		}
		if err != nil || int64(s.round.Len()) >= total {
			return shifts, err
		}
		if several {
			s.again()
			first = nil
		}
	}
	now, err := c.Count(ctx, r.resource, r.query)
	switch {
	case errors.Is(err, ErrNoCount):
		now = total
	case err != nil:
		return shifts, err
	}
	if int64(s.round.Len()) >= now {
		return shifts, nil // they were deleted before we came to them
	}
	return shifts, &Failure{Kind: Odd, Retryable: true, Method: http.MethodGet, Resource: resourcePath(r.resource),
		Detail: fmt.Sprintf("the target counts %s, and %d of them came", diag.Counted(int(now), "record", "records"), s.round.Len()),
		Fix:    "Run the same command again when nobody deletes records there; if it persists, look for a proxy that caches answers."}
}

// firstPage asks for the first page. A target that refuses one of the usual size is asked for smaller ones
// from then on.
func (c *Client) firstPage(ctx context.Context, r *reading) (*page, error) {
	p, err := c.page(ctx, *r, 0, true)
	for _, size := range []int{100, 25} {
		if !IsKind(err, Validation) || size >= r.size {
			continue
		}
		smaller := *r
		smaller.size = size
		if q, again := c.page(ctx, smaller, 0, true); again == nil {
			*r, p, err = smaller, q, nil
			c.pageSize.Store(int32(size))
		}
	}
	return p, err
}

// readTogether reads what follows a full first page, several pages at a time: as far as the target
// promises records, and then as far as there are any.
func (c *Client) readTogether(ctx context.Context, r reading, s *collector, first *page) error {
	var ended atomic.Bool
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(c.readers(r))
	offset := int64(r.size)
	for ; offset < first.total && !ended.Load() && groupCtx.Err() == nil; offset += int64(r.size) {
		at := offset
		g.Go(func() error {
			p, err := c.page(groupCtx, r, at, false)
			if err != nil {
				return err
			}
			if len(p.items) < r.size {
				ended.Store(true)
			}
			_, err = s.take(p)
			return err
		})
	}
	if err := g.Wait(); err != nil || ended.Load() {
		return err
	}
	if ctx.Err() != nil {
		return interruption(ctx, "GET "+resourcePath(r.resource))
	}
	return c.follow(ctx, r, s, first, offset)
}

// follow reads on, one page after the other, until one ends the collection. last is the page read before,
// and read how many records came so far.
func (c *Client) follow(ctx context.Context, r reading, s *collector, last *page, read int64) error {
	for total := last.total; !last.ends(read, total, r.size); {
		next, err := c.page(ctx, r, read, false)
		if err != nil {
			return err
		}
		fresh, err := s.take(next)
		if err != nil {
			return err
		}
		if len(next.items) > 0 && fresh == 0 {
			f := next.call.unlikely("the target sends the same page again")
			f.Fix = "It does not know the parameter offset, or a proxy in between caches answers; " +
				"check base_url, and ask the target's administrator."
			return f
		}
		read += int64(len(next.items))
		next.totalKnown = last.totalKnown
		last = next
	}
	return nil
}

// page is some records of a collection.
type page struct {
	items      []json.RawMessage
	keys       []keyset.Key // that tell them apart
	total      int64        // 0 unless it is known
	totalKnown bool
	call       *call
}

// ends reports whether nothing follows. A target may serve smaller pages than it was asked for, so that
// a page which is not full ends the collection only if the count agrees.
func (p *page) ends(read, total int64, size int) bool {
	return len(p.items) == 0 || len(p.items) < size && p.totalKnown && read == total
}

func (c *Client) page(ctx context.Context, r reading, offset int64, count bool) (*page, error) {
	q := url.Values{"offset": {strconv.FormatInt(offset, 10)}, "limit": {strconv.Itoa(r.size)}}
	if count {
		q.Set("totalCount", "true")
	}
	return c.pageBy(ctx, r, q)
}

// pageBy asks for the page that a query names, beside the reading's own.
func (c *Client) pageBy(ctx context.Context, r reading, q url.Values) (*page, error) {
	maps.Copy(q, r.query)
	p := &page{call: &call{method: http.MethodGet, most: maxList, snapshot: r.snapshot}}
	got, err := c.onResource(ctx, p.call, resourcePath(r.resource), q)
	if err != nil {
		return nil, err
	}
	var why string
	if p.items, why = records(got.Body, r.size); why != "" {
		return nil, p.call.unlikely(why)
	}
	p.total, p.totalKnown = p.call.answer.total()
	p.keys = make([]keyset.Key, len(p.items))
	for i, item := range p.items {
		id, what := idIn(item), []byte(item) // by all that it holds, if it has no id
		if len(id) > longestID {
			return nil, p.call.unlikely(fmt.Sprintf("a record has an id of %d characters", len(id)))
		}
		if id != "" {
			what = []byte(id)
		}
		sum := sha256.Sum256(what)
		p.keys[i] = keyset.Key(sum[:])
	}
	return p, nil
}

// unlikely is an answer that no Ed-Fi API gives. None of its words are kept: they may be a record's.
func (a *call) unlikely(why string) *Failure {
	f := a.unreadable(a.answer)
	f.Body, f.Detail = "", why
	return f
}

// records cuts a page into its records, or says why it is not a page. It stops where there are more of them
// than were asked for: what such a page holds is not known, and it may be very large. The records are parts
// of body: a collection may have millions of them.
func records(body []byte, most int) (items []json.RawMessage, why string) {
	const odd = "the answer is not a list of records"
	list := jsonl.Scanner{Data: body}
	if list.Peek() != '[' {
		return nil, odd
	}
	list.Pos++
	for next := list.Peek(); next != ']'; next = list.Peek() {
		if len(items) > 0 {
			if next != ',' {
				return nil, odd
			}
			list.Pos++
			next = list.Peek()
		}
		start := list.Pos
		switch {
		case next != '{':
			return nil, odd
		case !list.Skip():
			return nil, odd + ": " + list.Problem
		case len(items) == most:
			return nil, fmt.Sprintf("more records came than the %d that were asked for", most)
		}
		items = append(items, body[start:list.Pos:list.Pos])
		list.Decoded = list.Decoded[:0]
	}
	list.Pos++
	if list.Peek() != 0 || list.Pos < len(body) {
		return nil, odd
	}
	return items, ""
}

// collector hands on the records of a collection, each once, whatever page they come on.
type collector struct {
	yield func(items []json.RawMessage) error
	gone  map[string]bool // ids of records that are not handed on

	mu     sync.Mutex // held around yield
	known  keyset.Set // what came before that, if the collection was begun again from the start
	round  keyset.Set // what came since
	rounds int        // how often it was begun again
}

// again says that the collection is begun from the start.
func (s *collector) again() {
	if s.rounds++; s.rounds == 1 {
		s.known = s.round
	}
	s.round = keyset.Set{}
}

// take hands on the records of a page that were not met before. fresh is how many are new in this round.
func (s *collector) take(p *page) (fresh int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var unknown []json.RawMessage
	for i, key := range p.keys {
		if _, ok := s.round.Add(key); !ok {
			continue
		}
		fresh++
		if s.gone != nil && s.gone[NormalID(idIn(p.items[i]))] {
			continue
		}
		if s.rounds > 0 {
			if _, ok := s.known.Add(key); !ok {
				continue
			}
		}
		unknown = append(unknown, p.items[i])
	}
	if len(unknown) > 0 {
		err = s.yield(unknown)
	}
	return fresh, err
}

// idIn is the id that the target gave a record; "" if there is none.
func idIn(record json.RawMessage) string {
	if rest, ok := bytes.CutPrefix(record, []byte(`{"id":"`)); ok { // as the API writes it
		if id, _, whole := bytes.Cut(rest, []byte{'"'}); whole && !bytes.Contains(id, []byte{'\\'}) {
			return string(id)
		}
	}
	return IDOf(record)
}
