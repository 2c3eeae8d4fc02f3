package runs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// Problems writes problems/<stage>.jsonl and .csv. It is owned by one goroutine.
type Problems struct {
	stage, tenant string
	json          *jsonl.Writer
	csv           *TextTable
	count         map[diag.Level]int64
}

// problemColumns are the columns of problems/<stage>.csv.
var problemColumns = []string{"code", "level", "stage", "tenant", "input", "file", "line", "col", "column", "resource", "stagedLine", "path", "key", "value", "count", "message", "fix", "rule"}

// NewProblems begins the stage's lists of problems.
func (r *Run) NewProblems(stage string) (*Problems, error) {
	if err := durable.MkdirAll(r.File("problems")); err != nil {
		return nil, unwritable(err, r.Path)
	}
	p := &Problems{stage: stage, tenant: r.Tenant, count: map[diag.Level]int64{}}
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
	p.count[d.Level]++
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

// Count is how many problems of a level were listed.
func (p *Problems) Count(level diag.Level) int64 { return p.count[level] }

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
	reader, err := jsonl.Open(r.File("problems", stage+".jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	for block := (jsonl.Block{}); ; {
		if err := reader.Next(&block, 0); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for line, text := range block.Lines {
			var p diag.Problem
			if err := json.Unmarshal(text, &p); err != nil {
				return fmt.Errorf("problems/%s.jsonl line %d: %w", stage, line, err)
			}
			yield(p)
		}
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// TextTable writes a CSV file that a person will open, maybe in a spreadsheet: a cell that a
// spreadsheet would take for a formula gets an apostrophe in front.
type TextTable struct {
	file *durable.File
	csv  *csv.Writer
}

// NewTextTable begins the file with its header.
func NewTextTable(path string, header ...string) (*TextTable, error) {
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	t := &TextTable{file: f, csv: csv.NewWriter(f)}
	return t, t.csv.Write(header)
}

// Row appends a row.
func (t *TextTable) Row(cells ...string) error {
	cells = slices.Clone(cells)
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			if _, err := strconv.ParseFloat(c, 64); err != nil {
				cells[i] = "'" + c
			}
		}
	}
	return t.csv.Write(cells)
}

// Commit gives the file its name.
func (t *TextTable) Commit() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return errors.Join(err, t.file.Close())
	}
	return t.file.Commit()
}

// Close discards a file that was not committed.
func (t *TextTable) Close() error { return t.file.Close() }
