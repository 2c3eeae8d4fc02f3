package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/sluice-edfi/sluice/pkg/diag"
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

// Preview maps the first n rows of each input and writes nothing. It reads no further than these rows,
// but where an input has a `key`: which row of a key stays is known when all were read.
func (p *Program) Preview(ctx context.Context, o RunOptions, n int) (*Preview, error) {
	files, err := p.openInputs(&o)
	if err != nil {
		return nil, err
	}
	v := &Preview{}
	for _, in := range p.inputs {
		verdicts, err := p.compareKeys(ctx, &o, in, files[in])
		if err != nil {
			return nil, err
		}
		end := len(v.Rows) + n
		for i, f := range files[in] {
			if len(v.Rows) == end {
				break
			}
			if err := v.file(p, f, verdicts[i], end); err != nil {
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
func (v *Preview) file(p *Program, f *boundFile, verdicts *keyVerdicts, end int) error {
	src, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // read only
	for _, note := range f.notes {
		note.Input = f.place.input
		v.Problems = append(v.Problems, note)
	}
	r := newState(f.plan, f.place)
	r.dropped, r.out = verdicts, &batch{}
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
			r.out.reset(len(p.resources))
			out := rowResult{line: row.Line}
			out.outcome = r.mapRow(&row, &out)
			v.add(p, f, out, r.out)
		}
	}
}

// add adds a row from the batch that holds it alone.
func (v *Preview) add(p *Program, f *boundFile, out rowResult, b *batch) {
	row := PreviewRow{Input: f.place.input, File: f.place.file, Line: out.line}
	repeated, rejected := false, out.outcome == rowRejected
	from := make([]int, len(p.resources))
	for _, r := range b.records {
		switch {
		case r.rejected:
			rejected = true
		case r.end < 0:
			repeated = true
		default:
			text := b.texts[r.resource][from[r.resource]:r.end]
			from[r.resource] = r.end
			row.Records = append(row.Records, PreviewRecord{p.resources[r.resource], bytes.TrimSpace(bytes.Clone(text))})
		}
	}
	switch {
	case rejected:
		row.Outcome = PreviewRejected
	case out.outcome == rowOther:
		row.Outcome = PreviewOther
	case out.outcome == rowDuplicate || repeated && len(row.Records) == 0:
		row.Outcome = PreviewDuplicate
	case len(row.Records) > 0:
		row.Outcome = PreviewUsed
	default:
		row.Outcome = PreviewFiltered
	}
	v.Rows = append(v.Rows, row)
	v.Problems = append(v.Problems, b.problems...)
}
