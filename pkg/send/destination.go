package send

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Client is what the loader needs of the target's client.
type Client interface {
	Discover(ctx context.Context) (*target.About, error)
	GetByID(ctx context.Context, resource, id string) (*target.Response, error)
	Post(ctx context.Context, resource string, body []byte) (*target.Response, error)
	EachChanged(ctx context.Context, resource string, version int64, workers int, yield func(items []json.RawMessage) error) error
	catalog.Reader
}

// Destination is a tenant's target, and the ledger that says what that target holds.
type Destination struct {
	Tenant      string
	Client      Client
	ClientID    string // of the credential; recorded, so that a rotation is noticed
	Ledger      *ledger.Ledger
	Standard    *schema.Standard // natural keys, references and load order
	Concurrency int              // requests under way at a time; 0: one

	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: nothing is logged
	Note     func(string)     // tells the person who waits what the log is told too; nil: nobody waits
	Command  Command          // how advice writes a command of sluice; nil: diag.ShellCommand
	Progress *Progress        // nil: nobody watches
}

// Command writes a command of sluice as a user can paste it, with the flags that it needs.
type Command func(words ...string) string

// Progress may be watched while Run or Rebuild works.
type Progress struct {
	Total atomic.Int64 // records staged
	Done  atomic.Int64 // records accounted for
	Sent  atomic.Int64 // records that the target accepted
}

// warn says in the log, and to the person who waits, what holds for a resource.
func (d *Destination) warn(resource, what string) {
	d.Logger.Warn(what, "resource", resource)
	if d.Note != nil {
		d.Note(resource + ": " + what)
	}
}

func (d Destination) withDefaults() Destination {
	d.Concurrency = max(d.Concurrency, 1)
	if d.Command == nil {
		d.Command = diag.ShellCommand
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Progress == nil {
		d.Progress = &Progress{}
	}
	return d
}
