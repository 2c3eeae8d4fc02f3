package send

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
	if f.Kind == target.Reference && row.Path == "" {
		row.Path = r.referredTo(f.Text())
	}
	row.Fix = cmp.Or(f.Fix, row.Fix)
	row.Category = categoryOf(r.name, row)
	return row
}

// referredTo is the path of the reference of which the target says that it leads nowhere; "" if it does not say
// so in words that are known: 'Student' is studentReference.
func (r *resource) referredTo(message string) (path string) {
	if r.known == nil {
		return ""
	}
	for _, ref := range r.known.References {
		name, _ := strings.CutSuffix(ref.Path[len(ref.Path)-1], "Reference")
		if strings.Contains(strings.ToLower(message), "'"+strings.ToLower(name)+"'") {
			if path != "" {
				return "" // one of several
			}
			path = r.known.JSONPath(ref.Path)
		}
	}
	return path
}

// pendingRow is the row of a record of which is not known whether the target took it.
func (r *resource) pendingRow(ln *line, key *schema.Key, code diag.Code, message string) *ErrorRow {
	row := r.errorRow(ln, key, code, message)
	row.Outcome, row.Category = pending.String(), transport
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

// A category says what an error is about, in the words of an assessment coordinator.
const (
	assessmentMetadata   = "assessment metadata"
	objectiveStructure   = "objective assessment structure"
	studentIdentity      = "student assessment identity"
	objectiveHierarchy   = "student objective assessment hierarchy"
	descriptorResolution = "descriptor resolution"
	referentialIntegrity = "referential integrity"
	authorization        = "authentication or authorization"
	transport            = "transport"
	recordContent        = "record content"
	notSent              = "not sent"
)

// categoryOf sorts an error by what it says, then by where in the record it points, then by resource.
func categoryOf(resource string, row *ErrorRow) string {
	code, text := string(row.Code), strings.ToLower(row.Message)
	referential := strings.HasPrefix(code, "REF-") || row.Code == diag.TargetConflict
	switch {
	case strings.HasPrefix(code, "AUTH-"):
		return authorization
	case slices.Contains([]diag.Code{diag.TargetBusy, diag.TargetServer, diag.TargetUnreached, diag.TargetTLS, diag.TargetOdd,
		diag.ConfigTenant}, row.Code):
		return transport
	case row.Code == diag.RecordDescriptor, strings.HasSuffix(row.Path, "Descriptor"), strings.HasSuffix(resource, "Descriptors"),
		strings.Contains(text, "descriptor value") && strings.Contains(text, "does not exist"),
		strings.Contains(text, "descriptor' resource"):
		return descriptorResolution
	}
	switch resource {
	case "assessments", "assessmentItems", "assessmentScoreRangeLearningStandards":
		if !referential {
			return assessmentMetadata
		}
	case "objectiveAssessments":
		return objectiveStructure
	case "studentAssessments":
		switch {
		case strings.Contains(row.Path, "studentObjectiveAssessments"), strings.Contains(text, "objectiveassessment"):
			return objectiveHierarchy
		case strings.Contains(row.Path, "studentReference"), strings.Contains(row.Path, "studentAssessmentIdentifier"),
			row.Code == diag.RecordConflict, row.Code == diag.RecordPartsDiffer, referential && strings.Contains(text, "'student'"):
			return studentIdentity
		}
	}
	if referential {
		return referentialIntegrity
	}
	return recordContent
}
