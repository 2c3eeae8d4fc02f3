package validate

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

func numbered(i int) (h hash) {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	copy(h[:], sum[:])
	return h
}

func TestKeySet(t *testing.T) {
	var s keySet
	s.expect(10)
	const n = 50_000
	for i := range n {
		if i%7 == 0 {
			s.skip()
			continue
		}
		if at, fresh := s.add(numbered(i)); !fresh || at != uint32(i) {
			t.Fatalf("%d: %d %v", i, at, fresh)
		}
	}
	for i := range n {
		at, ok := s.find(numbered(i))
		if ok != (i%7 != 0) || ok && at != uint32(i) {
			t.Fatalf("%d: %d %v", i, at, ok)
		}
	}
	if at, fresh := s.add(numbered(8)); fresh || at != 8 {
		t.Errorf("added twice: %d %v", at, fresh)
	}
	if _, ok := s.find(numbered(n)); ok {
		t.Error("found what is not there")
	}
	var empty keySet
	if _, ok := empty.find(numbered(1)); ok {
		t.Error("found in nothing")
	}
}

func TestKeySetTakesFewBytes(t *testing.T) {
	for _, n := range []int{100_000, 1_000_000} {
		var s keySet
		for i := range n {
			s.add(numbered(i))
		}
		bytes := len(s.chunks)*(1<<chunkBits)*16 + 4*len(s.slots)
		if per := float64(bytes) / float64(n); per > 30 {
			t.Errorf("%d keys: %.1f bytes each", n, per)
		}
	}
}

func TestOpenList(t *testing.T) {
	var l openList
	add := func(line uint32, plain []uint32, nested ...uint32) {
		l.begin(line)
		for _, n := range plain {
			l.add(n, false)
		}
		for _, n := range nested {
			l.add(n, true)
		}
		l.end()
	}
	// 0 present, 1 absent, 2 unread
	add(1, []uint32{0})
	add(2, []uint32{0, 1, 2})
	add(3, []uint32{0}, 0, 2)
	add(4, nil, 0, 2)
	add(9, nil, 2)
	add(10, nil, 2, 1)
	got := map[uint32]fate{}
	l.worst([]fate{fatePresent, fateAbsent, fateUnread}, func(line uint32, f fate) { got[line] = f })
	want := map[uint32]fate{1: fatePresent, 2: fateAbsent, 3: fateUnread, 4: fateUnread, 9: fateUnread, 10: fateAbsent}
	for line, f := range want {
		if got[line] != f {
			t.Errorf("line %d: %d, want %d", line, got[line], f)
		}
	}
	if len(got) != len(want) || len(l.sets) != 2 {
		t.Errorf("%v, %d sets", got, len(l.sets))
	}
}
