package schema

import (
	"testing"

	"github.com/sluice-edfi/sluice/schemas"
)

func TestSameContent(t *testing.T) {
	std, err := Load(schemas.FS, "5.1")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := std.Resource("assessments")
	const staged = `{"assessmentIdentifier":"A","namespace":"uri://a.org","assessmentTitle":"T","maxRawScore":10,"adaptiveAssessment":true,
		"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/X#Mathematics"},{"academicSubjectDescriptor":"uri://ed-fi.org/X#Reading"}],
		"contentStandard":{"title":"C","publicationDate":"2025-01-02"},
		"educationOrganizationReference":{"educationOrganizationId":7}}`
	for text, same := range map[string]bool{
		staged: true,
		`{"id":"1","_etag":"5","_lastModifiedDate":"2026-01-01T00:00:00Z","namespace":"uri://a.org","assessmentIdentifier":"A","assessmentTitle":"T","maxRawScore":10.00000,
		"adaptiveAssessment":true,"languages":[],"revisionDate":null,"contentStandard":{"publicationDate":"2025-01-02","title":"C","authors":[]},
		"educationOrganizationReference":{"educationOrganizationId":7,"link":{"rel":"School","href":"/x"}},
		"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/x#reading"},{"academicSubjectDescriptor":"uri://ed-fi.org/X#Mathematics"}]}`: true,
		`{"assessmentIdentifier":"A"}`: false,
		`<html>`:                       false,
		`{"assessmentIdentifier":"A","namespace":"uri://a.org","assessmentTitle":"T","maxRawScore":10,"adaptiveAssessment":false,
		"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/X#Mathematics"},{"academicSubjectDescriptor":"uri://ed-fi.org/X#Reading"}],
		"contentStandard":{"title":"C","publicationDate":"2025-01-02"},
		"educationOrganizationReference":{"educationOrganizationId":7}}`: false,
		`{"assessmentIdentifier":"A","namespace":"uri://a.org","assessmentTitle":"T","maxRawScore":10,"adaptiveAssessment":true,"revisionDate":"2026-01-01",
		"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/X#Mathematics"},{"academicSubjectDescriptor":"uri://ed-fi.org/X#Reading"}],
		"contentStandard":{"title":"C","publicationDate":"2025-01-02"},
		"educationOrganizationReference":{"educationOrganizationId":7}}`: false,
	} {
		if got := r.SameContent([]byte(staged), []byte(text)); got != same {
			t.Errorf("%v: %s", got, text)
		}
	}
	for pair, same := range map[[2]string]bool{ // as targets give back what they took
		{`{"maxRawScore":"10.50"}`, `{"maxRawScore":10.5}`}:              true,
		{`{"maxRawScore":1e1}`, `{"maxRawScore":10}`}:                    true,
		{`{"assessmentVersion":"3"}`, `{"assessmentVersion":3}`}:         true,
		{`{"adaptiveAssessment":"TRUE"}`, `{"adaptiveAssessment":true}`}: true,
		{`{"adaptiveAssessment":0}`, `{"adaptiveAssessment":false}`}:     true,
		{`{"adaptiveAssessment":0}`, `{"adaptiveAssessment":true}`}:      false,
		{`{"educationOrganizationReference":{}}`, `{}`}:                  true,
	} {
		if got := r.SameContent([]byte(pair[0]), []byte(pair[1])); got != same {
			t.Errorf("%v: %s", got, pair)
		}
	}
	r, _ = std.Resource("studentAssessments")
	for pair, same := range map[[2]string]bool{
		{`{"administrationDate":"2025-03-04T14:00:00Z"}`, `{"administrationDate":"2025-03-04T16:00:00+02:00"}`}: true,
		{`{"administrationDate":"2025-03-04"}`, `{"administrationDate":"2025-03-04T00:00:00Z"}`}:                true,
		{`{"administrationDate":"2025-03-04"}`, `{"administrationDate":"2025-03-05T00:00:00Z"}`}:                false,
		{`{"scoreResults":[{"result":"5"},{"result":"6"}]}`, `{"scoreResults":[{"result":"5, 6"}]}`}:            false,
	} {
		if got := r.SameContent([]byte(pair[0]), []byte(pair[1])); got != same {
			t.Errorf("%v: %s", got, pair)
		}
	}
}
