package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A Swagger 2.0 document with what the published ones do not show: an extension without a schema,
// a reference by allOf, a schema in a circle, an inline object and a list of texts.
const smallResources = `{"swagger": "2.0",
"paths": {
 "/ed-fi/things": {
  "get": {"parameters": [{"name": "thingId", "in": "query", "x-Ed-Fi-isIdentity": true}, {"name": "ownerSchoolId", "in": "query", "x-Ed-Fi-isIdentity": true}]},
  "post": {"parameters": [{"name": "thing", "in": "body", "schema": {"$ref": "#/definitions/edFi_thing"}}]}},
 "/ed-fi/things/{id}": {"put": {"x-Ed-Fi-isUpdatable": true}},
 "/ed-fi/things/deletes": {"get": {}},
 "/ed-fi/schools": {
  "get": {"parameters": [{"name": "schoolId", "in": "query", "x-Ed-Fi-isIdentity": true}]},
  "post": {"parameters": [{"name": "school", "in": "body", "schema": {"$ref": "#/definitions/edFi_school"}}]}}},
"definitions": {
 "edFi_thing": {"type": "object", "required": ["id", "thingId", "ownerSchoolReference"], "properties": {
  "id": {"type": "string"}, "_etag": {"type": "string"},
  "thingId": {"type": "string", "maxLength": 20, "x-Ed-Fi-isIdentity": true},
  "ownerSchoolReference": {"allOf": [{"$ref": "#/definitions/edFi_schoolReference"}]},
  "size": {"type": "object", "properties": {"width": {"type": "number"}}},
  "tags": {"type": "array", "items": {"type": "string"}},
  "parts": {"type": "array", "items": {"$ref": "#/definitions/edFi_thing"}},
  "colourDescriptor": {"type": "string", "maxLength": 306},
  "_ext": {"type": "object"}}},
 "edFi_school": {"type": "object", "required": ["schoolId"], "properties": {"schoolId": {"type": "integer", "format": "int32", "x-Ed-Fi-isIdentity": true}}},
 "edFi_schoolReference": {"type": "object", "required": ["schoolId"], "properties": {"schoolId": {"type": "integer", "format": "int32"}, "link": {"type": "object"}}}}}`

const smallDescriptors = `{"openapi": "3.0.1", "paths": {"/ed-fi/colourDescriptors": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/edFi_colourDescriptor"}}}}}}},
"components": {"schemas": {"edFi_colourDescriptor": {"type": "object", "required": ["namespace", "codeValue"], "properties": {"namespace": {"type": "string", "maxLength": 255}, "codeValue": {"type": "string", "maxLength": 50}}}}}}`

func smallStandard(t *testing.T, dependencies string) *Standard {
	t.Helper()
	s, err := FromOpenAPI(Documents{Version: "1", Resources: [][]byte{[]byte(smallResources)}, Descriptors: [][]byte{[]byte(smallDescriptors)}, Dependencies: []byte(dependencies)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSmallDocument(t *testing.T) {
	s := smallStandard(t, "")
	r, ok := s.Resource("things")
	if !ok {
		t.Fatal(s.Names())
	}
	want := []string{
		"identity $.ownerSchoolReference.schoolId", "identity $.thingId", "key updates",
		"reference $.ownerSchoolReference to schools required identity by schoolId", "required $.ownerSchoolReference",
		"required $.ownerSchoolReference.schoolId", "required $.thingId", "descriptor $.colourDescriptor colourDescriptors"}
	got := append(r.naturalKeyFacts(s), r.schemaFacts(s)...)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	orders := map[string]int{}
	for _, name := range s.Names() {
		orders[name] = s.resources[name]().Order
	}
	if diff := cmp.Diff(map[string]int{"colourDescriptors": 1, "schools": 1, "things": 2}, orders); diff != "" {
		t.Error(diff)
	}
	c, _ := s.Checker("things")
	var rec Record
	c.Check([]byte(`{"thingId":"T","ownerSchoolReference":{"schoolId":5},"size":{"width":1.50},"tags":["a"],"_ext":{"anything":{"goes":[1]}},"colourDescriptor":"uri://x#Red"}`), &rec)
	if len(rec.Findings) > 0 || rec.Key.String() != "schoolId=5, thingId=T" {
		t.Errorf("%+v %s", rec.Findings, rec.Key)
	}
}

func TestDependenciesOrder(t *testing.T) {
	s := smallStandard(t, `[{"resource": "/ed-fi/things", "order": 9, "operations": ["Update"]}, {"resource": "/ed-fi/things", "order": 7, "operations": ["Create"]},
		{"resource": "/ed-fi/colourDescriptors", "order": 1}]`)
	if got := s.resources["things"]().Order; got != 7 {
		t.Errorf("things load at %d, not when they can be created", got)
	}
	if got := s.resources["schools"]().Order; got != 0 {
		t.Errorf("what no document lists is there before: order %d", got)
	}
	if got := s.Waves([]string{"things", "unknown", "schools", "things"}); len(got) != 3 || got[2][0] != "unknown" {
		t.Errorf("%v", got)
	}
}

func TestDocumentsRefused(t *testing.T) {
	for name, docs := range map[string]Documents{
		"nothing":          {},
		"no JSON":          {Resources: [][]byte{[]byte("<html>")}},
		"no document":      {Resources: [][]byte{[]byte("{}")}},
		"no resources":     {Resources: [][]byte{[]byte(`{"paths": {"/x": {}}, "definitions": {"a": {}}}`)}},
		"bad dependencies": {Resources: [][]byte{[]byte(smallResources)}, Dependencies: []byte("<html>")},
	} {
		if _, err := FromOpenAPI(docs); err == nil {
			t.Errorf("no error for %s", name)
		} else if strings.Contains(err.Error(), "%!") {
			t.Error(err)
		}
	}
}

func FuzzFromOpenAPI(f *testing.F) {
	f.Add([]byte(smallResources), []byte(smallDescriptors))
	f.Fuzz(func(_ *testing.T, resources, descriptors []byte) {
		s, err := FromOpenAPI(Documents{Resources: [][]byte{resources}, Descriptors: [][]byte{descriptors}})
		if err != nil {
			return
		}
		var rec Record
		for _, name := range s.Names() {
			if c, ok := s.Checker(name); ok {
				c.Check([]byte(`{"thingId":"T","ownerSchoolReference":{"schoolId":5},"parts":[{}]}`), &rec)
			}
		}
	})
}

// An extension may call a resource or a descriptor type like the core does. A bare name is the core's.
func TestExtensionsDoNotReplaceTheCore(t *testing.T) {
	const extension = `{"swagger": "2.0", "paths": {
 "/tx/schools": {"get": {}, "post": {"parameters": [{"name": "school", "in": "body", "schema": {"$ref": "#/definitions/tx_school"}}]}},
 "/tx/colourDescriptors": {"get": {}, "post": {"parameters": [{"name": "colour", "in": "body", "schema": {"$ref": "#/definitions/tx_school"}}]}},
 "/copied/schools": {"get": {}, "post": {"parameters": [{"name": "school", "in": "body", "schema": {"$ref": "#/definitions/edFi_school"}}]}}},
"definitions": {
 "tx_school": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "x-Ed-Fi-isIdentity": true}}},
 "edFi_school": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string", "x-Ed-Fi-isIdentity": true}}}}}`
	s, err := FromOpenAPI(Documents{Version: "1", Resources: [][]byte{[]byte(smallResources), []byte(extension)}, Descriptors: [][]byte{[]byte(smallDescriptors)},
		Dependencies: []byte(`[{"resource": "/ed-fi/schools", "order": 3}, {"resource": "/tx/schools", "order": 1}, {"resource": "/ed-fi/things", "order": 4}]`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		endpoint string
		order    int
	}{"schools": {"ed-fi/schools", 3}, "tx.schools": {"tx/schools", 1}, "copied.schools": {"copied/schools", 1}} {
		if r, ok := s.Resource(name); !ok || r.Endpoint() != want.endpoint || name != "copied.schools" && r.Order != want.order {
			t.Errorf("%s: %+v", name, r)
		}
	}
	things, _ := s.Resource("things")
	if targets := things.References[0].Targets; !slices.Equal(targets, []string{"schools"}) {
		t.Errorf("things refer to %v", targets)
	}
	if r, ok := s.DescriptorResource("ColourDescriptor"); !ok || r.Endpoint() != "ed-fi/colourDescriptors" {
		t.Errorf("%+v", r)
	}
	if _, ok := s.Resource("tx/schools"); ok {
		t.Error("a path was taken for a name")
	}
}

// Documents write lengths as decimals and types as lists (OpenAPI 3.1).
func TestSpellingsOfNumbersAndTypes(t *testing.T) {
	text := strings.NewReplacer(`"maxLength": 20`, `"maxLength": 20.0`, `"width": {"type": "number"}`, `"width": {"type": ["null", "number"]}`,
		`"type": "integer", "format": "int32"`, `"type": ["integer", "null"], "format": "int32"`).Replace(smallResources)
	s, err := FromOpenAPI(Documents{Version: "1", Resources: [][]byte{[]byte(text)}, Descriptors: [][]byte{[]byte(smallDescriptors)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range smallStandard(t, "").Files() {
		if diff := cmp.Diff(string(want), string(s.Files()[name])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for length, want := range map[string]int{"1e3": 1000, "1e300": 0, "0": 0} {
		var c count
		if err := c.UnmarshalJSON([]byte(length)); err != nil || int(c) != want {
			t.Errorf("%s: %d, %v", length, c, err)
		}
	}
	for _, length := range []string{"-1", "0.5", `"5"`, "{}"} {
		var c count
		if c.UnmarshalJSON([]byte(length)) == nil {
			t.Errorf("%s is a length", length)
		}
	}
}

// A few lines of a document may describe more properties than there is memory for.
func TestReferencesThatBlowUp(t *testing.T) {
	document := func(levels int, twice string) []byte {
		var b strings.Builder
		b.WriteString(`{"paths": {"/ed-fi/things": {"post": {"parameters": [{"in": "body", "schema": {"$ref": "#/definitions/x0"}}]}}}, "definitions": {`)
		for i := range levels {
			fmt.Fprintf(&b, `"x%d": {"type": "object", "properties": {"a": {"$ref": "#/definitions/x%d"}%s}},`, i, i+1, strings.ReplaceAll(twice, "N", strconv.Itoa(i+1)))
		}
		fmt.Fprintf(&b, `"x%d": {"type": "object", "properties": {"a": {"type": "string"}}}}}`, levels)
		return []byte(b.String())
	}
	const twice = `, "b": {"$ref": "#/definitions/xN"}`
	begin := time.Now()
	if _, err := FromOpenAPI(Documents{Resources: [][]byte{document(40, twice)}}); err == nil || !strings.Contains(err.Error(), "refer to each other") {
		t.Error(err)
	}
	if _, err := FromOpenAPI(Documents{Resources: [][]byte{document(8, twice)}}); err != nil {
		t.Error(err)
	}
	if _, err := FromOpenAPI(Documents{Resources: [][]byte{document(100_000, "")}}); err != nil {
		t.Error("what lies deeper than anything real is left out", err)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Error(d)
	}
}
