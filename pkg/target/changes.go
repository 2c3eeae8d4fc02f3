package target

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// NewestChangeVersion asks for the newest change version; it grows with every write. The error is
// ErrNotOffered where change queries are off.
func (c *Client) NewestChangeVersion(ctx context.Context) (int64, error) {
	about, err := c.Discover(ctx)
	if err != nil {
		return 0, err
	}
	if about.ChangeQueriesURL == "" {
		return 0, c.notOffered("change queries", about, "changeQueries")
	}
	u, err := url.Parse(join(about.ChangeQueriesURL, "availableChangeVersions"))
	if err != nil {
		return 0, setup("the address of the change queries cannot be read", "check base_url")
	}
	a := &call{client: c, method: http.MethodGet, url: u, resource: "availableChangeVersions", accept: acceptJSON, most: maxSmall}
	answer, err := a.do(ctx)
	if err != nil {
		if f, ok := AsFailure(err); ok && f.Status == http.StatusNotFound {
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
