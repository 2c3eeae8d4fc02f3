package validate

import (
	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// waitingLines remembers which lines wait for the answers to which references: 4 bytes a line and 4
// a reference, but the references inside collections and those with few different values are kept as
// sets, of which a file has few: mostly 12 bytes a line.
type waitingLines struct {
	list   keyset.List[uint32]
	sets   [][]uint32
	bySet  map[string]uint32
	line   uint32   // the one that is added to; 0: none
	nested []uint32 // of its references those that may become a set
	key    []byte
}

const (
	isLine  = 1 << 31 // the number is that of a line
	isSet   = 1 << 30 // the number is that of a set of references
	maxSets = 1 << 16
)

// add notes that a line waits for the answer to a reference, as part of a set if its like has few
// values. A line's references come one after the other.
func (l *waitingLines) add(line, reference uint32, few bool) {
	if line != l.line {
		l.end()
		l.list.Append(line | isLine)
		l.line = line
	}
	if few {
		l.nested = append(l.nested, reference)
		return
	}
	l.list.Append(reference)
}

// end completes a line.
func (l *waitingLines) end() {
	l.line = 0
	if len(l.nested) < 2 || len(l.sets) == maxSets {
		for _, n := range l.nested {
			l.list.Append(n)
		}
		l.nested = l.nested[:0]
		return
	}
	l.key = l.key[:0]
	for _, n := range l.nested {
		l.key = append(l.key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	set, ok := l.bySet[string(l.key)]
	if !ok {
		if l.bySet == nil {
			l.bySet = map[string]uint32{}
		}
		set = uint32(len(l.sets))
		l.sets = append(l.sets, append([]uint32(nil), l.nested...))
		l.bySet[string(l.key)] = set
	}
	l.list.Append(set | isSet)
	l.nested = l.nested[:0]
}

// worst calls yield for each line with the worst answer among its references.
func (l *waitingLines) worst(answer func(reference uint32) catalog.Answer, yield func(line uint32, a catalog.Answer)) {
	l.end()
	line, worst := uint32(0), catalog.Present
	see := func(n uint32) {
		switch a := answer(n); {
		case a == catalog.Absent:
			worst = catalog.Absent
		case a == catalog.Unreadable && worst != catalog.Absent:
			worst = catalog.Unreadable
		}
	}
	for n := range l.list.All {
		switch {
		case *n&isLine != 0:
			if line != 0 {
				yield(line, worst)
			}
			line, worst = *n&^isLine, catalog.Present
		case *n&isSet != 0:
			for _, n := range l.sets[*n&^isSet] {
				see(n)
			}
		default:
			see(*n)
		}
	}
	if line != 0 {
		yield(line, worst)
	}
}
