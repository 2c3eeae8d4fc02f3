package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// Each standard's students have ids, where that standard has them; what the sandbox made passes its own checks.
func TestIdentificationCodes(t *testing.T) {
	for _, version := range []string{"3.3", "4.0", "5.0", "5.1", "5.2", "6.0"} {
		t.Run(version, func(t *testing.T) {
			std, err := schema.Load(schemas.FS, version)
			if err != nil {
				t.Fatal(err)
			}
			values, err := schema.StandardDescriptors(schemas.FS, version)
			if err != nil {
				t.Fatal(err)
			}
			a := start(t, sandbox.Options{Standard: std, Descriptors: values})
			resource := "studentEducationOrganizationAssociations"
			if version == "6.0" {
				resource = "studentIdentificationCodes"
			}
			for number, id := range map[int]string{0: "600000", 123: "600123", 99_999: "699999"} {
				found := a.get(resource + "?studentUniqueId=" + id)
				if len(found.items(t)) != 1 {
					t.Fatalf("%s: %s", id, found.body)
				}
				codes := []string{`"48` + id + `"`}
				if version != "6.0" {
					codes = append(codes, fmt.Sprintf(`"%07d"`, number))
				}
				for _, code := range codes {
					if !strings.Contains(string(found.body), code) {
						t.Errorf("%s has no code %s: %s", id, code, found.body)
					}
				}
				record := found.items(t)[0]
				a.call(http.MethodDelete, resource+"/"+record["id"].(string), "")
				for _, given := range []string{"id", "_etag", "_lastModifiedDate"} {
					delete(record, given)
				}
				if loc := a.post(resource, asText(t, record)); strings.HasSuffix(loc, id) {
					t.Error(loc)
				}
			}
			if r := a.get(resource + "?limit=0&totalCount=true"); r.header.Get("Total-Count") != "100000" {
				t.Error(r.header.Get("Total-Count"))
			}
		})
	}
}

// What was deleted is told by change version, also after the store was opened again.
func TestDeletes(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	a := start(t, o)
	ids := []string{}
	for _, item := range a.get("studentEducationOrganizationAssociations?limit=3").items(t) {
		ids = append(ids, item["id"].(string))
		if r := a.call(http.MethodDelete, "studentEducationOrganizationAssociations/"+item["id"].(string), ""); r.status != http.StatusNoContent {
			t.Fatal(r.status)
		}
	}
	a.stop()
	a = start(t, o)
	all := a.get("studentEducationOrganizationAssociations/deletes?totalCount=true")
	items := all.items(t)
	if len(items) != 3 || all.header.Get("Total-Count") != "3" || items[0]["id"] != ids[0] || items[2]["id"] != ids[2] {
		t.Fatal(items)
	}
	second := fmt.Sprint(items[1]["changeVersion"])
	if got := a.get("studentEducationOrganizationAssociations/deletes?minChangeVersion=" + second + "&offset=1&limit=1").items(t); len(got) != 1 || got[0]["id"] != ids[2] {
		t.Error(got)
	}
	if got := a.get("students/deletes").items(t); len(got) != 0 {
		t.Error(got)
	}
}

func asText(t *testing.T, record map[string]any) string {
	t.Helper()
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
