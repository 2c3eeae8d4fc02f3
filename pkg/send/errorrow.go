package send

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// ErrorRow is a row of errors/<resource>.jsonl and .csv: a record that did not load, and why.
// Fields may be added, none renamed. It may hold a student's data: it belongs in the files of the run.
type ErrorRow struct {
	Tenant        string    `json:"tenant"`
	Resource      string    `json:"resource"`
	StagedLine    int64     `json:"stagedLine"`
	Outcome       string    `json:"outcome"`          // invalid, blocked, rejected or pending
	Source        string    `json:"source,omitempty"` // results:1042
	Input         string    `json:"input,omitempty"`
	File          string    `json:"file,omitempty"`
	Line          int       `json:"line,omitempty"`
	Key           string    `json:"key,omitempty"`
	Category      string    `json:"category"`
	Code          diag.Code `json:"code"`
	Status        int       `json:"status,omitempty"` // HTTP
	Path          string    `json:"path,omitempty"`
	Message       string    `json:"message"` // the API's own, if it said something
	CorrelationID string    `json:"correlationId,omitempty"`
	Time          time.Time `json:"time"`
	Fix           string    `json:"fix"`
}

// errorRow begins the row of a line that did not load.
func (r *resource) errorRow(ln *line, key *schema.Key, code diag.Code, message string) *ErrorRow {
	l := r.loader
	row := &ErrorRow{Tenant: l.to.Tenant, Resource: r.name, StagedLine: ln.no, Source: ln.origin, Key: key.String(), Code: code, Message: message,
		Time: l.to.Now().UTC().Truncate(time.Millisecond), Fix: resolution(code)}
	if ln.origin != "" {
		origin, _ := jsonl.ParseOrigin(ln.origin)
		row.Input, row.File, row.Line = origin.Input, l.run.InputFile(origin), int(origin.Line)
	}
	return row
}

// failureRow is the row of a record that the target did not take.
func (r *resource) failureRow(ln *line, key *schema.Key, f *target.Failure, o outcome) *ErrorRow {
	row := r.errorRow(ln, key, f.Code(), f.Text())
	row.Outcome, row.Status, row.CorrelationID = o.String(), f.Status, f.CorrelationID
	if len(f.Fields) > 0 {
		row.Path = slices.Min(slices.Collect(maps.Keys(f.Fields))) // the first place in the record that the target named
	}
	row.Fix = cmp.Or(f.Fix, row.Fix)
	row.Category = categoryOf(r.name, row)
	return row
}

// explain takes over what validate found.
func (row *ErrorRow) explain(p diag.Problem, ok bool) {
	if !ok {
		return
	}
	row.Code, row.Path, row.Message = p.Code, p.Path, p.Message
	row.Fix = cmp.Or(p.Fix, resolution(p.Code))
}

// problem is the same in the shape of problems/send.
func (row *ErrorRow) problem() diag.Problem {
	return diag.Problem{Code: row.Code, Level: diag.LevelError, Input: row.Input, File: row.File, Line: row.Line, Resource: row.Resource,
		StagedLine: int(row.StagedLine), Path: row.Path, Key: row.Key, Message: row.Message, Fix: row.Fix}
}

func resolution(code diag.Code) string {
	e, _ := diag.Explain(code)
	return e.Resolution
}
