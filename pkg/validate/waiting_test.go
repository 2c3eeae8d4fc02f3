package validate

import (
	"testing"

	"github.com/sluice-edfi/sluice/pkg/catalog"
)

func TestWaitingLines(t *testing.T) {
	var l waitingLines
	add := func(line uint32, plain []uint32, nested ...uint32) {
		for _, n := range plain {
			l.add(line, n, false)
		}
		for _, n := range nested {
			l.add(line, n, true)
		}
	}
	// 0 present, 1 absent, 2 unreadable
	add(1, []uint32{0})
	add(2, []uint32{0, 1, 2})
	add(3, []uint32{0}, 0, 2)
	add(4, nil, 0, 2)
	add(9, nil, 2)
	add(10, nil, 2, 1)
	got := map[uint32]catalog.Answer{}
	answers := []catalog.Answer{catalog.Present, catalog.Absent, catalog.Unreadable}
	l.worst(func(n uint32) catalog.Answer { return answers[n] }, func(line uint32, f catalog.Answer) { got[line] = f })
	want := map[uint32]catalog.Answer{1: catalog.Present, 2: catalog.Absent, 3: catalog.Unreadable, 4: catalog.Unreadable, 9: catalog.Unreadable, 10: catalog.Absent}
	for line, f := range want {
		if got[line] != f {
			t.Errorf("line %d: %d, want %d", line, got[line], f)
		}
	}
	if len(got) != len(want) || len(l.sets) != 2 {
		t.Errorf("%v, %d sets", got, len(l.sets))
	}
}
