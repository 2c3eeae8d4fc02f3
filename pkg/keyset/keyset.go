// Package keyset holds very many 16-byte keys in little memory.
//
// It owns the one table of keys that transform, validate and the catalog rest on. It knows nothing
// of what the keys are hashes of.
package keyset

// Key is a hash: its bits are as good as random, and the table relies on that.
type Key = [16]byte

// Set numbers distinct keys in the order in which they come. A key takes 22 to 25 bytes, where a Go
// map would take three times that: 16 in a list, and a slot of 4 in an index that is a half to seven
// tenths full. What belongs to a key is kept beside the set, in a List by its number.
//
// A Set is written by one goroutine; while nobody writes, any number may read. The zero value is empty.
type Set struct {
	keys    List[Key]
	slots   []uint32 // 1 + the number of a key, near the place that its hash names; 0: free
	indexed int      // slots taken
}

// Len is how many numbers were given.
func (s *Set) Len() int { return s.keys.Len() }

// Find is the number of a key.
func (s *Set) Find(k Key) (uint32, bool) {
	if s.indexed == 0 {
		return 0, false
	}
	n := s.slots[s.slot(&k)]
	return n - 1, n != 0
}

// At is the key that has a number; that of a number which was skipped is zero.
func (s *Set) At(n uint32) Key { return *s.keys.At(n) }

// Add finds a key, or gives it the next number.
func (s *Set) Add(k Key) (number uint32, fresh bool) {
	if s.indexed >= len(s.slots)/10*7 {
		s.index(max(1024, len(s.slots)+len(s.slots)*2/5))
	}
	i := s.slot(&k)
	if n := s.slots[i]; n != 0 {
		return n - 1, false
	}
	n := uint32(s.keys.Len())
	s.keys.Append(k)
	s.slots[i] = n + 1
	s.indexed++
	return n, true
}

// Skip gives the next number to nothing, where numbers are those of lines and a line has no key of
// its own.
func (s *Set) Skip() { s.keys.Append(Key{}) }

// Expect prepares for n keys, so that the index need not grow on the way.
func (s *Set) Expect(n int64) {
	if size := n/6*10 + 1024; size > int64(len(s.slots)) && size < 1<<32 {
		s.index(int(size))
	}
}

// slot is where a key is, or would be put.
func (s *Set) slot(k *Key) int {
	i := s.home(k)
	for s.slots[i] != 0 && *s.keys.At(s.slots[i] - 1) != *k {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return i
}

// home is the slot that a key's hash names: the hash as a fraction of the whole index.
func (s *Set) home(k *Key) int {
	hash := uint64(k[0]) | uint64(k[1])<<8 | uint64(k[2])<<16 | uint64(k[3])<<24
	return int(hash * uint64(len(s.slots)) >> 32)
}

// index builds the index again. The list of keys is all that it needs, so the old one is not kept
// while the new one fills.
func (s *Set) index(size int) {
	s.slots = nil
	s.slots = make([]uint32, size)
	n := uint32(0)
	for k := range s.keys.All {
		n++
		if *k == (Key{}) {
			continue // skipped
		}
		i := s.home(k)
		for s.slots[i] != 0 {
			if i++; i == size {
				i = 0
			}
		}
		s.slots[i] = n
	}
}
