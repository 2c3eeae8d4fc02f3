package table

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRenames: a rename is claimed only where the letters are the same, and nothing else could be meant.
func TestRenames(t *testing.T) {
	for _, tt := range []struct {
		missing, unknown string
		want             []Rename
	}{
		{"TestRITScore", "Test RIT Score", []Rename{{"TestRITScore", "Test RIT Score", true}}},
		{"SUBJECT,Grade", "grade,Subject", []Rename{{"SUBJECT", "Subject", true}, {"Grade", "grade", true}}},
		{"TestStartDate", "Start Date of Test", []Rename{{"TestStartDate", "Start Date of Test", false}}},
		{"Score", "Scores", []Rename{{"Score", "Scores", false}}},
		{"TestRITScore", "Result", nil},
		{"Goal1Name,Goal2Name", "Goal 2 Name,Goal 1 Name", []Rename{{"Goal1Name", "Goal 1 Name", true}, {"Goal2Name", "Goal 2 Name", true}}},
		{"Goal1Name", "Goal2Names,Goal3Names", nil}, // either
		{"Test RIT Score", "TestRITScore,TEST_RIT_SCORE", nil},
		{"A,B", "", nil},
		{"Score1,Score2", "Score3", nil},
	} {
		got := Renames(strings.Split(tt.missing, ","), strings.FieldsFunc(tt.unknown, func(r rune) bool { return r == ',' }))
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s → %s: %s", tt.missing, tt.unknown, d)
		}
	}
}
