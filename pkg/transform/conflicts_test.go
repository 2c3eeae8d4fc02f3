package transform

import (
	"testing"

	"github.com/sluice-edfi/sluice/pkg/mapping"
)

func TestRecordTable(t *testing.T) {
	var table recordTable
	const n = 200_000
	hash := func(i int, content uint64) mapping.RecordHash {
		var h mapping.RecordHash
		for k := range h.Key {
			h.Key[k] = byte(uint64(i+1) * 0x9E3779B97F4A7C15 >> (k * 5))
		}
		h.Content = content
		return h
	}
	for i := range n {
		if got := table.add(hash(i, uint64(i)+1)); got != recordNew {
			t.Fatalf("%d: %d", i, got)
		}
	}
	for i := 0; i < n; i += 1000 {
		if table.add(hash(i, uint64(i)+1)) != recordEqual || table.add(hash(i, 0xffff_ffff_ffff)) != recordConflict {
			t.Errorf("%d is forgotten", i)
		}
	}
}
