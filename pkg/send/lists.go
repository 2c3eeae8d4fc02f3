package send

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// errorLists writes errors/<resource>.jsonl and .csv; without an error there is no file. It is owned
// by one goroutine.
type errorLists struct {
	run      *runs.Run
	resource string
	dry      bool // nothing is written
	json     *jsonl.Writer
	csv      *runs.TextTable
}

var errorColumns = []string{"staged line", "outcome", "category", "code", "status", "message", "path", "what to do", "key", "source", "file", "line", "correlation id", "time", "tenant", "resource"}

func newErrorLists(r *runs.Run, resource string, dry bool) *errorLists {
	return &errorLists{run: r, resource: resource, dry: dry}
}

func (e *errorLists) add(u *Unloaded) error {
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
	if err := enc.Encode(u); err != nil {
		return fmt.Errorf("encode an error: %w", err)
	}
	err := e.json.Write(b.Bytes(), 1)
	err = errors.Join(err, e.csv.Row(strconv.FormatInt(u.StagedLine, 10), u.Outcome, string(u.Category), string(u.Code), number(u.Status), u.Message, u.Path, u.Fix,
		u.Key, u.Source, u.File, number(u.Line), u.CorrelationID, u.Time.Format(time.RFC3339), u.Tenant, u.Resource))
	if err != nil {
		return unwritable(err, e.run.File("errors"))
	}
	return nil
}

func (e *errorLists) begin() (err error) {
	if err := os.MkdirAll(e.run.File("errors"), 0o700); err != nil {
		return err
	}
	if e.json, err = jsonl.Create(e.run.File("errors", e.resource+".jsonl")); err != nil {
		return err
	}
	e.csv, err = runs.NewTextTable(e.run.File("errors", e.resource+".csv"), errorColumns...)
	return err
}

// close gives the lists their names.
func (e *errorLists) close() error {
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
	for _, wave := range l.to.Standard.Waves(sortedNames(l.staged)) {
		for _, name := range wave {
			err := jsonl.Each(l.run.File("errors", name+".jsonl"), func(line jsonl.Line) error {
				var u Unloaded
				if err := json.Unmarshal(line.Text, &u); err != nil {
					return err
				}
				if u.Outcome == invalid.String() {
					return nil
				}
				return problems.Add(u.problem())
			})
			if err != nil {
				return fmt.Errorf("list the problems of %s: %w", name, err)
			}
		}
	}
	return problems.Commit()
}
