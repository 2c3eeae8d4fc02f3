package runs

import (
	"testing"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

func TestLimit(t *testing.T) {
	var l Limit
	listed := 0
	for line := range 10 {
		p := diag.Problem{Code: diag.CellType, Column: "b", StagedLine: line}
		if line%3 == 0 {
			p.Column = "a"
		}
		tally := l.Of(Cause{Code: p.Code, Column: p.Column})
		if tally.Seen++; tally.Seen > 3 {
			l.Leave(tally, p)
			continue
		}
		listed++
	}
	left := l.Left()
	if l.Len() != 2 || listed != 6 || len(left) != 2 {
		t.Fatalf("%d causes, %d listed, %d left", l.Len(), listed, len(left))
	}
	if b := left[0]; b.Cause.Column != "b" || b.Left != 3 || b.First.StagedLine != 5 || b.Last != 8 {
		t.Errorf("%+v", b)
	}
	if a := left[1]; a.Cause.Column != "a" || a.Seen != 4 || a.Left != 1 {
		t.Errorf("%+v", a)
	}
}
