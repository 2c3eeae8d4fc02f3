package target

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// MaxPage is the largest page that every API generation serves.
const MaxPage = 500

// Response is a call that succeeded.
type Response struct {
	Status        int
	ID            string // of the record that was posted
	CorrelationID string
	Attempts      int
	Body          []byte // of a GET
}

// Get asks a collection for a few records.
func (c *Client) Get(ctx context.Context, resource string, query url.Values) (*Response, error) {
	return c.onResource(ctx, &call{method: http.MethodGet, most: maxSmall}, resourcePath(resource), query)
}

// GetByID reads one record.
func (c *Client) GetByID(ctx context.Context, resource, id string) (*Response, error) {
	if id == "" {
		return nil, fmt.Errorf("GET %s: no id given", resourcePath(resource))
	}
	path := resourcePath(resource)
	collection, err := c.address(ctx, path)
	if err != nil {
		return nil, err
	}
	a := &call{method: http.MethodGet, most: maxSmall}
	got, err := c.complete(ctx, a, path, collection.JoinPath(url.PathEscape(id)))
	if err == nil && NormalID(IDOf(got.Body)) != NormalID(id) {
		return nil, a.unlikely("the answer is not the record that was asked for")
	}
	return got, err
}

// NormalID is an id without what targets write differently: the dashes of a UUID, and its case.
func NormalID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

// Enter makes sure that the target takes the credential, by reading something that every target has.
// What the credential may read is another question: being told that it may not is being let in.
func (c *Client) Enter(ctx context.Context) error {
	a := &call{method: http.MethodGet, most: maxSmall}
	got, err := c.onResource(ctx, a, resourcePath("schoolYearTypes"), url.Values{"offset": {"0"}, "limit": {"1"}})
	if IsKind(err, Forbidden) {
		return nil
	}
	var items []json.RawMessage
	if err == nil && json.Unmarshal(got.Body, &items) != nil {
		return a.unreadable(a.answer)
	}
	return err
}

// Count asks how many records of a resource the credential may see.
func (c *Client) Count(ctx context.Context, resource string, query url.Values) (int64, error) {
	q := url.Values{}
	maps.Copy(q, query)
	q.Set("limit", "0")
	q.Set("totalCount", "true")
	a := &call{method: http.MethodGet, most: maxSmall}
	if _, err := c.onResource(ctx, a, resourcePath(resource), q); err != nil {
		return 0, err
	}
	n, ok := a.answer.total()
	if !ok {
		f := a.unlikely("the answer holds no Total-Count")
		if _, why := records(a.answer.body, 0); why == "" {
			f.Err = ErrNoCount
		}
		return 0, f
	}
	return n, nil
}

// total reads the Total-Count header.
func (a *answer) total() (int64, bool) {
	n, err := strconv.ParseInt(a.header.Get("Total-Count"), 10, 64)
	return n, err == nil && n >= 0
}

// Post creates or updates a record by its natural key: status 201 or 200, and the record's id. Whatever
// else comes back, the target did not say that it has the record: a failure of kind Odd. Sending it
// again is safe, and is done when no answer came. The body must not be changed before Post returns, nor
// after it returned an error.
func (c *Client) Post(ctx context.Context, resource string, body []byte) (*Response, error) {
	a := &call{method: http.MethodPost, body: body, contentType: acceptJSON, posts: true, most: maxErrorBody}
	return c.onResource(ctx, a, resourcePath(resource), nil)
}

// onResource makes a call at the address of a collection.
func (c *Client) onResource(ctx context.Context, a *call, path string, query url.Values) (*Response, error) {
	u, err := c.address(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(query) > 0 {
		u = withQuery(u, query)
	}
	return c.complete(ctx, a, path, u)
}

func (c *Client) complete(ctx context.Context, a *call, path string, u *url.URL) (*Response, error) {
	a.client, a.resource, a.url = c, path, u
	answer, err := a.do(ctx)
	if err != nil {
		return nil, err
	}
	r := &Response{Status: answer.status, ID: answer.id, Attempts: a.attempts,
		CorrelationID: cmp.Or(correlationOf(answer.header), a.correlationID)}
	if a.most > 0 {
		r.Body = answer.body
	}
	return r, nil
}

// NewestChangeVersion asks for the newest change version; it grows with every write. The error is
// ErrNotOffered where change queries are off.
func (c *Client) NewestChangeVersion(ctx context.Context) (int64, error) {
	return c.newestChangeVersion(ctx, nil)
}

func (c *Client) newestChangeVersion(ctx context.Context, taken *snapshot) (int64, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return 0, err
	}
	if about.ChangeQueriesURL == "" {
		return 0, about.notOffered("change queries", "changeQueries")
	}
	a, err := c.readCall("availableChangeVersions", join(about.ChangeQueriesURL, "availableChangeVersions"))
	if err != nil {
		return 0, err
	}
	a.snapshot = taken
	answer, err := a.do(ctx)
	if err != nil {
		if f, ok := AsFailure(err); ok && f.Kind == NotFound {
			f.Err = ErrNotOffered
		}
		return 0, err
	}
	var versions struct {
		Newest int64 `json:"newestChangeVersion"` // names are compared without case: 5.3 writes it with a capital
	}
	if json.Unmarshal(answer.body, &versions) != nil {
		return 0, a.unreadable(answer)
	}
	return versions.Newest, nil
}
