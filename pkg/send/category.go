package send

import (
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

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
)

// categoryOf sorts an error by what it says, then by where in the record it points, then by resource.
func categoryOf(resource string, row *ErrorRow) string {
	code, text := string(row.Code), strings.ToLower(row.Message)
	referential := strings.HasPrefix(code, "REF-") || row.Code == diag.TargetConflict
	switch {
	case strings.HasPrefix(code, "AUTH-"):
		return authorization
	case slices.Contains([]diag.Code{diag.TargetBusy, diag.TargetServer, diag.TargetUnreached, diag.TargetTLS, diag.TargetOdd, diag.ConfigTenant}, row.Code):
		return transport
	case row.Code == diag.RecordDescriptor, strings.HasSuffix(row.Path, "Descriptor"), strings.HasSuffix(resource, "Descriptors"),
		strings.Contains(text, "descriptor value") && strings.Contains(text, "does not exist"), strings.Contains(text, "descriptor' resource"):
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
