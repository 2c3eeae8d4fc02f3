package lookup

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// written is a bundle with two tables that a tenant may overlay, one that it may not, and a type that is as written.
const written = `-- bundle.yaml --
format: 1
bundle: b
version: 1.0.0
assessment: {family: B, version: "1"}
data_standard: ">=5.0 <6"
inputs:
  results: {format: csv, columns: {id: ID}}
tables:
  grades: {key: value, overlay: true}
  versions: {key: code, valid: {from: since, to: until}, types: {part: integer}, overlay: true}
descriptors:
  namespace: '"uri://b.example.org"'
  shared: {AcademicSubjectDescriptor: uri://ed-fi.org}
resources:
  studentAssessments: {from: results, record: {studentAssessmentIdentifier: id}}
-- tables/grades.csv --
value,descriptor
3,Third grade
NN,
-- tables/tests.csv --
code,title
 S , Simple
-- tables/versions.csv --
code,since,until,part
a,,2023-12-31,1
a,2024-07-01,,2
`

func archive(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

// tables reads the tables of a bundle, with a tenant's files.
func tables(t *testing.T, text string, overlay *Overlay) (*Tables, []OverlayFile, string) {
	t.Helper()
	b, list := bundle.Load(archive(text), "b", "test")
	if list.Blocks() {
		t.Fatal(list)
	}
	var problems diag.Distinct
	ts := Load(b, overlay, &problems)
	took := ts.Merge(&problems)
	ts.Fill(&problems)
	var found strings.Builder
	for _, p := range problems.List {
		found.WriteString(string(p.Code) + " " + p.Pos().String() + ": " + p.Message + "\n")
	}
	return ts, took, found.String()
}

func TestTables(t *testing.T) {
	ts, took, found := tables(t, written, nil)
	if found != "" || took != nil || !slices.Equal(ts.Names(), []string{"grades", "tests", "versions"}) || ts.Table("other") != nil {
		t.Fatal(ts.Names(), took, found)
	}
	grades, tests, versions := ts.Table("grades"), ts.Table("tests"), ts.Table("versions")
	if row := grades.FindText("3"); row != 0 || grades.Cell(row, "descriptor") != "Third grade" || !grades.Empty[1] || grades.Place != "b/tables/grades.csv" {
		t.Errorf("%+v", grades.Table)
	}
	if tests.Keyed || tests.Overlay || tests.Cell(0, "code") != "S" || tests.Cell(0, "title") != "Simple" {
		t.Errorf("%+v", tests)
	}
	key := expression.TextValue("a").AppendKey(nil)
	if versions.Find(key, "2023-05-01") != 0 || versions.Find(key, "2024-02-01") != -1 || versions.Find(key, "2025-01-01") != 1 ||
		versions.Kinds[3] != expression.KindInteger || versions.Kinds[1] != expression.KindDate {
		t.Errorf("%+v", versions.Table)
	}
}

func TestTablesThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"ragged":          {"NN,\n", "NN\n", "BND-TABLE b/tables/grades.csv:3: the row has 1 cell, and the header has 2"},
		"repeats a key":   {"NN,\n", "3,\n", `BND-TABLE b/tables/grades.csv:3: the key (value) "3" is already in line 2 of b/tables/grades.csv`},
		"column twice":    {"code,title", "code,code", `BND-TABLE b/tables/tests.csv:1: the column "code" occurs twice`},
		"column unnamed":  {"code,title", "code,", "BND-TABLE b/tables/tests.csv:1: column 2 has no name"},
		"no such column":  {"key: value", "key: valu", `tables/grades.csv has no column "valu" (did you mean "value"?)`},
		"no such file":    {"  grades: {", "  grade: {", `there is no tables/grade.csv (did you mean "grades"?)`},
		"type of a cell":  {"a,,2023-12-31,1", "a,,2023-12-31,x", `BND-TABLE b/tables/versions.csv:2: column "part": "x" is not an integer`},
		"valid on no day": {"a,2024-07-01,,2", "a,2024-07-01,2024-06-30,2", "BND-TABLE b/tables/versions.csv:3: the row is valid from 2024-07-01 to 2024-06-30: on no day"},
	} {
		if _, _, found := tables(t, strings.Replace(written, c.old, c.new, 1), nil); !strings.Contains(found, c.want) {
			t.Errorf("%s: %s", name, found)
		}
	}
	ts, _, _ := tables(t, strings.Replace(written, "code,title", "code,", 1), nil)
	if ts.Table("tests") != nil || !ts.Unread("tests") || ts.Unread("grades") {
		t.Error("a table that cannot be read counts as read")
	}
}

func TestOverlay(t *testing.T) {
	over := func(files string) *Overlay { return &Overlay{FS: archive(files), Path: "tenants/x/b"} }
	ts, took, found := tables(t, written, over("-- grades.csv --\nvalue,descriptor\n3,Fourth grade\n9,Ninth grade\n"+
		"-- AcademicSubjectDescriptor.csv --\nvalue,descriptor\nMath,Mathematics\n-- .~lock.grades.csv# --\n-- grades.csv.bak --\n"))
	if found != "" || len(took) != 2 || took[1].Path != "tenants/x/b/grades.csv" || took[1].Merged != (Merged{Added: 1, Replaced: 1}) || len(took[1].SHA256) != 64 {
		t.Fatalf("%+v\n%s", took, found)
	}
	grades := ts.Table("grades")
	if row := grades.FindText("3"); grades.Cell(row, "descriptor") != "Fourth grade" || grades.Rows[row].Pos.String() != "tenants/x/b/grades.csv:2" {
		t.Errorf("%+v", grades.Rows)
	}
	if grades.FindText("9") < 0 || grades.FindText("NN") < 0 || grades.Place != "tenants/x/b/grades.csv" {
		t.Errorf("%+v", grades.Table)
	}
	if own := ts.AsWritten("AcademicSubjectDescriptor"); own == nil || own.Cell(own.FindText("Math"), "descriptor") != "Mathematics" {
		t.Errorf("%+v", own)
	}
	if ts, _, found = tables(t, written, &Overlay{Path: "tenants/x/b"}); found != "" || ts.Table("grades").Place != "tenants/x/b/grades.csv" ||
		ts.AsWritten("AcademicSubjectDescriptor") != nil {
		t.Errorf("a tenant without tables yet: %+v\n%s", ts.Table("grades").Table, found)
	}
	for files, want := range map[string]string{
		"-- tests.csv --\ncode,title\n":                         "tests.csv is not a table that a tenant may overlay",
		"-- grade.csv --\nvalue,descriptor\n":                   `grade.csv is not a table that a tenant may overlay (did you mean "grades.csv"?)`,
		"-- grades.csv --\nvalue,to\n3,x\n":                     `grades.csv:1: the first line is "value,to", and not that of the bundle's table`,
		"-- grades.csv --\nvalue;descriptor\n3;x\n":             "grades.csv:1: the cells are separated by semicolons",
		"-- grades.csv --\n\"value,descriptor\"\n\"3,x\"\n":     `grades.csv:1: the whole row "value,descriptor" is in one cell`,
		"-- grades.csv --\nvalue,descriptor\n\"3,x\"\n":         `grades.csv:2: the whole row "3,x" is in one cell`,
		"-- grades.csv --\nvalue,descriptor\n3,x,y\n":           "grades.csv:2: the row has 3 cells, and the header has 2",
		"-- grades.csv --\nvalue,descriptor\n3,x\n3,y\n":        "the key is already in line 2",
		"-- grades.csv --\nvalue,descriptor,,\n,,,\n,Third,,\n": "grades.csv:3: value is empty",
	} {
		if _, _, found := tables(t, written, over(files)); !strings.HasPrefix(found, "BND-OVERLAY tenants/x/b/") || !strings.Contains(found, want) {
			t.Errorf("%s: %s", files, found)
		}
	}
}
