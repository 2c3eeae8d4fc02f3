package send

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// errorList writes errors/<resource>.jsonl and .csv; without an error there is no file. It belongs to
// one goroutine at a time.
type errorList struct {
	run      *runs.Run
	resource string
	dry      bool // nothing is written
	json     *jsonl.Writer
	csv      *runs.TextTable
}

var errorColumns = []string{"staged line", "outcome", "category", "code", "status", "message", "path", "what to do", "key", "source", "file", "line", "correlation id", "time", "tenant", "resource"}

func newErrorList(r *runs.Run, resource string, dry bool) *errorList {
	return &errorList{run: r, resource: resource, dry: dry}
}

func (e *errorList) add(row *ErrorRow) error {
	if e.dry {
		return nil
	}
	if e.json == nil {
		if err := e.begin(); err != nil {
			return unwritable(err, e.run.File("errors"))
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return fmt.Errorf("encode an error: %w", err)
	}
	err := e.json.Write(b.Bytes(), 1)
	err = errors.Join(err, e.csv.Row(strconv.FormatInt(row.StagedLine, 10), row.Outcome, row.Category, string(row.Code), number(row.Status), row.Message, row.Path, row.Fix,
		row.Key, row.Source, row.File, number(row.Line), row.CorrelationID, row.Time.Format(time.RFC3339), row.Tenant, row.Resource))
	if err != nil {
		return unwritable(err, e.run.File("errors"))
	}
	return nil
}

func (e *errorList) begin() (err error) {
	if err := durable.MkdirAll(e.run.File("errors")); err != nil {
		return err
	}
	if e.json, err = jsonl.Create(e.run.File("errors", e.resource+".jsonl")); err != nil {
		return err
	}
	e.csv, err = runs.NewTextTable(e.run.File("errors", e.resource+".csv"), errorColumns...)
	return err
}

// close gives the files their names.
func (e *errorList) close() error {
	if e.json == nil {
		return nil
	}
	_, err := e.json.Commit()
	if e.csv != nil {
		err = errors.Join(err, e.csv.Commit())
	}
	if err != nil {
		return unwritable(err, e.run.File("errors"))
	}
	return nil
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// listProblems writes problems/send from the lists of errors, resource after resource in load order,
// so that it does not depend on what happened to finish first. What is invalid stands in
// problems/validate already.
func (l *loader) listProblems() (err error) {
	problems, err := l.run.NewProblems(runs.Send)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, problems.Close()) }()
	for _, wave := range l.to.Standard.Waves(l.resources()) {
		for _, name := range wave {
			err := jsonl.Each(l.run.File("errors", name+".jsonl"), func(line jsonl.Line) error {
				var row ErrorRow
				if err := json.Unmarshal(line.Text, &row); err != nil {
					return err
				}
				if row.Outcome == invalid.String() {
					return nil
				}
				return problems.Add(row.problem())
			})
			if err != nil {
				return fmt.Errorf("list the problems of %s: %w", name, err)
			}
		}
	}
	return problems.Commit()
}
