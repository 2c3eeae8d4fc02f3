package report

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// TestFieldsAreDocumented: docs/report.md names each field of report.json.
func TestFieldsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	whole := Report{Tenant: "t", Target: &runs.Target{}, Stopped: &runs.Stop{Next: "n"}, Next: &runs.Next{Why: "w"}, Verdict: []Remark{{File: "f", Total: true}}, ReadAs: map[string]string{"": ""},

		Versions: Versions{Assessment: "a", API: "a"}, Inputs: []runs.Input{{Layout: "l", Student: &runs.StudentColumn{}}}, Files: []File{{}},
		Problems: []Group{{Input: "i", Column: "c", Resource: "r", Path: "p", Fix: "f", Rule: "r", First: "f", Lines: []Place{{}},
			Values: []Value{{Line: 1, Nearest: "n", Missing: &Missing{Allowed: "a"}}}, Level: diag.LevelError}},
		Stages: Stages{{Stage: runs.Stages()[0], Counts: &runs.TransformCounts{Inputs: map[string]runs.InputCounts{"": {}}, Resources: map[string]runs.StagedCounts{"": {}}}},
			{Stage: runs.Stages()[1], Counts: &runs.ValidateCounts{OpenForTarget: true, Resources: map[string]runs.Verdicts{"": {}}}},
			{Stage: runs.Stages()[2], Counts: &runs.SendCounts{DryRun: true, Resources: map[string]runs.Loaded{"": {}}, Categories: map[string]map[string]int64{"": {}}}}}}
	text, err := json.Marshal(&whole)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	targets := fields["target"] // described as a whole
	delete(fields, "target")
	if targets == nil || !strings.Contains(string(doc), "`target`") {
		t.Error("the target is not documented")
	}
	student := fields["inputs"].([]any)[0].(map[string]any)
	student["student"] = nil
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if !strings.Contains(string(doc), "`"+name+"`") && name != "" {
					t.Errorf("%s is not documented", name)
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(fields)
}
