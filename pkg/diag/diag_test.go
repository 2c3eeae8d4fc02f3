package diag

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableOfCodes(t *testing.T) {
	seen := map[Code]bool{}
	form := regexp.MustCompile(`^(AUTH|VAL|REF|BUS|INT|BND|CFG)(-[A-Z]+)+$`)
	for _, e := range Codes() {
		if seen[e.Code] {
			t.Errorf("%s stands twice", e.Code)
		}
		seen[e.Code] = true
		if !form.MatchString(string(e.Code)) || e.Level < LevelFormat || e.Level > LevelInfo || e.Meaning == "" || e.Resolution == "" ||
			e.Example == "" || e.File == "" || e.Command == "" {
			t.Errorf("%+v is not complete", e)
		}
	}
}

func TestCodeThatIsNotInTheTable(t *testing.T) {
	if e, ok := Explain("VAL-ZEBRA"); ok || LevelOf("VAL-ZEBRA") != LevelError {
		t.Errorf("%+v %v", e, LevelOf("VAL-ZEBRA"))
	}
	if e, ok := Explain(CellType); !ok || e.Code != CellType || LevelOf(RowShortened) != LevelInfo {
		t.Errorf("%+v", e)
	}
	all := Codes()
	all[0].Meaning = "changed"
	if Codes()[0].Meaning == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestPos(t *testing.T) {
	for want, p := range map[string]Pos{"": {Line: 3}, "f": {File: "f"}, "f:3": {File: "f", Line: 3}, "f:3:4": {File: "f", Line: 3, Col: 4}} {
		if p.String() != want {
			t.Errorf("%+v is %q", p, p.String())
		}
	}
	p := At(Pos{"f", 3, 4}, CellType, "write a date", "%q is not a date", "x")
	if diff := cmp.Diff(Problem{Code: CellType, Level: LevelError, File: "f", Line: 3, Col: 4, Message: `"x" is not a date`, Fix: "write a date"}, p); diff != "" {
		t.Error(diff)
	}
	if p.Pos() != (Pos{"f", 3, 4}) {
		t.Error(p.Pos())
	}
}

func TestLevels(t *testing.T) {
	for want, l := range map[string]Level{"error": LevelError, "warning": LevelWarning, "note": LevelInfo} {
		if l.String() != want {
			t.Errorf("%d is %s", l, l)
		}
		if blocks := (List{{Level: LevelInfo}, {Level: l}}).Blocks(); blocks != (l <= LevelError) {
			t.Errorf("%s blocks: %v", l, blocks)
		}
	}
	if (List{}).Blocks() {
		t.Error("no problem blocks")
	}
}

// TestSort puts problems in their order from the end: each differs from the next in the first field that does.
func TestSort(t *testing.T) {
	want := List{{}, {Message: "b"}, {Code: "B"}, {Path: "b"}, {Column: "b"}, {StagedLine: 1}, {Resource: "b"}, {Col: 1}, {Line: 1}, {Line: 1, Level: LevelInfo}, {Line: 2}, {File: "b"}, {Input: "b"}}
	got := List{want[12], want[11], want[10], want[8], want[9], want[7], want[6], want[5], want[4], want[3], want[2], want[1], want[0]}
	got.Sort()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestError(t *testing.T) {
	inner := FailWith(fs.ErrNotExist, Usage, BundleNotFound, "name another", "read %s", "b")
	err := fmt.Errorf("compile: %w", inner)
	if err.Error() != "compile: read b: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if e, ok := AsError(err); !ok || e != inner || e.Kind != Usage || e.Next != "name another" {
		t.Errorf("%+v", e)
	}
	if e, ok := AsError(fs.ErrNotExist); ok {
		t.Errorf("%+v", e)
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

func TestDidYouMean(t *testing.T) {
	if got := DidYouMean("grade", []string{"Grade", "subject"}); got != ` (did you mean "Grade"?)` {
		t.Error(got)
	}
	if got := DidYouMean("zebra", []string{"Grade", "subject"}); got != "" {
		t.Error(got)
	}
}
