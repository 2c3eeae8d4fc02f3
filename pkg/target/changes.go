package target

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// ChangeVersions is the span of change versions that a target knows.
type ChangeVersions struct {
	Oldest int64 `json:"oldestChangeVersion"`
	Newest int64 `json:"newestChangeVersion"`
}

// AvailableChangeVersions asks for the span of change versions; it grows with every write. The
// error is ErrNotOffered where change queries are off.
func (c *Client) AvailableChangeVersions(ctx context.Context) (ChangeVersions, error) {
	var versions ChangeVersions
	about, err := c.Discover(ctx)
	if err != nil {
		return versions, err
	}
	if about.ChangeQueriesURL == "" {
		return versions, c.notOffered("change queries", about, "changeQueries")
	}
	u, err := url.Parse(join(about.ChangeQueriesURL, "availableChangeVersions"))
	if err != nil {
		return versions, setup("the address of the change queries cannot be read", "check base_url")
	}
	a := &call{client: c, method: http.MethodGet, url: u, resource: "availableChangeVersions", accept: acceptJSON, most: maxSmall}
	answer, err := a.do(ctx)
	if err != nil {
		if f, ok := AsFailure(err); ok && f.Status == http.StatusNotFound {
			f.Err = ErrNotOffered
		}
		return versions, err
	}
	// Names are compared without case: 5.3 writes them with a capital.
	if json.Unmarshal(answer.body, &versions) != nil {
		return versions, a.unreadable(answer)
	}
	return versions, nil
}
