package send

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// errorList writes errors/<resource>.jsonl and .csv; without an error there is no file. It belongs to
// one goroutine at a time.
type errorList struct {
	run      *runs.Run
	resource string
	dry      bool          // nothing is written
	listing  *runs.Listing // nil: no error yet
}

func (l *loader) newErrorList(resource string) *errorList {
	return &errorList{run: l.run, resource: resource, dry: l.options.DryRun}
}

var errorColumns = []string{"staged line", "outcome", "category", "code", "status", "message", "path", "what to do", "key",
	"source", "file", "line", "correlation id", "time", "tenant", "resource"}

func (e *errorList) add(row *ErrorRow) error {
	if e.dry {
		return nil
	}
	if e.listing == nil {
		if err := e.begin(); err != nil {
			return unwritable(err, e.run.File("errors"))
		}
	}
	err := e.listing.Add(row, strconv.FormatInt(row.StagedLine, 10), row.Outcome, row.Category, string(row.Code),
		runs.NumberCell(row.Status), row.Message, row.Path, row.Fix, row.Key, row.Source, row.File, runs.NumberCell(row.Line),
		row.CorrelationID, row.Time.Format(time.RFC3339), row.Tenant, row.Resource)
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

// countLeft accounts for the lines that were not settled in their turn: those for which no answer came, and
// those that were not sent before the run stopped.
func (r *resource) countLeft() {
	for i, settled := range r.settled {
		row := r.open[int64(i)+1]
		switch {
		case settled:
		case row != nil:
			r.count(outcome(slices.Index(outcomeNames[:], row.Outcome)), row.Category)
		default:
			r.count(pending, notSent)
		}
	}
}

// listLeft lists the same lines; their rows join those of the list in the file's order.
func (r *resource) listLeft() (err error) {
	listed := r.errors
	r.errors = r.loader.newErrorList(r.name)
	origins, err := openOrigins(r.loader.run.OriginFile(r.name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.errors.close(), origins.file.Close()) }()
	why := "the run stopped before it was sent"
	if r.givenUp {
		why = "it was not sent: the target refused all others of the resource that were tried"
	}
	next := int64(1)
	upTo := func(end int64) error {
		for ; next < end; next++ {
			origin, err := origins.next()
			if err != nil {
				return err
			}
			if r.settled[next-1] {
				continue
			}
			row := r.open[next]
			if row == nil {
				row = r.pendingRow(&line{no: next, origin: origin}, &schema.Key{}, diag.RecordNotSent, why)
				row.Category = notSent
			}
			if err := r.errors.add(row); err != nil {
				return err
			}
		}
		return nil
	}
	if listed.listing != nil {
		err := jsonl.Each(r.loader.run.File("errors", r.name+".jsonl"), func(line jsonl.Line) error {
			var row ErrorRow
			if err := json.Unmarshal(line.Text, &row); err != nil {
				return err
			}
			return errors.Join(upTo(row.StagedLine), r.errors.add(&row))
		})
		if err != nil {
			return fmt.Errorf("list the errors of %s again: %w", r.name, err)
		}
	}
	return upTo(r.file.lines + 1)
}

// listProblems writes problems/send from the lists of errors, resource after resource in load order,
// so that it does not depend on what happened to finish first. What is invalid is in
// problems/validate already.
func (l *loader) listProblems() (err error) {
	problems, err := l.run.NewProblems(runs.Send)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, problems.Close()) }()
	for _, wave := range l.to.Standard.Waves(l.resources()) {
		for _, name := range wave {
			unsent := 0
			err := jsonl.Each(l.run.File("errors", name+".jsonl"), func(line jsonl.Line) error {
				var row ErrorRow
				if err := json.Unmarshal(line.Text, &row); err != nil {
					return err
				}
				switch {
				case row.Outcome == invalid.String():
					return nil
				case row.Code == diag.RecordNotSent:
					unsent++
					return nil
				}
				return problems.Add(row.problem())
			})
			if err == nil && unsent > 0 {
				err = problems.Add(diag.Problem{Code: diag.RecordNotSent, Resource: name, Count: unsent,
					Message: diag.Counted(unsent, "record was", "records were") + " not sent"})
			}
			if err != nil {
				return fmt.Errorf("list the problems of %s: %w", name, err)
			}
		}
	}
	return problems.Commit()
}
