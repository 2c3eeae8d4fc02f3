package jsonl

import "testing"

func TestOrigin(t *testing.T) {
	for text, want := range map[string]Origin{
		"results:1042":           {Input: "results", Line: 1042},
		"results#2:7":            {Input: "results", File: 2, Line: 7},
		"assessments/main.csv:3": {Input: "assessments/main.csv", Line: 3},
		"odd#name.csv:3":         {Input: "odd#name.csv", Line: 3},
		"bundle.yaml:0":          {Input: "bundle.yaml"},
	} {
		if got, ok := ParseOrigin(text); !ok || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v, written as %s", text, got, ok, got)
		}
	}
	for _, text := range []string{"", "results", ":4", "results:", "results:x"} {
		if got, ok := ParseOrigin(text); ok {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
	if got, ok := ParseOrigin("results#2:7\r"); !ok || got != (Origin{"results", 2, 7}) { // an editor wrote CRLF
		t.Errorf("%+v %v", got, ok)
	}
}
