package target

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
)

// EachPage reads a whole collection page by page, the largest that every API serves, with several
// under way at a time. yield gets the pages in any order, never two at once; one that fails ends the
// reading with its error. workers is bounded by the client's Concurrency.
//
// The number of records is compared with what the target promised: records that slipped between
// pages because others were deleted meanwhile are a failure, not a silent gap.
func (c *Client) EachPage(ctx context.Context, resource string, workers int, yield func(items []json.RawMessage) error) error {
	return c.eachPage(ctx, reading{resource, MaxPage, workers}, yield)
}

// reading is a collection that is read.
type reading struct {
	resource string
	size     int // of a page
	workers  int
}

func (c *Client) eachPage(ctx context.Context, r reading, yield func(items []json.RawMessage) error) error {
	first, err := c.page(ctx, r, 0, true)
	if err != nil {
		return err
	}
	if !first.totalKnown || len(first.items) < r.size {
		// Few records, or a target that pages by a measure of its own: one after the other.
		return c.followPages(ctx, r, first, yield)
	}
	if err := yield(first.items); err != nil {
		return err
	}
	var mu sync.Mutex // held around yield
	seen := int64(len(first.items))
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, min(r.workers, c.config.Concurrency)))
	for offset := int64(r.size); offset < first.total && groupCtx.Err() == nil; offset += int64(r.size) {
		g.Go(func() error {
			p, err := c.page(groupCtx, r, offset, false)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			seen += int64(len(p.items))
			if len(p.items) == 0 {
				return nil
			}
			return yield(p.items)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return interruption(ctx, "GET "+resourcePath(r.resource))
	}
	return c.checkTotal(ctx, r, first, seen)
}

// followPages reads page after page, each from where the one before it ended.
func (c *Client) followPages(ctx context.Context, r reading, page *page, yield func(items []json.RawMessage) error) error {
	seen := int64(0)
	for {
		seen += int64(len(page.items))
		if len(page.items) > 0 {
			if err := yield(page.items); err != nil {
				return err
			}
		}
		if page.last(seen, r.size) {
			return c.checkTotal(ctx, r, page, seen)
		}
		next, err := c.page(ctx, r, seen, false)
		if err != nil {
			return err
		}
		if len(next.items) > 0 && bytes.Equal(next.items[0], page.items[0]) {
			f := next.call.unreadable(next.call.answer)
			f.Body, f.Detail = "", "the target sends the same page again"
			f.Fix = "it does not know the parameter offset; check base_url, and any proxy in between"
			return f
		}
		next.total, next.totalKnown = page.total, page.totalKnown
		page = next
	}
}

type page struct {
	items      []json.RawMessage
	total      int64
	totalKnown bool
	call       *call
}

// last reports whether nothing follows. Where the total is known it decides, since a target may
// serve smaller pages than it was asked for.
func (p *page) last(seen int64, size int) bool {
	if len(p.items) == 0 {
		return true
	}
	if p.totalKnown {
		return seen >= p.total
	}
	return len(p.items) < size
}

func (c *Client) page(ctx context.Context, r reading, offset int64, count bool) (*page, error) {
	q := url.Values{"offset": {strconv.FormatInt(offset, 10)}, "limit": {strconv.Itoa(r.size)}}
	if count {
		q.Set("totalCount", "true")
	}
	a := &call{method: http.MethodGet, most: maxList}
	got, err := c.onResource(ctx, a, resourcePath(r.resource), q)
	if err != nil {
		return nil, err
	}
	p := &page{call: a}
	if json.Unmarshal(got.Body, &p.items) != nil {
		return nil, a.unreadable(a.answer)
	}
	p.total, p.totalKnown = a.answer.total()
	return p, nil
}

// checkTotal compares what was read with what was promised.
func (c *Client) checkTotal(ctx context.Context, r reading, p *page, seen int64) error {
	if !p.totalKnown || seen >= p.total {
		return nil
	}
	now, err := c.Count(ctx, r.resource, nil)
	if err != nil {
		return err
	}
	if seen >= now {
		return nil // they were deleted before we came to them
	}
	f := p.call.unreadable(p.call.answer)
	f.Retryable, f.Body = true, ""
	f.Detail = "the collection changed while it was read: " + strconv.FormatInt(seen, 10) + " of " + strconv.FormatInt(now, 10) + " records came"
	f.Fix = "run the same command again when nobody deletes records there"
	return f
}
