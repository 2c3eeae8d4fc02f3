package transform

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Measure is shown each id that the rows of an input have, once for each column, before the first of them is
// mapped. Rows that are filtered and those of others do not count.
type Measure interface {
	See(input string, column mapping.StudentColumn, id string)
	// Decide is called when all ids of an input were seen; an error ends the run.
	Decide(input string) error
}

// Matched is how the rows of an input were matched that needed a student.
type Matched struct {
	Columns []mapping.StudentColumn // as How numbers them
	NoIDs   []string                // texts that are none
	mapping.MatchCounts
}

// rowIDs is a block of rows, and the ids on them.
type rowIDs struct {
	block table.Block
	ids   []rowID
}

type rowID struct {
	column int
	id     string
}

// measureIDs shows the ids of an input to who measures them.
func (r *runner) measureIDs(ctx context.Context, in *mapping.Input) error {
	if r.measure == nil {
		return nil
	}
	seen := map[mapping.StudentColumn]*keyset.Set{}
	for _, f := range r.files[in] {
		columns := f.plan.StudentColumns()
		if len(columns) == 0 {
			continue
		}
		for _, c := range columns {
			if seen[c] == nil {
				seen[c] = &keyset.Set{}
			}
		}
		if err := r.eachID(ctx, f, func(i rowID) {
			c := columns[i.column]
			if _, fresh := seen[c].Add(idKey(i.id)); fresh {
				r.measure.See(in.Name, c, i.id)
			}
		}); err != nil {
			return err
		}
	}
	if r.matching != nil {
		if err := r.matching(); err != nil {
			return err
		}
	}
	return r.measure.Decide(in.Name)
}

var idSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func idKey(id string) keyset.Key {
	var k keyset.Key
	for i, seed := range idSeeds {
		h := maphash.String(seed, id)
		for b := range 8 {
			k[8*i+b] = byte(h >> (8 * b))
		}
	}
	return k
}

// eachID calls use with the ids of a file's rows, in their order.
func (r *runner) eachID(ctx context.Context, f *boundFile, use func(rowID)) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	free := make(freeList[rowIDs], 4*r.workers+4)
	next := func() (*rowIDs, error) {
		b := free.take()
		b.ids = b.ids[:0]
		if err := src.Next(&b.block); err != nil {
			return nil, err
		}
		r.progress.BytesRead.Add(int64(b.block.Len()))
		return b, nil
	}
	worker := func() func(*rowIDs) error {
		w := mapping.NewWorker(f.plan, f.place, nil)
		var p table.Parser
		return func(b *rowIDs) error {
			for row := range b.block.Rows(&p) {
				if !row.Blank {
					w.IDs(&row, func(column int, id string) { b.ids = append(b.ids, rowID{column, id}) })
				}
			}
			return nil
		}
	}
	return ordered.Run(ctx, r.workers, next, worker, func(b *rowIDs) error {
		for _, i := range b.ids {
			use(i)
		}
		free.give(b)
		return nil
	})
}

// matched keeps how the rows of a file were matched, and says how many ids were repaired.
func (s *staging) matched(f *boundFile, n mapping.MatchCounts) error {
	columns := f.plan.StudentColumns()
	if len(columns) == 0 {
		return nil
	}
	all, known := s.students[f.input.Name]
	if !known {
		all = Matched{MatchCounts: mapping.MatchCounts{Matched: map[mapping.How]int64{}, Refused: map[diag.Code]int64{}}}
	}
	for _, c := range columns {
		if !slices.Contains(all.Columns, c) { // files may have other columns
			all.Columns = append(all.Columns, c)
		}
	}
	all.NoIDs = f.plan.NoIDs()
	repaired := map[string]int64{} // by header
	for how, rows := range n.Matched {
		c := columns[how.Column]
		if how.Repaired {
			repaired[c.Header] += rows
		}
		how.Column = uint8(slices.Index(all.Columns, c))
		all.Matched[how] += rows
	}
	for code, rows := range n.Refused {
		all.Refused[code] += rows
	}
	s.students[f.input.Name] = all
	for _, header := range slices.Sorted(maps.Keys(repaired)) {
		if err := s.problem(diag.Problem{Code: diag.StudentRepaired, Input: f.place.Input, File: f.place.File, Column: header, Count: int(repaired[header]),
			Message: diag.Counted(int(repaired[header]), "row was", "rows were") + " matched after zeros in front or a `.0` at the end were repaired"}); err != nil {
			return err
		}
	}
	return nil
}
