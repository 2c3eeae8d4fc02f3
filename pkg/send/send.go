// Package send is the loader: it takes the records that validate passed and brings them to the
// target in the order of their references, so that every staged record ends in exactly one count.
//
// It owns the decision what is sent and when: the pass is asked for first, the ledger is proven,
// what the target holds already is left alone, parents go before children, and what refers to a
// record that was not accepted stays behind. Retries, tokens and pauses are the target's client's;
// what was accepted is written to the ledger at once and only then counts as done, so that the same
// command again goes on where the last one stopped, however that ended.
package send

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Client is what the loader needs of the target's client.
type Client interface {
	Discover(ctx context.Context) (*target.About, error)
	AvailableChangeVersions(ctx context.Context) (target.ChangeVersions, error)
	GetByID(ctx context.Context, resource, id string) (*target.Response, error)
	Post(ctx context.Context, resource string, body []byte) (*target.Response, error)
	PagesParallel(ctx context.Context, resource string, query url.Values, size, workers int, yield func(items []json.RawMessage) error) error
}

// Destination is a tenant's target, and the ledger that says what that target holds.
type Destination struct {
	Tenant      string
	Client      Client
	ClientID    string // of the credential; recorded, so that a rotation is noticed
	Ledger      *ledger.Ledger
	Standard    *schema.Standard // natural keys, references and load order
	Concurrency int              // requests under way at a time; 0: 8

	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: nothing is logged
	Progress *Progress        // nil: nobody watches
}

// Options says what is sent, and where to.
type Options struct {
	Run *runs.Run
	To  Destination

	AcceptUnchecked bool          // the tenant sends what validate was not allowed to check
	DryRun          bool          // plan, and change nothing
	MaxPassAge      time.Duration // 0: 24 hours
}

// Progress may be watched while Run or Rebuild works.
type Progress struct {
	Total atomic.Int64 // records staged
	Done  atomic.Int64 // records accounted for
	Sent  atomic.Int64 // records that the target accepted
}

const (
	defaultConcurrency = 8
	defaultPassAge     = 24 * time.Hour
)

// grace is how long requests that are under way may still take when the run is stopped.
const grace = 5 * time.Second

func (d Destination) withDefaults() Destination {
	if d.Concurrency <= 0 {
		d.Concurrency = defaultConcurrency
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

// loader is one execution of the stage.
type loader struct {
	run     *runs.Run
	to      Destination
	options Options

	staged    map[string]int64 // resource → lines
	verdicts  map[string][]byte
	prints    map[string]prints
	validated *validated
	unproven  map[string]bool // resources whose ledger rows could not be read back: sent in any case

	refused *refused
	journal *journal
	jobs    chan job
	hopes   hopes

	// stop ends the run; its cause says why. calls outlives it by the grace, for requests under way.
	stop  context.Context
	halt  context.CancelCauseFunc
	calls context.Context

	mu     sync.Mutex // guards counts
	counts *runs.SendCounts
}

// Run loads the run into the target. The counts are nil if a guard stopped it before anything was
// done; else they account for every staged record, whatever error comes with them.
func Run(ctx context.Context, o Options) (*runs.SendCounts, error) {
	to := o.To.withDefaults()
	if err := CheckPass(o.Run, to.Tenant, o.MaxPassAge, to.Now()); err != nil {
		return nil, err
	}
	l := &loader{run: o.Run, to: to, options: o, refused: newRefused(), unproven: map[string]bool{},
		counts: &runs.SendCounts{DryRun: o.DryRun, Resources: map[string]runs.Loaded{}}}
	if err := l.checkFiles(ctx); err != nil {
		return nil, interruptedOr(ctx, err)
	}
	facts, err := l.prove(ctx)
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	if !o.DryRun {
		if err := os.RemoveAll(o.Run.File("errors")); err != nil {
			return nil, unwritable(err, o.Run.File("errors"))
		}
	}
	l.validated = &validated{path: o.Run.File("problems", runs.Validate+".jsonl")}
	defer l.validated.close()

	err = l.load(ctx)
	if !o.DryRun {
		err = errors.Join(err, l.listProblems())
		l.remember(ctx, facts)
	}
	return l.counts, l.verdict(ctx, err)
}

// load runs the waves one after the other, and whatever runs beside them.
func (l *loader) load(ctx context.Context) error {
	l.stop, l.halt = context.WithCancelCause(ctx)
	defer l.halt(nil)
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	l.calls = calls
	release := context.AfterFunc(l.stop, func() { time.AfterFunc(grace, cut) })
	defer release()

	l.journal = newJournal(l.to.Ledger, ledger.Run{ID: l.run.ID, Bundle: l.run.Bundle.Name, Version: l.run.Bundle.Version}, l.halt)
	l.jobs = make(chan job, l.to.Concurrency)
	var posters sync.WaitGroup
	for range l.to.Concurrency {
		posters.Go(l.post)
	}
	for _, wave := range l.to.Standard.Waves(sortedNames(l.staged)) {
		// Resources of a wave do not refer to each other: a few at a time fill the gaps that small ones leave.
		var wg sync.WaitGroup
		slots := make(chan struct{}, runtime.GOMAXPROCS(0)+1)
		for _, name := range wave {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				l.resource(name)
			})
		}
		wg.Wait()
	}
	close(l.jobs)
	posters.Wait()
	l.journal.close()
	if cause := context.Cause(l.stop); cause != nil && ctx.Err() == nil {
		return cause
	}
	return nil
}

// verdict says how the run ended: the counts must add up, and nothing may be left without a reason.
func (l *loader) verdict(ctx context.Context, err error) error {
	pending := int64(0)
	for _, name := range sortedNames(l.staged) {
		c := l.counts.Resources[name]
		pending += c.Pending
		if !c.Holds() || c.Staged != l.staged[name] || c.Pending < 0 {
			return errors.Join(diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d staged are not %d created + %d updated + %d unchanged + %d duplicate + %d invalid + %d blocked + %d rejected + %d pending",
				name, l.staged[name], c.Created, c.Updated, c.Unchanged, c.Duplicate, c.Invalid, c.Blocked, c.Rejected, c.Pending), err)
		}
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return l.interrupted(ctx, pending)
	case pending > 0:
		return diag.Fail(diag.CouldNotRun, diag.TargetUnreached, l.again(),
			"for %d of the records no answer came from the target; they are pending", pending)
	}
	return nil
}

// again is the command that goes on where this one stopped.
func (l *loader) again() string {
	return fmt.Sprintf("run `sluice send %s --tenant %s` again: it goes on where it stopped", l.run.Path, l.to.Tenant)
}

func (l *loader) interrupted(ctx context.Context, pending int64) error {
	return diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, l.again(),
		"interrupted with %d records pending; what the target accepted is recorded", pending)
}

// interruptedOr words the end of a run that was stopped before it began to load.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted before anything was sent")
}

func unwritable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the folder's rights and free space, then send again: it goes on where it stopped",
		"%s cannot be written", path)
}
