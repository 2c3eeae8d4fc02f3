package transform

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// recordTable knows the natural keys of all records of the run and tells equal records from
// conflicting ones. A record takes 20 bytes, and the tables are never less than half full: 25 to 34
// bytes a record, whatever their number.
type recordTable struct {
	parts [256]recordPart
}

type recordPart struct {
	entries []recordEntry
	used    int
}

type recordEntry struct {
	key     [3]uint32
	content [2]uint32 // 0, 0: free
}

type recordVerdict uint8

const (
	recordNew recordVerdict = iota
	recordEqual
	recordConflict
)

// add notes a record and says how it relates to the one that had its key before.
func (t *recordTable) add(h mapping.RecordHash) recordVerdict {
	e := recordEntry{key: [3]uint32{binary.LittleEndian.Uint32(h.Key[:]), binary.LittleEndian.Uint32(h.Key[4:]), binary.LittleEndian.Uint32(h.Key[8:])},
		content: [2]uint32{uint32(h.Content), uint32(h.Content >> 32)}}
	p := &t.parts[h.Key[11]]
	if (p.used+1)*5 > len(p.entries)*4 {
		p.grow()
	}
	at := p.find(e.key)
	switch p.entries[at].content {
	case [2]uint32{}:
		p.entries[at] = e
		p.used++
		return recordNew
	case e.content:
		return recordEqual
	}
	return recordConflict
}

// find is the place of a key, or the free place it would take.
func (p *recordPart) find(key [3]uint32) int {
	at := int(uint64(key[0]) * uint64(len(p.entries)) >> 32)
	for p.entries[at].content != [2]uint32{} && p.entries[at].key != key {
		if at++; at == len(p.entries) {
			at = 0
		}
	}
	return at
}

func (p *recordPart) grow() {
	old := p.entries
	p.entries = make([]recordEntry, max(8, len(old)+len(old)*7/20))
	for _, e := range old {
		if e.content != [2]uint32{} {
			p.entries[p.find(e.key)] = e
		}
	}
}

// conflictSet is the natural keys that occur with different contents: all their records are
// rejected, also the first. Immutable once sorted.
type conflictSet struct {
	keys [][12]byte
}

func (s *conflictSet) add(key [12]byte) { s.keys = append(s.keys, key) }

func (s *conflictSet) sort() {
	slices.SortFunc(s.keys, func(a, b [12]byte) int { return bytes.Compare(a[:], b[:]) })
	s.keys = slices.Compact(s.keys)
}

func (s *conflictSet) has(key [12]byte) bool {
	if s == nil || len(s.keys) == 0 {
		return false
	}
	_, ok := slices.BinarySearchFunc(s.keys, key, func(a, b [12]byte) int { return bytes.Compare(a[:], b[:]) })
	return ok
}
