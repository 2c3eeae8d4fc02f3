package send

import (
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
	dry      bool          // nothing is written
	listing  *runs.Listing // nil: no error yet
}

var errorColumns = []string{"staged line", "outcome", "category", "code", "status", "message", "path", "what to do", "key", "source", "file", "line", "correlation id", "time", "tenant", "resource"}

func (e *errorList) add(row *ErrorRow) error {
	if e.dry {
		return nil
	}
	if e.listing == nil {
		if err := e.begin(); err != nil {
			return unwritable(err, e.run.File("errors"))
		}
	}
	err := e.listing.Add(row, strconv.FormatInt(row.StagedLine, 10), row.Outcome, row.Category, string(row.Code), runs.NumberCell(row.Status), row.Message, row.Path, row.Fix,
		row.Key, row.Source, row.File, runs.NumberCell(row.Line), row.CorrelationID, row.Time.Format(time.RFC3339), row.Tenant, row.Resource)
	if err != nil {
		return unwritable(err, e.run.File("errors"))
	}
	return nil
}

func (e *errorList) begin() (err error) {
	if err := durable.MkdirAll(e.run.File("errors")); err != nil {
		return err
	}
	e.listing, err = runs.NewListing(e.run.File("errors", e.resource), errorColumns...)
	return err
}

// close gives the files their names.
func (e *errorList) close() error {
	if e.listing == nil {
		return nil
	}
	if err := e.listing.Commit(); err != nil {
		return unwritable(err, e.run.File("errors"))
	}
	return nil
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
