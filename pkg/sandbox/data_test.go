package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

func TestPostIsAnUpsert(t *testing.T) {
	a := startWithAssessment(t, options(t))
	first := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822"))
	if first.status != http.StatusCreated || len(first.body) != 0 {
		t.Fatalf("create: %d %s", first.status, first.body)
	}
	loc, tag := first.header.Get("Location"), first.header.Get("ETag")
	if !strings.HasPrefix(loc, a.url+"/data/v3/ed-fi/studentAssessments/") || len(loc) != len(a.url)+len("/data/v3/ed-fi/studentAssessments/")+32 {
		t.Errorf("Location %q", loc)
	}
	if !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
		t.Errorf("ETag %q is not quoted", tag)
	}
	again := a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822"))
	if again.status != http.StatusOK || again.header.Get("Location") != loc || again.header.Get("ETag") != tag {
		t.Errorf("the same again: %d, %s, %s", again.status, again.header.Get("Location"), again.header.Get("ETag"))
	}
	changed := a.call(http.MethodPost, "studentAssessments", strings.Replace(studentAssessment("1", "604822"), "512", "513", 1))
	if changed.status != http.StatusOK || changed.header.Get("Location") != loc || changed.header.Get("ETag") == tag {
		t.Errorf("changed: %d, %s, %s", changed.status, changed.header.Get("Location"), changed.header.Get("ETag"))
	}
	if got := string(a.get(loc).body); !strings.Contains(got, `"result":"513"`) {
		t.Errorf("after the change: %s", got)
	}
	if r := a.get("studentAssessments?totalCount=true&limit=0"); r.header.Get("Total-Count") != "1" || string(r.body) != "[]" {
		t.Errorf("count %s, page %s", r.header.Get("Total-Count"), r.body)
	}
}

func TestReadShape(t *testing.T) {
	a := startWithAssessment(t, options(t))
	body := strings.Replace(studentAssessment("1", "604822"), `"2025-03-04T14:00:00Z"`, `"2025-03-04T09:00:00-05:00"`, 1)
	body = strings.Replace(body, "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer", "URI://ed-fi.org/ResultDatatypeTypeDescriptor#INTEGER", 1)
	body = strings.Replace(body, `{"studentAssessmentIdentifier"`, `{"assessedMinutes":"45","serialNumber":null,"STUDENTassessmentIdentifier"`, 1)
	r := a.get(a.post("studentAssessments", body))
	var got map[string]any
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"studentAssessmentIdentifier": `"1"`, // whatever the case in the body
		"administrationDate":          `"2025-03-04T14:00:00Z"`,
		"assessedMinutes":             `45`,
		"items":                       `[]`,
		"scoreResults":                `[{"assessmentReportingMethodDescriptor":"uri://acme.org/AssessmentReportingMethodDescriptor#Scale Score","result":"512","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"}]`,
	} {
		if have, _ := json.Marshal(got[name]); string(have) != want {
			t.Errorf("%s is %s, want %s", name, have, want)
		}
	}
	if _, ok := got["serialNumber"]; ok {
		t.Error("null came back")
	}
	if got["_etag"] != strings.Trim(r.header.Get("ETag"), `"`) || len(got["_lastModifiedDate"].(string)) != len("2025-03-04T10:11:12.123456Z") {
		t.Errorf("_etag %v, _lastModifiedDate %v", got["_etag"], got["_lastModifiedDate"])
	}
	link := got["studentReference"].(map[string]any)["link"].(map[string]any)
	if link["rel"] != "Student" {
		t.Errorf("link %v", link)
	}
	student := a.get(a.url + "/data/v3" + link["href"].(string))
	if !strings.Contains(string(student.body), `"studentUniqueId":"604822"`) {
		t.Errorf("the link leads to %s", student.body)
	}
}

// A name that the standard does not have is data loss without a word, as in an ODS.
func TestUnknownPropertyIsDropped(t *testing.T) {
	a := startWithAssessment(t, options(t))
	loc := a.post("assessments", strings.Replace(assessment, `"assessmentTitle"`, `"nomenclatur":"x","assessmentTitle"`, 1))
	if got := string(a.get(loc).body); strings.Contains(got, "nomenclatur") {
		t.Error(got)
	}
}

func TestNotModified(t *testing.T) {
	a := startWithAssessment(t, options(t))
	loc := a.post("studentAssessments", studentAssessment("1", "604822"))
	tag := a.get(loc).header.Get("ETag")
	if r := a.get(loc, "If-None-Match", tag); r.status != http.StatusNotModified || len(r.body) != 0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.get(loc, "If-None-Match", `"1"`); r.status != http.StatusOK {
		t.Error(r.status)
	}
}

func TestPut(t *testing.T) {
	a := startWithAssessment(t, options(t))
	loc := a.post("studentAssessments", studentAssessment("1", "604822"))
	tag := a.get(loc).header.Get("ETag")
	changed := strings.Replace(studentAssessment("1", "604822"), "512", "600", 1)
	r := a.call(http.MethodPut, loc, changed, "If-Match", tag)
	if r.status != http.StatusNoContent || r.header.Get("ETag") == tag {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got := string(a.get(loc).body); !strings.Contains(got, `"600"`) {
		t.Error(got)
	}
	a.call(http.MethodPut, loc, changed, "If-Match", tag).wants(t, http.StatusPreconditionFailed, "optimistic-lock-failed")
	a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822"), "If-Match", tag).
		wants(t, http.StatusPreconditionFailed, "optimistic-lock-failed")
	a.call(http.MethodPut, loc, studentAssessment("2", "604822")).
		wants(t, http.StatusBadRequest, "bad-request:data-validation-failed:key-change-not-supported")
	a.call(http.MethodPut, loc[:len(loc)-32]+strings.Repeat("0", 32), changed).wants(t, http.StatusNotFound, "not-found")
	withID := strings.Replace(changed, "{", `{"id":"`+loc[len(loc)-32:]+`",`, 1)
	if r := a.call(http.MethodPut, loc, withID); r.status != http.StatusNoContent {
		t.Errorf("id in the body of a PUT: %d %s", r.status, r.body)
	}
	dashed := loc[len(loc)-32:]
	dashed = strings.ToUpper(dashed[:8] + "-" + dashed[8:12] + "-" + dashed[12:16] + "-" + dashed[16:20] + "-" + dashed[20:])
	if r := a.get("studentAssessments/" + dashed); r.status != http.StatusOK {
		t.Errorf("dashed id: %d", r.status)
	}
}

// Some resources allow PUT to change the key.
func TestPutMayChangeKey(t *testing.T) {
	a := start(t, options(t))
	period := func(name string) string {
		return `{"classPeriodName":"` + name + `","schoolReference":{"schoolId":255901301}}`
	}
	loc := a.post("classPeriods", period("A"))
	a.post("classPeriods", period("B"))
	if r := a.call(http.MethodPut, loc, period("C")); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if n := len(a.get("classPeriods" + query("classPeriodName", "A", "schoolId", "255901301")).items(t)); n != 0 {
		t.Error("the old key is still there")
	}
	got := a.get("classPeriods" + query("classPeriodName", "C", "schoolId", "255901301")).items(t)
	if len(got) != 1 || !strings.HasSuffix(loc, got[0]["id"].(string)) {
		t.Errorf("by the new key: %v", got)
	}
	a.call(http.MethodPut, loc, period("B")).wants(t, http.StatusConflict, "data-conflict:non-unique-identity")
	a.post("bellSchedules", `{"bellScheduleName":"S","schoolReference":{"schoolId":255901301},"classPeriods":[{"classPeriodReference":{"classPeriodName":"C","schoolId":255901301}}]}`)
	a.call(http.MethodPut, loc, period("D")).wants(t, http.StatusConflict, "data-conflict:dependent-item-exists")
	enrollment := a.get("studentSchoolAssociations?studentUniqueId=600001").items(t)[0]["id"].(string)
	a.call(http.MethodPut, "studentSchoolAssociations/"+enrollment, `{"entryDate":"2022-08-16","schoolReference":{"schoolId":255901301},"studentReference":{"studentUniqueId":"600001"},"entryGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"}`).
		wants(t, http.StatusBadRequest, "bad-request:data-validation-failed:key-change-not-supported")
}

func TestDelete(t *testing.T) {
	a := startWithAssessment(t, options(t))
	loc := a.post("studentAssessments", studentAssessment("1", "604822"))
	parent := a.get("assessments?assessmentIdentifier=RD-3").items(t)[0]["id"].(string)
	p := a.call(http.MethodDelete, "assessments/"+parent, "").wants(t, http.StatusConflict, "data-conflict:dependent-item-exists")
	if !strings.Contains(p.Detail, "StudentAssessment") {
		t.Error(p.Detail)
	}
	method := a.get("assessmentReportingMethodDescriptors" + query("namespace", "uri://acme.org/AssessmentReportingMethodDescriptor")).items(t)[0]["id"].(string)
	a.call(http.MethodDelete, "assessmentReportingMethodDescriptors/"+method, "").wants(t, http.StatusConflict, "data-conflict:dependent-item-exists")

	a.call(http.MethodDelete, loc, "", "If-Match", `"1"`).wants(t, http.StatusPreconditionFailed, "optimistic-lock-failed")
	if r := a.call(http.MethodDelete, loc, ""); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	a.call(http.MethodDelete, loc, "").wants(t, http.StatusNotFound, "not-found")
	a.get(loc).wants(t, http.StatusNotFound, "not-found")
	for _, path := range []string{"assessments/" + parent, "assessmentReportingMethodDescriptors/" + method} {
		if r := a.call(http.MethodDelete, path, ""); r.status != http.StatusNoContent {
			t.Errorf("%s, now free: %d %s", path, r.status, r.body)
		}
	}
	a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")).
		wants(t, http.StatusBadRequest, "bad-request:data-validation-failed") // the descriptor is gone
	a.post("assessmentReportingMethodDescriptors", methodDescriptor)
	a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")).
		wants(t, http.StatusConflict, "data-conflict:unresolved-reference")
	a.post("assessments", assessment)
	if again := a.post("studentAssessments", studentAssessment("1", "604822")); again == loc {
		t.Error("a record made anew has the id of the deleted one")
	}
}

// An update that no longer refers to something lets it go.
func TestUpdateMovesReferences(t *testing.T) {
	a := startWithAssessment(t, options(t))
	a.post("assessments", strings.Replace(assessment, "RD-3", "RD-4", 1))
	with := func(id string) string {
		return `{"identificationCode":"G","assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"},"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#` + id + `"}`
	}
	a.post("objectiveAssessments", with("Reading"))
	reading := a.get("academicSubjectDescriptors" + query("namespace", "uri://ed-fi.org/AcademicSubjectDescriptor", "codeValue", "Fine and Performing Arts")).items(t)
	a.post("objectiveAssessments", with("Fine and Performing Arts"))
	path := "academicSubjectDescriptors/" + reading[0]["id"].(string)
	a.call(http.MethodDelete, path, "").wants(t, http.StatusConflict, "data-conflict:dependent-item-exists")
	a.post("objectiveAssessments", with("Reading"))
	if r := a.call(http.MethodDelete, path, ""); r.status != http.StatusNoContent {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestRefusals(t *testing.T) {
	a := startWithAssessment(t, options(t))
	sa := studentAssessment("1", "604822")
	edit := func(old, fresh string) string {
		if !strings.Contains(sa, old) {
			t.Fatalf("the record has no %s", old)
		}
		return strings.Replace(sa, old, fresh, 1)
	}
	const invalid = "bad-request:data-validation-failed"
	for name, c := range map[string]struct {
		body, typ string
		status    int
		path      string // of a validation error
		message   string
	}{
		"required scalar":      {edit(`"studentAssessmentIdentifier":"1",`, ""), invalid, 400, "$.studentAssessmentIdentifier", "StudentAssessmentIdentifier is required."},
		"null is absent":       {edit(`"studentAssessmentIdentifier":"1"`, `"studentAssessmentIdentifier":null`), invalid, 400, "$.studentAssessmentIdentifier", "is required"},
		"blank":                {edit(`"studentAssessmentIdentifier":"1"`, `"studentAssessmentIdentifier":"  "`), invalid, 400, "$.studentAssessmentIdentifier", "should not be left empty"},
		"leading blank in key": {edit(`"studentAssessmentIdentifier":"1"`, `"studentAssessmentIdentifier":" 1"`), invalid, 400, "$.studentAssessmentIdentifier", "leading or trailing spaces"},
		"too long":             {edit(`"result":"512"`, `"result":"`+strings.Repeat("5", 36)+`"`), invalid, 400, "$.scoreResults[0].result", "Result must be at most 35 characters in length."},
		"too long in UTF-16":   {edit(`"result":"512"`, `"result":"`+strings.Repeat("😀", 18)+`"`), invalid, 400, "$.scoreResults[0].result", "at most 35"},
		"too short":            {edit(`"namespace":"uri://acme.org/Assessment"`, `"namespace":"uri"`), invalid, 400, "$.assessmentReference.namespace", "between 5 and 255"},
		"markup":               {edit(`"studentAssessmentIdentifier":"1"`, `"studentAssessmentIdentifier":"a<b"`), invalid, 400, "$.studentAssessmentIdentifier", "dangerous"},
		"number for a string":  {edit(`"result":"512"`, `"result":512`), invalid, 400, "$.scoreResults[0].result", "a string is expected"},
		"no such date":         {edit(`2025-03-04T14:00:00Z`, `2025-02-30T14:00:00Z`), invalid, 400, "$.administrationDate", "DateTime"},
		"integer too large":    {edit(`"administrationDate"`, `"assessedMinutes":2147483648,"administrationDate"`), invalid, 400, "$.assessedMinutes", "Int32"},
		"decimal for integer":  {edit(`"administrationDate"`, `"assessedMinutes":1.5,"administrationDate"`), invalid, 400, "$.assessedMinutes", "Int32"},
		"date with time":       {edit(`"administrationDate"`, `"period":{"assessmentPeriodDescriptor":"uri://ed-fi.org/AssessmentPeriodDescriptor#BOY","beginDate":"2025-01-01T00:00:00"},"administrationDate"`), invalid, 400, "$.period.beginDate", "YYYY-MM-DD"},
		"object for a list":    {edit(`"scoreResults":[`, `"accommodations":{},"scoreResults":[`), invalid, 400, "$.accommodations", "collection"},
		"required in an item":  {edit(`"result":"512"`, `"resultado":"512"`), invalid, 400, "$.scoreResults[0].result", "Result is required."},
		"no hash":              {edit(`ResultDatatypeTypeDescriptor#Integer`, `ResultDatatypeTypeDescriptor`), invalid, 400, "$.scoreResults[0].resultDatatypeTypeDescriptor", "a '#' is expected"},
		"unknown descriptor":   {edit(`#Integer`, `#Whole`), invalid, 400, "$.scoreResults[0].resultDatatypeTypeDescriptor", "ResultDatatypeTypeDescriptor value 'uri://ed-fi.org/ResultDatatypeTypeDescriptor#Whole' does not exist."},
		"other type's":         {edit(`uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer`, `uri://ed-fi.org/AcademicSubjectDescriptor#Reading`), invalid, 400, "$.scoreResults[0].resultDatatypeTypeDescriptor", "does not exist"},
		"not trimmed":          {edit(`#Integer`, `#Integer `), invalid, 400, "$.scoreResults[0].resultDatatypeTypeDescriptor", "does not exist"},
		"half a reference":     {edit(`"assessmentIdentifier":"RD-3",`, ""), invalid, 400, "$.assessmentReference", "AssessmentReference is missing the following properties: AssessmentIdentifier"},
		"empty reference":      {edit(`{"studentUniqueId":"604822"}`, `{"studentUniqueId":""}`), invalid, 400, "$.studentReference", "StudentReference is required."},
		"keys that differ":     {edit(`"scoreResults":`, `"studentObjectiveAssessments":[{"objectiveAssessmentReference":{"assessmentIdentifier":"RD-4","identificationCode":"G","namespace":"uri://acme.org/Assessment"}}],"scoreResults":`), invalid, 400, "", "All values supplied for 'assessmentIdentifier' must match."},
		"item twice":           {edit(`"scoreResults":[`, `"scoreResults":[{"assessmentReportingMethodDescriptor":"uri://acme.org/AssessmentReportingMethodDescriptor#SCALE score","resultDatatypeTypeDescriptor":"uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer","result":"1"},`), invalid, 400, "$.scoreResults[1]", "The 2nd item of the ScoreResults has the same identifying values as another item earlier in the list."},
		"id":                   {edit(`{"studentAss`, `{"id":"1","studentAss`), "bad-request", 400, "", ""},
		"empty":                {" ", "bad-request", 400, "", ""},
		"no JSON":              {`{"a":`, invalid, 400, "$", "unexpected end"},
		"no object":            {`[]`, invalid, 400, "$", "not a JSON object"},
		"unknown student":      {strings.Replace(sa, "604822", "504822", 1), "data-conflict:unresolved-reference", 409, "", ""},
		"unknown assessment":   {edit("RD-3", "RD-9"), "data-conflict:unresolved-reference", 409, "", ""},
		"key case counts":      {edit("RD-3", "rd-3"), "data-conflict:unresolved-reference", 409, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := a.call(http.MethodPost, "studentAssessments", c.body).wants(t, c.status, c.typ)
			if c.path != "" && !strings.Contains(strings.Join(p.ValidationErrors[c.path], "\n"), c.message) {
				t.Errorf("%v has no %q at %s", p.ValidationErrors, c.message, c.path)
			}
			if c.path == "" && !strings.Contains(fmt.Sprint(p.ValidationErrors), c.message) {
				t.Errorf("%v has no %q", p.ValidationErrors, c.message)
			}
		})
	}
	if r := a.get("studentAssessments?totalCount=true&limit=0"); r.header.Get("Total-Count") != "0" {
		t.Errorf("%s records after refusals alone", r.header.Get("Total-Count"))
	}
}

// The messages of a first step keep those of later ones back.
func TestOrderOfChecks(t *testing.T) {
	a := startWithAssessment(t, options(t))
	bad := strings.Replace(studentAssessment("1", "504822"), "#Integer", "#Whole", 1) // descriptor and student
	p := a.call(http.MethodPost, "studentAssessments", bad).wants(t, 400, "bad-request:data-validation-failed")
	if len(p.ValidationErrors) != 1 {
		t.Error(p.ValidationErrors)
	}
	worse := strings.Replace(bad, `"result":"512"`, `"result":""`, 1)
	p = a.call(http.MethodPost, "studentAssessments", worse).wants(t, 400, "bad-request:data-validation-failed")
	if p.ValidationErrors["$.scoreResults[0].result"] == nil || len(p.ValidationErrors) != 1 {
		t.Error(p.ValidationErrors)
	}
	a.call(http.MethodPost, "studentAssessments", "{", "Authorization", "").wants(t, 401, "security:authentication")
}

func TestAllMistakesOfAStepAtOnce(t *testing.T) {
	a := start(t, options(t))
	p := a.call(http.MethodPost, "students", `{"birthDate":"x"}`).wants(t, 400, "bad-request:data-validation-failed")
	for _, path := range []string{"$.studentUniqueId", "$.firstName", "$.lastSurname", "$.birthDate"} {
		if p.ValidationErrors[path] == nil {
			t.Errorf("nothing at %s: %v", path, p.ValidationErrors)
		}
	}
}

func TestDescriptors(t *testing.T) {
	a := start(t, options(t))
	d := func(namespace, code string) string {
		return `{"namespace":"` + namespace + `","codeValue":"` + code + `","shortDescription":"x"}`
	}
	const endpoint = "performanceLevelDescriptors"
	loc := a.post(endpoint, d("uri://www.nwea.org/map/PerformanceLevelDescriptor", "High"))
	if again := a.post(endpoint, d("uri://www.nwea.org/map/PerformanceLevelDescriptor", "HIGH")); again != loc {
		t.Error("another case is another descriptor")
	}
	for _, body := range []string{d("acme", "Lo"), d("uri://acme.org", "Lo"), d("uri://acme.org/X Y", "Lo"), d("uri://acme.org/X", "a#b")} {
		a.call(http.MethodPost, endpoint, body).wants(t, 400, "bad-request:data-validation-failed")
	}
	a.call(http.MethodPut, loc, d("uri://www.nwea.org/map/PerformanceLevelDescriptor", "Low")).
		wants(t, 400, "bad-request:data-validation-failed:key-change-not-supported")
	if got := a.get("gradeLevelDescriptors" + query("codeValue", "Tenth grade")).items(t); len(got) != 1 || got[0]["namespace"] != "uri://ed-fi.org/GradeLevelDescriptor" {
		t.Error(got)
	}
}

func TestRoutesAndMethods(t *testing.T) {
	a := start(t, options(t))
	student := a.get("students?studentUniqueId=600000").items(t)[0]["id"].(string)
	for _, c := range []struct {
		method, path string
		status       int
		typ          string
	}{
		{"GET", "studentz", 404, "not-found"},
		{"GET", a.url + "/data/v3/tpdm/students", 404, "not-found"},
		{"GET", a.url + "/nothing", 404, "not-found"},
		{"GET", "students/keyChanges", 404, "not-found"},
		{"POST", "students/deletes", 405, "method-not-allowed"},
		{"GET", "students/x", 400, "bad-request:data-validation-failed"},
		{"GET", "students/" + strings.Repeat("a", 32), 404, "not-found"},
		{"GET", "schools/" + student, 404, "not-found"},
		{"PUT", "students", 405, "method-not-allowed"},
		{"DELETE", "students", 405, "method-not-allowed"},
		{"POST", "students/" + student, 405, "method-not-allowed"},
		{"PATCH", "students/" + student, 405, "method-not-allowed"},
		{"PATCH", "students", 405, "method-not-allowed"},
	} {
		body := ""
		if c.method == "PUT" || c.method == "POST" || c.method == "PATCH" {
			body = "{}"
		}
		t.Run(c.method+" "+c.path, func(t *testing.T) { a.call(c.method, c.path, body).wants(t, c.status, c.typ) })
	}
	a.call(http.MethodPost, "students", "{}", "Content-Type", "text/plain").wants(t, 415, "unsupported-media-type")
	a.call(http.MethodPost, "students", "{}", "Content-Type", "").wants(t, 415, "unsupported-media-type")
	if r := a.get(a.url + "/DATA/v3/Ed-Fi/STUDENTS?limit=1"); r.status != http.StatusOK {
		t.Errorf("segments in another case: %d", r.status)
	}
}

func TestCorrelationID(t *testing.T) {
	a := start(t, options(t))
	if p := a.get("students/x", "correlation-id", "mine-1").wants(t, 400, "bad-request:data-validation-failed"); p.CorrelationID != "mine-1" {
		t.Error(p.CorrelationID)
	}
	if p := a.get("students/x?correlationId=mine-2").wants(t, 400, "bad-request:data-validation-failed"); p.CorrelationID != "mine-2" {
		t.Error(p.CorrelationID)
	}
}

func TestClaimSets(t *testing.T) {
	o := options(t)
	o.Clients = []sandbox.Client{
		{Key: sandbox.Key, Secret: sandbox.Secret},
		{Key: "vendor", Secret: "s", ClaimSet: "Assessment Vendor", Namespaces: []string{"uri://acme.org"}, Deny: []sandbox.Denial{
			{Resource: "schools"},
			{Resource: "students", Actions: []sandbox.Action{sandbox.Create, sandbox.Update, sandbox.Delete}},
			{Resource: "objectiveAssessments", Actions: []sandbox.Action{sandbox.Update}},
			{Resource: "learningStandards", Actions: []sandbox.Action{sandbox.Create}},
		}},
	}
	a := startWithAssessment(t, o)
	foreign := a.post("assessments", strings.ReplaceAll(assessment, "acme.org", "other.org"))
	objective := `{"identificationCode":"G","assessmentReference":{"assessmentIdentifier":"RD-3","namespace":"uri://acme.org/Assessment"}}`
	a.login("vendor", "s")

	p := a.get("schools").wants(t, 403, "security:authorization:access-denied:resource")
	if !strings.Contains(p.Errors[0], "Assessment Vendor") {
		t.Error(p.Errors)
	}
	if r := a.get("students?limit=1"); r.status != http.StatusOK {
		t.Error(r.status)
	}
	a.call(http.MethodPost, "students", "{").wants(t, 403, "security:authorization:access-denied:action") // before the body is read
	a.post("objectiveAssessments", objective)
	a.call(http.MethodPost, "objectiveAssessments", objective).wants(t, 403, "security:authorization:access-denied:action")
	a.call(http.MethodPost, "learningStandards", `{"learningStandardId":"L","description":"d","namespace":"uri://acme.org/L","academicSubjects":[{"academicSubjectDescriptor":"uri://ed-fi.org/AcademicSubjectDescriptor#Reading"}],"gradeLevels":[{"gradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third grade"}],"contentStandard":{"title":"t"}}`).
		wants(t, 403, "security:authorization:access-denied:action")

	const mismatch = "security:authorization:namespace:access-denied:namespace-mismatch"
	a.call(http.MethodPost, "assessments", strings.ReplaceAll(assessment, "acme.org", "ed-fi.org")).wants(t, 403, mismatch)
	a.call(http.MethodPost, "performanceLevelDescriptors", `{"namespace":"uri://ed-fi.org/PerformanceLevelDescriptor","codeValue":"x","shortDescription":"x"}`).wants(t, 403, mismatch)
	if p := a.get(foreign).wants(t, 403, mismatch); !strings.Contains(p.Detail, "existing 'Namespace'") {
		t.Error(p.Detail)
	}
	a.call(http.MethodDelete, foreign, "").wants(t, 403, mismatch)
	if got := a.get("assessments?totalCount=true"); len(got.items(t)) != 1 || got.header.Get("Total-Count") != "1" {
		t.Errorf("lists show another vendor's rows: %s", got.body)
	}
	if n := len(a.get("gradeLevelDescriptors").items(t)); n == 0 {
		t.Error("descriptors are free to read")
	}
}

// Eight clients that post one key at the same time make one record.
func TestSameKeyAtOnce(t *testing.T) {
	a := startWithAssessment(t, options(t))
	var made atomic.Int32
	var places sync.Map
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				body := strings.Replace(studentAssessment(fmt.Sprint(n), "604822"), "512", fmt.Sprint(i), 1)
				r := a.call(http.MethodPost, "studentAssessments", body)
				if r.status == http.StatusCreated {
					made.Add(1)
				} else if r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
				places.Store(r.header.Get("Location"), true)
			}
		})
	}
	wg.Wait()
	n := 0
	places.Range(func(any, any) bool { n++; return true })
	if made.Load() != 20 || n != 20 {
		t.Errorf("%d made, at %d places; want 20", made.Load(), n)
	}
	if got := a.get("studentAssessments?totalCount=true&limit=1").header.Get("Total-Count"); got != "20" {
		t.Errorf("%s records", got)
	}
}

// Deleting what is being referred to is one step with the check of the reference.
func TestDeleteRacesWithReference(t *testing.T) {
	a := startWithAssessment(t, options(t))
	var wg sync.WaitGroup
	for range 20 {
		id := a.get("assessments?assessmentIdentifier=RD-3").items(t)[0]["id"].(string)
		var posted, deleted reply
		wg.Go(func() { posted = a.call(http.MethodPost, "studentAssessments", studentAssessment("1", "604822")) })
		wg.Go(func() { deleted = a.call(http.MethodDelete, "assessments/"+id, "") })
		wg.Wait()
		switch {
		case posted.status == 201 && deleted.status == 409:
			if r := a.call(http.MethodDelete, posted.header.Get("Location"), ""); r.status != http.StatusNoContent {
				t.Fatal(r.status)
			}
		case posted.status == 409 && deleted.status == 204:
			a.post("assessments", assessment)
		default:
			t.Fatalf("POST %d, DELETE %d", posted.status, deleted.status)
		}
	}
}

func TestKeysWithoutCase(t *testing.T) {
	o := options(t)
	o.FoldKeys = true
	a := startWithAssessment(t, o)
	loc := a.post("studentAssessments", studentAssessment("abc", "604822"))
	if again := a.post("studentAssessments", strings.Replace(studentAssessment("ABC", "604822"), "RD-3", "rd-3", 1)); again != loc {
		t.Error("two records")
	}
}

func TestAbstractReference(t *testing.T) {
	a := start(t, options(t))
	program := func(org string) string {
		return `{"programName":"P","programTypeDescriptor":"uri://ed-fi.org/ProgramTypeDescriptor#Athletics","educationOrganizationReference":{"educationOrganizationId":` + org + `}}`
	}
	a.post("programs", program("255901"))
	loc := a.post("programs", program("255901399"))
	a.call(http.MethodPost, "programs", program("255901400")).wants(t, 409, "data-conflict:unresolved-reference")
	got := a.get(loc)
	if !strings.Contains(string(got.body), `"rel":"School"`) {
		t.Error(string(got.body))
	}
	schools := a.get("schools?schoolId=255901399").items(t)
	a.call(http.MethodDelete, "schools/"+schools[0]["id"].(string), "").wants(t, 409, "data-conflict:dependent-item-exists")
}

func TestTokenOrder(t *testing.T) {
	p := []string{}
	for _, h := range []string{"", "Basic x", "Bearer ", "Bearer nope"} {
		a := start(t, options(t))
		p = append(p, a.get("students", "Authorization", h).wants(t, 401, "security:authentication").Errors[0])
	}
	want := []string{"Authorization header is missing.", "Unknown Authorization header scheme.", "Missing Authorization header bearer token value.", "Invalid token"}
	if !slices.Equal(p, want) {
		t.Errorf("%q", p)
	}
}
