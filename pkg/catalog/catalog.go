// Package catalog is what a target offers and holds: its data standard as its own documents describe
// it, its descriptor values, the records behind references, and what the credential may do.
//
// It keeps in a cache what may be kept between runs. It changes nothing at the target, and knows
// nothing of runs, mappings or the ledger.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Reader reads the records of a target; *target.Client is one.
type Reader interface {
	Count(ctx context.Context, resource string, query url.Values) (int64, error)
	Get(ctx context.Context, resource string, query url.Values) (*target.Response, error)
	EachPage(ctx context.Context, resource string, workers int, yield func(items []json.RawMessage) error) error
	EachMatching(ctx context.Context, resource string, query url.Values, workers int, yield func(items []json.RawMessage) error) error
	ChangeReader
}

// Options says whose target it is, and what is kept of it.
type Options struct {
	Identity string // of the target, as the settings tell it apart from others
	ClientID string // of the credential

	CacheDir string           // keeps documents, descriptor values and keys between runs; "": nothing is kept
	CacheAge time.Duration    // how old what cannot be revalidated may be; 0: 24 hours
	Settings string           // how the target is reached, for Remember
	Access   *Access          // how the target was entered; nil: it is entered
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: nothing is logged
}

// Catalog is one target under one credential. It is safe for concurrent use.
type Catalog struct {
	reader   Reader
	access   *Access // nil: the target was not asked
	standard *schema.Standard
	cache    *cache

	versionOnce sync.Mutex
	version     *int64 // newest change version when it was first asked for; nil: it was not

	mu          sync.Mutex // guards descriptors and planned
	descriptors map[string]*values
	planned     map[string]map[string]bool // by resource: values that a plan would look up, and whether the cache has them
}

// Open asks the target what it is and what it accepts, as far as the cache does not know. The
// credential is tried in any case. The error is the end of a command, with its code.
func Open(ctx context.Context, client *target.Client, o Options) (*Catalog, error) {
	access := o.Access
	if access == nil {
		var err error
		if access, err = Enter(ctx, client, o.ClientID); err != nil {
			return nil, err
		}
	}
	about := access.About
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := openCache(o.CacheDir, o.Now, o.Logger, o.Identity, o.ClientID, about.Version, about.DataStandard, strings.Join(about.Extensions, "\x00"))
	c.age = o.CacheAge
	docs, keep, err := documents(ctx, client, c)
	if err != nil {
		return nil, err
	}
	docs.Version, docs.Generation = about.Standard(), schema.GenerationOf(about.Version, about.DataURL)
	std, err := schema.FromOpenAPI(docs)
	if err != nil {
		return nil, diag.FailWith(err, diag.CouldNotRun, diag.TargetOdd, "Check that the address is the API's, and that it serves its OpenAPI documents.",
			"what the target says of its resources cannot be used")
	}
	keep()
	if note, err := json.Marshal(askedNote{o.Settings, docs.Version, o.Now().UTC()}); err == nil {
		c.write(askedFile, "", note)
	}
	opened := New(client, std)
	opened.access, opened.cache = access, c
	return opened, nil
}

// New is the catalog of a target whose data standard is known already. It keeps nothing.
func New(r Reader, std *schema.Standard) *Catalog {
	return &Catalog{reader: r, standard: std, cache: &cache{}, descriptors: map[string]*values{}, planned: map[string]map[string]bool{}}
}

// Standard is the data standard as the target describes it.
func (c *Catalog) Standard() *schema.Standard { return c.standard }

// Access is how the target was entered; nil if it was not asked.
func (c *Catalog) Access() *Access { return c.access }

// Namespaces are the prefixes, folded, of the namespaces that the credential is for; none if the target does not say.
func (c *Catalog) Namespaces() []string { return c.access.Namespaces() }

// ErrNoResource says that the target's data standard has no such resource.
var ErrNoResource = errors.New("the data standard has no such resource")

// Each reads all records of a resource and hands each to use, with its natural key in rec, in any
// order but never two at once. A record whose key cannot be read is passed over: nothing that
// sluice sends has such a key.
func (c *Catalog) Each(ctx context.Context, resource string, workers int, use func(rec *schema.Record, text json.RawMessage) error) error {
	res, found := c.standard.Resource(resource)
	checker, ok := c.standard.Checker(resource)
	if !found || !ok {
		return ErrNoResource
	}
	var rec schema.Record
	return c.reader.EachPage(ctx, res.Endpoint(), workers, func(items []json.RawMessage) error {
		for _, item := range items {
			if checker.Key(item, &rec); !rec.Key.OK {
				continue
			}
			if err := use(&rec, item); err != nil {
				return err
			}
		}
		return nil
	})
}

// tryCredential makes sure that the target takes the credential, whatever the cache knows, and asks
// what it may do. A target that does not say gives nil.
func tryCredential(ctx context.Context, client *target.Client) (*target.TokenInfo, error) {
	info, err := client.TokenInfo(ctx)
	if err == nil {
		return info, nil
	}
	if _, ok := target.AsFailure(err); !ok || target.IsKind(err, target.Auth, target.Token, target.Transport, target.TooMany) {
		return nil, notAsked(err)
	}
	// An old target, or one that hides it.
	return nil, notAsked(client.Enter(ctx))
}

// reply is what a question to the target came to.
type reply uint8

const (
	replyGiven  reply = iota // it was answered
	replyDenied              // the credential may not read the resource, or the target does not offer it
	replyOdd                 // the target cannot be asked in this way
)

// replyOf tells what the failure of a question says about the resource from what ends the run.
func replyOf(err error) (reply, error) {
	f, ok := target.AsFailure(err)
	switch {
	case err == nil:
		return replyGiven, nil
	case !ok:
		return replyOdd, err
	case f.Kind == target.Forbidden, f.Kind == target.NotFound:
		return replyDenied, nil
	case f.Kind == target.Validation:
		return replyOdd, nil
	}
	return replyOdd, notAsked(err)
}

// notAsked makes a failure of the target the end of the run.
func notAsked(err error) error { return target.Explain(err, "the target could not be asked") }

// workers is how many questions are under way at a time: low, because checking should not load the target.
const workers = 4

// readPages reads a collection: it is given or denied. A target that cannot be asked for pages cannot be
// asked at all.
func (c *Catalog) readPages(ctx context.Context, path string, use func(items []json.RawMessage) error) (reply, error) {
	err := c.reader.EachPage(ctx, path, workers, use)
	got, ends := replyOf(err)
	if got == replyOdd && ends == nil {
		ends = notAsked(err)
	}
	return got, ends
}

// ChangeReader asks a target for its newest change version; *target.Client is one.
type ChangeReader interface {
	NewestChangeVersion(ctx context.Context) (int64, error)
}

// NewestChange is the newest change version of a target, which grows with every write; 0 if the
// target does not say, or not to this credential.
func NewestChange(ctx context.Context, r ChangeReader) (int64, error) {
	newest, err := r.NewestChangeVersion(ctx)
	if errors.Is(err, target.ErrNotOffered) || target.IsKind(err, target.Forbidden, target.NotFound, target.Odd, target.Validation) {
		return 0, nil
	}
	return newest, target.Explain(err, "the target could not be asked for its change version")
}
