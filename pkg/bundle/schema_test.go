package bundle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/sluice-edfi/sluice/pkg/strictyaml"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// editorSchema is the JSON Schema that editors use; the loader does not.
func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.Compile("../../schemas/bundle.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// plain makes of a node what a YAML library makes for a JSON Schema validator.
func plain(n *strictyaml.Node) any {
	switch {
	case n.Null:
		return nil
	case n.Kind == strictyaml.Map:
		m := map[string]any{}
		for _, p := range n.Pairs {
			m[p.Key.Value] = plain(p.Value)
		}
		return m
	case n.Kind == strictyaml.List:
		l := []any{}
		for _, i := range n.Items {
			l = append(l, plain(i))
		}
		return l
	case n.Type == strictyaml.Number:
		f, _ := strconv.ParseFloat(n.Value, 64)
		return f
	case n.Type == strictyaml.Boolean:
		return n.Value == "true"
	}
	return n.Value
}

func TestEditorSchemaTakesTheExamples(t *testing.T) {
	schema := editorSchema(t)
	files, _ := filepath.Glob("../../bundles/*/bundle.yaml")
	examples, _ := filepath.Glob("../../testdata/bundles/*/bundle.yaml")
	if len(files) < 2 || len(examples) < 12 {
		t.Fatalf("only %d and %d bundles", len(files), len(examples))
	}
	for _, f := range append(files, examples...) {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n, problems := strictyaml.Parse(f, src)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if err := schema.Validate(plain(n)); err != nil {
			t.Errorf("%s: %#v", f, err)
		}
	}
}

// TestEditorSchemaRefuses puts one broken key at a time into a whole bundle. What the schema
// refuses the loader refuses too.
func TestEditorSchemaRefuses(t *testing.T) {
	schema := editorSchema(t)
	whole := func(key string, value *strictyaml.Node) bool {
		n, _ := strictyaml.Parse("whole.yaml", []byte(minimal("whole", "1.0.0")))
		doc := plain(n).(map[string]any) //nolint:errcheck,forcetypeassert // a map, as written above
		if value == nil {
			delete(doc, key)
		} else {
			doc[key] = plain(value)
		}
		return schema.Validate(doc) == nil
	}
	if !whole("about", nil) {
		t.Fatal("the whole bundle is refused")
	}
	for _, key := range []string{"format", "bundle", "version", "assessment", "data_standard", "inputs", "descriptors", "resources"} {
		if whole(key, nil) {
			t.Errorf("%s may be missing", key)
		}
	}
	for _, broken := range []string{
		"format: 2", "bundle: Map Growth", "version: 1.0", `version: "1.0"`, "assessment: {family: X}", "assessment: {family: X, version: 2024}", "data_standard: 5.1", "parameters: {}",
		"params: {schoolYear: {required: true}}", "params: {a: {}}", "params: {a: {required: true, default: 1}}", "params: {a: {required: false}}", "params: {a: {type: number, required: true}}",
		"params: {a: {default: x, one_of: [1]}}", "let: {A: x}", "let: {a: [x]}", `let: {a: ""}`,
		"inputs: {tables: {format: csv}}", "inputs: {a: {}}", "inputs: {a: {format: xlsx}}", "inputs: {a: {format: csv, delimeter: x}}", "inputs: {a: {format: csv, delimiter: xx}}",
		"inputs: {a: {format: csv, header_rows: 0}}", "inputs: {a: {format: csv, header_rows: [1]}}", "inputs: {a: {format: csv, nulls: [0]}}", "inputs: {a: {format: csv, student: Student ID}}",
		"inputs: {a: {format: csv, duplicates: last}}", "inputs: {a: {format: csv, expect: [{that: x}]}}", "inputs: {a: {format: csv, expect: [{that: x, why: w, level: fatal}]}}",
		"inputs: {a: {format: csv, ignore: [x]}}", "inputs: {a: {format: csv, layouts: {b: {}}}}", "inputs: {a: {format: csv, unpack: {X: {width: 1}}}}", "inputs: {a: {format: csv, scores: scores}}",
		"inputs: {a: {format: csv, columns: {b: 5}}}", "inputs: {a: {format: csv, columns: {b: {headers: x}}}}", "inputs: {a: {format: csv, columns: {b: {header: x, type: string}}}}",
		"inputs: {a: {format: csv, columns: {b: {header: x, type: date}}}}", "inputs: {a: {format: csv, columns: {b: {header: x, format: YYYY}}}}", "inputs: {a: {format: csv, columns: {b: {header: x, type: boolean}}}}",
		"inputs: {a: {format: csv, columns: {b: {header: x, yes: [Y], no: [N]}}}}", "inputs: {a: {format: csv, columns: {b: {header: x, type: boolean, yes: [1], no: [N]}}}}",
		"inputs: {a: {format: csv, lists: {b: {}}}}", "inputs: {a: {format: csv, lists: {b: {over: x}}}}", "inputs: {a: {format: csv, lists: {b: {over: {n: 1-8}}}}}",
		"inputs: {a: {format: csv, lists: {b: {over: {n: 1..8, m: 1..2}}}}}", "inputs: {a: {format: csv, lists: {b: {over: {n: [1, 2]}}}}}", "inputs: {a: {format: csv, lists: {b: {over: inputs.c}}}}",
		"tables: {a: {key: Program Name}}", "tables: {a: {types: {x: text}}}", "tables: {a: {valid: {from: x}}}", "tables: {a: {file: ../x.csv}}", "tables: {a: {file: /x.csv}}", "tables: {a: {from: results, steps: []}}",
		"descriptors: {}", "descriptors: {namespace: ns, vendor: [PerformanceLevel]}", "descriptors: {namespace: ns, shared: {GradeLevelDescriptor: https://x}}", "descriptors: {namespace: ns, shared: {GradeLevel: tables.x}}",
		"resources: {a: {from: results}}", "resources: {a: {record: {b: c}}}", "resources: {a: {from: Results, record: {b: c}}}", "resources: {a: {from: tables, record: {b: c}}}", "resources: {a: {from: tables.b.c, record: {b: c}}}",
		"resources: {a: []}", "resources: {a: {from: results, record: x}}", "resources: {a: {from: results, record: {when: x, record: {b: c}}}}", "resources: {a: {from: results, record: {b: {}}}}",
		"resources: {a: {from: results, record: {b: {when: x}}}}", "resources: {a: {from: results, record: {b: {each: x, on: y}}}}", "resources: {a: {from: results, record: {b: {each: x, where: y}}}}",
		"resources: {a: {from: results, record: {b: [c, {d e: f}]}}}", "resources: {student assessments: {from: results, record: {b: c}}}",
	} {
		n, problems := strictyaml.Parse("broken.yaml", []byte(broken))
		if len(problems) > 0 {
			t.Fatalf("%s: %v", broken, problems)
		}
		key := n.Pairs[0].Key.Value
		if whole(key, n.Pairs[0].Value) {
			t.Errorf("the schema takes %s", broken)
		}
		if _, problems := load(broken + "\n" + without(minimal("whole", "1.0.0"), key)); len(problems) == 0 {
			t.Errorf("the loader takes %s", broken)
		}
	}
}

// TestEditorSchemaKnowsTheFormats: the registry of formats is the only list but for this one.
func TestEditorSchemaKnowsTheFormats(t *testing.T) {
	text, err := os.ReadFile("../../schemas/bundle.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Definitions map[string]struct {
			Properties map[string]struct{ Enum []string }
		}
	}
	_ = json.Unmarshal(text, &doc) // enums of other definitions are of other types
	if d := cmp.Diff(table.FormatNames(func(table.Format) bool { return true }), doc.Definitions["input"].Properties["format"].Enum); d != "" {
		t.Error(d)
	}
}

// without drops the line of a top-level key.
func without(src, key string) string {
	out := ""
	for line := range strings.Lines(src) {
		if len(line) < len(key)+1 || line[:len(key)+1] != key+":" {
			out += line
		}
	}
	return out
}
