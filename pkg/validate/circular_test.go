package validate

import (
	"testing"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

func TestDependents(t *testing.T) {
	tests := []struct {
		name     string
		verdicts string
		records  []dependence
		want     string
		offline  bool
	}{
		{"chain down the file", "ivvv", []dependence{{2, 1, ""}, {3, 2, ""}}, "immv", false},
		{"chain up the file", "vvvi", []dependence{{1, 2, ""}, {2, 3, ""}, {3, 4, ""}}, "mmmi", false},
		{"below unchecked and marked", "umvd", []dependence{{3, 1, ""}, {4, 2, ""}}, "ummd", false},
		{"valid parents", "vdvv", []dependence{{3, 1, ""}, {4, 2, ""}}, "vdvv", false},
		{"itself", "vv", []dependence{{1, 1, ""}}, "iv", false},
		{"circle with tail and head", "vvvvv", []dependence{{1, 2, ""}, {2, 3, ""}, {3, 2, ""}, {3, 4, ""}, {5, 1, ""}}, "miivm", false},
		{"offline, below what waits for the target", "uvivv", []dependence{{2, 1, ""}, {4, 2, ""}, {5, 1, ""}, {5, 3, ""}}, "uuiuu", true},
	}
	for _, test := range tests {
		g := &gate{catalog: &catalog.Catalog{}}
		if test.offline {
			g.catalog = nil
		}
		r := &resource{gate: g, name: "objectiveAssessments", list: newProblemList("objectiveAssessments")}
		for _, v := range test.verdicts {
			r.verdicts = append(r.verdicts, runs.Verdict(v))
		}
		r.judgeDependents(test.records)
		got := ""
		for i, v := range r.verdicts {
			got += string(rune(v))
			worse := string(rune(v)) != test.verdicts[i:i+1]
			told := test.offline // counted, not listed one by one
			for _, p := range r.list.problems {
				told = told || p.StagedLine == i+1 && (p.Code == diag.ReferenceInvalid || p.Code == diag.ReferenceCycle)
			}
			if worse && !told {
				t.Errorf("%s: line %d: no problem says why", test.name, i+1)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
