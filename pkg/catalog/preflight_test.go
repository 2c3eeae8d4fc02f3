package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

// said is what was found wrong or doubtful, a line each.
func said(found []Finding) (lines []string) {
	for _, f := range found {
		if f.OK != (!f.Unknown && f.Code == "") {
			lines = append(lines, fmt.Sprintf("inconsistent: %+v", f))
		}
		switch {
		case f.Unknown:
			lines = append(lines, fmt.Sprintf("? %s: %s %s", f.Subject, f.Says, f.Code))
		case !f.OK:
			lines = append(lines, fmt.Sprintf("NO %s: %s %s", f.Subject, f.Says, f.Code))
		}
	}
	return lines
}

const (
	neededAssessment = `{"assessmentIdentifier":"A","namespace":"uri://acme.org/A","assessmentTitle":"A",
		"academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"},{"academicSubjectDescriptor":"uri://acme.org/AcademicSubjectDescriptor#Own"}]}`
	neededLevel  = `{"namespace":"uri://acme.org/PerformanceLevelDescriptor","codeValue":"Pass","shortDescription":"Pass"}`
	neededResult = `{"studentAssessmentIdentifier":"1","assessmentReference":{"assessmentIdentifier":"A","namespace":"uri://acme.org/A"},
		"studentReference":{"studentUniqueId":"600001"},"schoolYearTypeReference":{"schoolYear":2026},"administrationDate":"2026-03-04",
		"performanceLevels":[{"assessmentReportingMethodDescriptor":"uri://ed-fi.org/AssessmentReportingMethodDescriptor#Scale score","performanceLevelDescriptor":"uri://acme.org/PerformanceLevelDescriptor#PASS"}]}`
)

func TestFits(t *testing.T) {
	deny := func(resource string, actions ...sandbox.Action) sandbox.Denial {
		return sandbox.Denial{Resource: resource, Actions: actions}
	}
	client := func(namespaces []string, denials ...sandbox.Denial) []sandbox.Client {
		return []sandbox.Client{{Key: sandbox.Key, Secret: sandbox.Secret, Namespaces: namespaces, Deny: denials}}
	}
	const lacks = "NO descriptors: the target lacks 1 value of AcademicSubjectDescriptor: uri://acme.org/AcademicSubjectDescriptor#Own VAL-DESCRIPTOR"
	for name, tt := range map[string]struct {
		o     sandbox.Options
		staff bool // a resource that is not there is needed too
		there bool // what is needed of metadata is at the target
		want  []string
	}{
		"all is allowed": {want: []string{lacks}},
		"not there":      {staff: true, want: []string{"NO resource castles: the target does not have it VAL-RESOURCE", lacks}},
		"no token_info": {o: sandbox.Options{TokenInfo: sandbox.TokenInfoNone}, want: []string{
			"? may write: not known: the target does not say what the credential may write ",
			"? namespace: not known: the target does not say for which namespaces the credential is; uri://acme.org/A, uri://acme.org/PerformanceLevelDescriptor are needed ", lacks}},
		"an older token_info": {o: sandbox.Options{TokenInfo: sandbox.TokenInfoShort}, want: []string{
			"? may write: not known: the target does not say what the credential may write ", lacks}},
		"other namespaces": {o: sandbox.Options{Clients: client([]string{"uri://other.org"})}, want: []string{
			"? namespace: " + ForeignNamespace([]string{"uri://other.org"}, "uri://acme.org/A") + " AUTH-NAMESPACE",
			"? namespace: " + ForeignNamespace([]string{"uri://other.org"}, "uri://acme.org/PerformanceLevelDescriptor") + " AUTH-NAMESPACE", lacks}},
		"no results": {o: sandbox.Options{Clients: client(nil, deny("studentAssessments", sandbox.Create, sandbox.Update))}, want: []string{
			"NO resource studentAssessments: the credential may not create its records AUTH-FORBIDDEN", lacks}},
		"no corrections": {o: sandbox.Options{Clients: client(nil, deny("studentAssessments", sandbox.Update))}, want: []string{
			"? resource studentAssessments: the credential may create records and not update them; those that the target has otherwise stay as they are AUTH-FORBIDDEN", lacks}},
		"no metadata, which is not there": {o: sandbox.Options{Clients: client(nil, deny("assessments", sandbox.Create), deny("performanceLevelDescriptors", sandbox.Create))}, want: []string{
			"NO resource assessments: the credential may not create its records, and 1 of the 1 that are needed are not there: assessmentIdentifier=A, namespace=uri://acme.org/A AUTH-FORBIDDEN",
			"NO resource performanceLevelDescriptors: the credential may not create its records, and 1 of the 1 that are needed are not there: codeValue=Pass, namespace=uri://acme.org/PerformanceLevelDescriptor AUTH-FORBIDDEN", lacks}},
		"no metadata, which is there": {there: true, o: sandbox.Options{Clients: client(nil, deny("assessments", sandbox.Create), deny("performanceLevelDescriptors", sandbox.Create))}, want: nil},
		"hidden metadata": {o: sandbox.Options{Clients: client(nil, deny("assessments"), deny("academicSubjectDescriptors", sandbox.Read))}, want: []string{
			"? resource assessments: the credential may not create its records, nor read which of them are there AUTH-FORBIDDEN",
			"? descriptors: not known: the credential may not read academicSubjectDescriptors "}},
	} {
		t.Run(name, func(t *testing.T) {
			load := tt.o
			if tt.there { // another key loads it
				load.Clients = append(slices.Clone(tt.o.Clients), sandbox.Client{Key: "other", Secret: "other"})
			}
			client := emulate(t, load)
			if tt.there {
				other := as(t, client, "other", "other")
				for resource, body := range map[string]string{
					"academicSubjectDescriptors":  `{"namespace":"uri://acme.org/AcademicSubjectDescriptor","codeValue":"Own","shortDescription":"Own"}`,
					"performanceLevelDescriptors": neededLevel} {
					if _, err := other.Post(t.Context(), resource, []byte(body)); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := other.Post(t.Context(), "assessments", []byte(neededAssessment)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Open(t.Context(), client, Options{})
			if err != nil {
				t.Fatal(err)
			}
			n := &Needs{Resources: []string{"studentAssessments", "assessments", "performanceLevelDescriptors"}, Whole: true}
			if tt.staff {
				n.Resources = append(n.Resources, "castles")
				n.See(c.Standard(), "castles", []byte(`{"moat":1}`))
			}
			n.See(c.Standard(), "assessments", []byte(neededAssessment))
			n.See(c.Standard(), "performanceLevelDescriptors", []byte(neededLevel))
			n.See(c.Standard(), "studentAssessments", []byte(neededResult))
			found, err := c.Fits(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if got := said(found); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestDistrict(t *testing.T) {
	const beside = `{"localEducationAgencyId":255902,"nameOfInstitution":"South","localEducationAgencyCategoryDescriptor":"uri://ed-fi.org/LocalEducationAgencyCategoryDescriptor#Independent",
		"categories":[{"educationOrganizationCategoryDescriptor":"uri://ed-fi.org/EducationOrganizationCategoryDescriptor#Local Education Agency"}],
		"identificationCodes":[{"educationOrganizationIdentificationSystemDescriptor":"uri://ed-fi.org/EducationOrganizationIdentificationSystemDescriptor#LEA","identificationCode":"SOUTH-7"}]}`
	client := func(hide bool, districts ...int64) []sandbox.Client {
		c := sandbox.Client{Key: sandbox.Key, Secret: sandbox.Secret, Districts: districts}
		if hide {
			c.Deny = []sandbox.Denial{{Resource: "localEducationAgencies"}}
		}
		return []sandbox.Client{c}
	}
	none := []int64{}
	for name, tt := range map[string]struct {
		o      sandbox.Options
		beside bool
		codes  []string
		want   string // ok, NO, ?, or ?! for one with a code
		says   string
	}{
		"not set":                         {want: "ok", says: "is not set"},
		"its own":                         {codes: []string{"255901"}, want: "ok", says: "for 255901"},
		"its own, with leading zeros":     {codes: []string{"x", "0255901"}, want: "ok", says: "for 0255901"},
		"its own by code":                 {o: sandbox.Options{Clients: client(false, 255902)}, beside: true, codes: []string{"south-7"}, want: "ok", says: "south-7 South"},
		"another of the target":           {o: sandbox.Options{Clients: client(false, 255902)}, codes: []string{"255901"}, want: "NO", says: "255901, which is "},
		"another by code":                 {beside: true, codes: []string{"SOUTH-7"}, want: "NO", says: "South"},
		"nobody's":                        {codes: []string{"300"}, want: "?!", says: "knows no such district; it has 255901"},
		"a vendor's own code":             {codes: []string{"D-17"}, want: "?!", says: "not known"},
		"hidden, nobody's":                {o: sandbox.Options{Clients: client(true)}, codes: []string{"300"}, want: "?!", says: "not known"},
		"no token_info, the only one":     {o: sandbox.Options{TokenInfo: sandbox.TokenInfoNone}, codes: []string{"255901"}, want: "ok", says: "the target has 255901"},
		"no token_info, one of two":       {o: sandbox.Options{TokenInfo: sandbox.TokenInfoNone}, beside: true, codes: []string{"255902"}, want: "?", says: "whether the credential is for it is not known"},
		"no token_info, nobody's":         {o: sandbox.Options{TokenInfo: sandbox.TokenInfoNone}, codes: []string{"300"}, want: "?!", says: "not known"},
		"no token_info, hidden":           {o: sandbox.Options{TokenInfo: sandbox.TokenInfoNone, Clients: client(true)}, codes: []string{"300"}, want: "?", says: "does not say which district"},
		"for no organization, one of two": {o: sandbox.Options{Clients: client(false, none...)}, beside: true, codes: []string{"255902"}, want: "?", says: "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			client := emulate(t, tt.o)
			if tt.beside {
				if _, err := client.Post(t.Context(), "localEducationAgencies", []byte(beside)); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Enter(t.Context(), client, sandbox.Key)
			if err != nil {
				t.Fatal(err)
			}
			f, err := a.District(t.Context(), tt.codes)
			got := map[bool]string{true: "ok", false: "NO"}[f.OK]
			if f.Unknown {
				got = "?"
				if f.Code != "" {
					got = "?!"
				}
			}
			if err != nil || got != tt.want || !strings.Contains(f.Says, tt.says) {
				t.Errorf("%s %+v, %v", got, f, err)
			}
		})
	}
}

// What the target does not say is never said to be allowed.
func TestCredentialThatIsNotDescribed(t *testing.T) {
	for info, want := range map[sandbox.TokenInfo]string{
		sandbox.TokenInfoNone:  "? permissions: not known: the target does not say what the credential may do (no token_info) ",
		sandbox.TokenInfoShort: "? permissions: not known: the target does not list what its claim sets allow (it does from API 7.3 on) ",
		sandbox.TokenInfoFull:  "",
	} {
		a, err := Enter(t.Context(), emulate(t, sandbox.Options{TokenInfo: info}), sandbox.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(said(a.Credential()), "\n"); got != want {
			t.Errorf("%s: %s", info, got)
		}
	}
}
