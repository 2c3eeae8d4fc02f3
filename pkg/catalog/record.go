package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

// ErrDenied is a record that the credential may not read.
var ErrDenied = errors.New("the credential may not read the record")

// Record reads the record that has a natural key; nil: the target has none that the credential may see, or
// cannot be asked for it by key. The error is ErrDenied if the credential may not read the resource.
func (c *Catalog) Record(ctx context.Context, resource string, key *schema.Key) (json.RawMessage, error) {
	res, found := c.standard.Resource(resource)
	checker, ok := c.standard.Checker(resource)
	if !found || !ok || !key.OK {
		return nil, ErrNoResource
	}
	query := url.Values{"limit": {"2"}, "offset": {"0"}}
	for _, p := range key.Parts {
		if query.Has(p.Name) {
			return nil, nil // two parts of the key have one name, so that the parameter has another one
		}
		query.Set(p.Name, string(p.Value))
	}
	response, err := c.reader.Get(ctx, res.Endpoint(), query)
	switch got, err := replyOf(err); {
	case err != nil:
		return nil, err
	case got == replyDenied:
		return nil, ErrDenied
	case got != replyGiven:
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(response.Body, &items) != nil {
		return nil, nil
	}
	var rec schema.Record
	for _, item := range items {
		if checker.Key(item, &rec); rec.Key.OK && rec.Key.Hash == key.Hash {
			return item, nil
		}
	}
	return nil, nil
}
