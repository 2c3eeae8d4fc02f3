package sandbox_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
)

func ids(items []map[string]any, name string) []string {
	var out []string
	for _, it := range items {
		out = append(out, fmt.Sprint(it[name]))
	}
	return out
}

func TestRoster(t *testing.T) {
	a := start(t, options(t))
	r := a.get("students?limit=2&totalCount=true")
	if got := ids(r.items(t), "studentUniqueId"); strings.Join(got, " ") != "600000 600001" || r.header.Get("Total-Count") != "100000" {
		t.Errorf("%v of %s", got, r.header.Get("Total-Count"))
	}
	if got := ids(a.get("students?offset=99999&limit=5").items(t), "studentUniqueId"); strings.Join(got, " ") != "699999" {
		t.Error(got)
	}
	if got := a.get("students?offset=100000").items(t); len(got) != 0 {
		t.Error(got)
	}
	if got := len(a.get("students").items(t)); got != 500 {
		t.Errorf("a page without limit has %d", got)
	}
	if got := a.get("students?studentUniqueId=604822").items(t); len(got) != 1 || got[0]["firstName"] == "" {
		t.Error(got)
	}
	for _, id := range []string{"599999", "700000", "0604822", "60482"} {
		if got := a.get("students?studentUniqueId=" + id).items(t); len(got) != 0 {
			t.Errorf("%s: %v", id, got)
		}
	}
	enrolled := a.get("studentSchoolAssociations?studentUniqueId=604822").items(t)
	if len(enrolled) != 1 || fmt.Sprint(enrolled[0]["schoolReference"].(map[string]any)["schoolId"]) != "2.55901322e+08" {
		t.Error(enrolled)
	}
	if r := a.get("schools?totalCount=true&limit=1"); r.header.Get("Total-Count") != "100" {
		t.Error(r.header.Get("Total-Count"))
	}
	if got := a.get("localEducationAgencies?localEducationAgencyId=255901").items(t); len(got) != 1 {
		t.Error(got)
	}
	if got := a.get("schoolYearTypes?schoolYear=2026").items(t); len(got) != 1 || got[0]["currentSchoolYear"] != true {
		t.Error(got)
	}
}

// Students of the roster are records like others: they can be changed, deleted and made again.
func TestRosterChanges(t *testing.T) {
	a := start(t, options(t))
	before := a.get("students?studentUniqueId=600001").items(t)[0]
	body := `{"studentUniqueId":"600001","firstName":"New","lastSurname":"Name","birthDate":"2010-01-01"}`
	r := a.call(http.MethodPost, "students", body)
	if r.status != http.StatusOK || !strings.HasSuffix(r.header.Get("Location"), before["id"].(string)) {
		t.Fatalf("%d %s, id was %s", r.status, r.header.Get("Location"), before["id"])
	}
	page := a.get("students?limit=3&totalCount=true")
	if got := ids(page.items(t), "firstName"); got[1] != "New" || page.header.Get("Total-Count") != "100000" {
		t.Error(got, page.header.Get("Total-Count"))
	}
	if r := a.call(http.MethodDelete, "students/"+before["id"].(string), ""); r.status != http.StatusNoContent {
		t.Fatal(r.status)
	}
	page = a.get("students?limit=3&totalCount=true")
	if got := ids(page.items(t), "studentUniqueId"); strings.Join(got, " ") != "600000 600002 600003" || page.header.Get("Total-Count") != "99999" {
		t.Error(got, page.header.Get("Total-Count"))
	}
	if got := ids(a.get("students?limit=1&offset=1").items(t), "studentUniqueId"); got[0] != "600002" {
		t.Error(got)
	}
	a.call(http.MethodPost, "studentSchoolAssociations", `{"entryDate":"2024-08-16","schoolReference":{"schoolId":255901301},"studentReference":{"studentUniqueId":"600001"},"entryGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Ninth grade"}`).
		wants(t, 409, "data-conflict:unresolved-reference")
	if again := a.post("students", body); strings.HasSuffix(again, before["id"].(string)) {
		t.Error("made again with the old id")
	}
	page = a.get("students?offset=99998&totalCount=true")
	if got := ids(page.items(t), "studentUniqueId"); strings.Join(got, " ") != "699999 600001" || page.header.Get("Total-Count") != "100000" {
		t.Error(got, page.header.Get("Total-Count"))
	}
}

func TestStudentsFile(t *testing.T) {
	o := options(t)
	o.Students = filepath.Join(t.TempDir(), "students.csv")
	if err := os.WriteFile(o.Students, []byte("\ufeffschool,studentUniqueId\n1,ABC-1\n2,604822\n3, 42 \n4,ABC-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, o)
	for _, id := range []string{"ABC-1", "42", "604822"} {
		if got := a.get("students?studentUniqueId=" + id).items(t); len(got) != 1 {
			t.Errorf("%s: %v", id, got)
		}
	}
	if got := a.get("students?totalCount=true&offset=100000"); len(got.items(t)) != 2 || got.header.Get("Total-Count") != "100002" {
		t.Errorf("%s", got.body)
	}
	for text, want := range map[string]string{"id\n1\n": "has no column studentUniqueId", "studentUniqueId,x\n1,2\n,3\n": "line 3", "": "no column studentUniqueId", "first line\n": "no column"} {
		if err := os.WriteFile(o.Students, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.Open(o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), `"`) || !unusable(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPages(t *testing.T) {
	a := startWithAssessment(t, options(t))
	for i := range 25 {
		a.post("studentAssessments", studentAssessment(strconv.Itoa(i), fmt.Sprint(600000+i%5)))
	}
	seen := map[string]bool{}
	for offset := 0; offset < 30; offset += 7 {
		for _, id := range ids(a.get(fmt.Sprintf("studentAssessments?offset=%d&limit=7", offset)).items(t), "studentAssessmentIdentifier") {
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25", len(seen))
	}
	r := a.get("studentAssessments" + query("studentUniqueId", "600003", "totalCount", "TRUE", "limit", "2", "offset", "1"))
	if got := ids(r.items(t), "studentAssessmentIdentifier"); strings.Join(got, " ") != "8 13" || r.header.Get("Total-Count") != "5" {
		t.Error(got, r.header.Get("Total-Count"))
	}
	if r := a.get("studentAssessments?limit=3"); r.header.Get("Total-Count") != "" {
		t.Error("Total-Count without being asked")
	}
	for _, q := range []string{"limit=501", "limit=-1", "limit=x", "offset=-1", "minChangeVersion=x", "schoolYear=abc"} {
		a.get("studentAssessments?"+q).wants(t, 400, "bad-request:parameter-validation-failed")
	}
	if got := a.get("studentAssessments?noSuch=1&limit=1").items(t); len(got) != 1 {
		t.Error("unknown parameters are ignored")
	}
}

func TestFilters(t *testing.T) {
	a := startWithAssessment(t, options(t))
	plain := a.post("studentAssessments", studentAssessment("1", "600001"))
	a.post("studentAssessments", strings.Replace(studentAssessment(`a"b`, "600002"), `"administrationDate"`,
		`"reportedSchoolReference":{"schoolId":255901305},"assessedMinutes":30,"whenAssessedGradeLevelDescriptor":"uri://ed-fi.org/GradeLevelDescriptor#Third grade","administrationDate"`, 1))
	for q, want := range map[string]string{
		query("studentAssessmentIdentifier", "1", "assessmentIdentifier", "RD-3", "namespace", "uri://acme.org/Assessment", "studentUniqueId", "600001"):                       "1",
		query("studentAssessmentIdentifier", "1", "assessmentIdentifier", "RD-3", "namespace", "uri://acme.org/Assessment", "studentUniqueId", "600001", "schoolYear", "2024"): "",
		query("studentAssessmentIdentifier", "1", "assessmentIdentifier", "RD-3", "namespace", "uri://acme.org/Assessment", "studentUniqueId", "600002"):                       "",
		query("studentAssessmentIdentifier", "1"):                "1",
		query("studentAssessmentIdentifier", `a"b`):              `a"b`,
		query("STUDENTUNIQUEID", "600002"):                       `a"b`,
		query("schoolYear", "2025"):                              `1 a"b`,
		query("schoolYear", "2024"):                              "",
		query("reportedSchoolId", "255901305"):                   `a"b`,
		query("assessedMinutes", "30"):                           `a"b`,
		query("administrationDate", "2025-03-04T09:00:00-05:00"): `1 a"b`,
		query("whenAssessedGradeLevelDescriptor", "uri://ed-fi.org/gradeleveldescriptor#THIRD grade"): `a"b`,
		query("id", plain[len(plain)-32:]): "1",
	} {
		if got := strings.Join(ids(a.get("studentAssessments"+q).items(t), "studentAssessmentIdentifier"), " "); got != want {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
}

func TestChangeVersions(t *testing.T) {
	a := startWithAssessment(t, options(t))
	newest := func() int {
		var v struct{ OldestChangeVersion, NewestChangeVersion int }
		r := a.get(a.url + "/changeQueries/v1/availableChangeVersions")
		unmarshal(t, r.body, &v)
		return v.NewestChangeVersion
	}
	before := newest()
	a.post("studentAssessments", studentAssessment("1", "600001"))
	a.post("studentAssessments", studentAssessment("2", "600001"))
	if newest() != before+2 {
		t.Errorf("from %d to %d", before, newest())
	}
	a.post("studentAssessments", studentAssessment("2", "600001"))
	if newest() != before+2 {
		t.Error("a record posted unchanged is no change")
	}
	got := ids(a.get(fmt.Sprintf("studentAssessments?minChangeVersion=%d", before+2)).items(t), "studentAssessmentIdentifier")
	if strings.Join(got, " ") != "2" {
		t.Error(got)
	}
	got = ids(a.get(fmt.Sprintf("studentAssessments?minChangeVersion=%d&maxChangeVersion=%d", before+1, before+1)).items(t), "studentAssessmentIdentifier")
	if strings.Join(got, " ") != "1" {
		t.Error(got)
	}
	if got := a.get("students?minChangeVersion=2&totalCount=true"); got.header.Get("Total-Count") != "0" {
		t.Error(got.header.Get("Total-Count"))
	}
}

func TestCompressedPage(t *testing.T) {
	a := start(t, options(t))
	plain := a.get("students?limit=100", "Accept-Encoding", "identity")
	packed := a.get("students?limit=100", "Accept-Encoding", "gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(plain.body)/2 {
		t.Fatalf("%d bytes, %s", len(packed.body), packed.header)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.body) {
		t.Error("another page", err)
	}
}
