package transform

import (
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// recordTable knows the natural keys of all records of the run and tells equal records from
// conflicting ones.
type recordTable struct {
	keys     keyset.Set
	contents keyset.List[uint64] // by the keys' numbers
}

type recordVerdict uint8

const (
	recordNew recordVerdict = iota
	recordEqual
	recordConflict
)

// add notes a record and says how it relates to the one that had its key before.
func (t *recordTable) add(h mapping.RecordHash) recordVerdict {
	n, fresh := t.keys.Add(h.Key)
	switch {
	case fresh:
		t.contents.Append(h.Content)
		return recordNew
	case *t.contents.At(n) == h.Content:
		return recordEqual
	}
	return recordConflict
}
