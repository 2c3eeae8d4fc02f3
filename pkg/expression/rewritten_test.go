package expression

import "testing"

// TestRewritten: what a spreadsheet makes of a cell is told from what is merely wrong.
func TestRewritten(t *testing.T) {
	if len(rewrittenDates) != 5 {
		t.Errorf("%d formats of dates", len(rewrittenDates))
	}
	for _, tt := range []struct {
		cell string
		kind Kind
		want bool
	}{
		{"9/5/25", KindDate, true}, {"09/05/2025", KindDate, true}, {"2025-09-05", KindDate, true}, {"45905", KindDate, true}, {"45905.5", KindDateTime, true},
		{"9/5/25 0:00", KindDate, true}, {"13/45/25", KindDate, false}, {"soon", KindDate, false}, {"20250905", KindDate, false}, {"00905", KindDate, false},
		{"45905", KindInteger, false}, {"1.00E+05", KindInteger, true}, {"6.8E+11", KindText, true}, {"1E5", KindText, false}, {"E+05", KindText, false}, {"1.0E+5x", KindText, false},
	} {
		if got := rewritten(tt.cell, tt.kind); got != tt.want {
			t.Errorf("%s %s: %v", tt.kind, tt.cell, got)
		}
	}
	id := Cell{Kind: KindText, ID: true}
	if _, f := id.Read("1.23E+08", "Student", nil); f == nil || f.Fix != untouched {
		t.Errorf("%+v", f)
	}
	for _, cell := range []string{"000123", "12E05", "A1"} {
		if v, f := id.Read(cell, "Student", nil); f != nil || v.S != cell {
			t.Errorf("%s: %+v", cell, f)
		}
	}
}
