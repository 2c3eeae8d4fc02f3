package diag

import (
	"regexp"
	"testing"
)

func TestTableOfCodes(t *testing.T) {
	seen := map[Code]bool{}
	form := regexp.MustCompile(`^(AUTH|VAL|REF|BUS|INT|BND|CFG)(-[A-Z]+)+$`)
	for _, e := range Codes() {
		if seen[e.Code] {
			t.Errorf("%s stands twice", e.Code)
		}
		seen[e.Code] = true
		if !form.MatchString(string(e.Code)) || e.Level < LevelFormat || e.Level > LevelInfo || e.Meaning == "" || e.Resolution == "" {
			t.Errorf("%+v is not complete", e)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"subject", "student_id", "state_id", "Grade", "input", "Mathematics", "rosterAssociations", "rosters"}
	for in, want := range map[string]string{"subjct": "subject", "grade": "Grade", "studentid": "student_id", "inptu": "input", "Math": "Mathematics", "roster": "rosters", "zebra": ""} {
		got := ""
		if n := Nearest(in, known, 1); len(n) > 0 {
			got = n[0]
		}
		if got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
