package mapping

import (
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/lookup"
)

// A namespace is checked wherever it comes from, before the first row.
func TestNamespaces(t *testing.T) {
	for _, bad := range []string{"uri://vendor.org/", "vendor.org", "x", "uri://vendor.org#", "uri://ven dor.org", "uri://", "uri:///x", "uri://y.org/\"{{x}}",
		"uri://vendor.org/AssessmentPeriodDescriptor", "uri://vendor.org//x", "http://vendor.org", "URI://vendor.org"} {
		_, problems := tryCompile(t, simple, params("school_year", "2024", "namespace", bad))
		if got := problemText(problems); !strings.Contains(got, "CFG-PARAM --param namespace: ") || !strings.Contains(got, "is not a namespace") || strings.Contains(got, "BND-") {
			t.Errorf("%q: %s", bad, got)
		}
	}
	for _, good := range []string{"uri://vendor.org", " uri://vendor.org ", "uri://www.nwea.org/map-growth", "uri://ed-fi.org/Assessment/Assessment.xml", "uri://a_b.org/x(1)"} {
		compile(t, simple, params("school_year", "2024", "namespace", good))
	}
	text := with(t, "namespace: {default: uri://vendor.org}", "namespace: {default: uri://vendor.org}\n  state: {required: true}", "namespace: params.namespace\n  vendor", "namespace: params.namespace + \"/\" + params.state\n  vendor")
	_, problems := tryCompile(t, text, params("school_year", "2024", "state", "T X"))
	if got := problemText(problems); got != "CFG-PARAM --param state: \"uri://vendor.org/T X\" is not a namespace\n" {
		t.Error(got)
	}
	year := params("school_year", "2024")
	for _, tt := range []struct {
		name string
		edit []string
		over string
		want string
	}{
		{"of the bundle", []string{"{default: uri://vendor.org}", "{default: uri://vendor.org/}"}, "", `BND-DESCRIPTOR b/bundle.yaml:25:14: "uri://vendor.org/" is not a namespace`},
		{"in a record", []string{"{assessmentIdentifier: assessment, namespace: params.namespace}\n      student", "{assessmentIdentifier: assessment, namespace: params.namespace + \"/\"}\n      student"}, "",
			`BND-RECORD b/bundle.yaml:43:74: "uri://vendor.org/" is not a namespace`},
		{"of a table", []string{"NN,\n", "NN,uri://a.org//GradeLevelDescriptor#x\n"}, "", `BND-DESCRIPTOR b/tables/grades.csv:3: "uri://a.org//GradeLevelDescriptor#x" is not a value of GradeLevelDescriptor`},
		{"of a code that is a URI", []string{"NN,\n", "NN,uri://a.org/x\n"}, "", `BND-DESCRIPTOR b/tables/grades.csv:3: "uri://a.org/x" is not a value of GradeLevelDescriptor`},
		{"of an overlay", nil, "grades.csv\nvalue,descriptor\n4,uri://a.org /GradeLevelDescriptor#x\n", `BND-OVERLAY ov/grades.csv:2: "uri://a.org /GradeLevelDescriptor#x" is not a value of GradeLevelDescriptor`},
		{"of an overlay of a type as written", nil, "AcademicSubjectDescriptor.csv\nvalue,descriptor\n4,uri://a.org/#x\n", `BND-OVERLAY ov/AcademicSubjectDescriptor.csv:2: "uri://a.org/#x" is not a value of AcademicSubjectDescriptor`},
		{"looked up", []string{"tests.csv --\ncode,", "more.csv --\ncode,ns\nS,x.org\n-- tables/tests.csv --\ncode,", "assessment: lookup", "ns: lookup(\"more\", id).ns\n      assessment: lookup",
			"namespace: params.namespace}\n      student", "namespace: ns}\n      student"}, "", `BND-TABLE b/tables/more.csv:2: "x.org" is not a namespace`},
		{"of descriptors", []string{"resources:\n", "resources:\n  termDescriptors:\n    from: tables.tests\n    record: {codeValue: code, shortDescription: code, namespace: params.namespace + \"/TermDescriptor\"}\n"}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := simple
			if tt.edit != nil {
				text = with(t, tt.edit...)
			}
			_, problems := tryCompile(t, text, year, func(c *Config) {
				if name, rows, ok := strings.Cut(tt.over, "\n"); ok {
					c.Overlay = &lookup.Overlay{FS: archive("-- " + name + " --\n" + rows), Path: "ov"}
				}
			})
			if got := problemText(problems); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got:\n%swant:\n%s", got, tt.want)
			}
		})
	}
}
