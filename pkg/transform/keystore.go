package transform

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// keyEntry is one row or element in the first pass: what it is compared by, and where it is.
// 32 bytes a key, and nothing else is kept of it.
type keyEntry struct {
	key     [16]byte
	content uint64 // of all bound cells
	at      keyPlace
}

// unknownAt is the content of an entry whose student is not known: no other one has it.
func unknownAt(at keyPlace) uint64 { return ^uint64(at) }

func (e *keyEntry) unknown() bool { return e.content == unknownAt(e.at) }

// keyPlace is file (12 bits), line (36) and element (16): order of places is order of numbers.
type keyPlace uint64

const (
	maxFiles    = 1 << 12
	maxElements = 1 << 16
)

func placeOf(file int, line int64, element int) keyPlace {
	return keyPlace(file)<<52 | keyPlace(line)<<16 | keyPlace(element)
}

func (p keyPlace) file() int    { return int(p >> 52) }
func (p keyPlace) line() int64  { return int64(p>>16) & (1<<36 - 1) }
func (p keyPlace) element() int { return int(p & (maxElements - 1)) }

// keyStore holds entries in buckets of chunks, so that it grows without copying and sorts in parts
// that fit the processor's cache.
type keyStore [256][][]keyEntry

const keyChunk = 64

func (s *keyStore) add(e keyEntry) {
	b := &s[e.key[0]]
	if last := len(*b) - 1; last < 0 || len((*b)[last]) == keyChunk {
		*b = append(*b, make([]keyEntry, 0, keyChunk))
	}
	last := len(*b) - 1
	(*b)[last] = append((*b)[last], e)
}

// groups calls yield for the entries of each key that occurs more than once, in their order, and
// forgets all entries.
func (s *keyStore) groups(yield func([]keyEntry)) {
	for i := range s {
		all := slices.Concat(s[i]...)
		s[i] = nil
		slices.SortFunc(all, func(a, b keyEntry) int {
			return cmp.Or(cmp.Compare(binary.BigEndian.Uint64(a.key[:]), binary.BigEndian.Uint64(b.key[:])),
				cmp.Compare(binary.BigEndian.Uint64(a.key[8:]), binary.BigEndian.Uint64(b.key[8:])), cmp.Compare(a.at, b.at))
		})
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].key == all[from].key {
				to++
			}
			if to-from > 1 {
				yield(all[from:to])
			}
			from = to
		}
	}
}
