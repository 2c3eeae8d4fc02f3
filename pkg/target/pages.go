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

// Pages reads a whole collection page by page and hands each page to yield, in order. size is
// the page's, at most MaxPage; 0 is MaxPage. A yield that fails ends the reading with its error.
//
// The number of records is compared with what the target promised: records that slipped between
// pages because others were deleted meanwhile are a failure, not a silent gap.
func (c *Client) Pages(ctx context.Context, resource string, query url.Values, size int, yield func(items []json.RawMessage) error) error {
	size = pageSize(size)
	page, err := c.page(ctx, resource, query, 0, size, true)
	if err != nil {
		return err
	}
	seen := int64(0)
	for {
		seen += int64(len(page.items))
		if len(page.items) > 0 {
			if err := yield(page.items); err != nil {
				return err
			}
		}
		if page.last(seen, size) {
			break
		}
		before := page
		if page, err = c.page(ctx, resource, query, seen, size, false); err != nil {
			return err
		}
		if len(page.items) > 0 && bytes.Equal(page.items[0], before.items[0]) {
			f := page.call.unreadable(page.call.answer)
			f.Body, f.Detail = "", "the target sends the same page again"
			f.Fix = "it does not know the parameter offset; check base_url, and any proxy in between"
			return f
		}
		page.total, page.totalKnown = before.total, before.totalKnown
	}
	return c.complain(ctx, resource, query, page, seen)
}

// PagesParallel reads a whole collection with several pages under way at a time, for bulk reads.
// yield gets the pages in any order, never two at once. workers is bounded by the client's
// Concurrency.
func (c *Client) PagesParallel(ctx context.Context, resource string, query url.Values, size, workers int, yield func(items []json.RawMessage) error) error {
	size = pageSize(size)
	first, err := c.page(ctx, resource, query, 0, size, true)
	if err != nil {
		return err
	}
	if !first.totalKnown || len(first.items) < size {
		// Few records, or a target that pages by a measure of its own: one after the other.
		return c.Pages(ctx, resource, query, size, yield)
	}
	if err := yield(first.items); err != nil {
		return err
	}
	var mu sync.Mutex // held around yield
	seen := int64(len(first.items))
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, min(workers, c.config.Concurrency)))
	for offset := int64(size); offset < first.total && groupCtx.Err() == nil; offset += int64(size) {
		g.Go(func() error {
			p, err := c.page(groupCtx, resource, query, offset, size, false)
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
		return interruption(ctx, "GET "+resourcePath(resource))
	}
	return c.complain(ctx, resource, query, first, seen)
}

func pageSize(size int) int {
	if size <= 0 {
		return MaxPage
	}
	return min(size, MaxPage)
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

func (c *Client) page(ctx context.Context, resource string, query url.Values, offset int64, size int, count bool) (*page, error) {
	q := make(url.Values, len(query)+3)
	for name, values := range query {
		q[name] = values
	}
	q.Set("offset", strconv.FormatInt(offset, 10))
	q.Set("limit", strconv.Itoa(size))
	if count {
		q.Set("totalCount", "true")
	}
	a := &call{method: http.MethodGet, most: maxList}
	r, err := c.onResource(ctx, a, resourcePath(resource), q)
	if err != nil {
		return nil, err
	}
	p := &page{call: a}
	if json.Unmarshal(r.Body, &p.items) != nil {
		return nil, a.unreadable(a.answer)
	}
	p.total, p.totalKnown = a.answer.total()
	return p, nil
}

// complain compares what was read with what was promised.
func (c *Client) complain(ctx context.Context, resource string, query url.Values, p *page, seen int64) error {
	if !p.totalKnown || seen >= p.total {
		return nil
	}
	now, err := c.Count(ctx, resource, query)
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
