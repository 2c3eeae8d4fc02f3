package send

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// resource is the work on one staged file.
type resource struct {
	loader   *loader
	name     string
	known    *schema.Resource // nil: the data standard has none of this name
	checker  *schema.Checker
	endpoint string
	verdicts []byte
	family   *family // nil: does not refer to itself
	errors   *errorLists
	loaded   runs.Loaded // counted by the one goroutine that settles blocks
	tally    map[Category]int64
	warned   atomic.Int64 // refusals that were logged
}

// block is some lines on their way through the stage. It is owned by the reader, then by one worker,
// then by the posters of its records together, then by whoever settles it.
type block struct {
	seq     int
	text    jsonl.Block
	lines   []line
	records []record
	entries []ledger.Entry
	asked   []int // records that entries are for
	states  []ledger.State
	left    atomic.Int64 // records under way, and one for the worker
	kept    atomic.Bool  // a call that failed may still read from it: it is not used again
	done    func()       // called when nothing is left
}

// record is the fate of one line.
type record struct {
	key     ledger.Hash
	digest  ledger.Hash
	outcome outcome
	problem *Unloaded // why it did not load
}

// outcome is where a record ends in the equation of the stage.
type outcome uint8

const (
	pending outcome = iota // not settled: the zero value, so that nothing is lost by an early end
	created
	updated
	unchanged
	duplicate
	invalid
	blocked
	rejected
)

var outcomeWords = [...]string{"pending", "created", "updated", "unchanged", "duplicate", "invalid", "blocked", "rejected"}

func (o outcome) String() string { return outcomeWords[o] }

// job is a record to be posted.
type job struct {
	r *resource
	b *block
	i int
}

// resource loads one staged file and accounts for each of its lines.
func (l *loader) resource(name string) {
	r := &resource{loader: l, name: name, endpoint: endpoint(l.to.Standard, name), verdicts: l.verdicts[name],
		errors: newErrorLists(l.run, name, l.options.DryRun), tally: map[Category]int64{}}
	r.known, _ = l.to.Standard.Resource(name)
	r.checker, _ = l.to.Standard.Checker(name)
	if err := errors.Join(r.load(), r.errors.close()); err != nil {
		l.halt(err)
	}
	c := r.loaded
	c.Staged = l.staged[name]
	if l.stop.Err() != nil { // what was not looked at any more
		c.Pending += c.Staged - c.Pending - c.Created - c.Updated - c.Unchanged - c.Duplicate - c.Invalid - c.Blocked - c.Rejected
	}
	l.mu.Lock()
	l.counts.Resources[name] = c
	if len(r.tally) > 0 {
		if l.counts.Categories == nil {
			l.counts.Categories = map[string]map[string]int64{}
		}
		byName := map[string]int64{}
		for category, n := range r.tally {
			byName[string(category)] = n
		}
		l.counts.Categories[name] = byName
	}
	l.mu.Unlock()
	l.to.Logger.Info("resource done", "resource", name, "staged", c.Staged, "created", c.Created, "updated", c.Updated, "unchanged", c.Unchanged,
		"duplicate", c.Duplicate, "invalid", c.Invalid, "blocked", c.Blocked, "rejected", c.Rejected, "pending", c.Pending)
}

// load goes through the file, and then through the generations of a resource that refers to itself.
func (r *resource) load() error {
	if r.loader.stop.Err() != nil {
		return nil
	}
	if r.known != nil {
		if refs := selfReferences(r.known); len(refs) > 0 {
			s, err := openStaged(r.loader.run, r.name, r.loader.prints[r.name])
			if err != nil {
				return err
			}
			r.family, err = sortFamily(r.checker, refs, r.name, s)
			if err := errors.Join(err, s.close()); err != nil {
				return r.changed(err)
			}
		}
	}
	s, err := openStaged(r.loader.run, r.name, r.loader.prints[r.name])
	if err != nil {
		return err
	}
	if r.family != nil {
		s.skip = func(no int64) bool { return r.family.waits[no] }
	}
	if err := errors.Join(r.stream(s.next), s.close()); err != nil {
		return r.changed(err)
	}
	if r.family == nil || len(r.family.later) == 0 {
		return nil
	}
	f, err := os.Open(r.loader.run.StagedFile(r.name))
	if err != nil {
		return fmt.Errorf("open staged %s: %w", r.name, err)
	}
	defer f.Close()
	for _, generation := range r.family.later {
		a := again{f, generation}
		if err := r.stream(a.next); err != nil {
			return err
		}
	}
	return nil
}

func (r *resource) changed(err error) error {
	if !errors.Is(err, errChanged) {
		return err
	}
	return diag.FailWith(err, diag.Guarded, diag.GuardOldPass, fmt.Sprintf("run `sluice validate %s --tenant %s`", r.loader.run.Path, r.loader.to.Tenant),
		"staged/%s.jsonl is not what was validated", r.name)
}

// ahead bounds how far blocks may be settled before an earlier one whose record is being retried.
// Only their problems are kept meanwhile.
const ahead = 1024

// stream takes lines through check, ledger and target. Blocks are worked on in any order; their
// problems are listed in the order of the file.
func (r *resource) stream(next func(*block) error) error {
	workers := runtime.GOMAXPROCS(0)
	total := workers + 2 + r.loader.to.Concurrency // each poster can hold one block back
	free := make(chan *block, total)
	for range total {
		free <- &block{}
	}
	todo := make(chan *block, workers)
	settled := make(chan *block, total)
	window := make(chan struct{}, ahead)

	var failed error // of the reader; read after it is done
	var reading, working sync.WaitGroup
	reading.Go(func() {
		defer close(todo)
		for seq := 0; r.loader.stop.Err() == nil; seq++ {
			window <- struct{}{}
			b := <-free
			if err := next(b); err != nil {
				if !errors.Is(err, io.EOF) {
					failed = err
				}
				return
			}
			b.seq = seq
			todo <- b
		}
	})
	var blocks sync.WaitGroup // blocks that are not settled yet
	for range workers {
		working.Go(func() {
			w := worker{resource: r}
			for b := range todo {
				blocks.Add(1)
				b.left.Store(1)
				w.judge(b, func() {
					settled <- b
					blocks.Done()
				})
			}
		})
	}
	var settling sync.WaitGroup
	var settleErr error
	settling.Go(func() { settleErr = r.settle(settled, free, window) })

	reading.Wait()
	working.Wait()
	blocks.Wait()
	close(settled)
	settling.Wait()
	return errors.Join(failed, settleErr)
}

// settle counts what became of the records of finished blocks and lists the problems in order.
func (r *resource) settle(settled <-chan *block, free chan<- *block, window <-chan struct{}) error {
	var failed error
	waiting := map[int][]*Unloaded{}
	next := 0
	for b := range settled {
		var problems []*Unloaded
		for i := range b.records {
			rec := &b.records[i]
			r.count(rec.outcome)
			if rec.problem != nil {
				r.tally[rec.problem.Category]++
				problems = append(problems, rec.problem)
			}
		}
		r.loader.to.Progress.Done.Add(int64(len(b.records)))
		waiting[b.seq] = problems
		if b.kept.Load() {
			b = &block{}
		}
		free <- b
		for {
			problems, ok := waiting[next]
			if !ok {
				break
			}
			for _, p := range problems {
				if failed == nil {
					if failed = r.errors.add(p); failed != nil {
						r.loader.halt(failed)
					}
				}
			}
			delete(waiting, next)
			next++
			<-window
		}
	}
	return failed
}

func (r *resource) count(o outcome) {
	switch o {
	case pending:
		r.loaded.Pending++
	case created:
		r.loaded.Created++
	case updated:
		r.loaded.Updated++
	case unchanged:
		r.loaded.Unchanged++
	case duplicate:
		r.loaded.Duplicate++
	case invalid:
		r.loaded.Invalid++
	case blocked:
		r.loaded.Blocked++
	case rejected:
		r.loaded.Rejected++
	}
}
