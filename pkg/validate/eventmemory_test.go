package validate

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/sluice-edfi/sluice/pkg/catalog"
)

// A district with a million results that changes over: what the search keeps of the staged ones and of those at the
// target fits into 150 MB, all of them new and all of them there under other identifiers.
func TestAMillionEventsFitIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const n = 1_000_000
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	s := &eventSearch{r: &resource{gate: &gate{}}}
	event := func(i int, name string) *catalog.Event {
		e := &catalog.Event{Student: catalog.StudentKey(fmt.Append(nil, i/4)), Day: uint32(20260301 + i%4), Values: 3, Scores: uint64(i), Identifier: name}
		e.Key = catalog.StudentKey([]byte(name))
		return e
	}
	for i := range n {
		s.add(uint32(i+1), event(i, ""), fmt.Sprint(i/4))
	}
	for i := range n {
		if err := s.take(t.Context(), event(i, fmt.Sprintf("7117%08d", i))); err != nil {
			t.Fatal(err)
		}
	}
	kept := heap() - before
	found, most := 0, kept
	if err := s.pair(func(*pairing) error {
		if found++; found%(n/4) == 0 {
			most = max(most, heap()-before)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB before the pairing, %d MB in it", kept>>20, most>>20)
	if found != n || most > 150<<20 {
		t.Errorf("%d found, %d MB", found, most>>20)
	}
	runtime.KeepAlive(s)
}
