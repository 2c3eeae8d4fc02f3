package validate

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// peerRecord is a record and the verdict that is due.
type peerRecord struct {
	resource, text string
	want           runs.Verdict
}

func organization(id any) raw { return raw(obj("educationOrganizationId", id)) }

// gradeOf is a result with a grade level.
func gradeOf(record, value string) string {
	return result(record, "A", "600001", "whenAssessedGradeLevelDescriptor", "uri://ed-fi.org/"+value)
}

func action(school int) string {
	return obj("disciplineActionIdentifier", "D", "disciplineDate", "2026-03-04", "studentReference", raw(`{"studentUniqueId":"600001"}`),
		"responsibilitySchoolReference", raw(obj("schoolId", school)),
		"disciplines", raw(`[{"disciplineDescriptor":"uri://ed-fi.org/DisciplineDescriptor#In School Suspension"}]`))
}

func program(organizationID int) string {
	return obj("educationOrganizationReference", organization(organizationID), "programName", "Reading help",
		"programTypeDescriptor", "uri://ed-fi.org/ProgramTypeDescriptor#Other")
}

func inProgram(organizationID int) string {
	return obj("beginDate", "2025-08-18", "educationOrganizationReference", organization(sandbox.FirstSchool), "studentReference", raw(`{"studentUniqueId":"600001"}`),
		"programReference", raw(obj("educationOrganizationId", organizationID, "programName", "Reading help", "programTypeDescriptor", "uri://ed-fi.org/ProgramTypeDescriptor#Other")))
}

func affiliation(organizationID any) string {
	return obj("studentReference", raw(`{"studentUniqueId":"600001"}`), "educationOrganizationReference", organization(organizationID))
}

// peerVerdicts are cases in which Lightbeam 0.1.11 gives a wrong verdict, each called by what it does.
var peerVerdicts = []struct {
	name    string
	records []peerRecord
}{
	{"an empty line is an error to its validate, and a record to its send", []peerRecord{
		{"studentAssessments", result("1", "A", "600001"), runs.Valid}, {"studentAssessments", "", runs.Invalid}}},
	{"null for a property that may be null is refused", []peerRecord{{"studentAssessments", result("1", "A", "600001", "serialNumber", nil), runs.Valid}}},
	{"a day that does not exist is taken", []peerRecord{{"studentAssessments", result("1", "A", "600001", "administrationDate", "2026-02-30T00:00:00Z"), runs.Invalid}}},
	{"a number beyond 32 bits is taken", []peerRecord{{"studentAssessments", result("1", "A", "600001", "assessedMinutes", raw("3000000000")), runs.Invalid}}},
	{"a misspelt property, which the target drops, is taken", []peerRecord{{"studentAssessments", result("1", "A", "600001", "scoreResult", raw("[]")), runs.Invalid}}},
	{"a descriptor value of another type is taken", []peerRecord{{"studentAssessments", gradeOf("1", "AcademicSubjectDescriptor#Mathematics"), runs.Invalid}}},
	{"a code with something behind it is taken", []peerRecord{{"studentAssessments", gradeOf("1", "GradeLevelDescriptor#First grade#x"), runs.Invalid}}},
	{"behind a staged descriptor value the rest of an object is not looked at", []peerRecord{
		{"assessmentReportingMethodDescriptors", descriptor(method), runs.Valid},
		{"studentAssessments", result("1", "A", "600001", "performanceLevels", raw("["+obj("assessmentReportingMethodDescriptor", method, "performanceLevelDescriptor", "uri://acme.org/PerformanceLevelDescriptor#Nobody's")+"]")), runs.Invalid}}},
	{"a descriptor value in another case is refused", []peerRecord{{"studentAssessments", gradeOf("1", "gradeLEVELdescriptor#fIRST grade"), runs.Valid}}},
	{"two keys whose parts have the same last name are taken for one", []peerRecord{
		{"programs", program(sandbox.FirstSchool), runs.Valid}, {"programs", program(sandbox.District), runs.Valid},
		{"studentProgramAssociations", inProgram(sandbox.FirstSchool), runs.Valid}, {"studentProgramAssociations", inProgram(sandbox.District), runs.Valid}}},
	{"one key is taken for two, for a required reference that is no part of it", []peerRecord{
		{"disciplineActions", action(sandbox.FirstSchool), runs.Invalid}, {"disciplineActions", action(sandbox.FirstSchool + 1), runs.Invalid}}},
	{"an organization that nobody has is taken by a target that ignores parameters", []peerRecord{
		{"studentEducationOrganizationAssociations", affiliation(1), runs.Invalid}, {"studentEducationOrganizationAssociations", affiliation(sandbox.District), runs.Valid}}},
	{"a reference that is named by its role is always refused", []peerRecord{
		{"studentAssessments", result("1", "A", "600001", "reportedSchoolReference", raw(obj("schoolId", sandbox.FirstSchool))), runs.Valid},
		{"studentAssessments", result("2", "A", "600001", "reportedSchoolReference", raw(obj("schoolId", 1))), runs.Invalid}}},
	{"staged schools end the run if something refers to an organization", []peerRecord{
		{"schools", obj("schoolId", 4711, "nameOfInstitution", "New", "gradeLevels", raw(`[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#First grade"}]`),
			"educationOrganizationCategories", raw(`[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/EducationOrganizationCategoryDescriptor#School"}]`)), runs.Valid},
		{"studentEducationOrganizationAssociations", affiliation(4711), runs.Valid}, {"studentEducationOrganizationAssociations", affiliation(4712), runs.Invalid}}},
	{"a staged parent that is not valid is good enough", []peerRecord{
		{"objectiveAssessments", objective("A", "child", "parent"), runs.Marked}, {"objectiveAssessments", badObjective("parent"), runs.Invalid},
		{"objectiveAssessments", objective("A", "late child", "late parent"), runs.Valid}, {"objectiveAssessments", objective("A", "late parent", ""), runs.Valid}}},
	{"three mistakes are three failed records", []peerRecord{
		{"studentAssessments", result("1", "A", "600001", "administrationDate", "soon", "assessedMinutes", "many", "serialNumber", strings.Repeat("x", 61)), runs.Invalid},
		{"studentAssessments", result("2", "A", "600001"), runs.Valid}}},
}

func badObjective(code string) string {
	return strings.Replace(objective("A", code, ""), `"identificationCode"`, `"maxRawScore":"none","identificationCode"`, 1)
}

// TestWrongVerdictsOfLightbeam holds each wrong verdict that is known of Lightbeam's validate against ours.
func TestWrongVerdictsOfLightbeam(t *testing.T) {
	p := newProof(t, "5.1", sandbox.Options{}, nil)
	p.makeAnchors()
	p.mustPostText("assessments", assessment("A"))
	for _, tt := range peerVerdicts {
		t.Run(tt.name, func(t *testing.T) { p.expect(t, tt.records) })
	}

	t.Run("staged sections end the run if something refers to one", func(t *testing.T) {
		section, attendance := p.record(p.mustResource("sections"), false), p.record(p.mustResource("studentSectionAssociations"), false)
		section["sectionIdentifier"] = "staged"
		in := func(identifier string) string {
			attendance["sectionReference"].(map[string]any)["sectionIdentifier"] = identifier
			return string(marshal(attendance))
		}
		p.expect(t, []peerRecord{{"sections", string(marshal(section)), runs.Valid},
			{"studentSectionAssociations", in("staged"), runs.Valid}, {"studentSectionAssociations", in("nobody's"), runs.Invalid}})
	})

	t.Run("a key that the target has is not looked for, and one that is sent twice hides behind another file", func(t *testing.T) {
		p.expect(t, []peerRecord{{"assessments", assessment("A"), runs.Valid}, {"assessments", assessment("B"), runs.Valid}, {"assessments", assessment("B"), runs.Duplicate}})
	})
}

// Lightbeam asks for an organization by a parameter that only some targets know: of one that passes over unknown
// parameters it takes any number, of one that refuses them none; and it looks at schools and districts alone.
func TestOrganizationsOfEveryKind(t *testing.T) {
	for name, wrap := range map[string]func(*schema.Standard, http.Handler) http.Handler{
		"of a target that passes over unknown parameters": nil, "of a target that refuses unknown parameters": refuseUnknownParameters} {
		t.Run(name, func(t *testing.T) {
			p := newProof(t, "5.1", sandbox.Options{}, wrap)
			p.makeAnchors()
			r := p.mustResource("studentEducationOrganizationAssociations")
			kinds := r.References[slices.IndexFunc(r.References, func(ref *schema.Reference) bool { return ref.Abstract != "" })].Targets
			if len(kinds) < 8 {
				t.Fatal(kinds)
			}
			records := []peerRecord{{r.Name, affiliation(7), runs.Invalid}}
			for _, kind := range kinds {
				id := valueAt(p.anchors[kind], p.mustResource(kind).Identity[0].Path)
				records = append(records, peerRecord{r.Name, affiliation(id), runs.Valid})
			}
			p.expect(t, records)
		})
	}
}

// refuseUnknownParameters does as the Data Management Service does.
func refuseUnknownParameters(std *schema.Standard, inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/data/v3/ed-fi/"); ok {
			known := []string{"limit", "offset", "totalCount"}
			if res, ok := std.Resource(name); ok {
				for _, part := range res.Identity {
					known = append(known, part.Path.Leaf())
				}
			}
			for parameter := range r.URL.Query() {
				if !slices.Contains(known, parameter) {
					http.Error(w, `{"detail":"The request could not be processed.","type":"urn:ed-fi:api:bad-request","status":400}`, http.StatusBadRequest)
					return
				}
			}
		}
		inner.ServeHTTP(w, r)
	})
}

// Lightbeam takes a token for each record, and a target that allows fifteen ends its run.
func TestATokenServesTheWholeRun(t *testing.T) {
	var tokens atomic.Int32
	p := newProof(t, "5.1", sandbox.Options{TokenLimit: 15}, func(_ *schema.Standard, inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth/token" {
				tokens.Add(1)
			}
			inner.ServeHTTP(w, r)
		})
	})
	p.mustPostText("assessments", assessment("A"))
	var records []peerRecord
	for i := range 60 {
		records = append(records, peerRecord{"studentAssessments", result(fmt.Sprint(i), "A", fmt.Sprint(600000+i)), runs.Valid})
	}
	p.expect(t, records)
	if n := tokens.Load(); n > 2 { // one is the test's
		t.Errorf("%d tokens", n)
	}
}

// Lightbeam counts a record as valid if its check fails in the middle.
func TestAFailureInTheMiddleIsNoVerdict(t *testing.T) {
	var failing atomic.Bool
	p := newProof(t, "5.1", sandbox.Options{}, func(_ *schema.Standard, inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if failing.Load() && strings.HasSuffix(r.URL.Path, "/students") {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	p.mustPostText("assessments", assessment("A"))
	failing.Store(true)
	r, _ := p.stage([]*proofCase{{resource: "studentAssessments", text: []byte(result("1", "A", "600001"))}})
	if result, err := p.gate(r); err == nil {
		t.Errorf("%+v", result)
	}
}

// expect judges records in one run.
func (p *proof) expect(t *testing.T, records []peerRecord) {
	t.Helper()
	var cases []*proofCase
	for _, r := range records {
		cases = append(cases, &proofCase{resource: r.resource, text: []byte(r.text)})
	}
	counts := p.judge(cases)
	good, bad := int64(0), int64(0)
	for i, c := range cases {
		if c.verdict != records[i].want {
			t.Errorf("%c, want %c: %s %s %v", c.verdict, records[i].want, c.resource, c.text, c.codes)
		}
		if records[i].want == runs.Invalid {
			bad++
		} else {
			good++
		}
	}
	for c := range maps.Values(counts.Resources) {
		good, bad = good-c.Valid, bad-c.Invalid
	}
	if good != 0 || bad != 0 {
		t.Errorf("%+v", counts)
	}
	if marked := slices.ContainsFunc(records, func(r peerRecord) bool { return r.want == runs.Invalid }); counts.Partly() != marked {
		t.Errorf("the run counts as whole: %v", !counts.Partly())
	}
}
