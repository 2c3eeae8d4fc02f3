package target

import (
	"context"
	"encoding/json"
)

// EachPageOf is EachPage with pages of another size.
func EachPageOf(ctx context.Context, c *Client, resource string, size, workers int, yield func([]json.RawMessage) error) error {
	return c.eachPage(ctx, reading{resource: resource, size: size, workers: workers}, yield)
}
