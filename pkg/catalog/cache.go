package catalog

import (
	"bytes"
	"cmp"
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

// cacheAge is how long a cached answer is used without asking again, unless the tenant says otherwise.
const cacheAge = 24 * time.Hour

// cache keeps what a target said of itself, below a folder of the tenant. What is damaged or of
// another target, credential or API version is not there. It is safe for concurrent use on
// different names; without a folder it keeps nothing.
type cache struct {
	folder string
	age    time.Duration // 0: cacheAge
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
	Version int64     `json:"changeVersion,omitempty"` // of the target, before the answer was read
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
	kept.body, kept.fresh = body, age >= 0 && age < cmp.Or(c.age, cacheAge)
	return kept, true
}

// write keeps an answer.
func (c *cache) write(name, etag string, body []byte) { c.writeAt(name, etag, 0, body) }

// writeAt keeps an answer that was given at a change version or later.
func (c *cache) writeAt(name, etag string, version int64, body []byte) {
	if c.folder == "" {
		return
	}
	sum := sha256.Sum256(body)
	first, err := json.Marshal(cacheHead{cacheFormat, c.now().UTC(), etag, version, hex.EncodeToString(sum[:])})
	if err == nil {
		err = durable.WriteFile(filepath.Join(c.folder, name), append(first, '\n'), body)
	}
	if err != nil {
		c.fail("write", err)
	}
}

// askedFile says when the target was last asked for its documents, and how it was reached.
const askedFile = "asked.json"

type askedNote struct {
	Settings string    `json:"settings"` // a digest of how the target is reached
	Standard string    `json:"dataStandard"`
	At       time.Time `json:"at"`
}

// Remembered is what a target said when it was last asked.
type Remembered struct {
	Standard *schema.Standard
	Values   []schema.DescriptorValue // as far as any were asked for, folded
	At       time.Time                // since then it may have changed
}

// Remember gives what the cache in folder knows of the target that is reached by these settings; false: nothing, or
// not all of it. It asks nobody.
func Remember(folder, settings string, now func() time.Time, log *slog.Logger) (*Remembered, bool) {
	folders, err := filepath.Glob(filepath.Join(folder, cachePrefix+"*"))
	if err != nil || len(folders) != 1 {
		return nil, false
	}
	c := &cache{folder: folders[0], now: now, log: log}
	head, ok := c.read(askedFile)
	var asked askedNote
	if !ok || json.Unmarshal(head.body, &asked) != nil || asked.Settings != settings {
		return nil, false
	}
	var kept [len(documentFiles)]cached
	for i, name := range documentFiles {
		if kept[i], ok = c.read(name); !ok {
			return nil, false
		}
		if kept[i].ETag == "" && kept[i].Fetched.Before(asked.At) {
			asked.At = kept[i].Fetched
		}
	}
	docs := documentsOf(kept)
	docs.Version = asked.Standard
	std, err := schema.FromOpenAPI(docs)
	if err != nil {
		return nil, false
	}
	r := &Remembered{Standard: std, At: asked.At}
	for res := range std.All {
		if res.Descriptor == "" {
			continue
		}
		var list []string
		if kept, ok := c.read(valuesFile(res)); ok && json.Unmarshal(kept.body, &list) == nil {
			for _, value := range list {
				namespace, code, _ := strings.Cut(value, "#")
				r.Values = append(r.Values, schema.DescriptorValue{Type: res.Descriptor, Namespace: namespace, CodeValue: code})
			}
		}
	}
	return r, true
}

func documentsOf(kept [len(documentFiles)]cached) schema.Documents {
	return schema.Documents{Resources: [][]byte{kept[0].body}, Descriptors: [][]byte{kept[1].body}, Dependencies: kept[2].body}
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
	return documentsOf(kept), keep, nil
}
