// Package send is the loader: it takes the records that validate passed and brings them to the
// target in the order of their references, so that every staged record ends in exactly one count.
//
// It owns the decision what is sent and when. Retries, tokens and pauses are those of the target's
// client; what to do with the counts is the caller's.
//
//	CheckPass, checkFiles, prove            what is staged is what passed, and the ledger is true;
//	    │                                   nothing is sent before that is known
//	    │  for each wave of the load order, some resources at a time
//	    ▼
//	read ─► decide ─► hand over ─► posters ─► settle ─► counts, errors/<resource>
//	        │                      │
//	        │ asks the ledger      │ what the target accepted
//	        ▼                      ▼
//	        ledger  ◄───────────── journal
//
// A stream (stream.go) takes the blocks of one resource from read to settle. The posters, the journal
// and the list of what was refused belong to the whole run.
//
//   - decide settles what needs no call: a record that did not pass, that the target holds as it is,
//     or that refers to a refused one. Only the rest is posted. As a wave begins when the one before
//     it is settled, what a record refers to has been accepted or refused by then.
//   - Before a record is posted that the ledger knows in another version, its digest is taken out of
//     the ledger. A row goes to the journal after the target accepted the record, and the journal writes
//     rows to the ledger in transactions, four a second or more. So the ledger may know less than the
//     target holds when the process dies, and never something else: the same command sends those records
//     again, which the target takes as updates, and goes on where the last one stopped.
//   - A record that the target neither took nor refused is sent once more when the others of its resource
//     are settled, and is pending if that does not help; so is what refers to it.
//   - The files in errors/ and problems/ get their names when they are complete. The counts are with
//     the caller, who puts them into the manifest.
//   - A run that is stopped reads no further block and begins no further call. Calls under way have a
//     few seconds to end. What is not settled then is counted and listed as pending.
package send

import (
	"context"
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Options says what is sent, and where to.
type Options struct {
	Run *runs.Run
	To  Destination

	AcceptUnchecked bool          // the tenant sends what validate was not allowed to check
	DryRun          bool          // plan, and change nothing
	MaxPassAge      time.Duration // of a pass that still opens the target
}

// grace is how long requests that are under way may still take when the run is stopped.
const grace = 5 * time.Second

// loader is one execution of the stage.
type loader struct {
	run     *runs.Run
	to      Destination
	options Options

	staged   map[string]stagedFile // by resource
	unproven map[string]bool       // resources whose ledger rows could not be read back: sent in any case
	found    *validateProblems
	changes  changes

	holds *catalog.Catalog // what the target holds

	refused  *refused
	journal  *journal
	jobs     chan job                       // to the posters
	unsure   atomic.Int64                   // updates that may have changed nothing at the target
	failures atomic.Int64                   // calls in a row that failed for reasons of the target
	hopeless atomic.Pointer[diag.Error]     // why the rest of a resource was not sent
	unsaid   atomic.Pointer[target.Failure] // the last one that left a record pending

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
	if err := CheckPass(o.Run, to.Tenant, o.MaxPassAge, to.Now(), to.Command); err != nil {
		return nil, err
	}
	l := &loader{run: o.Run, to: to, options: o, staged: map[string]stagedFile{}, unproven: map[string]bool{}, refused: newRefused(),
		found: &validateProblems{run: o.Run}, holds: catalog.New(to.Client, to.Standard),
		counts: &runs.SendCounts{DryRun: o.DryRun, Resources: map[string]runs.Loaded{}}}
	if err := l.checkFiles(ctx); err != nil {
		return nil, interruptedOr(ctx, err)
	}
	facts, err := l.prove(ctx)
	if err != nil {
		return nil, interruptedOr(ctx, err)
	}
	if err := l.checkEvents(ctx); err != nil {
		return nil, interruptedOr(ctx, err)
	}
	if !o.DryRun {
		if err := to.Ledger.SetFacts(ctx, facts); err != nil {
			return nil, interruptedOr(ctx, err)
		}
		if err := os.RemoveAll(o.Run.File("errors")); err != nil {
			return nil, unwritable(err, o.Run.File("errors"))
		}
	}
	err = l.load(ctx)
	if !o.DryRun {
		err = errors.Join(err, l.listProblems())
		if err == nil && ctx.Err() == nil {
			l.remember(ctx, facts)
		}
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
		posters.Go(l.postJobs)
	}
	for _, wave := range l.to.Standard.Waves(l.resources()) {
		var some errgroup.Group // a few at a time fill the gaps that small ones leave; they do not refer to each other
		some.SetLimit(runtime.GOMAXPROCS(0) + 1)
		for _, name := range wave {
			some.Go(func() error {
				l.loadResource(name)
				return nil
			})
		}
		_ = some.Wait() // what goes wrong stops the run through l.halt
	}
	close(l.jobs)
	posters.Wait()
	l.journal.close()
	if cause := context.Cause(l.stop); cause != nil && ctx.Err() == nil {
		return cause
	}
	return nil
}

// resources are the names of the staged resources, sorted.
func (l *loader) resources() []string { return slices.Sorted(maps.Keys(l.staged)) }

// verdict says how the run ended: the counts must add up, and nothing may be left without a reason.
func (l *loader) verdict(ctx context.Context, err error) error {
	pending := int64(0)
	for _, name := range l.resources() {
		c := l.counts.Resources[name]
		pending += c.Pending
		if !c.Equation(name).Holds() || c.Staged != l.staged[name].lines || c.Pending < 0 {
			return errors.Join(diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d staged are not %d created + %d updated + %d unchanged + %d duplicate + %d invalid + %d blocked + %d rejected + %d pending",
				name, l.staged[name].lines, c.Created, c.Updated, c.Unchanged, c.Duplicate, c.Invalid, c.Blocked, c.Rejected, c.Pending), err)
		}
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return l.interrupted(ctx, pending)
	case l.hopeless.Load() != nil:
		return l.hopeless.Load()
	case pending > 0:
		what := diag.Counted(int(pending), "record is pending: the target did not say that it took it",
			"records are pending: the target did not say that it took them")
		if f := l.unsaid.Load(); f != nil {
			return l.tryLater(f, what)
		}
		return diag.Fail(diag.CouldNotRun, diag.TargetUnreached, l.sendAgain(), "%s", what)
	}
	return nil
}

// sendAgain is the command that goes on where this one stopped.
func (l *loader) sendAgain() string {
	return "Run `" + l.to.Command("send", l.run.Path, "--tenant", l.to.Tenant) + "` again: it goes on where it stopped."
}

func (l *loader) interrupted(ctx context.Context, pending int64) error {
	return diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, l.sendAgain(),
		"interrupted with %s pending; what the target accepted is recorded", diag.Counted(int(pending), "record", "records"))
}

// interruptedOr words the end of a run that was stopped before it began to load.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted before anything was sent")
}

func unwritable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk,
		"Check the folder's permissions and free space, then send again: it goes on where it stopped.",
		"%s cannot be written", path)
}
