package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Preview is what the first rows of each input give, as far as that can be told without the rows after
// them: records of one natural key with different contents are found by Run alone.
type Preview struct {
	Rows     []PreviewRow
	Problems diag.List // of these rows, and of their files' headers
}

// PreviewRow is a row and what became of it.
type PreviewRow struct {
	Input   string
	File    string
	Line    int64
	Outcome string // one of these below
	Records []PreviewRecord
}

// What became of a row, as the counts of a run call it.
const (
	PreviewUsed      = "used"
	PreviewFiltered  = "filtered"
	PreviewDuplicate = "duplicate"
	PreviewOther     = "other"
	PreviewRejected  = "rejected"
)

// PreviewRecord is a record of a row.
type PreviewRecord struct {
	Resource string
	Record   json.RawMessage // on one line
}

// PreviewOf maps the first n rows of each input and writes nothing. It reads no further than these rows,
// but where an input has a `key`: which row of a key stays is known when all were read.
func PreviewOf(ctx context.Context, p *mapping.Program, o Options, n int) (*Preview, error) {
	r := newRunner(p, o)
	if err := r.openInputs(o.Inputs); err != nil {
		return nil, err
	}
	v := &Preview{}
	for _, in := range p.Inputs() {
		verdicts, err := r.compareKeys(ctx, in, r.files[in])
		if err != nil {
			return nil, err
		}
		end := len(v.Rows) + n
		for i, f := range r.files[in] {
			if len(v.Rows) == end {
				break
			}
			if err := v.file(p, f, known{verdicts[i], r.poisoned}, end); err != nil {
				return nil, err
			}
		}
	}
	for i := range v.Problems {
		if v.Problems[i].Level == 0 {
			v.Problems[i].Level = diag.LevelOf(v.Problems[i].Code)
		}
	}
	return v, nil
}

// file maps rows of a file until there are end of them.
func (v *Preview) file(p *mapping.Program, f *boundFile, k known, end int) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	for _, note := range f.plan.Notes {
		note.Input = f.place.Input
		v.Problems = append(v.Problems, note)
	}
	w := mapping.NewWorker(f.plan, f.place, k)
	var b mapping.Batch
	var block table.Block
	var parser table.Parser
	for {
		if err := src.Next(&block); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for row := range block.Rows(&parser) {
			if row.Blank {
				continue
			}
			if len(v.Rows) == end {
				return nil
			}
			b.Reset(len(p.Resources()))
			w.Map(&row, &b)
			v.add(p.Resources(), f, &b)
		}
	}
}

// add adds a row from the batch that holds it alone.
func (v *Preview) add(resources []string, f *boundFile, b *mapping.Batch) {
	out := b.Rows[0]
	row := PreviewRow{Input: f.place.Input, File: f.place.File, Line: out.Line}
	repeated, rejected := false, out.Outcome == mapping.RowRejected
	from := make([]int, len(resources))
	for _, r := range b.Records {
		switch {
		case r.Rejected:
			rejected = true
		case r.End < 0:
			repeated = true
		default:
			text := b.Texts[r.Resource][from[r.Resource]:r.End]
			from[r.Resource] = r.End
			row.Records = append(row.Records, PreviewRecord{resources[r.Resource], bytes.TrimSpace(bytes.Clone(text))})
		}
	}
	switch {
	case rejected:
		row.Outcome = PreviewRejected
	case out.Outcome == mapping.RowOther:
		row.Outcome = PreviewOther
	case out.Outcome == mapping.RowDuplicate || repeated && len(row.Records) == 0:
		row.Outcome = PreviewDuplicate
	case len(row.Records) > 0:
		row.Outcome = PreviewUsed
	default:
		row.Outcome = PreviewFiltered
	}
	v.Rows = append(v.Rows, row)
	v.Problems = append(v.Problems, b.Problems...)
}
