package send

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Unloaded is a row of errors/<resource>.jsonl and .csv: a record that did not load, and why (US-5).
// Fields may be added, none renamed. It may hold a student's data: it belongs into the run's files.
type Unloaded struct {
	Tenant        string    `json:"tenant"`
	Resource      string    `json:"resource"`
	StagedLine    int64     `json:"stagedLine"`
	Outcome       string    `json:"outcome"`          // invalid, blocked, rejected or pending
	Source        string    `json:"source,omitempty"` // results:1042
	Input         string    `json:"input,omitempty"`
	File          string    `json:"file,omitempty"`
	Line          int       `json:"line,omitempty"`
	Key           string    `json:"key,omitempty"`
	Category      Category  `json:"category"`
	Code          diag.Code `json:"code"`
	Status        int       `json:"status,omitempty"` // HTTP
	Path          string    `json:"path,omitempty"`
	Message       string    `json:"message"` // the API's own, if it said something
	CorrelationID string    `json:"correlationId,omitempty"`
	Time          time.Time `json:"time"`
	Fix           string    `json:"fix"`
}

// account begins the account of a line that did not load.
func (r *resource) account(ln *line, key string, code diag.Code, message string) *Unloaded {
	u := &Unloaded{Tenant: r.loader.to.Tenant, Resource: r.name, StagedLine: ln.no, Source: ln.origin, Key: key, Code: code, Message: message,
		Time: r.loader.to.Now().UTC().Truncate(time.Millisecond), Fix: resolution(code)}
	if ln.origin != "" {
		origin, _ := jsonl.ParseOrigin(ln.origin)
		u.Input, u.File, u.Line = origin.Input, r.loader.run.InputFile(origin), int(origin.Line)
	}
	return u
}

// explain takes over what validate found.
func (u *Unloaded) explain(p diag.Problem, ok bool) {
	if !ok {
		return
	}
	u.Code, u.Path, u.Message = p.Code, p.Path, p.Message
	u.Fix = p.Fix
	if p.Fix == "" {
		u.Fix = resolution(p.Code)
	}
}

// problem is the same in the shape of problems/send.
func (u *Unloaded) problem() diag.Problem {
	return diag.Problem{Code: u.Code, Level: diag.LevelError, Input: u.Input, File: u.File, Line: u.Line, Resource: u.Resource,
		StagedLine: int(u.StagedLine), Path: u.Path, Key: u.Key, Message: u.Message, Fix: u.Fix}
}

func resolution(code diag.Code) string {
	e, _ := diag.Explain(code)
	return e.Resolution
}

// firstPath is the first place in the record that the target named.
func firstPath(f *target.Failure) string {
	paths := make([]string, 0, len(f.Fields))
	for p := range f.Fields {
		paths = append(paths, p)
	}
	if len(paths) == 0 {
		return ""
	}
	return slices.Min(paths)
}

// Category says what an error is about, in the words of an assessment coordinator (NI-O7).
type Category string

// The categories.
const (
	AssessmentMetadata   Category = "assessment metadata"
	ObjectiveStructure   Category = "objective assessment structure"
	StudentIdentity      Category = "student assessment identity"
	ObjectiveHierarchy   Category = "student objective assessment hierarchy"
	DescriptorResolution Category = "descriptor resolution"
	ReferentialIntegrity Category = "referential integrity"
	Authorization        Category = "authentication or authorization"
	Transport            Category = "transport"
	RecordContent        Category = "record content"
)

// categoryOf sorts an error by what it says, then by where in the record it points, then by resource.
func categoryOf(resource string, u *Unloaded) Category {
	code, text := string(u.Code), strings.ToLower(u.Message)
	referential := strings.HasPrefix(code, "REF-") || u.Code == diag.TargetConflict
	switch {
	case strings.HasPrefix(code, "AUTH-"):
		return Authorization
	case slices.Contains([]diag.Code{diag.TargetBusy, diag.TargetServer, diag.TargetUnreached, diag.TargetTLS, diag.TargetOdd, diag.ConfigTenant}, u.Code):
		return Transport
	case u.Code == diag.RecordDescriptor, strings.HasSuffix(u.Path, "Descriptor"), strings.HasSuffix(resource, "Descriptors"),
		strings.Contains(text, "descriptor value") && strings.Contains(text, "does not exist"), strings.Contains(text, "descriptor' resource"):
		return DescriptorResolution
	}
	switch resource {
	case "assessments", "assessmentItems", "assessmentScoreRangeLearningStandards":
		if !referential {
			return AssessmentMetadata
		}
	case "objectiveAssessments":
		return ObjectiveStructure
	case "studentAssessments":
		switch {
		case strings.Contains(u.Path, "studentObjectiveAssessments"), strings.Contains(text, "objectiveassessment"):
			return ObjectiveHierarchy
		case strings.Contains(u.Path, "studentReference"), strings.Contains(u.Path, "studentAssessmentIdentifier"),
			u.Code == diag.RecordConflict, u.Code == diag.RecordPartsDiffer, referential && strings.Contains(text, "'student'"):
			return StudentIdentity
		}
	}
	if referential {
		return ReferentialIntegrity
	}
	return RecordContent
}
