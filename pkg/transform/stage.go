package transform

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/rejects"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// known is what the passes before found out about one file.
type known struct {
	rows    *keyVerdicts
	records *keyset.Set
}

// Verdict is the one on a row, or on an element of it.
func (k known) Verdict(line int64, l *mapping.List, number int) *mapping.Verdict {
	return k.rows.of(line, l, number)
}

// Conflicts reports whether records of a natural key differ.
func (k known) Conflicts(key keyset.Key) bool {
	_, ok := k.records.Find(key)
	return ok
}

// stage is the second pass: it makes and writes all records.
func (r *runner) stage(ctx context.Context) (*staging, error) {
	s, err := newStaging(r.program, r.sink)
	if err != nil {
		return nil, err
	}
	s.allowed = r.allowed
	for _, p := range r.known {
		if err := s.problem(p); err != nil {
			return nil, err
		}
	}
	return s, r.stageAll(ctx, s)
}

func (r *runner) stageAll(ctx context.Context, s *staging) error {
	if err := s.tables(r.conflicting); err != nil {
		return err
	}
	for _, in := range r.program.Inputs() {
		s.input = runs.InputCounts{}
		for i, f := range r.files[in] {
			if r.first > 0 && s.input.Read >= int64(r.first) {
				break
			}
			if err := r.stageFile(ctx, s, f, r.decided(known{r.verdicts[in][i], r.conflicting})); err != nil {
				return err
			}
		}
		if len(r.files[in]) > 0 {
			s.counts.Inputs[in.Name] = s.input
		}
	}
	if s.conflicts.Len() > 0 {
		return nil // all of it is thrown away
	}
	if err := r.nothingOf(s); err != nil {
		return err
	}
	if err := s.vendorDescriptors(); err != nil {
		return err
	}
	return s.undeclaredLevels()
}

// nothingOf warns of inputs of which no row is left, where others have some: else that is a guard's to say.
func (r *runner) nothingOf(s *staging) error {
	if all := s.allRows(); r.first > 0 || all.Filtered+all.Other == all.Read {
		return nil
	}
	for _, in := range r.program.Inputs() {
		if n := s.counts.Inputs[in.Name]; n.Read > 0 && n.Filtered+n.Other == n.Read {
			if err := s.problem(diag.Problem{Code: diag.RowFiltered, Level: diag.LevelWarning, Input: in.Name, Count: int(n.Read),
				Message: fmt.Sprintf("nothing of %s is left: of %d rows %d were filtered and %d belong to others", in.Name, n.Read, n.Filtered, n.Other)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch is a block of rows, and what a worker made of it.
type batch struct {
	block table.Block
	mapping.Batch
}

// stageFile maps the rows of one file.
func (r *runner) stageFile(ctx context.Context, s *staging, f *boundFile, k mapping.Decided) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	for _, n := range f.plan.Notes {
		n.Input = f.input.Name
		if err := s.problem(n); err != nil {
			return err
		}
	}
	s.at = f.place
	s.rejects = RejectFile{Place: f.place, Head: rejects.HeadOf(f.input.Def.Encoding.Value, src.Header())}
	s.nextLine, s.short, s.width = 1+strings.Count(s.rejects.Head.Text, "\n"), shortRows{}, len(src.Header().Names)
	workers, err := r.mapFile(ctx, s, f, src, k)
	if err != nil {
		return err
	}
	if err := s.shorten(0, 0); err != nil {
		return err
	}
	for _, w := range workers {
		for d, n := range w.Decisions() {
			s.decided[d] += n
		}
	}
	if err := s.matched(f, mapping.Matched(workers)); err != nil {
		return err
	}
	s.retyped = append(s.retyped, f.plan.Retyped(workers)...)
	if err := s.list(slices.Concat(f.plan.Nameless(workers), f.plan.Doubles(workers))); err != nil {
		return err
	}
	f.sha256, f.bytes = src.Digest()
	return s.fileNotes(f)
}

// mapFile maps the rows of a file and emits them in their order. It gives the workers that did it.
func (r *runner) mapFile(ctx context.Context, s *staging, f *boundFile, src table.Reader, k mapping.Decided) ([]*mapping.Worker, error) {
	s.blank, f.rows, f.lines = 0, 0, 0
	// A preview ends behind the first rows of an input: one worker counts them in their order, and the
	// reader of blocks looks on.
	var left atomic.Int64
	parallel, cut := r.workers, r.first > 0
	if cut {
		parallel = 1
		left.Store(int64(r.first) - s.input.Read)
	}
	free := make(freeList[batch], 4*r.workers+4)
	next := func() (*batch, error) {
		if cut && left.Load() <= 0 {
			return nil, io.EOF
		}
		b := free.take()
		b.Reset(len(r.program.Resources()))
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		r.progress.BytesRead.Add(int64(b.block.Len()))
		return b, nil
	}
	var workers []*mapping.Worker
	worker := func() func(*batch) error {
		w := mapping.NewWorker(f.plan, f.place, k)
		workers = append(workers, w)
		var parser table.Parser
		return func(b *batch) error {
			for row := range b.block.Rows(&parser) {
				if cut && !row.Blank && left.Add(-1) < 0 {
					return nil
				}
				w.Map(&row, &b.Batch)
			}
			return nil
		}
	}
	err := ordered.Run(ctx, parallel, next, worker, func(b *batch) error {
		s.blank += b.Blank
		f.rows += int64(len(b.Rows))
		f.lines += b.block.Lines()
		r.progress.Rows.Add(int64(len(b.Rows)))
		defer free.give(b)
		return s.emit(&b.Batch)
	})
	return workers, err
}

// fileNotes lists what was counted over a whole file.
func (s *staging) fileNotes(f *boundFile) error {
	if s.blank > 0 {
		if err := s.problem(diag.Problem{Code: diag.RowBlank, Input: f.place.Input, File: f.place.File, Count: int(s.blank),
			Message: diag.Counted(int(s.blank), "blank line, which is not a row", "blank lines, which are not rows")}); err != nil {
			return err
		}
	}
	if f.rows == 0 {
		return s.problem(diag.Problem{Code: diag.FileHeaderOnly, Input: f.place.Input, File: f.place.File, Message: "the file has a header and no rows"})
	}
	return nil
}
