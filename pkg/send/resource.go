package send

import (
	"errors"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
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
	errors    *errorList
	warned    atomic.Int64 // refusals that were logged

	// Of records that are settled; one block is settled at a time.
	counts     tally
	categories map[string]int64
}

// loadResource loads one staged file and accounts for each of its lines.
func (l *loader) loadResource(name string) {
	r := &resource{loader: l, name: name, file: l.staged[name], endpoint: name,
		errors: &errorList{run: l.run, resource: name, dry: l.options.DryRun}, categories: map[string]int64{}}
	if known, ok := l.to.Standard.Resource(name); ok {
		r.known, r.endpoint = known, known.Endpoint()
	}
	r.checker, _ = l.to.Standard.Checker(name)
	if err := errors.Join(r.load(), r.errors.close()); err != nil {
		l.halt(err)
	}
	if l.stop.Err() != nil { // what was not looked at any more
		left := r.file.lines
		for _, n := range r.counts {
			left -= n
		}
		r.counts[pending] += left
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
		belongs := func(line int64) bool { return r.hierarchy.generation[line] == generation }
		if err := r.readFile(belongs, func(s *staged) error { return r.stream(s.next) }); err != nil {
			return err
		}
	}
	return nil
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
