package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

const (
	minimalStudentAssessment = `{"studentAssessmentIdentifier":"7781","assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"},"studentReference":{"studentUniqueId":"604822"}}`
	minimalAssessment        = `{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment","assessmentTitle":"Reading 3","academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]}`
	score                    = `{"assessmentReportingMethodDescriptor":"uri://acme.org/M#Scale","resultDatatypeTypeDescriptor":"uri://ed-fi.org/R#Integer","result":"512"}`
)

// with puts members into a record.
func with(record, members string) string {
	return strings.TrimSuffix(record, "}") + "," + members + "}"
}

func TestRules(t *testing.T) {
	tests := []struct {
		name     string
		resource string // studentAssessments
		record   string
		want     []string // path: message [fix]
	}{
		{name: "a minimal record fits", record: minimalStudentAssessment},
		{name: "white space between is nothing", record: " { \"studentAssessmentIdentifier\" :\t\"7781\" ,\n\"assessmentReference\": { \"assessmentIdentifier\":\"RD-3\" , \"namespace\":\"uri://acme.org/Assessment\" },\"studentReference\":{\"studentUniqueId\":\"604822\"} }\n"},
		{name: "null is absent", record: with(minimalStudentAssessment, `"serialNumber":null,"scoreResults":null,"period":null`)},
		{name: "an empty optional list is absent", record: with(minimalStudentAssessment, `"scoreResults":[],"items":[]`)},

		{name: "no object", record: `[1]`, want: []string{"$: character 1: a record must be an object: it begins with {"}},
		{name: "nothing", record: ``, want: []string{"$: character 1: a record must be an object: it begins with {"}},
		{name: "cut off", record: minimalStudentAssessment[:40], want: []string{"$: character 41: a quote is never closed"}},
		{name: "two objects", record: minimalStudentAssessment + "{}", want: []string{"$: character 181: there is more text after the record; a line holds one object"}},
		{name: "trailing comma", record: strings.TrimSuffix(minimalStudentAssessment, "}") + ",}", want: []string{"$: character 181: a name in quotes is expected"}},
		{name: "leading zero", record: with(minimalStudentAssessment, `"assessedMinutes":012`), want: []string{"$: character 199: a number is expected; numbers do not begin with 0"}},
		{name: "line break in a text", record: with(minimalStudentAssessment, "\"serialNumber\":\"a\nb\""), want: []string{`$: character 198: a text contains a line break or control character; it must be written as \n or \u0000`}},
		{name: "no UTF-8", record: with(minimalStudentAssessment, "\"serialNumber\":\"a\xffb\""), want: []string{"$: character 198: the text is not UTF-8"}},
		{name: "a name twice", record: with(minimalStudentAssessment, `"serialNumber":"1","serialNumber":"1"`), want: []string{"$.serialNumber: serialNumber appears twice in one object [Keep one of them.]"}},
		{name: "a name twice, escaped", record: with(minimalStudentAssessment, `"serialNumber":"1","serial\u004eumber":"1"`), want: []string{"$.serialNumber: serialNumber appears twice in one object [Keep one of them.]"}},

		{name: "required", record: `{"assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"},"studentReference":null}`, want: []string{
			"$.studentReference: studentReference is null; it is required",
			"$.studentAssessmentIdentifier: studentAssessmentIdentifier is missing; it is required"}},
		{name: "required in an item", record: with(minimalStudentAssessment, `"scoreResults":[`+score+`,{"result":"1","resultDatatypeTypeDescriptor":"uri://ed-fi.org/R#Integer"}]`), want: []string{
			"$.scoreResults[1].assessmentReportingMethodDescriptor: assessmentReportingMethodDescriptor is missing; it is required"}},
		{name: "required list", resource: "assessments", record: `{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment","assessmentTitle":"Reading 3"}`, want: []string{
			"$.academicSubjects: academicSubjects is missing; it is required"}},
		{name: "required list, empty", resource: "assessments", record: strings.Replace(minimalAssessment, `[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}]`, "[]", 1), want: []string{
			"$.academicSubjects: academicSubjects is an empty list; at least one item is required"}},
		{name: "required and blank", resource: "assessments", record: strings.Replace(minimalAssessment, "Reading 3", " ", 1), want: []string{"$.assessmentTitle: assessmentTitle is blank"}},
		{name: "blank, but not required", record: with(minimalStudentAssessment, `"serialNumber":" "`), want: []string{
			"$.serialNumber: the text begins or ends with a blank; some targets refuse or drop it"}},
		{name: "a blank at the end", record: with(minimalStudentAssessment, `"accommodations":[{"accommodationDescriptor":"uri://acme.org/A#x "}]`), want: []string{
			"$.accommodations[*].accommodationDescriptor: the text begins or ends with a blank; some targets refuse or drop it"}},
		{name: "line breaks in a key", record: strings.Replace(minimalStudentAssessment, `"7781"`, `"77\n81"`, 1), want: []string{
			"$.studentAssessmentIdentifier: a key holds a line break or a byte order mark; some targets refuse or drop it"}},
		{name: "a mark inside a reference", record: strings.Replace(minimalStudentAssessment, `"604822"`, `"604\ufeff822"`, 1), want: []string{
			"$.studentReference.studentUniqueId: a key holds a line break or a byte order mark; some targets refuse or drop it"}},
		{name: "a line separator in a descriptor", record: with(minimalStudentAssessment, `"platformTypeDescriptor":"uri://acme.org/P#x y"`), want: []string{
			"$.platformTypeDescriptor: a key holds a line break or a byte order mark; some targets refuse or drop it"}},
		{name: "line breaks in other texts", record: with(minimalStudentAssessment, `"serialNumber":"a\nb"`)},
		{name: "dates with time without seconds", record: with(minimalStudentAssessment, `"administrationDate":"2025-03-04T14:00Z","administrationEndDate":"2025-03-04T14:00"`), want: []string{
			"$.administrationDate: the time has no seconds; some targets refuse that", "$.administrationEndDate: the time has no seconds; some targets refuse that"}},

		{name: "text for a number", record: with(minimalStudentAssessment, `"assessedMinutes":"45 min"`), want: []string{"$.assessedMinutes: assessedMinutes must be a whole number, not text [Write it without quotes.]"}},
		{name: "a number in quotes", record: with(minimalStudentAssessment, `"assessedMinutes":"45"`), want: []string{"$.assessedMinutes: a number stands in quotes; some targets refuse that"}},
		{name: "too large a number in quotes", record: with(minimalStudentAssessment, `"assessedMinutes":"2147483648"`), want: []string{
			"$.assessedMinutes: a number stands in quotes; some targets refuse that",
			"$.assessedMinutes: assessedMinutes is too large a number; from -2147483648 to 2147483647 are allowed"}},
		{name: "number for a text", record: with(minimalStudentAssessment, `"serialNumber":45`), want: []string{"$.serialNumber: serialNumber must be text, not a number [Write it in quotes.]"}},
		{name: "object for a list", record: with(minimalStudentAssessment, `"scoreResults":`+score), want: []string{"$.scoreResults: scoreResults must be a list, not an object"}},
		{name: "text for an item", record: with(minimalStudentAssessment, `"scoreResults":["512"]`), want: []string{"$.scoreResults[0]: item 1 of scoreResults must be an object, not text"}},
		{name: "number for a boolean", resource: "assessments", record: with(minimalAssessment, `"adaptiveAssessment":2`), want: []string{"$.adaptiveAssessment: adaptiveAssessment must be true or false, not a number"}},
		{name: "one for a boolean", resource: "assessments", record: with(minimalAssessment, `"adaptiveAssessment":1`), want: []string{"$.adaptiveAssessment: true or false is written as a text or a number; some targets refuse that"}},
		{name: "boolean", resource: "assessments", record: with(minimalAssessment, `"adaptiveAssessment":false`)},

		{name: "fraction", record: with(minimalStudentAssessment, `"assessedMinutes":45.5`), want: []string{"$.assessedMinutes: assessedMinutes must be a whole number"}},
		{name: "32 bits", record: with(minimalStudentAssessment, `"assessedMinutes":2147483648`), want: []string{"$.assessedMinutes: assessedMinutes is too large a number; from -2147483648 to 2147483647 are allowed"}},
		{name: "32 bits, just", record: with(minimalStudentAssessment, `"assessedMinutes":-2147483648`)},
		{name: "64 bits", record: with(minimalStudentAssessment, `"reportedSchoolReference":{"schoolId":9223372036854775808}`), want: []string{
			"$.reportedSchoolReference.schoolId: schoolId is too large a number; from -9223372036854775808 to 9223372036854775807 are allowed"}},
		{name: "64 bits, just", record: with(minimalStudentAssessment, `"reportedSchoolReference":{"schoolId":9223372036854775807}`)},
		{name: "zero as key", record: with(minimalStudentAssessment, `"reportedSchoolReference":{"schoolId":0}`), want: []string{
			"$.reportedSchoolReference.schoolId: schoolId is 0, which targets read as not given"}},
		{name: "maximum", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":10000000000`), want: []string{"$.maxRawScore: maxRawScore is 10000000000, at most 9999999999.99999 is allowed"}},
		{name: "minimum", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":-10000000000`), want: []string{"$.maxRawScore: maxRawScore is -10000000000, at least -9999999999.99999 is allowed"}},
		{name: "exponent", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":1e3`), want: []string{"$.maxRawScore: the number has an exponent; some targets do not read that"}},
		{name: "exponent beyond the maximum", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":1e30`), want: []string{
			"$.maxRawScore: maxRawScore is 1e30, at most 9999999999.99999 is allowed", "$.maxRawScore: the number has an exponent; some targets do not read that"}},
		{name: "digits that are not kept", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":1.1234567`), want: []string{
			"$.maxRawScore: the number has more digits behind the point than targets keep; some round it"}},
		{name: "digits that are kept", resource: "assessments", record: with(minimalAssessment, `"maxRawScore":1.1234500`)},

		{name: "too long", record: with(minimalStudentAssessment, `"scoreResults":[`+strings.Replace(score, "512", strings.Repeat("5", 41), 1)+`]`), want: []string{
			"$.scoreResults[0].result: result is 41 characters long, at most 35 are allowed"}},
		{name: "as long as can be", record: with(minimalStudentAssessment, `"scoreResults":[`+strings.Replace(score, "512", strings.Repeat("é", 35), 1)+`]`)},
		{name: "characters outside the basic plane are two", record: with(minimalStudentAssessment, `"scoreResults":[`+strings.Replace(score, "512", strings.Repeat("😀", 18), 1)+`]`), want: []string{
			"$.scoreResults[0].result: result is 36 characters long, at most 35 are allowed"}},
		{name: "escapes are decoded before they are counted", record: with(minimalStudentAssessment, `"scoreResults":[`+strings.Replace(score, "512", strings.Repeat(`\u00e9`, 17)+strings.Repeat(`\ud83d\ude00`, 9), 1)+`]`)},
		{name: "too short", resource: "assessments", record: strings.Replace(minimalAssessment, "uri://acme.org/Assessment", "uri:", 1), want: []string{"$.namespace: namespace is 4 characters long, at least 5 are needed"}},
		{name: "blanks around a key", record: strings.Replace(minimalStudentAssessment, `"604822"`, `"604822 "`, 1), want: []string{
			"$.studentReference.studentUniqueId: studentUniqueId has blanks at its beginning or end [Remove them; keys are compared character by character.]"}},
		{name: "blank key", record: strings.Replace(minimalStudentAssessment, `"7781"`, `"\t"`, 1), want: []string{"$.studentAssessmentIdentifier: studentAssessmentIdentifier is blank"}},
		{name: "NUL", record: with(minimalStudentAssessment, `"serialNumber":"a\u0000"`), want: []string{"$.serialNumber: serialNumber holds a NUL character, which databases refuse"}},
		{name: "half a character", record: with(minimalStudentAssessment, `"serialNumber":"a\ud83d"`), want: []string{"$.serialNumber: serialNumber holds half a character (a lone surrogate)"}},

		{name: "date", record: with(minimalStudentAssessment, `"period":{"assessmentPeriodDescriptor":"uri://acme.org/P#BOY","beginDate":"2024-02-29","endDate":"2025-02-29"}`), want: []string{
			"$.period.endDate: endDate is not a date [Write it as 2025-03-04.]"}},
		{name: "date with time where a date is due", record: with(minimalStudentAssessment, `"period":{"assessmentPeriodDescriptor":"uri://acme.org/P#BOY","beginDate":"2024-02-29T00:00:00Z"}`), want: []string{
			"$.period.beginDate: beginDate is not a date [Write it as 2025-03-04.]"}},
		{name: "dates with time", record: with(minimalStudentAssessment, `"administrationDate":"2025-03-04T14:00:00Z","administrationEndDate":"2025-03-04T14:00:00.123-05:00"`)},
		{name: "a date with time without zone", record: with(minimalStudentAssessment, `"administrationDate":"2025-03-04T14:00:00"`)},
		{name: "no date with time", record: with(minimalStudentAssessment, `"administrationDate":"03/04/2025"`), want: []string{"$.administrationDate: administrationDate is not a date with time [Write it as 2025-03-04T14:00:00Z.]"}},
		{name: "plain date for a date with time", record: with(minimalStudentAssessment, `"administrationDate":"2025-03-04"`), want: []string{
			"$.administrationDate: this is a date without a time, where the API expects one with a time; targets read it as midnight"}},
		{name: "time", resource: "classPeriods", record: `{"classPeriodName":"1","schoolReference":{"schoolId":5},"meetingTimes":[{"startTime":"08:00","endTime":"08:45:00"},{"startTime":"8:50","endTime":"24:00:00"}]}`, want: []string{
			"$.meetingTimes[1].endTime: endTime is not a time of day [Write it as 14:05:00.]",
			"$.meetingTimes[1].startTime: startTime is not a time of day [Write it as 14:05:00.]"}},

		{name: "descriptor", record: with(minimalStudentAssessment, `"platformTypeDescriptor":"Web"`), want: []string{
			"$.platformTypeDescriptor: platformTypeDescriptor is not a descriptor value: that is a namespace, #, and a code [Write it as uri://ed-fi.org/PlatformTypeDescriptor#code.]"}},
		{name: "descriptor without code", record: with(minimalStudentAssessment, `"platformTypeDescriptor":"uri://ed-fi.org/PlatformTypeDescriptor#"`), want: []string{
			"$.platformTypeDescriptor: platformTypeDescriptor is not a descriptor value: that is a namespace, #, and a code [Write it as uri://ed-fi.org/PlatformTypeDescriptor#code.]"}},
		{name: "descriptor, empty", record: with(minimalStudentAssessment, `"platformTypeDescriptor":""`), want: []string{"$.platformTypeDescriptor: the text is empty where the property could be left out; some targets refuse that"}},
		{name: "descriptor, blank", record: with(minimalStudentAssessment, `"platformTypeDescriptor":" "`), want: []string{"$.platformTypeDescriptor: platformTypeDescriptor is blank"}},
		{name: "empty reference", record: with(minimalStudentAssessment, `"reportedSchoolReference":{}`), want: []string{
			"$.reportedSchoolReference: the reference is empty where it could be left out; some targets refuse that"}},
		{name: "reference with nothing but null", record: with(minimalStudentAssessment, `"reportedSchoolReference":{"schoolId":null}`), want: []string{
			"$.reportedSchoolReference: the reference is empty where it could be left out; some targets refuse that"}},
		{name: "required reference, empty", record: strings.Replace(minimalStudentAssessment, `{"studentUniqueId":"604822"}`, "{}", 1), want: []string{
			"$.studentReference: studentReference is empty; it is required"}},
		{name: "a part of a reference is null", record: strings.Replace(minimalStudentAssessment, `"RD-3"`, "null", 1), want: []string{
			"$.assessmentReference.assessmentIdentifier: assessmentReference lacks assessmentIdentifier, a part of what it points at"}},
		{name: "markup", record: with(minimalStudentAssessment, `"serialNumber":"<b>"`), want: []string{
			"$.serialNumber: serialNumber looks like HTML [Put a blank behind each < and between & and #.]"}},
		{name: "signs that are no markup", record: with(minimalStudentAssessment, `"serialNumber":"a < b & c <3 <"`)},
		{name: "before 1753", record: with(minimalStudentAssessment, `"administrationDate":"1066-10-14T12:00:00Z"`), want: []string{
			"$.administrationDate: the year is before 1753, the first that some databases keep"}},
		{name: "a blank between date and time", record: with(minimalStudentAssessment, `"administrationDate":"2025-03-04 12:00:00Z"`), want: []string{
			"$.administrationDate: there is a blank between date and time where a T belongs; some targets refuse that"}},
		{name: "a descriptor's code", resource: "gradeLevelDescriptors", record: `{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"K#1","shortDescription":"K"}`, want: []string{
			"$.codeValue: codeValue holds #, which ends the namespace of a descriptor value"}},
		{name: "a descriptor's namespace", resource: "gradeLevelDescriptors", record: `{"namespace":"uri://acme.org","codeValue":"K","shortDescription":"K"}`, want: []string{
			"$.namespace: namespace is not the namespace of a descriptor: that is uri://, an organization, / and the descriptor's name [Write it as uri://acme.org/GradeLevelDescriptor.]"}},
		{name: "a descriptor's namespace with further segments", resource: "gradeLevelDescriptors", record: `{"namespace":"uri://www.acme.org/x/GradeLevelDescriptor","codeValue":"K","shortDescription":"K"}`},

		{name: "unknown property", record: with(minimalStudentAssessment, `"scoreResult":[{"a":[1,2,{"b":null}]}]`), want: []string{`$.scoreResult: there is no property scoreResult here (did you mean "scoreResults"?)`}},
		{name: "case matters", record: with(minimalStudentAssessment, `"SerialNumber":"1"`), want: []string{`$.SerialNumber: there is no property SerialNumber here (did you mean "serialNumber"?)`}},
		{name: "unknown in an item", record: with(minimalStudentAssessment, `"scoreResults":[`+with(score, `"zebra":1`)+`]`), want: []string{"$.scoreResults[0].zebra: there is no property zebra here"}},
		{name: "server fields", record: strings.Replace(with(minimalStudentAssessment, `"id":"1","_etag":"2","_lastModifiedDate":"x"`), `"604822"`, `"604822","link":{"rel":"Student","href":"/"}`, 1), want: []string{
			"$._etag: _etag is set by the target alone, which passes over it",
			"$._lastModifiedDate: _lastModifiedDate is set by the target alone, which passes over it",
			"$.id: id is set by the target alone",
			"$.studentReference.link: link is set by the target alone, which passes over it"}},
		{name: "an id of null", record: with(minimalStudentAssessment, `"id":null`), want: []string{"$.id: id is set by the target alone, which passes over it"}},
		{name: "server fields where the target sets none", record: with(minimalStudentAssessment, `"link":{},"scoreResults":[`+with(score, `"id":"1"`)+`]`), want: []string{
			"$.link: there is no property link here", "$.scoreResults[0].id: there is no property id here"}},

		{name: "incomplete reference", record: strings.Replace(minimalStudentAssessment, `,"namespace":"uri://acme.org/Assessment"`, "", 1), want: []string{
			"$.assessmentReference.namespace: assessmentReference lacks namespace, a part of what it points at"}},
		{name: "item twice", record: with(minimalStudentAssessment, `"scoreResults":[`+score+`,`+strings.Replace(score, "M#Scale", "M#Rank", 1)+`,`+strings.Replace(score, "M#Scale", "m#SCALE", 1)+`]`), want: []string{
			"$.scoreResults[2]: item 3 of scoreResults has the same assessmentReportingMethodDescriptor as item 1"}},
		{name: "item twice, by reference", record: with(minimalStudentAssessment, `"studentObjectiveAssessments":[`+objective("G1")+`,`+objective("G2")+`,`+objective("G1")+`]`), want: []string{
			"$.studentObjectiveAssessments[2]: item 3 of studentObjectiveAssessments has the same assessmentIdentifier, identificationCode, namespace as item 1"}},
		{name: "text keys keep their case", record: with(minimalStudentAssessment, `"studentObjectiveAssessments":[`+objective("G1")+`,`+objective("g1")+`]`)},
		{name: "non-ASCII descriptors fold too", record: with(minimalStudentAssessment, `"scoreResults":[`+strings.Replace(score, "M#Scale", "M#Élan", 1)+`,`+strings.Replace(score, "M#Scale", "M#éLAN", 1)+`]`), want: []string{
			"$.scoreResults[1]: item 2 of scoreResults has the same assessmentReportingMethodDescriptor as item 1"}},
		{name: "parts differ", record: with(minimalStudentAssessment, `"studentObjectiveAssessments":[`+strings.Replace(objective("G1"), "RD-3", "RD-4", 1)+`]`), want: []string{
			`$.studentObjectiveAssessments[0].objectiveAssessmentReference.assessmentIdentifier: assessmentIdentifier is "RD-4", but assessmentReference.assessmentIdentifier is "RD-3"; they must be the same`}},
		{name: "parts differ at the root", resource: "courseOfferings", record: `{"localCourseCode":"A","courseReference":{"courseCode":"A","educationOrganizationId":9},"schoolReference":{"schoolId":5},"sessionReference":{"schoolId":6,"schoolYear":2022,"sessionName":"F"}}`, want: []string{
			`$.sessionReference.schoolId: schoolId is "6", but schoolReference.schoolId is "5"; they must be the same`}},

		{name: "a descriptor fits", resource: "gradeLevelDescriptors", record: `{"namespace":"uri://acme.org/GradeLevelDescriptor","codeValue":"K","shortDescription":"K"}`},
		{name: "all at once", record: `{"assessmentReference":{"assessmentIdentifier":"RD-3"},"serialNumber":1,"zebra":2}`, want: []string{
			"$.assessmentReference.namespace: assessmentReference lacks namespace, a part of what it points at",
			"$.serialNumber: serialNumber must be text, not a number [Write it in quotes.]",
			"$.studentAssessmentIdentifier: studentAssessmentIdentifier is missing; it is required",
			"$.studentReference: studentReference is missing; it is required",
			"$.zebra: there is no property zebra here"}},
	}
	s := load(t)
	var rec schema.Record
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resource := tt.resource
			if resource == "" {
				resource = "studentAssessments"
			}
			c, ok := s.Checker(resource)
			if !ok {
				t.Fatal(resource)
			}
			c.Check([]byte(tt.record), &rec)
			got := map[string]bool{}
			for _, f := range rec.Findings {
				text := f.Path + ": " + f.Message
				if f.Fix != "" {
					text += " [" + f.Fix + "]"
				}
				got[text] = true
				if e, ok := diag.Explain(f.Code); !ok || e.Level != f.Level {
					t.Errorf("%s has level %d", f.Code, f.Level)
				}
			}
			want := map[string]bool{}
			for _, w := range tt.want {
				want[w] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func objective(code string) string {
	return `{"objectiveAssessmentReference":{"assessmentIdentifier":"RD-3","identificationCode":"` + code + `","namespace":"uri://acme.org/Assessment"}}`
}

func TestKeysAndUses(t *testing.T) {
	s := load(t)
	var rec schema.Record
	check := func(resource, record string) {
		t.Helper()
		c, ok := s.Checker(resource)
		if !ok {
			t.Fatal(resource)
		}
		if c.Check([]byte(record), &rec); len(rec.Findings) > 0 {
			t.Fatalf("%+v", rec.Findings)
		}
	}
	check("assessments", minimalAssessment)
	if got := rec.Key.String(); got != "assessmentIdentifier=RD-3, namespace=uri://acme.org/Assessment" {
		t.Errorf("key %q", got)
	}
	assessment := rec.Key.Hash

	check("studentAssessments", with(minimalStudentAssessment, `"whenAssessedGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third \u0067rade","studentObjectiveAssessments":[`+objective("G1")+`]`))
	if got := rec.Key.String(); got != "assessmentIdentifier=RD-3, namespace=uri://acme.org/Assessment, studentAssessmentIdentifier=7781, studentUniqueId=604822" {
		t.Errorf("key %q", got)
	}
	if len(rec.Descriptors) != 1 || rec.Descriptors[0].Type != "GradeLevelDescriptor" || string(rec.Descriptors[0].Value) != "uri://ed-fi.org/GradeLevelDescriptor#Third grade" ||
		rec.Descriptors[0].Place.String() != "$.whenAssessedGradeLevelDescriptor" {
		t.Errorf("descriptors %+v", rec.Descriptors)
	}
	if len(rec.References) != 3 {
		t.Fatalf("references %+v", rec.References)
	}
	for i := range rec.References {
		switch use := &rec.References[i]; use.Place.String() {
		case "$.assessmentReference":
			if use.Hash != assessment || use.HashFor("assessments") != assessment {
				t.Error("the reference's hash is not that of the record it points at")
			}
		case "$.studentObjectiveAssessments[0].objectiveAssessmentReference":
			goal := use.Hash
			check("objectiveAssessments", `{"identificationCode":"G1","assessmentReference":{"namespace":"uri://acme.org/Assessment","assessmentIdentifier":"RD-3"}}`)
			if rec.Key.Hash != goal {
				t.Error("the hash of a key with a reference in it differs from that of the reference to it")
			}
			check("studentAssessments", minimalStudentAssessment)
		case "$.studentReference":
		default:
			t.Errorf("reference at %s", use.Place)
		}
		if len(rec.References) < 3 {
			break
		}
	}
}

func TestAbstractReference(t *testing.T) {
	s := load(t)
	var rec schema.Record
	c, _ := s.Checker("studentEducationOrganizationAssociations")
	c.Check([]byte(`{"educationOrganizationReference":{"educationOrganizationId":255901},"studentReference":{"studentUniqueId":"604822"}}`), &rec)
	use := &rec.References[0]
	if len(use.Reference.Targets) != 9 || use.Reference.Abstract != "EducationOrganization" || use.Hash != [16]byte{} {
		t.Fatalf("%+v", use.Reference)
	}
	for _, target := range use.Reference.Targets {
		r, _ := s.Resource(target)
		c, _ := s.Checker(target)
		var organization schema.Record
		c.Key(fmt.Appendf(nil, `{%q:255901}`, r.Identity[0].Path.Leaf()), &organization)
		if !organization.Key.OK || use.HashFor(target) != organization.Key.Hash {
			t.Errorf("hash for %s differs from that of its key", target)
		}
	}
}

func TestDescriptorKeysFold(t *testing.T) {
	s := load(t)
	var a, b schema.Record
	c, _ := s.Checker("gradingPeriods")
	record := `{"gradingPeriodName":"Q1","gradingPeriodDescriptor":"uri://ed-fi.org/GradingPeriodDescriptor#First","schoolReference":{"schoolId":5},"schoolYearTypeReference":{"schoolYear":2022},"beginDate":"2022-01-01","endDate":"2022-02-01","totalInstructionalDays":20}`
	c.Check([]byte(record), &a)
	c.Check([]byte(strings.Replace(record, "#First", "#FIRST", 1)), &b)
	if !a.Key.OK || a.Key.Hash != b.Key.Hash {
		t.Error("descriptors in keys are compared without regard to case")
	}
	c.Check([]byte(strings.Replace(record, `"Q1"`, `"q1"`, 1)), &b)
	if a.Key.Hash == b.Key.Hash {
		t.Error("text in keys keeps its case")
	}
}

func TestIncompleteKey(t *testing.T) {
	var rec schema.Record
	checker(t, "studentAssessments").Check([]byte(`{"studentAssessmentIdentifier":"7781"}`), &rec)
	if rec.Key.OK {
		t.Error("a key without all its parts is none")
	}
}

func TestNoAllocation(t *testing.T) {
	c := checker(t, "studentAssessments")
	record := bigRecord(1)
	var rec schema.Record
	c.Check(record, &rec)
	if n := testing.AllocsPerRun(100, func() { c.Check(record, &rec) }); n > 0 {
		t.Errorf("%v allocations for a valid record", n)
	}
}
