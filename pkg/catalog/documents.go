package catalog

import (
	"context"

	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// documentFiles are the cached documents, in the order of schema.Documents.
var documentFiles = [...]string{"openapi-resources.json", "openapi-descriptors.json", "dependencies.json"}

// documents fetches the documents that differ from the cached ones. A target without ETags is asked
// again when they are old.
func documents(ctx context.Context, client *target.Client, c *cache) (schema.Documents, error) {
	var kept [len(documentFiles)]cached
	settled := true
	for i, name := range documentFiles {
		var ok bool
		kept[i], ok = c.read(name)
		settled = settled && ok && kept[i].fresh && kept[i].ETag == ""
	}
	if !settled {
		got, err := client.Documents(ctx, target.ETags{Resources: kept[0].ETag, Descriptors: kept[1].ETag, Dependencies: kept[2].ETag})
		if err != nil {
			return schema.Documents{}, notAsked(err)
		}
		for i, d := range [...]target.Document{got.Resources, got.Descriptors, got.Dependencies} {
			if !d.NotModified {
				kept[i].body = d.Body
				c.write(documentFiles[i], d.ETag, d.Body)
			}
		}
	}
	return schema.Documents{Resources: [][]byte{kept[0].body}, Descriptors: [][]byte{kept[1].body}, Dependencies: kept[2].body}, nil
}
