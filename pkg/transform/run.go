// Package transform owns the mapping engine: a bundle compiled against a data standard, bound to
// the headers of a vendor's files, and run over their rows into staged records, with every row and
// every record accounted for.
//
// It knows neither tenants' settings nor the target: what it needs of them stands in Config. It
// prints nothing. One bad row or record is a diag.Problem in the run's files; a run that cannot go
// on is a *diag.Error.
package transform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/runs"
	inputs "github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Options is what a program is run on.
type Options struct {
	Run      *runs.Run                 // where to write; nil throws the records away, for benchmarks
	Inputs   map[string][]inputs.Local // by input, in the order in which they are read
	Workers  int                       // 0: 1
	Progress *Progress                 // may be nil
}

// Progress is how far a run has come; others may read it at any time.
type Progress struct {
	BytesRead  atomic.Int64
	BytesTotal atomic.Int64 // of all passes
	Rows       atomic.Int64
}

func (p *Progress) read(n int64) {
	if p != nil {
		p.BytesRead.Add(n)
	}
}

func (p *Progress) staged(rows int) {
	if p != nil {
		p.Rows.Add(int64(rows))
	}
}

// boundFile is a file of an input, bound to its headers.
type boundFile struct {
	input  *mapping.Input
	place  mapping.Place
	number int // index among the files of its input
	local  inputs.Local
	plan   *mapping.Plan
	header string // verbatim
	end    string // its line end
	sha256 string
	bytes  int64
	rows   int64
}

func (f *boundFile) open() (table.Reader, error) {
	return table.Open(f.local.Path, f.input.Def.TableOptions())
}

// runner runs a program over files.
type runner struct {
	program  *mapping.Program
	run      *runs.Run
	workers  int
	progress *Progress
	files    map[*mapping.Input][]*boundFile
	verdicts map[*mapping.Input][]*keyVerdicts // by file
	poisoned *conflictSet                      // natural keys that are known to conflict
}

func newRunner(p *mapping.Program, o Options) *runner {
	return &runner{program: p, run: o.Run, workers: max(o.Workers, 1), progress: o.Progress, files: map[*mapping.Input][]*boundFile{}, verdicts: map[*mapping.Input][]*keyVerdicts{}}
}

// Run maps the files into staged records. What it counts adds up: every row read is used, filtered,
// duplicate, other, unmatched or rejected. The counts are given beside a guard's error too.
func Run(ctx context.Context, p *mapping.Program, o Options) (*runs.TransformCounts, error) {
	r := newRunner(p, o)
	if err := r.openInputs(o.Inputs); err != nil {
		return nil, err
	}
	for _, in := range p.Inputs() {
		var err error
		if r.verdicts[in], err = r.compareKeys(ctx, in, r.files[in]); err != nil {
			return nil, err
		}
	}
	for {
		s, err := r.stage(ctx)
		if err != nil {
			return nil, err
		}
		if len(s.conflicts.keys) == 0 {
			return r.finish(s)
		}
		// Records with one key and different contents all reject, also the first, which is written
		// already: stage again, knowing their keys.
		r.poisoned = s.conflicts
		r.poisoned.sort()
		if err := s.discard(); err != nil {
			return nil, err
		}
	}
}

// known is what the passes before found out about one file.
type known struct {
	rows    *keyVerdicts
	records *conflictSet
}

// Verdict is the one on a row, or on an element of it.
func (k known) Verdict(line int64, l *mapping.List, number int) *mapping.Verdict {
	return k.rows.of(line, l, number)
}

// Conflicts reports whether records of a natural key differ.
func (k known) Conflicts(key [12]byte) bool { return k.records.has(key) }

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

// openInputs opens and binds all files, so that whatever is wrong with a header is known before any
// row, all of it at once.
func (r *runner) openInputs(given map[string][]inputs.Local) error {
	p := r.program
	names := p.InputNames()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return diag.Fail(diag.Usage, diag.ConfigInput, "its inputs are "+strings.Join(names, ", "), "the bundle %s has no input %q%s", p.Bundle.Name, name, diag.DidYouMean(name, names))
		}
	}
	var problems diag.List
	var worst *diag.Error
	for _, in := range p.Inputs() {
		locals := given[in.Name]
		if len(locals) == 0 && !in.Def.Optional {
			return diag.Fail(diag.Usage, diag.ConfigInput, "give it with --input "+in.Name+"=FILE", "the input %q has no file", in.Name)
		}
		if err := readable(in.Def); err != nil {
			return err
		}
		for i, local := range locals {
			f := &boundFile{input: in, number: i, local: local, place: mapping.Place{Input: in.Name, File: local.Name}}
			if len(locals) > 1 {
				f.place.Number = i + 1
			}
			if err := r.bindFile(f); err != nil {
				e, ok := diag.AsError(err)
				if !ok {
					return err
				}
				if worst == nil {
					worst = e
				}
				problems = append(problems, e.Problems...)
				continue
			}
			r.files[in] = append(r.files[in], f)
			if r.progress != nil {
				passes := int64(1)
				if in.NeedsKeys() {
					passes = 2
				}
				r.progress.BytesTotal.Add(passes * local.Size)
			}
		}
	}
	if worst != nil {
		joined := *worst
		joined.Problems = problems
		return &joined
	}
	return nil
}

// readable refuses what a bundle may describe and this version cannot read.
func readable(def *bundle.Input) error {
	format := table.FormatOf(def.Format.Value)
	what := "`unpack`"
	switch {
	case format.Support != table.Readable:
		what = format.Files
	case len(def.Unpack) == 0:
		return nil
	}
	return diag.Fail(diag.Usage, diag.BundleUnsupported, "use a version of sluice that does", "this version cannot read %s (%s)", what, def.Format.Pos)
}

// bindFile reads a file's header and binds the input to it.
func (r *runner) bindFile(f *boundFile) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	header := src.Header()
	f.end = header.LineEnd
	f.header = strings.TrimRight(header.Text, "\r\n") + f.end
	f.plan, err = r.program.Bind(f.input, f.place.File, header.Names, header.Hint)
	return err
}

// stage is the second pass: it makes and writes all records.
func (r *runner) stage(ctx context.Context) (*staging, error) {
	s, err := newStaging(r.program, r.run)
	if err != nil {
		return nil, err
	}
	if err := r.stageAll(ctx, s); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (r *runner) stageAll(ctx context.Context, s *staging) error {
	if err := s.tables(r.poisoned); err != nil {
		return err
	}
	for _, in := range r.program.Inputs() {
		s.input = runs.InputCounts{}
		for i, f := range r.files[in] {
			if err := r.stageFile(ctx, s, f, known{r.verdicts[in][i], r.poisoned}); err != nil {
				return err
			}
		}
		if len(r.files[in]) > 0 {
			s.counts.Inputs[in.Name] = s.input
		}
		if n := s.input; n.Read > 0 && n.Filtered+n.Other == n.Read {
			if err := s.problems.add(diag.Problem{Code: diag.RowFiltered, Level: diag.LevelWarning, Input: in.Name, Count: int(n.Read),
				Message: fmt.Sprintf("nothing of %s is left: of %d rows %d were filtered and %d belong to others", in.Name, n.Read, n.Filtered, n.Other)}); err != nil {
				return err
			}
		}
	}
	if len(s.conflicts.keys) > 0 {
		return nil // all of it is thrown away
	}
	if err := s.vendorDescriptors(); err != nil {
		return err
	}
	return s.undeclaredLevels()
}

// batch is a block of rows, and what a worker made of it.
type batch struct {
	block table.Block
	mapping.Batch
}

// stageFile maps the rows of one file.
func (r *runner) stageFile(ctx context.Context, s *staging, f *boundFile, k known) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	for _, n := range f.plan.Notes {
		n.Input = f.input.Name
		if err := s.problems.add(n); err != nil {
			return err
		}
	}
	s.at = f.place
	s.rejects = &rejectFile{path: rejectPath(r.run, f.place), header: f.header, lineEnd: f.end, mark: needsMark(f.input.Def.Encoding.Value, src.Header().Encoding)}
	workers, err := r.mapFile(ctx, s, f, src, k)
	if err != nil {
		return err
	}
	for _, w := range workers {
		s.merge(w)
	}
	s.retyped = append(s.retyped, f.plan.Retyped(workers)...)
	for _, p := range f.plan.Nameless(workers) {
		if err := s.problems.add(p); err != nil {
			return err
		}
	}
	f.sha256, f.bytes = src.Digest()
	if err := s.rejects.commit(); err != nil {
		return err
	}
	return s.fileNotes(f)
}

// mapFile maps the rows of a file and emits them in their order. It gives the workers that did it.
func (r *runner) mapFile(ctx context.Context, s *staging, f *boundFile, src table.Reader, k known) ([]*mapping.Worker, error) {
	s.blank, s.short, f.rows = 0, 0, 0
	free := make(freeList[batch], 4*r.workers+4)
	next := func() (*batch, error) {
		b := free.take()
		b.Reset(len(r.program.Resources()))
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		r.progress.read(int64(b.block.Len()))
		return b, nil
	}
	var workers []*mapping.Worker
	worker := func() func(*batch) error {
		w := mapping.NewWorker(f.plan, f.place, k)
		workers = append(workers, w)
		var parser table.Parser
		return func(b *batch) error {
			for row := range b.block.Rows(&parser) {
				w.Map(&row, &b.Batch)
			}
			return nil
		}
	}
	err := ordered.Run(ctx, r.workers, next, serially(worker), func(b *batch) error {
		s.blank, s.short = s.blank+b.Blank, s.short+b.Short
		f.rows += int64(len(b.Rows))
		r.progress.staged(len(b.Rows))
		defer free.give(b)
		return s.emit(&b.Batch)
	})
	return workers, err
}

// needsMark reports whether UTF-8 text would be taken for something else by the input it came from:
// its bundle declares another encoding, or the file had one.
func needsMark(declared, read string) bool {
	const utf8 = "utf-8"
	return read != utf8 || declared != "" && !strings.EqualFold(declared, utf8)
}

// serially lets workers be made one at a time.
func serially[T any](create func() T) func() T {
	lock := sync.Mutex{}
	return func() T {
		lock.Lock()
		defer lock.Unlock()
		return create()
	}
}

// fileNotes lists what was counted over a whole file.
func (s *staging) fileNotes(f *boundFile) error {
	for _, n := range []struct {
		count   int64
		code    diag.Code
		message string
	}{{s.blank, diag.RowBlank, "blank lines, which are no rows"}, {s.short, diag.RowShortened, "rows end early, before columns that may be missing; they were read as empty"}} {
		if n.count > 0 {
			if err := s.problems.add(diag.Problem{Code: n.code, Input: f.place.Input, File: f.place.File, Count: int(n.count), Message: fmt.Sprintf("%d %s", n.count, n.message)}); err != nil {
				return err
			}
		}
	}
	if f.rows == 0 {
		return s.problems.add(diag.Problem{Code: diag.FileHeaderOnly, Input: f.place.Input, File: f.place.File, Message: "the file has a header and no rows"})
	}
	return nil
}

// finish writes the reports, gives all files their names, and fills the manifest.
func (r *runner) finish(s *staging) (*runs.TransformCounts, error) {
	for _, out := range s.outputs {
		c := s.counts.Resources[out.name]
		c.Staged, c.Duplicate, c.Rejected = c.Staged+out.counts.Staged, c.Duplicate+out.counts.Duplicate, c.Rejected+out.counts.Rejected
		s.counts.Resources[out.name] = c
	}
	if err := s.checkEquation(); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	guard := s.guard()
	if r.run == nil {
		return &s.counts, guard
	}
	if err := r.commit(s); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return &s.counts, guard
}

func (r *runner) commit(s *staging) error {
	run, p := r.run, r.program
	if err := s.writeUnmapped(); err != nil {
		return err
	}
	if err := s.writeMappings(); err != nil {
		return err
	}
	if err := s.problems.commit(); err != nil {
		return err
	}
	run.Staged = map[string]jsonl.Digest{}
	for _, out := range s.outputs {
		if out.records == nil {
			continue
		}
		digest, err := out.records.Commit()
		if err != nil {
			return unwritable(err)
		}
		if _, err := out.origins.Commit(); err != nil {
			return unwritable(err)
		}
		run.Staged[out.name] = digest
	}
	run.Inputs, run.Overlays = nil, nil
	for _, f := range p.Overlays {
		run.Overlays = append(run.Overlays, runs.FileDigest{Path: f.Path, SHA256: f.SHA256})
	}
	run.Params = maps.Clone(p.Params)
	for _, in := range p.Inputs() {
		for _, f := range r.files[in] {
			run.Inputs = append(run.Inputs, runs.Input{Name: in.Name, Path: f.place.File, Bytes: f.bytes, SHA256: f.sha256, Layout: f.plan.Layout, Rows: f.rows})
			if f.plan.Student != "" {
				run.Student = "the vendor's id as it stands, from " + f.plan.Student
			}
		}
	}
	return nil
}

// guard stops a run whose rows were read and still say that something is wrong with all of them.
func (s *staging) guard() error {
	if len(s.retyped) > 0 {
		return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: s.retyped, Next: "look at the column in the file; then correct the file, or the bundle for the vendor's new form",
			Message: fmt.Sprintf("%d columns hold something else than the contract says", len(s.retyped))}
	}
	return s.nothingLeft()
}

// nothingLeft is the guard against loading nothing in silence: every row was filtered, or another
// district's.
func (s *staging) nothingLeft() error {
	var total runs.InputCounts
	for _, c := range s.counts.Inputs {
		total.Read += c.Read
		total.Filtered += c.Filtered
		total.Other += c.Other
	}
	if total.Read == 0 || total.Filtered+total.Other < total.Read {
		return nil
	}
	values := map[string][]string{}
	for _, v := range s.seen {
		values[v.Name] = append(values[v.Name], `"`+v.Value+`"`)
	}
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown = append(shown, fmt.Sprintf("%s is %s", name, strings.Join(values[name][:min(len(values[name]), 5)], ", ")))
	}
	seen := ""
	if len(shown) > 0 {
		seen = "; in the rows " + strings.Join(shown, "; ")
	}
	return diag.Fail(diag.Guarded, diag.GuardNothing, "compare the parameters ("+paramText(s.program.Params)+") and the tenant's lea_codes with the file",
		"nothing is left to load: of %d rows %d were filtered and %d belong to others%s", total.Read, total.Filtered, total.Other, seen)
}

func paramText(params map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		list = append(list, name+"="+params[name])
	}
	return strings.Join(list, ", ")
}
