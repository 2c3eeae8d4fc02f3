package send

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// resource is the work on one staged file.
type resource struct {
	loader    *loader
	name      string
	file      stagedFile
	known     *schema.Resource // nil: the data standard has none of this name
	checker   *schema.Checker
	endpoint  string
	hierarchy hierarchy
	shared    bool        // other records may refer to its records
	givenUp   bool        // the rest is not sent: the target refused all others
	foreign   atomic.Bool // the target holds some that the credential may not change
	errors    *errorList
	warned    atomic.Int64 // refusals that were logged

	// Of records that are settled; one block is settled at a time.
	settled    []bool // by line
	counts     tally
	categories map[string]int64

	again bool // lines are sent once more

	accepted atomic.Bool // one of the records that were sent
	passed   atomic.Bool // over lines
	refusals atomic.Int64
	refusal  atomic.Pointer[target.Failure] // the last

	mu   sync.Mutex          // guards open
	open map[int64]*ErrorRow // lines that are not settled although they were sent, and why
}

// loadResource loads one staged file and accounts for each of its lines.
func (l *loader) loadResource(name string) {
	r := &resource{loader: l, name: name, file: l.staged[name], endpoint: name,
		errors: l.newErrorList(name), settled: make([]bool, l.staged[name].lines), categories: map[string]int64{},
		open: map[int64]*ErrorRow{}}
	if known, ok := l.to.Standard.Resource(name); ok {
		r.known, r.endpoint = known, known.Endpoint()
	}
	r.shared = l.shares(r.known)
	r.checker, _ = l.to.Standard.Checker(name)
	if err := errors.Join(r.load(), r.errors.close()); err != nil {
		l.halt(err)
	}
	if slices.Contains(r.settled, false) {
		r.countLeft()
		if err := r.listLeft(); err != nil {
			l.halt(err)
		}
	}
	c := r.counts.loaded(r.file.lines)
	l.mu.Lock()
	l.counts.Resources[name] = c
	if len(r.categories) > 0 {
		if l.counts.Categories == nil {
			l.counts.Categories = map[string]map[string]int64{}
		}
		l.counts.Categories[name] = r.categories
	}
	l.mu.Unlock()
	l.to.Logger.Info("resource done", "resource", name, "staged", c.Staged, "created", c.Created, "updated", c.Updated, "unchanged", c.Unchanged,
		"duplicate", c.Duplicate, "invalid", c.Invalid, "blocked", c.Blocked, "rejected", c.Rejected, "pending", c.Pending)
}

// load sends the file as it is read; of a resource that refers to itself, once for each generation.
func (r *resource) load() error {
	if r.loader.stop.Err() != nil {
		return nil
	}
	if refs := selfReferences(r.known); len(refs) > 0 {
		err := r.readFile(nil, func(s *staged) (err error) {
			r.hierarchy, err = findHierarchy(r.checker, refs, r.name, s)
			return err
		})
		if err != nil {
			return err
		}
	}
	for generation := range r.hierarchy.last + 1 {
		if err := r.sendLines(func(line int64) bool { return r.hierarchy.generation[line] == generation }); err != nil {
			return err
		}
	}
	return nil
}

// sendLines sends the lines that belong to a generation; then once more those for which no answer came, as
// after an outage that the others waited for.
func (r *resource) sendLines(belongs func(line int64) bool) error {
	work := func(s *staged) error { return r.stream(s.next) }
	left := func(line int64) bool { return belongs(line) && !r.settled[line-1] }
	err := r.readFile(belongs, work)
	switch {
	case err != nil, r.loader.stop.Err() != nil:
		return err
	case r.hopeless() && r.passed.Load():
		r.loader.hopeless.Store(r.refusal.Load().Diag(fmt.Sprintf(
			"the target refused %s of %s and took none, so the others were not sent",
			diag.Counted(int(r.refusals.Load()), "record", "records"), r.name)))
		if r.givenUp = true; r.shared {
			err = r.readFile(left, work) // what refers to them is not sent either
		}
	case r.passed.Swap(false):
		err = r.readFile(left, work)
	}
	if err != nil || len(r.open) == 0 || r.loader.stop.Err() != nil {
		return err
	}
	r.again = true
	defer func() { r.again = false }()
	return r.readFile(left, work)
}

// A target that refuses everything is not asked a hundred thousand times. After so many refusals, and
// nothing accepted, only records from all over the file are tried: the first ones may be of a school that
// the credential is not for.
const (
	mostRefusals = 500
	probes       = 200
)

func (r *resource) hopeless() bool { return !r.accepted.Load() && r.refusals.Load() >= mostRefusals }

// passOver reports whether a line is not tried, because none before it was accepted.
func (r *resource) passOver(line int64) bool {
	if !r.hopeless() || line%max(r.file.lines/probes, 1) == 0 {
		return false
	}
	r.passed.Store(true)
	return true
}

// count adds a record to the account.
func (r *resource) count(o outcome, category string) {
	r.counts[o]++
	if category != "" {
		r.categories[category]++
	}
}

// readFile has work read those lines of the staged file that belong to it; nil: all of them.
func (r *resource) readFile(belongs func(line int64) bool, work func(*staged) error) error {
	s, err := openStaged(r.loader.run, r.name, r.file.sums)
	if err != nil {
		return err
	}
	s.belongs = belongs
	err = errors.Join(work(s), s.close())
	if errors.Is(err, errChanged) {
		return diag.FailWith(err, diag.Guarded, diag.GuardOldPass, r.loader.validateAgain(), "staged/%s.jsonl is not what was validated", r.name)
	}
	return err
}
