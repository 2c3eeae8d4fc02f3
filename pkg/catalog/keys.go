package catalog

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Follower reads what was written at a target since a change version; *target.Client is one.
type Follower interface {
	ChangeReader
	EachChanged(ctx context.Context, resource string, version int64, workers int, yield func(items []json.RawMessage) error) error
}

// newestChange is the newest change version of the target as it was when it was first asked for; 0: it does not say.
func (c *Catalog) newestChange(ctx context.Context) (int64, error) {
	follower, ok := c.reader.(Follower)
	if !ok || c.cache.folder == "" || c.access != nil && !c.access.About.ChangesAtData() {
		return 0, nil
	}
	c.versionOnce.Lock()
	defer c.versionOnce.Unlock()
	if c.version == nil {
		version, err := NewestChange(ctx, follower)
		if err != nil {
			return 0, err
		}
		c.version = &version
	}
	return *c.version, nil
}

func keysFile(res *schema.Resource) string { return "keys-" + res.Name }

const keySize = len(keyset.Key{})

// keptKeys are the keys of a collection out of the cache, with what was written since; nil: there are none that are
// still true. They are, as far as the target says: nothing was deleted, and there are as many records as keys. A record
// that this credential came to see since may have been written long ago, so that nothing is missing because it is
// not among them.
func (c *Catalog) keptKeys(ctx context.Context, col *collection) (keys []byte, err error) {
	follower, follows := c.reader.(Follower)
	kept, there := c.cache.read(keysFile(col.resource))
	if !follows || !there || kept.Version == 0 || len(kept.body)%keySize != 0 || col.resource.KeyUpdates {
		return nil, nil
	}
	now, err := c.newestChange(ctx)
	if err != nil || now < kept.Version {
		return nil, err
	}
	keys = kept.body
	if now > kept.Version {
		if n, err := c.reader.Count(ctx, col.path+"/deletes", writtenSince(kept.Version)); err != nil || n > 0 {
			_, err = replyOf(err)
			return nil, err
		}
		known := map[keyset.Key]bool{}
		for i := 0; i < len(keys); i += keySize {
			known[keyset.Key(keys[i:i+keySize])] = true
		}
		var rec schema.Record
		err := follower.EachChanged(ctx, col.path, kept.Version, workers, func(items []json.RawMessage) error {
			for _, item := range items {
				if col.checker.Key(item, &rec); rec.Key.OK && !known[rec.Key.Hash] {
					known[rec.Key.Hash] = true
					keys = append(keys, rec.Key.Hash[:]...)
				}
			}
			return nil
		})
		if got, err := replyOf(err); err != nil || got != replyGiven {
			return nil, err
		}
	}
	total, err := c.reader.Count(ctx, col.path, nil)
	if got, err := replyOf(err); err != nil || got != replyGiven || total != int64(len(keys)/keySize) {
		return nil, err
	}
	if now > kept.Version {
		c.cache.writeAt(keysFile(col.resource), "", now, keys)
	}
	return keys, nil
}

// writtenSince is a query for what was written after a change version.
func writtenSince(version int64) url.Values {
	return url.Values{"minChangeVersion": {strconv.FormatInt(version+1, 10)}}
}
