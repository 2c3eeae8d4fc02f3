package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Problems writes problems/<stage>.jsonl and .csv. It is owned by one goroutine.
type Problems struct {
	stage, tenant string
	json          *jsonl.Writer
	csv           *TextTable
}

// problemColumns are the columns of problems/<stage>.csv.
var problemColumns = []string{"code", "level", "stage", "tenant", "input", "file", "line", "col", "column", "resource", "stagedLine",
	"path", "key", "value", "count", "message", "fix", "rule"}

// NewProblems begins the stage's lists of problems.
func (r *Run) NewProblems(stage string) (*Problems, error) {
	if err := durable.MkdirAll(r.File("problems")); err != nil {
		return nil, unwritable(err, r.Path)
	}
	p := &Problems{stage: stage, tenant: r.Tenant}
	var err error
	if p.json, err = jsonl.Create(r.File("problems", stage+".jsonl")); err != nil {
		return nil, unwritable(err, r.Path)
	}
	if p.csv, err = NewTextTable(r.File("problems", stage+".csv"), problemColumns...); err != nil {
		return nil, errors.Join(unwritable(err, r.Path), p.json.Close())
	}
	return p, nil
}

// Add lists one problem; stage, tenant and, where it is empty, the code's resolution are filled in.
func (p *Problems) Add(d diag.Problem) error {
	d.Stage, d.Tenant = p.stage, p.tenant
	if d.Level == 0 {
		d.Level = diag.LevelOf(d.Code)
	}
	if d.Fix == "" {
		if e, ok := diag.Explain(d.Code); ok {
			d.Fix = e.Resolution
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return err
	}
	if err := p.json.Write(b.Bytes(), 1); err != nil {
		return err
	}
	return p.csv.Row(string(d.Code), d.Level.String(), d.Stage, d.Tenant, d.Input, d.File, number(d.Line), number(d.Col), d.Column,
		d.Resource, number(d.StagedLine), d.Path, d.Key, d.Value, number(d.Count), d.Message, d.Fix, d.Rule)
}

// Commit gives both files their names.
func (p *Problems) Commit() error {
	if _, err := p.json.Commit(); err != nil {
		return errors.Join(err, p.csv.Close())
	}
	return p.csv.Commit()
}

// Close discards files that were not committed.
func (p *Problems) Close() error { return errors.Join(p.json.Close(), p.csv.Close()) }

// EachProblem calls yield for each problem that a stage listed; a stage that listed none is no error.
func (r *Run) EachProblem(stage string, yield func(diag.Problem)) error {
	return jsonl.Each(r.File("problems", stage+".jsonl"), func(line jsonl.Line) error {
		var p diag.Problem
		if err := json.Unmarshal(line.Text, &p); err != nil {
			return fmt.Errorf("problems/%s.jsonl line %d: %w", stage, line.Number, err)
		}
		yield(p)
		return nil
	})
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
