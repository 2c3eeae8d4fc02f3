// Package transform runs a program over a vendor's files: every row and every record is accounted for.
//
//	files ─► headers bound, all of them before any row
//	   │
//	   ├─ pass 1, only where the bundle has a `key`: hashes of keys ─► which rows and elements repeat
//	   │                                                              one, or conflict with it
//	   └─ pass 2: rows ─► workers ─► records ─► staging, in the order of the files ─► Sink
//	          ▲                                   │
//	          └── once more, if records of one natural key differ: then none of them stays
//
// It knows neither tenants' settings nor the target, and prints nothing. One bad row or record is a
// problem that the sink is told of; a run that cannot go on is a *diag.Error.
package transform

import (
	"context"
	"errors"
	"maps"
	"path"
	"strings"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/adopted"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/rejects"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

// Options is what a program is run on.
type Options struct {
	Sink     Sink
	Inputs   map[string][]source.Local // by input, in the order in which they are read
	Workers  int                       // 0: 1
	Rows     int                       // of each input, only the first ones are staged; 0: all
	Progress *Progress                 // may be nil

	// Student is the column, by the bundle's name, that each input took the student from in the tenant's
	// last run that was loaded; another one is drift. Nil: nothing is known, or a person has chosen.
	Student map[string]string

	// Adopted is the identifiers that the target has for events of the tenant; nil: none.
	Adopted *adopted.Table

	// Measure is shown the ids of each input's rows before the first row is mapped. Nil: nobody wants them.
	Measure Measure
	// Matching says why what was matched does not hold; nil: ids are not matched.
	Matching func() error

	Known   diag.List                           // what was found before the first row; the run lists it
	Allowed func(table, column string) []string // the values that cells of tables may have; may be nil
}

// Progress is how far a run has come; others may read it at any time.
type Progress struct {
	BytesRead  atomic.Int64
	BytesTotal atomic.Int64 // of all passes
	Rows       atomic.Int64
}

// runner runs a program over files.
type runner struct {
	program     *mapping.Program
	sink        Sink
	student     map[string]string // by input
	adopted     *adopted.Table    // nil: none
	known       diag.List
	allowed     func(table, column string) []string // may be nil
	measure     Measure                             // may be nil
	matching    func() error                        // may be nil
	workers     int
	first       int       // rows of each input that are staged; 0: all
	progress    *Progress // never nil
	files       map[*mapping.Input][]*boundFile
	verdicts    map[*mapping.Input][]*keyVerdicts // by file
	conflicting *keyset.Set                       // natural keys that are known to conflict
}

func newRunner(p *mapping.Program, o Options) *runner {
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	return &runner{program: p, conflicting: &keyset.Set{}, sink: o.Sink, student: o.Student, adopted: o.Adopted, measure: o.Measure, matching: o.Matching, known: o.Known, allowed: o.Allowed, workers: max(o.Workers, 1), first: o.Rows, progress: o.Progress,
		files: map[*mapping.Input][]*boundFile{}, verdicts: map[*mapping.Input][]*keyVerdicts{}}
}

// Result is what a run gave.
type Result struct {
	Counts   *runs.TransformCounts
	Inputs   []runs.Input
	Staged   map[string]jsonl.Digest // the files of records, if the sink wrote files
	Overlays []runs.Overlay          // tables of the tenant that took part
	Params   map[string]string       // as used, defaults among them

	Rejects []runs.Reject // the files of rejected rows, likewise
	Adopted *runs.Adopted // the tenant's adopted identifiers, if it has any

	Students map[string]Matched // by input, of those whose students were matched
}

// Keep records the result in a run's manifest; the counts are recorded as the stage's.
func (r *Result) Keep(m *runs.Manifest) {
	m.Staged, m.Inputs, m.ToCorrect, m.Overlays, m.Params, m.Adopted = r.Staged, r.Inputs, r.Rejects, r.Overlays, r.Params, r.Adopted
}

// Run maps the files into staged records. What it counts adds up: every row read is used, filtered,
// duplicate, other, unmatched or rejected. The result is given beside a guard's error too.
func Run(ctx context.Context, p *mapping.Program, o Options) (*Result, error) {
	r := newRunner(p, o)
	if err := r.openInputs(o.Inputs); err != nil {
		return nil, err
	}
	for _, in := range p.Inputs() {
		if err := r.measureIDs(ctx, in); err != nil {
			return nil, err
		}
	}
	for _, in := range p.Inputs() {
		var err error
		if r.verdicts[in], err = r.compareKeys(ctx, in, r.files[in]); err != nil {
			return nil, err
		}
	}
	s, err := r.stage(ctx)
	for ; err == nil && s.conflicts.Len() > 0; s, err = r.stage(ctx) {
		// Records with one key and different contents all reject, also the first, which is handed on
		// already: stage again, knowing their keys.
		r.conflicting = s.conflicts
		r.restart()
		if err := r.sink.Close(); err != nil {
			return nil, err
		}
	}
	if err == nil && r.matching != nil {
		err = r.matching()
	}
	if err == nil {
		err = s.finish()
	}
	if err == nil {
		result, guard := r.result(s), r.guard(s)
		if err = r.sink.Commit(result); err == nil {
			return result, guard
		}
	}
	return nil, errors.Join(err, r.sink.Close())
}

// restart says that everything is staged once more.
func (r *runner) restart() {
	r.progress.Rows.Store(0)
	for _, files := range r.files {
		for _, f := range files {
			r.progress.BytesTotal.Add(f.local.Size)
		}
	}
}

// result is what a run gave.
func (r *runner) result(s *staging) *Result {
	out := &Result{Counts: &s.counts, Params: maps.Clone(r.program.Params), Students: s.students}
	if r.adopted != nil {
		out.Adopted = &runs.Adopted{Table: adopted.File, SHA256: r.adopted.SHA256, Rows: r.adopted.Len(), Used: s.renamed()}
	}
	for _, f := range r.program.Overlays {
		out.Overlays = append(out.Overlays, runs.Overlay{Table: strings.TrimSuffix(path.Base(f.Path), ".csv"), Path: f.Path, SHA256: f.SHA256,
			Added: f.Added, Replaced: f.Replaced})
	}
	for _, in := range r.program.Inputs() {
		for _, f := range r.files[in] {
			input := runs.Input{Name: in.Name, Path: f.place.File, Bytes: f.bytes, SHA256: f.sha256, Layout: f.plan.Layout, Rows: f.rows, Lines: f.lines,
				Optional: in.Def.Optional, Written: rejects.WrittenAs(in.Def.TableOptions())}
			input.Personal = append([]string{}, in.Def.PersonalHeaders()...)
			if f.plan.Student != "" {
				input.Student = &runs.StudentColumn{Name: f.plan.StudentName, Header: f.plan.Student}
				input.Personal = append(input.Personal, f.plan.Student)
			}
			out.Inputs = append(out.Inputs, input)
		}
	}
	return out
}

// freeList keeps batches to be used again.
type freeList[T any] chan *T

func (f freeList[T]) take() *T {
	select {
	case b := <-f:
		return b
	default:
		return new(T)
	}
}

func (f freeList[T]) give(b *T) {
	select {
	case f <- b:
	default:
	}
}
