package target

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	ID            string // of the record, from Location
	Location      string
	ETag          string
	CorrelationID string
	Attempts      int
	Body          []byte // of a GET
}

// Get reads a collection, or whatever lies at the resource's address, as it is.
func (c *Client) Get(ctx context.Context, resource string, query url.Values) (*Response, error) {
	return c.onResource(ctx, &call{method: http.MethodGet, most: maxList}, resourcePath(resource), query)
}

// GetByID reads one record.
func (c *Client) GetByID(ctx context.Context, resource, id string) (*Response, error) {
	return c.onRecord(ctx, &call{method: http.MethodGet, most: maxSmall}, resource, id)
}

// GetByKey reads the record that has the given key, by the query parameters of its key. It reports
// false if there is none. An ODS ignores parameters it does not know and answers with other
// records: more than one is a failure, and a caller compares the key of the one.
func (c *Client) GetByKey(ctx context.Context, resource string, key url.Values) (json.RawMessage, bool, error) {
	query := url.Values{"limit": {"2"}}
	for name, values := range key {
		query[name] = values
	}
	a := &call{method: http.MethodGet, most: maxSmall}
	r, err := c.onResource(ctx, a, resourcePath(resource), query)
	if err != nil {
		return nil, false, err
	}
	var items []json.RawMessage
	if json.Unmarshal(r.Body, &items) != nil {
		return nil, false, a.unreadable(a.answer)
	}
	switch len(items) {
	case 0:
		return nil, false, nil
	case 1:
		return items[0], true, nil
	}
	f := a.unreadable(a.answer)
	f.Body, f.Detail = "", "several records answer to one key"
	f.Fix = "the target does not know one of the query parameters of this key"
	return nil, false, f
}

// Count asks how many records of a resource the credential may see.
func (c *Client) Count(ctx context.Context, resource string, query url.Values) (int64, error) {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	q.Set("limit", "0")
	q.Set("totalCount", "true")
	a := &call{method: http.MethodGet, most: maxSmall}
	if _, err := c.onResource(ctx, a, resourcePath(resource), q); err != nil {
		return 0, err
	}
	n, ok := a.answer.total()
	if !ok {
		f := a.unreadable(a.answer)
		f.Body, f.Detail = "", "the answer holds no Total-Count"
		return 0, f
	}
	return n, nil
}

// total reads the Total-Count header.
func (a *answer) total() (int64, bool) {
	n, err := strconv.ParseInt(a.header.Get("Total-Count"), 10, 64)
	return n, err == nil && n >= 0
}

// Post creates or updates a record by its natural key: status 201 or 200. Sending it again is
// safe, and is done when no answer came. The body must not be changed before Post returns, nor
// after it returned an error.
func (c *Client) Post(ctx context.Context, resource string, body []byte) (*Response, error) {
	return c.onResource(ctx, &call{method: http.MethodPost, body: body, contentType: acceptJSON}, resourcePath(resource), nil)
}

// Put replaces the record with that id. The id is put into the body as well, without which the
// Data Management Service refuses it.
func (c *Client) Put(ctx context.Context, resource, id string, body []byte) (*Response, error) {
	return c.onRecord(ctx, &call{method: http.MethodPut, body: withID(body, id), contentType: acceptJSON}, resource, id)
}

// Delete removes the record with that id. A record that is gone after an attempt of ours that got
// no answer counts as removed.
func (c *Client) Delete(ctx context.Context, resource, id string) (*Response, error) {
	a := &call{method: http.MethodDelete}
	r, err := c.onRecord(ctx, a, resource, id)
	if f, ok := AsFailure(err); ok && f.Status == http.StatusNotFound && f.Attempts > 1 {
		return &Response{Status: http.StatusNoContent, ID: id, CorrelationID: f.CorrelationID, Attempts: f.Attempts}, nil
	}
	return r, err
}

// withID puts the id in front of the members of a JSON object.
func withID(body []byte, id string) []byte {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
	if !ok {
		return body
	}
	quoted, _ := json.Marshal(id) // a string always encodes
	out := append(make([]byte, 0, len(body)+len(quoted)+8), `{"id":`...)
	out = append(out, quoted...)
	if rest = bytes.TrimLeft(rest, " \t\r\n"); len(rest) > 0 && rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, rest...)
}

// onRecord makes a call at the address of one record.
func (c *Client) onRecord(ctx context.Context, a *call, resource, id string) (*Response, error) {
	if id == "" {
		return nil, fmt.Errorf("%s %s: no id given", a.method, resourcePath(resource))
	}
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	path := resourcePath(resource)
	collection, err := c.address(about, path)
	if err != nil {
		return nil, err
	}
	return c.complete(ctx, a, path, collection.JoinPath(url.PathEscape(id)))
}

// onResource makes a call at the address of a collection.
func (c *Client) onResource(ctx context.Context, a *call, path string, query url.Values) (*Response, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	u, err := c.address(about, path)
	if err != nil {
		return nil, err
	}
	if len(query) > 0 {
		u = withQuery(u, query)
	}
	return c.complete(ctx, a, path, u)
}

func (c *Client) complete(ctx context.Context, a *call, path string, u *url.URL) (*Response, error) {
	a.client, a.resource, a.url, a.accept = c, path, u, acceptJSON
	answer, err := a.do(ctx)
	if err != nil {
		return nil, err
	}
	r := &Response{Status: answer.status, Attempts: a.attempts, CorrelationID: firstOf(correlationOf(answer.header), a.correlationID)}
	if etag := answer.header["Etag"]; len(etag) > 0 {
		r.ETag = etag[0]
	}
	if location := answer.header["Location"]; len(location) > 0 {
		r.Location = location[0]
		r.ID = r.Location[strings.LastIndexByte(r.Location, '/')+1:]
	}
	if a.most > 0 {
		r.Body = answer.body
	}
	return r, nil
}
