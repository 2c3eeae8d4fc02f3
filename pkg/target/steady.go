package target

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// While a collection is read others write to it. A record that is deleted moves all behind it forward, so that one
// comes to stand on a page that was read already; a new record may be behind the last page. What is done about it:
//
//	one page                                       an answer is of one moment
//	the target has a snapshot    (5 and higher)    it is read, and then what was written since it was taken
//	it has change versions                         what was written meanwhile is read; if something was deleted, the
//	                                               collection is read once more from its end
//	neither                                        the records are counted once more; if there are fewer or more than
//	                                               before, the collection is read once more from its end
//
// From its end, page before page, no record is missed: those that are deleted move the others to pages still to be read.

// snapshot is a state of the target's data that does not change: the header that asks for it.
type snapshot struct{ name, value string }

var errNoSnapshot = errors.New("the target has no snapshot that can be read")

// steadily reads a collection of which the first page is not the last. first was read before anything was known of
// the moment.
func (c *Client) steadily(ctx context.Context, r reading, s *collector, first *page) error {
	if strings.HasSuffix(r.resource, "/deletes") { // it only grows
		_, err := c.collect(ctx, r, s, first)
		return err
	}
	if taken := c.snapshotFor(ctx, r); taken != nil {
		if err := c.readSnapshot(ctx, r, s, taken); !errors.Is(err, errNoSnapshot) {
			return err
		}
		c.noSnapshot.Store(true)
	}
	before := c.versionUnder(ctx, nil)
	if before == 0 {
		return c.readByCounts(ctx, r, s, first)
	}
	if s.rounds > 0 { // else what is known is the first page alone, and nothing need be held twice
		s.again()
	}
	shifts, err := c.collect(ctx, r, s, nil)
	if err != nil {
		return err
	}
	after := c.versionUnder(ctx, nil)
	if after == before {
		return nil
	}
	if shifts && c.deletedSince(ctx, r, before) {
		if err := c.readBackwards(ctx, r, s); err != nil {
			return err
		}
	}
	return c.collectSince(ctx, r, s, before)
}

// readByCounts reads a collection of a target without change versions.
func (c *Client) readByCounts(ctx context.Context, r reading, s *collector, first *page) error {
	shifts, err := c.collect(ctx, r, s, first)
	if err != nil || !shifts || !first.totalKnown {
		return err
	}
	switch now, err := c.Count(ctx, r.resource, r.query); {
	case errors.Is(err, ErrNoCount), err == nil && now == first.total:
		return nil
	case err != nil:
		return err
	}
	return c.readBackwards(ctx, r, s)
}

// readBackwards reads a collection from its last page to its first, one after the other.
func (c *Client) readBackwards(ctx context.Context, r reading, s *collector) error {
	s.again()
	total, err := c.Count(ctx, r.resource, r.query)
	if err != nil {
		return err
	}
	c.log.DebugContext(ctx, "records were deleted while a collection was read; it is read once more", "resource", r.resource)
	for offset := max(total-1, 0) / int64(r.size) * int64(r.size); offset >= 0; offset -= int64(r.size) {
		p, err := c.page(ctx, r, offset, false)
		if err == nil {
			_, err = s.take(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readSnapshot reads a collection as it was when a snapshot was taken, without what was deleted since, and then
// what was written since. Of a target that does not keep its promise nothing is believed.
func (c *Client) readSnapshot(ctx context.Context, r reading, s *collector, taken *snapshot) error {
	at := c.versionUnder(ctx, taken)
	if at == 0 {
		return errNoSnapshot
	}
	gone := map[string]bool{}
	err := c.eachPage(ctx, reading{resource: r.resource + "/deletes", size: r.size, workers: r.workers, query: since(nil, at)}, func(items []json.RawMessage) error {
		for _, item := range items {
			gone[NormalID(idIn(item))] = true
		}
		return nil
	})
	if unsaid(err) {
		return errNoSnapshot
	}
	if err != nil {
		return err
	}
	s.again()
	frozen := r
	frozen.snapshot, s.gone = taken, gone
	_, err = c.collect(ctx, frozen, s, nil)
	s.gone = nil
	switch {
	case IsKind(err, NotFound, Odd, Validation): // it was taken away meanwhile
		return errNoSnapshot
	case err != nil:
		return err
	case c.versionUnder(ctx, taken) != at: // it changes: it is none
		return errNoSnapshot
	}
	return c.collectSince(ctx, r, s, at)
}

// collectSince reads what was written after a change version.
func (c *Client) collectSince(ctx context.Context, r reading, s *collector, version int64) error {
	r.query = since(r.query, version)
	s.again()
	_, err := c.collect(ctx, r, s, nil)
	return err
}

// since is a query for what was written after a change version.
func since(query url.Values, version int64) url.Values {
	q := url.Values{}
	for name, value := range query {
		q[name] = value
	}
	q.Set("minChangeVersion", strconv.FormatInt(version+1, 10))
	return q
}

// deletedSince reports whether records of a collection may have been deleted after a change version.
func (c *Client) deletedSince(ctx context.Context, r reading, version int64) bool {
	n, err := c.Count(ctx, r.resource+"/deletes", since(nil, version))
	return err != nil || n > 0
}

// unsaid reports whether a failure only says that the target does not answer such a question.
func unsaid(err error) bool {
	return errors.Is(err, ErrNotOffered) || IsKind(err, NotFound, Forbidden, Validation, Odd)
}

// versionUnder is the newest change version, of the live data or of a snapshot; 0: the target does not say.
func (c *Client) versionUnder(ctx context.Context, taken *snapshot) int64 {
	if about := c.about.Load(); about == nil || !about.ChangesAtData() {
		return 0
	}
	version, err := c.newestChangeVersion(ctx, taken)
	if err != nil {
		return 0
	}
	return version
}

// snapshotFor is the snapshot that a collection is read from; nil: the live data.
func (c *Client) snapshotFor(ctx context.Context, r reading) *snapshot {
	if r.live {
		return nil
	}
	return c.snapshotOf(ctx)
}

// snapshotOf finds the target's newest snapshot; nil: it has none. Until 6 snapshots are listed; from 7 on there
// is one or none, and asking for its change version tells. The Data Management Service has none.
func (c *Client) snapshotOf(ctx context.Context) *snapshot {
	about := c.about.Load()
	if about == nil || c.noSnapshot.Load() || about.Service || !about.ChangesAtData() {
		return nil
	}
	major, _, _ := strings.Cut(about.Version, ".")
	generation, err := strconv.Atoi(major)
	switch {
	case err != nil || generation < 5:
	case generation >= 7:
		return &snapshot{"Use-Snapshot", "true"}
	default:
		if id := c.listedSnapshot(ctx, about); id != "" {
			return &snapshot{"Snapshot-Identifier", id}
		}
	}
	c.noSnapshot.Store(true)
	return nil
}

// listedSnapshot is the newest of the snapshots that a target of generation 5 or 6 lists.
func (c *Client) listedSnapshot(ctx context.Context, about *About) (id string) {
	a, err := c.readCall("snapshots", join(about.ChangeQueriesURL, "snapshots"))
	if err != nil {
		return ""
	}
	answer, err := a.do(ctx)
	if err != nil {
		return ""
	}
	var all []struct {
		Identifier string `json:"snapshotIdentifier"`
		Taken      string `json:"snapshotDateTime"`
	}
	newest := ""
	if json.Unmarshal(answer.body, &all) == nil {
		for _, one := range all {
			if one.Identifier != "" && one.Taken >= newest {
				id, newest = one.Identifier, one.Taken
			}
		}
	}
	return id
}

// dress adds the header of a snapshot.
func (s *snapshot) dress(h http.Header) {
	if s != nil {
		h[s.name] = []string{s.value}
	}
}
