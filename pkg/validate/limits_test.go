package validate

import (
	"fmt"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func TestPattern(t *testing.T) {
	for path, want := range map[string]string{"$": "$", "$.a": "$.a", "$.a[12].b": "$.a[*].b", "$.a[1].b[0]": "$.a[*].b[*]"} {
		if got := pattern(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestListingIsBounded(t *testing.T) {
	l := newProblemList("schools")
	for i := range listErrors + 50 {
		l.add(diag.Problem{Code: diag.RecordDescriptor, Level: diag.LevelError, StagedLine: i + 1, Path: fmt.Sprintf("$.a[%d]", i), Value: "often"})
	}
	l.add(diag.Problem{Code: diag.RecordDescriptor, Level: diag.LevelError, StagedLine: 3, Path: "$.a[0]", Value: "rare"})
	for i := range 3 {
		l.sum(diag.Problem{Code: diag.ReferenceUnknown, Level: diag.LevelInfo, StagedLine: i + 1, Path: "$.b[1]", Message: "m"})
	}
	got := l.finish()
	if len(got) != listErrors+3 {
		t.Fatalf("%d listed", len(got))
	}
	last := got[len(got)-1]
	if last.Count != 50 || last.StagedLine != 0 || last.Path != "$.a[*]" || last.Level != diag.LevelError {
		t.Errorf("%+v", last)
	}
	if got[1].Count != 3 || got[1].Code != diag.ReferenceUnknown || got[1].Path != "$.b[*]" {
		t.Errorf("%+v", got[1])
	}
	if got[3].Value != "rare" || got[4].Value != "often" {
		t.Errorf("%+v\n%+v", got[3], got[4])
	}
}
