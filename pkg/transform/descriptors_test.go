package transform

import (
	"strings"
	"testing"
)

// A score without method or datatype would vanish, so a table may not leave these out.
func TestEmptyDescriptorOfAScoreTable(t *testing.T) {
	text := with(t, "ResultDatatypeTypeDescriptor: uri://ed-fi.org", "ResultDatatypeTypeDescriptor: tables.datatypes") +
		"-- tables/datatypes.csv --\nvalue,descriptor\nInteger,Integer\nPercentile,\n"
	_, problems := tryCompile(t, text, year)
	if got := problemText(problems); len(problems) != 1 || !strings.Contains(got, `BND-RECORD b/tables/scores.csv:3: "Percentile" is left out by b/tables/datatypes.csv:3, but scoreResults[*] needs its resultDatatypeTypeDescriptor`) {
		t.Error(got)
	}
}

// A level that a table leaves out leaves its item out; the decision is listed.
func TestEmptyDescriptorOfALevel(t *testing.T) {
	text := with(t, "vendor: [AssessmentReportingMethodDescriptor, PerformanceLevelDescriptor]", "vendor: [AssessmentReportingMethodDescriptor]",
		"    GradeLevel", "    PerformanceLevelDescriptor: tables.levels\n    GradeLevel") + "-- tables/levels.csv --\nvalue,descriptor\nLow,Basic\nNone,\n"
	r := mustRun(t, compile(t, text, year), "results", header+"a,3,3/1/2024,2024,1,,Low\nb,3,3/1/2024,2024,1,,None\n")
	if got := r.staged(t, "studentAssessments"); r.Inputs["results"].Used != 2 || strings.Count(got, "performanceLevels") != 1 {
		t.Error(got)
	}
	if got := r.file(t, "mappings.csv"); !strings.Contains(got, "PerformanceLevelDescriptor,None,,1,b/tables/levels.csv:3") {
		t.Error(got)
	}
}

const levelTable = "\n-- tables/levels.csv --\nvalue,description,code\nProficient,Knows it,P\nBasic,,B\n"

func TestVendorCodes(t *testing.T) {
	text := with(t, "PerformanceLevelDescriptor]", "{PerformanceLevelDescriptor: tables.levels}]") + levelTable
	p := compile(t, text, year)
	r := mustRun(t, p, "results", header+"a,3,3/1/2024,2024,1,,P\nb,3,3/1/2024,2024,1,,Proficient\nc,3,3/1/2024,2024,1,,Basic\n")
	got := r.staged(t, "performanceLevelDescriptors")
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, `{"codeValue":"P","namespace":"uri://vendor.org/PerformanceLevelDescriptor","shortDescription":"Proficient","description":"Knows it"}`) {
		t.Error(got)
	}
	if got := r.file(t, "problems", "transform.csv"); !strings.Contains(got, "VAL-DESCRIPTOR-SAME,warning") || !strings.Contains(got, `the values ""P"" and ""Proficient"" become one code`) {
		t.Error(got)
	}

	_, problems := tryCompile(t, text+"Able,,P\nB,,\n", year)
	if got := problemText(problems); !strings.Contains(got, `BND-DESCRIPTOR b/tables/levels.csv:4: the code "P" is already in line 2`) ||
		!strings.Contains(got, `BND-DESCRIPTOR b/tables/levels.csv:5: the code "B" is already in line 3`) {
		t.Error(got)
	}

	_, problems = tryCompile(t, strings.Replace(text, "resources:\n", "resources:\n  performanceLevelDescriptors:\n    from: tables.levels\n    record: {codeValue: value, namespace: params.namespace, shortDescription: value}\n", 1), year)
	if got := problemText(problems); len(problems) != 1 || !strings.Contains(got, "BND-DESCRIPTOR b/bundle.yaml:32:3: PerformanceLevelDescriptor is listed under `vendor`, so its descriptors are staged by themselves") {
		t.Error(got)
	}
}

func TestUndeclaredLevelNamesItsMethod(t *testing.T) {
	text := with(t, "Level,level,Band,\n", "Level,level,Band,\nPct,level,Other Band,\n")
	r := mustRun(t, compile(t, text, year), "results", header+"a,3,3/1/2024,2024,1,5,5\nb,3,3/1/2024,2024,1,5,\nc,3,3/1/2024,2024,1,7,\n")
	got := r.file(t, "problems", "transform.csv")
	for _, want := range []string{`no assessment of the bundle declares the performance level ""5"" of the reporting method ""Band""`, `""5"" of the reporting method ""Other Band""`, `""7"" of the reporting method ""Other Band""`} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
	if strings.Count(got, "VAL-LEVEL-UNDECLARED") != 3 {
		t.Error(got)
	}
	// One decision of a table is one line, whichever method it is for.
	text = strings.Replace(text, "PerformanceLevelDescriptor]", "{PerformanceLevelDescriptor: tables.levels}]", 1) + levelTable + "5,,five\n"
	r = mustRun(t, compile(t, text, year), "results", header+"a,3,3/1/2024,2024,1,5,5\n")
	if got := r.file(t, "mappings.csv"); !strings.Contains(got, "PerformanceLevelDescriptor,5,uri://vendor.org/PerformanceLevelDescriptor#five,2,b/tables/levels.csv:4") {
		t.Error(got)
	}
}
