package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// cursorPages is how many pages a collection must have before it is read by partitions: these cost a call
// of their own, and the first page twice.
const cursorPages = 20

// offersCursor reports whether the target may offer pages by token, as far as its version tells: the ODS/API
// has them from 7.3 on, and so has the Data Management Service, whose versions are higher.
func (c *Client) offersCursor() bool {
	about := c.about.Load()
	if about == nil || c.noCursor.Load() {
		return false
	}
	var major, minor int
	_, err := fmt.Sscanf(about.Version, "%d.%d", &major, &minor)
	return err == nil && (major > 7 || major == 7 && minor >= 3)
}

// readPartitions reads a large collection in parts, each of them page after page by token. An offset makes the
// target's database read and drop all that comes before, a token does not; and what others delete meanwhile
// moves no record to a page that was read already. A target that does not know it is read by offset.
func (c *Client) readPartitions(ctx context.Context, r reading, s *collector, first *page) (shifts bool, err error) {
	workers := c.readers(r)
	tokens, err := c.partitions(ctx, r, workers)
	if errors.Is(err, errNoPartitions) || IsKind(err, NotFound) || IsKind(err, Validation) || IsKind(err, Odd) {
		c.noCursor.Store(true)
		return true, c.readTogether(ctx, r, s, first)
	}
	if err != nil {
		return false, err
	}
	g, groupCtx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, token := range tokens {
		g.Go(func() error { return c.walk(groupCtx, r, s, token) })
	}
	return false, g.Wait()
}

// errNoPartitions is for an answer that is not one to the question for partitions.
var errNoPartitions = errors.New("the target names no partitions")

// partitions asks for the tokens with which the parts of a collection begin.
func (c *Client) partitions(ctx context.Context, r reading, number int) ([]string, error) {
	q := url.Values{"number": {strconv.Itoa(number)}}
	for name, value := range r.query {
		q[name] = value
	}
	got, err := c.onResource(ctx, &call{method: http.MethodGet, most: maxSmall, snapshot: r.snapshot}, resourcePath(r.resource)+"/partitions", q)
	if err != nil {
		return nil, err
	}
	var answer struct {
		PageTokens []string `json:"pageTokens"`
	}
	if json.Unmarshal(got.Body, &answer) != nil || len(answer.PageTokens) == 0 {
		return nil, errNoPartitions
	}
	return answer.PageTokens, nil
}

// walk reads one part of a collection.
func (c *Client) walk(ctx context.Context, r reading, s *collector, token string) error {
	met := map[string]bool{}
	for token != "" {
		p, err := c.pageBy(ctx, r, url.Values{"pageToken": {token}, "pageSize": {strconv.Itoa(r.size)}})
		if err != nil {
			return err
		}
		if _, err := s.take(p); err != nil || len(p.items) == 0 {
			return err
		}
		met[token] = true
		if token = p.call.answer.header.Get("Next-Page-Token"); met[token] {
			f := p.call.unlikely("the target sends the same page again")
			f.Fix = "Look for a proxy in between that caches answers. Check base_url, and ask the target's administrator."
			return f
		}
	}
	return nil
}
