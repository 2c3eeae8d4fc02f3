package schema

import (
	"bytes"
	"math/bits"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// item is one item of an open collection.
type item struct {
	hash   uint64 // quick, of its key
	values int    // where its key begins in scratch.values
	number int    // in its collection, from 0
}

// itemPart is a part of an item's key.
type itemPart struct {
	value []byte
	hash  uint64 // quickHash of value; 0: not known yet
}

// array checks a collection: that there is an item if it is required, each of them, and that no two
// have the same key.
func (s *run) array(f *field) bool {
	if !s.in.Enter("lists are nested too deeply") {
		return false
	}
	sc := &s.rec.scratch
	firstItem, firstValue, outerItem := len(sc.items), len(sc.values), s.item
	s.depth++
	if s.in.Peek() == ']' {
		s.in.Pos++
		if f.Required {
			s.wrong(f, nil, "", "%s is an empty list; at least one item is required", f.Name)
		}
	} else if !s.elements(f, firstItem) {
		return false
	}
	sc.items, sc.values = sc.items[:firstItem], sc.values[:firstValue]
	s.item = outerItem
	s.depth--
	s.in.Leave()
	return true
}

// elements checks what is in a list, up to its end.
func (s *run) elements(f *field, firstItem int) bool {
	var hashes hashSet
	for count := 0; ; count++ {
		if s.depth <= maxNesting {
			s.at[s.depth-1] = int32(count)
		}
		c := s.in.Peek()
		switch {
		case f.plan == nil:
			if !s.in.Skip() {
				return false
			}
		case c != '{':
			start := s.in.Pos
			if !s.in.Skip() {
				return false
			}
			s.find(diag.RecordSchema, s.place(f.plan.path), s.in.Data[start:s.in.Pos], "",
				"item %d of %s must be an object, not %s", count+1, f.Name, kindOf(c))
		default:
			s.item = len(s.rec.scratch.values)
			for range f.plan.keyFold {
				s.rec.scratch.values = append(s.rec.scratch.values, itemPart{})
			}
			if !s.object(f.plan) {
				return false
			}
			if len(f.plan.keyFold) > 0 {
				s.compareItem(f, &hashes, firstItem, count)
			}
		}
		switch s.in.Peek() {
		case ',':
			s.in.Pos++
		case ']':
			s.in.Pos++
			return true
		default:
			return s.in.Fail("a comma or ] is expected")
		}
	}
}

// compareItem compares the key of the item just read with those before it, the first of which is
// scratch.items[first]. An item that lacks a required part of its key has no equal.
func (s *run) compareItem(f *field, hashes *hashSet, first, number int) {
	sc := &s.rec.scratch
	n := len(f.plan.keyFold)
	values := sc.values[s.item : s.item+n]
	h := uint64(hashSeed)
	for i := range values {
		v := &values[i]
		if v.value == nil && !f.plan.keyFree[i] {
			return
		}
		if v.hash == 0 {
			v.hash = quickHash(hashSeed, v.value, f.plan.keyFold[i])
		}
		h = bits.RotateLeft64(h^v.hash, 29) * hashPrime
	}
	for _, other := range hashes.suspects(h, sc.items[first:]) {
		if other.hash != h || !equalKeys(values, sc.values[other.values:other.values+n], f.plan.keyFold) {
			continue
		}
		var shown [][]byte
		for _, v := range values {
			shown = append(shown, v.value)
		}
		s.find(diag.RecordItemTwice, s.place(f.plan.path), bytes.Join(shown, []byte(", ")), "",
			"item %d of %s has the same %s as item %d", number+1, f.Name, f.plan.keyNames, other.number+1)
		return
	}
	sc.items = append(sc.items, item{hash: h, values: s.item, number: number})
}

// hashSet tells most new hashes from old ones without looking at those: a bit for each nine bits of a hash.
type hashSet [8]uint64

// suspects adds h and returns the items that may have it already: all of them or none.
func (h *hashSet) suspects(hash uint64, items []item) []item {
	w, bit := &h[hash>>6%8], uint64(1)<<(hash%64)
	if *w&bit == 0 {
		*w |= bit
		return nil
	}
	return items
}

func equalKeys(a, b []itemPart, fold []bool) bool {
	for i := range a {
		if !equalValues(a[i].value, b[i].value, fold[i]) {
			return false
		}
	}
	return true
}
