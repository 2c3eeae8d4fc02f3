package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// cacheAge is how long a cached answer is used without asking again.
const cacheAge = 24 * time.Hour

// cache keeps what a target said of itself, below a folder of the tenant. What is damaged or of
// another target, credential or API version is not there. It is safe for concurrent use on
// different names; without a folder it keeps nothing.
type cache struct {
	folder string
	now    func() time.Time
	log    *slog.Logger
}

// cached is an answer out of the cache.
type cached struct {
	cacheHead
	body  []byte
	fresh bool // it needs no asking again
}

// cacheHead is the first line of a cached file; the answer follows as it is.
type cacheHead struct {
	Format  int       `json:"format"`
	Fetched time.Time `json:"fetched"`
	ETag    string    `json:"etag,omitempty"`
	SHA256  string    `json:"sha256"`
}

const (
	cacheFormat = 1
	cachePrefix = "target-"
)

// openCache opens the part of folder that belongs to these facts, and removes those of others:
// they are what a rotated credential or an upgraded target left behind.
func openCache(folder string, now func() time.Time, log *slog.Logger, facts ...string) *cache {
	c := &cache{now: now, log: log}
	if folder == "" {
		return c
	}
	sum := sha256.Sum256([]byte(strings.Join(facts, "\x00")))
	name := cachePrefix + hex.EncodeToString(sum[:8])
	if err := durable.MkdirAll(filepath.Join(folder, name)); err != nil {
		c.fail("open", err)
		return c
	}
	c.folder = filepath.Join(folder, name)
	entries, err := os.ReadDir(folder)
	if err != nil {
		c.fail("list", err)
		return c
	}
	for _, e := range entries {
		if e.Name() != name && strings.HasPrefix(e.Name(), cachePrefix) {
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				c.fail("clear", err)
			}
		}
	}
	return c
}

// fail reports that the cache does not work. The run does without.
func (c *cache) fail(what string, err error) {
	c.log.Warn("the cache of the target's metadata cannot be used", "step", what, "error", err)
}

// read gives a cached answer.
func (c *cache) read(name string) (kept cached, ok bool) {
	if c.folder == "" {
		return cached{}, false
	}
	text, err := os.ReadFile(filepath.Join(c.folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return cached{}, false
	}
	if err != nil {
		c.fail("read", err)
		return cached{}, false
	}
	first, body, _ := bytes.Cut(text, []byte{'\n'})
	sum := sha256.Sum256(body)
	if json.Unmarshal(first, &kept.cacheHead) != nil || kept.Format != cacheFormat || kept.SHA256 != hex.EncodeToString(sum[:]) {
		c.log.Warn("a cached file is damaged; it is fetched again", "file", name)
		return cached{}, false
	}
	age := c.now().Sub(kept.Fetched)
	kept.body, kept.fresh = body, age >= 0 && age < cacheAge
	return kept, true
}

// write keeps an answer.
func (c *cache) write(name, etag string, body []byte) {
	if c.folder == "" {
		return
	}
	sum := sha256.Sum256(body)
	first, err := json.Marshal(cacheHead{cacheFormat, c.now().UTC(), etag, hex.EncodeToString(sum[:])})
	if err == nil {
		err = durable.WriteFile(filepath.Join(c.folder, name), append(first, '\n'), body)
	}
	if err != nil {
		c.fail("write", err)
	}
}

// documentFiles are the cached documents, in the order of schema.Documents.
var documentFiles = [...]string{"openapi-resources.json", "openapi-descriptors.json", "dependencies.json"}

// documents fetches the documents that differ from the cached ones. A target without ETags is asked
// again when they are old. keep puts them into the cache: once they have turned out to be what they should.
func documents(ctx context.Context, client *target.Client, c *cache) (docs schema.Documents, keep func(), err error) {
	keep = func() {}
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
			return docs, nil, notAsked(err)
		}
		all := [...]target.Document{got.Resources, got.Descriptors, got.Dependencies}
		for i, d := range all {
			if !d.NotModified {
				kept[i].body = d.Body
			}
		}
		keep = func() {
			for i, d := range all {
				if !d.NotModified {
					c.write(documentFiles[i], d.ETag, d.Body)
				}
			}
		}
	}
	return schema.Documents{Resources: [][]byte{kept[0].body}, Descriptors: [][]byte{kept[1].body}, Dependencies: kept[2].body}, keep, nil
}
