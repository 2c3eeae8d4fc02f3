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
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/runs"
	inputs "github.com/sluice-edfi/sluice/pkg/source"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// RunOptions is what a program is run on.
type RunOptions struct {
	Run      *runs.Run                 // where to write; nil throws the records away, for benchmarks
	Inputs   map[string][]inputs.Local // by input, in the order in which they are read
	Workers  int                       // 0: 1
	Progress *Progress                 // may be nil
}

func (o *RunOptions) workers() int { return max(o.Workers, 1) }

// Progress is how far a run has come; others may read it at any time.
type Progress struct {
	BytesRead  atomic.Int64
	BytesTotal atomic.Int64 // of both passes
	Rows       atomic.Int64
	Records    atomic.Int64
}

func (p *Progress) read(n int64) {
	if p != nil {
		p.BytesRead.Add(n)
	}
}

func (p *Progress) staged(rows, records int) {
	if p != nil {
		p.Rows.Add(int64(rows))
		p.Records.Add(int64(records))
	}
}

// boundFile is a file of an input, bound to its headers.
type boundFile struct {
	input  *input
	place  place
	number int // index among the files of its input
	local  inputs.Local
	plan   *plan
	header string // verbatim
	end    string // its line end
	notes  diag.List
	sha256 string
	bytes  int64
	rows   int64
}

func (f *boundFile) open() (table.Reader, error) {
	return table.Open(f.local.Path, f.input.def.TableOptions())
}

// Run maps the files into staged records. What it counts adds up: every row read is used, filtered,
// duplicate, other, unmatched or rejected. The counts are given beside a guard's error too.
func (p *Program) Run(ctx context.Context, o RunOptions) (*runs.TransformCounts, error) {
	files, err := p.openInputs(&o)
	if err != nil {
		return nil, err
	}
	verdicts := map[*input][]*keyVerdicts{}
	for _, in := range p.inputs {
		if verdicts[in], err = p.compareKeys(ctx, &o, in, files[in]); err != nil {
			return nil, err
		}
	}
	var poisoned *conflictSet
	for {
		s, err := p.stage(ctx, &o, files, verdicts, poisoned)
		if err != nil {
			return nil, err
		}
		if len(s.conflicts.keys) == 0 {
			return p.finish(&o, s, files)
		}
		// Records with one key and different contents all reject, also the first, which is written
		// already: stage again, knowing their keys.
		poisoned = s.conflicts
		poisoned.sort()
		if err := s.discard(); err != nil {
			return nil, err
		}
	}
}

// openInputs opens and binds all files, so that whatever is wrong with a header is known before any
// row, all of it at once.
func (p *Program) openInputs(o *RunOptions) (map[*input][]*boundFile, error) {
	names := p.InputNames()
	for _, name := range slices.Sorted(maps.Keys(o.Inputs)) {
		if !slices.Contains(names, name) {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, "its inputs are "+strings.Join(names, ", "), "the bundle %s has no input %q%s", p.Bundle.Name, name, diag.DidYouMean(name, names))
		}
	}
	files := map[*input][]*boundFile{}
	var problems diag.List
	var worst *diag.Error
	for _, in := range p.inputs {
		locals := o.Inputs[in.name]
		if len(locals) == 0 && !in.def.Optional {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, "give it with --input "+in.name+"=FILE", "the input %q has no file", in.name)
		}
		if err := readable(in.def); err != nil {
			return nil, err
		}
		for i, local := range locals {
			f := &boundFile{input: in, number: i, local: local, place: place{input: in.name, file: local.Name}}
			if len(locals) > 1 {
				f.place.number = i + 1
			}
			if err := p.bindFile(f); err != nil {
				e, ok := diag.AsError(err)
				if !ok {
					return nil, err
				}
				if worst == nil {
					worst = e
				}
				problems = append(problems, e.Problems...)
				continue
			}
			files[in] = append(files[in], f)
			if o.Progress != nil {
				passes := int64(1)
				if in.needsKeys() {
					passes = 2
				}
				o.Progress.BytesTotal.Add(passes * local.Size)
			}
		}
	}
	if worst != nil {
		joined := *worst
		joined.Problems = problems
		return nil, &joined
	}
	return files, nil
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
func (p *Program) bindFile(f *boundFile) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	header := src.Header()
	f.end = header.LineEnd
	f.header = strings.TrimRight(header.Text, "\r\n") + f.end
	f.plan, err = p.bind(f.input, f.place.file, header.Names, header.Hint)
	if err == nil {
		f.notes = f.plan.notes
	}
	return err
}

// stage is the second pass: it makes and writes all records.
func (p *Program) stage(ctx context.Context, o *RunOptions, files map[*input][]*boundFile, verdicts map[*input][]*keyVerdicts, poisoned *conflictSet) (*staging, error) {
	s, err := p.newStaging(o.Run)
	if err != nil {
		return nil, err
	}
	if err := p.stageAll(ctx, o, s, files, verdicts, poisoned); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (p *Program) stageAll(ctx context.Context, o *RunOptions, s *staging, files map[*input][]*boundFile, verdicts map[*input][]*keyVerdicts, poisoned *conflictSet) error {
	if err := s.tables(poisoned); err != nil {
		return err
	}
	for _, in := range p.inputs {
		s.input = runs.InputCounts{}
		for i, f := range files[in] {
			if err := p.stageFile(ctx, o, s, f, verdicts[in][i], poisoned); err != nil {
				return err
			}
		}
		if len(files[in]) > 0 {
			s.counts.Inputs[in.name] = s.input
		}
		if n := s.input; n.Read > 0 && n.Filtered+n.Other == n.Read {
			if err := s.problems.add(diag.Problem{Code: diag.RowFiltered, Level: diag.LevelWarning, Input: in.name, Count: int(n.Read),
				Message: fmt.Sprintf("nothing of %s is left: of %d rows %d were filtered and %d belong to others", in.name, n.Read, n.Filtered, n.Other)}); err != nil {
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

// stageFile maps the rows of one file.
func (p *Program) stageFile(ctx context.Context, o *RunOptions, s *staging, f *boundFile, verdicts *keyVerdicts, poisoned *conflictSet) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	for _, n := range f.notes {
		n.Input = f.input.name
		if err := s.problems.add(n); err != nil {
			return err
		}
	}
	s.at = f.place
	s.rejects = &rejectFile{path: rejectPath(o.Run, f.place), header: f.header, lineEnd: f.end, mark: needsMark(f.input.def.Encoding.Value, src.Header().Encoding)}
	var blank, short int64
	f.rows = 0
	free := make(chan *batch, 4*o.workers()+4)
	next := func() (*batch, error) {
		b := &batch{}
		select {
		case b = <-free:
		default:
		}
		b.reset(len(p.resources))
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		o.Progress.read(int64(b.block.Len()))
		return b, nil
	}
	var workers []*state
	worker := func() func(*batch) error {
		r := newState(f.plan, f.place)
		r.dropped, r.poisoned = verdicts, poisoned
		workers = append(workers, r)
		var parser table.Parser
		return func(b *batch) error {
			r.rows(b, &parser)
			return nil
		}
	}
	err = ordered.Run(ctx, o.workers(), next, serially(worker), func(b *batch) error {
		blank, short = blank+b.blank, short+b.short
		f.rows += int64(len(b.rows))
		o.Progress.staged(len(b.rows), len(b.records))
		if err := s.emit(b); err != nil {
			return err
		}
		select {
		case free <- b:
		default:
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.fits = make([]fits, len(f.plan.columns))
	for _, r := range workers {
		s.merge(r)
	}
	s.checkTypes(f)
	if err := s.nameless(f, workers); err != nil {
		return err
	}
	f.sha256, f.bytes = src.Digest()
	if err := s.rejects.commit(); err != nil {
		return err
	}
	return s.fileNotes(f, blank, short)
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
func (s *staging) fileNotes(f *boundFile, blank, short int64) error {
	for _, n := range []struct {
		count   int64
		code    diag.Code
		message string
	}{{blank, diag.RowBlank, "blank lines, which are no rows"}, {short, diag.RowShortened, "rows end early, before columns that may be missing; they were read as empty"}} {
		if n.count > 0 {
			if err := s.problems.add(diag.Problem{Code: n.code, Input: f.place.input, File: f.place.file, Count: int(n.count), Message: fmt.Sprintf("%d %s", n.count, n.message)}); err != nil {
				return err
			}
		}
	}
	if f.rows == 0 {
		return s.problems.add(diag.Problem{Code: diag.FileHeaderOnly, Input: f.place.input, File: f.place.file, Message: "the file has a header and no rows"})
	}
	return nil
}

// finish writes the reports, gives all files their names, and fills the manifest.
func (p *Program) finish(o *RunOptions, s *staging, files map[*input][]*boundFile) (*runs.TransformCounts, error) {
	for _, out := range s.outputs {
		c := s.counts.Resources[out.name]
		c.Staged, c.Duplicate, c.Rejected = c.Staged+out.counts.Staged, c.Duplicate+out.counts.Duplicate, c.Rejected+out.counts.Rejected
		s.counts.Resources[out.name] = c
	}
	if err := s.checkEquation(); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	guard := p.guard(s)
	if o.Run == nil {
		return &s.counts, guard
	}
	if err := p.commit(o.Run, s, files); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return &s.counts, guard
}

func (p *Program) commit(run *runs.Run, s *staging, files map[*input][]*boundFile) error {
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
	run.Inputs, run.Overlays = nil, p.Overlays
	run.Params = maps.Clone(p.Params)
	for _, in := range p.inputs {
		for _, f := range files[in] {
			run.Inputs = append(run.Inputs, runs.Input{Name: in.name, Path: f.place.file, Bytes: f.bytes, SHA256: f.sha256, Layout: f.plan.layout, Rows: f.rows})
			if p.config.RosterColumn == "" && f.plan.student != "" {
				run.Student = "the vendor's id as it stands, from " + f.plan.student
			}
		}
	}
	return nil
}

// minRetyped is how many cells a column must have for `none of them fits` to mean another type.
const minRetyped = 10

// checkTypes finds columns none of whose cells fits: the vendor has changed what stands in them.
func (s *staging) checkTypes(f *boundFile) {
	for i, n := range s.fits {
		bc := f.plan.columns[i]
		if n.fit > 0 || n.unfit < minRetyped {
			continue
		}
		s.retyped = append(s.retyped, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: f.place.input, File: f.place.file, Column: bc.header, Rule: ruleOf(bc.def.Pos),
			Count: int(n.unfit), Message: fmt.Sprintf("expected %s in %s; found: none of its %d cells is one", expression.WithArticle(bc.kind), bc.header, n.unfit)})
	}
}

// guard stops a run whose rows were read and still say that something is wrong with all of them.
func (p *Program) guard(s *staging) error {
	if len(s.retyped) > 0 {
		return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: s.retyped, Next: "look at the column in the file; then correct the file, or the bundle for the vendor's new form",
			Message: fmt.Sprintf("%d columns hold something else than the contract says", len(s.retyped))}
	}
	return p.nothingLeft(s)
}

// nothingLeft is the guard against loading nothing in silence: every row was filtered, or another
// district's.
func (p *Program) nothingLeft(s *staging) error {
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
		values[v.name] = append(values[v.name], `"`+v.value+`"`)
	}
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown = append(shown, fmt.Sprintf("%s is %s", name, strings.Join(values[name][:min(len(values[name]), 5)], ", ")))
	}
	seen := ""
	if len(shown) > 0 {
		seen = "; in the rows " + strings.Join(shown, "; ")
	}
	return diag.Fail(diag.Guarded, diag.GuardNothing, "compare the parameters ("+paramText(p.Params)+") and the tenant's lea_codes with the file",
		"nothing is left to load: of %d rows %d were filtered and %d belong to others%s", total.Read, total.Filtered, total.Other, seen)
}

func paramText(params map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		list = append(list, name+"="+params[name])
	}
	return strings.Join(list, ", ")
}
