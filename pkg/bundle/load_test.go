package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func load(src string) (*Bundle, diag.List) {
	return Load(fstest.MapFS{File: {Data: []byte(src)}}, "b", "test")
}

func TestExamplesLoad(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/bundles/*/" + File)
	if len(files) < 12 {
		t.Fatalf("only %d bundles", len(files))
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b, problems := load(string(src))
		for _, p := range problems {
			t.Errorf("%s: %s %s %s", f, p.Pos(), p.Code, p.Message)
		}
		if b == nil || len(b.Resources) == 0 || len(b.Inputs) != 1 || !strings.HasPrefix(b.Digest, "sha256:") {
			t.Errorf("%s: %+v", f, b)
		}
	}
}

var wanted = regexp.MustCompile(`(?m)^# want (.*)$`)

// TestBroken loads every broken bundle in testdata/err and compares all of its problems with the
// `# want line:col code message` lines at its end.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/err/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(src), "\r\n", "\n")
		var want, got []string
		for _, m := range wanted.FindAllStringSubmatch(text, -1) {
			want = append(want, m[1])
		}
		_, problems := load(text)
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d:%d %s %s", p.Line, p.Col, p.Code, p.Message))
			if p.File != "b/"+File || p.Snippet == "" || p.Level != diag.LevelError {
				t.Errorf("%s: %+v", f, p)
			}
			if e, ok := diag.Explain(p.Code); p.Fix == "" && (!ok || e.Resolution == "") {
				t.Errorf("%s: %s says nothing to do", f, p.Message)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (- wanted, + found): %s", f, d)
		}
	}
}

func TestModel(t *testing.T) {
	b, problems := load(`format: 1
bundle: x-1
version: 1.2.3
about: What it is.
assessment: {family: F, version: "7"}
data_standard: ">=4.0 <6"
params:
  year: {type: integer, default: 2024, one_of: ["2023", "2024"], about: The year.}
let: {ns: 'params.ns + "/x"'}
inputs:
  results:
    about: The export.
    format: csv
    delimiter: "\t"
    encoding: windows-1252
    optional: true
    header_rows: [1, 3]
    nulls: [NA, ""]
    columns:
      a: Header A
      b: {header: [B, C], type: date, format: [M/D/YYYY, YYYY-MM-DD], required: true, optional: true, layouts: [l], nulls: ["-"], pad: 8}
      c: {header: C, type: boolean, yes: [Y], no: [N], about: Why.}
    unpack: {P: {width: 3, pieces: 7}}
    layouts: {the first: {has: A}}
    ignore: {some reason: [X, "Y*"]}
    student: a
    district: b
    key: [a, b]
    duplicates: {keep: last, by: b}
    when: a == "1"
    expect: [{that: b != null, level: warning, why: W}, {that: a != null, why: V}]
    let:
      d: |
        if a == "x" { b }
        else { c }
    scores: [tables.s, {table: tables.t, on: layout}]
    lists:
      goals:
        over: {n: 01..08}
        columns: {goal: "Goal{n}"}
        lists:
          parts: {over: tables.parts, on: goal, key: part, duplicates: {keep: first}}
          words: {over: {w: [ELA, MTH]}}
  fixed: {format: fixed, layouts: {"2023": {fields: layouts/2023.csv, when: params.year == 2023}}}
tables:
  t: {file: tables/u.csv, key: [a, b], types: {a: integer}, valid: {from: from, to: to}, overlay: true}
descriptors:
  namespace: ns
  vendor: [AssessmentPeriodDescriptor, {PerformanceLevelDescriptor: tables.levels}]
  shared: {GradeLevelDescriptor: tables.grades, AcademicSubjectDescriptor: uri://ed-fi.org}
resources:
  assessments: [{from: tables.t, record: {a: 1}}, {from: tables.u, record: {a: true}}]
  studentAssessments:
    from: results.goals.parts
    when: a != null
    let: {x: a}
    record:
      a: b
      o: {p: c}
      l: [scores, [q], {each: goals, let: {y: a}, when: y, record: {z: y}}]
      c: {when: a, record: b}
      e: {each: tables.t, on: [a, b]}
`)
	for _, p := range problems {
		t.Errorf("%s %s", p.Pos(), p.Message)
	}
	text := func(v string, line, col int) Text {
		return Text{v, diag.Pos{File: "b/bundle.yaml", Line: line, Col: col}}
	}
	expr := func(src string, line, col int) *Expr { return &Expr{Source: src, Pos: text("", line, col).Pos} }
	same := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got, cmp.AllowUnexported(Expr{})); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	two := text("2024", 8, 34)
	same("params", b.Params, []*Param{{Name: text("year", 8, 3), Type: TypeInteger, Default: &two, OneOf: []Text{text("2023", 8, 49), text("2024", 8, 57)}, About: "The year."}})
	in := b.Inputs[0]
	same("let", []any{b.Let[0].Name, b.Let[0].Expr.Source, in.Let[0].Expr.Source, in.Let[0].Expr.Block, in.Let[0].Expr.At(2, 3)},
		[]any{text("ns", 9, 7), `params.ns + "/x"`, "if a == \"x\" { b }\nelse { c }\n", true, text("", 35, 11).Pos})
	same("file", []any{b.Name, b.Version, b.About, b.Family, b.FamilyVersion, b.DataStandard.Value, in.About, in.Format.Value, in.Delimiter, in.Encoding.Value, in.Optional, in.HeaderRows, in.JoinTitles, in.Nulls},
		[]any{"x-1", "1.2.3", "What it is.", "F", "7", ">=4.0 <6", "The export.", "csv", "\t", "windows-1252", true, []int{1, 3}, true, []string{"NA", ""}})
	same("columns", in.Columns, []*Column{
		{Name: text("a", 20, 7), Headers: []Text{text("Header A", 20, 10)}, Type: TypeText, Personal: true, Pos: text("", 20, 7).Pos},
		{Name: text("b", 21, 7), Headers: []Text{text("B", 21, 20), text("C", 21, 23)}, Type: TypeDate, Formats: []Text{text("M/D/YYYY", 21, 48), text("YYYY-MM-DD", 21, 58)},
			Required: true, Optional: true, Layouts: []Text{text("l", 21, 113)}, Nulls: []string{"-"}, Pad: 8, Pos: text("", 21, 7).Pos},
		{Name: text("c", 22, 7), About: "Why.", Headers: []Text{text("C", 22, 19)}, Type: TypeBoolean, Yes: []string{"Y"}, No: []string{"N"}, Pos: text("", 22, 7).Pos}})
	same("unpack", in.Unpack, []*Unpack{{text("P", 23, 14), 3, 7}})
	same("layouts", in.Layouts, []*Layout{{Name: text("the first", 24, 15), Has: []Text{text("A", 24, 32)}, Pos: text("", 24, 15).Pos}})
	same("ignore", in.Ignore, []*Ignore{{text("some reason", 25, 14), []Text{text("X", 25, 28), text("Y*", 25, 31)}}})
	by := text("b", 29, 34)
	same("rows", []any{in.Student, in.District.Value, in.Key, in.Duplicates, in.When},
		[]any{[]Text{text("a", 26, 14)}, "b", []Text{text("a", 28, 11), text("b", 28, 14)}, &Duplicates{"last", &by, text("", 29, 17).Pos}, expr(`a == "1"`, 30, 11)})
	same("expect", in.Expect, []*Expect{{expr("b != null", 31, 21), diag.LevelWarning, "W", text("", 31, 14).Pos}, {expr("a != null", 31, 64), diag.LevelError, "V", text("", 31, 57).Pos}})
	on := text("layout", 36, 46)
	same("scores", in.Scores, []*ScoreUse{{text("s", 36, 14), nil, text("", 36, 14).Pos}, {text("t", 36, 32), &on, text("", 36, 24).Pos}})
	goals, parts, words := in.Lists[0], in.Lists[0].Lists[0], in.Lists[0].Lists[1]
	table := text("parts", 42, 25)
	same("lists", []any{goals.Over, goals.Columns[0].Headers, parts.Over, parts.On, parts.Key, parts.Duplicates.Keep, words.Over.Words},
		[]any{Over{Pos: text("", 39, 15).Pos, Field: text("n", 39, 16), Range: true, From: 1, To: 8, Width: 2}, []Text{text("Goal{n}", 40, 25)},
			Over{Pos: text("", 42, 25).Pos, Table: &table}, []Text{text("goal", 42, 43)}, []Text{text("part", 42, 54)}, "first", []Text{text("ELA", 43, 30), text("MTH", 43, 35)}})
	same("fixed", []any{b.Inputs[1].Layouts[0].Fields.Value, b.Inputs[1].Layouts[0].When.Source}, []any{"layouts/2023.csv", "params.year == 2023"})
	file := text("tables/u.csv", 46, 13)
	same("tables", b.Tables, []*Table{{Name: text("t", 46, 3), File: &file, Key: []Text{text("a", 46, 33), text("b", 46, 36)}, Types: []TableType{{text("a", 46, 48), TypeInteger}},
		Valid: &Valid{text("from", 46, 75), text("to", 46, 85), text("", 46, 68).Pos}, Overlay: true, Pos: text("", 46, 3).Pos}})
	levels, grades, host := text("levels", 49, 69), text("grades", 50, 34), text("uri://ed-fi.org", 50, 76)
	same("descriptors", b.Descriptors, Descriptors{Pos: text("", 48, 3).Pos, Namespace: expr("ns", 48, 14),
		Vendor: []*DescriptorType{{text("AssessmentPeriodDescriptor", 49, 12), nil, nil}, {text("PerformanceLevelDescriptor", 49, 41), &levels, nil}},
		Shared: []*DescriptorType{{text("GradeLevelDescriptor", 50, 12), &grades, nil}, {text("AcademicSubjectDescriptor", 50, 49), nil, &host}}})
	same("literals", []any{len(b.Resources), b.Resources[0].Record.Properties[0].Node, b.Resources[1].Record.Properties[0].Node, b.Resources[1].From},
		[]any{3, &Scalar{Literal: "1", Pos: text("", 52, 46).Pos}, &Scalar{Literal: "true", Pos: text("", 52, 80).Pos}, Source{Pos: text("", 52, 58).Pos, Table: "u"}})
	r := b.Resources[2]
	same("resource", []any{r.From, r.When, r.Let}, []any{Source{text("", 54, 11).Pos, "", "results", []string{"goals", "parts"}}, expr("a != null", 55, 11), []*Let{{text("x", 56, 11), expr("a", 56, 14)}}})
	scalar := func(src string, line, col int) *Scalar {
		return &Scalar{Expr: expr(src, line, col), Pos: text("", line, col).Pos}
	}
	same("record", r.Record, &Object{Pos: text("", 58, 7).Pos, Properties: []*Property{
		{text("a", 58, 7), scalar("b", 58, 10)},
		{text("o", 59, 7), &Object{[]*Property{{text("p", 59, 11), scalar("c", 59, 14)}}, text("", 59, 10).Pos}},
		{text("l", 60, 7), &Array{[]Node{scalar("scores", 60, 11), &Array{[]Node{scalar("q", 60, 20)}, text("", 60, 19).Pos},
			&Each{Over: text("goals", 60, 31), Let: []*Let{{text("y", 60, 44), expr("a", 60, 47)}}, When: expr("y", 60, 57),
				Record: &Object{[]*Property{{text("z", 60, 69), scalar("y", 60, 72)}}, text("", 60, 68).Pos}, Pos: text("", 60, 24).Pos}}, text("", 60, 10).Pos}},
		{text("c", 61, 7), &Cond{expr("a", 61, 17), scalar("b", 61, 28), text("", 61, 10).Pos}},
		{text("e", 62, 7), &Each{Over: text("t", 62, 17), Table: true, On: []Text{text("a", 62, 32), text("b", 62, 35)}, Pos: text("", 62, 10).Pos}},
	}})
}

func TestPlacesInExpressions(t *testing.T) {
	b, problems := load("let:\n  a: x + y\n  b: \"x + \\\"é\\\" + y\"\n  c: 'it''s + y'\n  d: |\n    x +\n      y\n  e: \"x\\n + y\"\n  f: 'x + y'\n")
	if b == nil || len(problems) == 0 {
		t.Fatal("the rest of the bundle is missing")
	}
	for name, c := range map[string]struct{ line, col, wantLine, wantCol int }{
		"a": {1, 5, 2, 10}, "b": {1, 11, 3, 19}, "c": {1, 8, 4, 15}, "d": {2, 3, 7, 7}, "e": {2, 4, 8, 13}, "f": {1, 5, 9, 11},
	} {
		for _, l := range b.Let {
			if l.Name.Value == name {
				if got := l.Expr.At(c.line, c.col); got.Line != c.wantLine || got.Col != c.wantCol {
					t.Errorf("%s: %v, want %d:%d", name, got, c.wantLine, c.wantCol)
				}
				if got := l.Expr.At(99, 99); got.Line == 0 || got.Col == 0 {
					t.Errorf("%s: %v", name, got)
				}
			}
		}
	}
}

func TestDigestAndTables(t *testing.T) {
	src := "tables: {t: {file: data/t.csv}}\ninputs: {f: {format: fixed, layouts: {a: {fields: layouts/a.csv}}}}\n"
	files := fstest.MapFS{File: {Data: []byte(src)}, "tables/a.csv": {Data: []byte("a\n")}, "tables/a.csv~": {Data: []byte("a\n")}, "data/t.csv": {Data: []byte("t\n")}, "layouts/a.csv": {Data: []byte("l\n")}, "README.md": {Data: []byte("r\n")}}
	digest := func() string {
		b, _ := Load(files, "b", "test")
		return b.Digest
	}
	before := digest()
	if before != digest() {
		t.Error("the digest differs by itself")
	}
	for name, decides := range map[string]bool{"tables/a.csv": true, "data/t.csv": true, "layouts/a.csv": true, File: true, "README.md": false, "tables/a.csv~": false} {
		old := files[name].Data
		files[name].Data = append([]byte("# \n"), old...)
		if (digest() != before) != decides {
			t.Errorf("%s: the digest does not say whether the output may differ", name)
		}
		files[name].Data = old
	}
	b, _ := Load(files, "b", "test")
	tables, err := b.TableFiles()
	if d := cmp.Diff(map[string]string{"a": "tables/a.csv", "t": "data/t.csv"}, tables); d != "" || err != nil {
		t.Error(d, err)
	}
}

// A personal column is known by its header as files have it: without blanks around it.
func TestPersonalHeaders(t *testing.T) {
	b, _ := load(`inputs:
  results:
    columns:
      id: ID
      note: {header: [" Note ", Remark], personal: true}
      name: "Last Name "
      form: {header: Form Address, personal: false}
      grade: Grade
    student: [id]
    lists: {xs: {over: {n: 1..2}, columns: {rater: {header: " Rater {n}", personal: true}}}}
`)
	if d := cmp.Diff([]string{"ID", "Note", "Remark", "Last Name", "Rater *"}, b.Inputs[0].PersonalHeaders()); d != "" {
		t.Error(d)
	}
}

func TestNoBundle(t *testing.T) {
	b, problems := Load(fstest.MapFS{}, "b", "test")
	if b != nil || len(problems) != 1 || problems[0].Code != diag.BundleNotFound {
		t.Errorf("%v %v", b, problems)
	}
	if b, problems := load(strings.Repeat("# x\n", 1<<20)); b != nil || len(problems) != 1 {
		t.Errorf("%v %v", b, problems)
	}
}

// FuzzLoad loads anything: nothing panics, and every problem has its place in the file.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"../../testdata/bundles/*/" + File, "testdata/err/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if src, err := os.ReadFile(name); err == nil {
				f.Add(string(src))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		b, problems := load(src)
		if b == nil && len(problems) == 0 {
			t.Fatal("neither a bundle nor a problem")
		}
		lines := strings.Count(src, "\n") + 1
		for _, p := range problems {
			if p.Message == "" || p.Line > lines || p.Col < 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}

func TestMatchHeader(t *testing.T) {
	for _, c := range []struct {
		pattern, header string
		matches         bool
	}{
		{"*Quintile", "FallToFallGrowthQuintile", true}, {"Goal*Name", "Goal1Name", true}, {"Goal*Name", "Goal1Names", false},
		{"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false}, {"*", "", true}, {"ab*ba", "aba", false}, {"a", "a", true}, {"a**b", "axb", true}, {"S[1]*/?", "S[1] of 2/?", true}, {"S[12]", "S1", false},
	} {
		if MatchHeader(c.pattern, c.header) != c.matches {
			t.Errorf("%q and %q", c.pattern, c.header)
		}
	}
}

// TestMayBePersonal: a header that only a score table reads is a student's if it says so, or if the bundle
// ignores it; what is declared says it itself.
func TestMayBePersonal(t *testing.T) {
	in := &Input{Columns: []*Column{{Headers: []Text{{Value: "Student Name"}}}, {Headers: []Text{{Value: "Rater {n}"}}, Personal: true}},
		Ignore: []*Ignore{{Globs: []Text{{Value: "Note*"}, {Value: "Rank"}}}}}
	for header, want := range map[string]bool{
		"Student Name": false, "Rater 2": true, "Notes": true, "Rank": true, "Score": false, "Last Name": true, "Teacher Name": true, "Student ID": true,
		"StudentID": true, "Pupil State Number": true, "SSID": true, "Student Idea": false, "Test Name": false, "Birth Date": true, "Assess": false, "Child Nodes": false,
	} {
		if got := in.MayBePersonal(header); got != want {
			t.Errorf("%s: %v", header, got)
		}
	}
}
