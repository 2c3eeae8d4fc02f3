package validate

// hash is a natural key as schema hashes it.
type hash = [16]byte

// keySet numbers distinct hashes in the order in which they come, in 16 bytes a key and 6 to 11
// for the index: a Go map would take three times that. It is written by one goroutine; while
// nobody writes, any number may read.
type keySet struct {
	chunks  [][]hash // all of the same length, so that growing copies nothing
	n       uint32   // numbers given
	slots   []uint32 // number+1 of a key by its hash, linear probing; 0: free
	indexed uint32   // slots taken
}

const chunkBits = 14

// at is the key with this number.
func (s *keySet) at(i uint32) *hash { return &s.chunks[i>>chunkBits][i&(1<<chunkBits-1)] }

func (s *keySet) append(k hash) uint32 {
	if s.n>>chunkBits == uint32(len(s.chunks)) {
		s.chunks = append(s.chunks, make([]hash, 1<<chunkBits))
	}
	i := s.n
	s.n++
	*s.at(i) = k
	return i
}

// skip gives a number to nothing, for lines without a key of their own.
func (s *keySet) skip() { s.append(hash{}) }

// slot is where k is, or would be put.
func (s *keySet) slot(k *hash) uint32 {
	mask := uint32(len(s.slots) - 1)
	i := (uint32(k[0]) | uint32(k[1])<<8 | uint32(k[2])<<16 | uint32(k[3])<<24) & mask
	for s.slots[i] != 0 && *s.at(s.slots[i] - 1) != *k {
		i = (i + 1) & mask
	}
	return i
}

// find is the number of k.
func (s *keySet) find(k hash) (uint32, bool) {
	if s.indexed == 0 {
		return 0, false
	}
	n := s.slots[s.slot(&k)]
	return n - 1, n != 0
}

// add finds k, or gives it the next number.
func (s *keySet) add(k hash) (number uint32, fresh bool) {
	if s.indexed >= uint32(len(s.slots)/4*3) {
		s.grow(max(1024, 2*len(s.slots)))
	}
	i := s.slot(&k)
	if s.slots[i] != 0 {
		return s.slots[i] - 1, false
	}
	n := s.append(k)
	s.slots[i] = n + 1
	s.indexed++
	return n, true
}

func (s *keySet) grow(size int) {
	old := s.slots
	s.slots = make([]uint32, size)
	for _, n := range old {
		if n != 0 {
			s.slots[s.slot(s.at(n-1))] = n
		}
	}
}

// expect prepares for n keys, so that the index need not grow on the way.
func (s *keySet) expect(n int64) {
	size := 1024
	for int64(size/4*3) <= n && size < 1<<30 {
		size *= 2
	}
	if size > len(s.slots) {
		s.grow(size)
	}
}

// words is a long list of small numbers that grows without copying.
type words struct {
	chunks [][]uint32
}

func (w *words) append(v uint32) {
	last := len(w.chunks) - 1
	if last < 0 || len(w.chunks[last]) == 1<<chunkBits {
		w.chunks = append(w.chunks, make([]uint32, 0, 1<<chunkBits))
		last++
	}
	w.chunks[last] = append(w.chunks[last], v)
}

// all calls yield with every number in order.
func (w *words) all(yield func(uint32) bool) {
	for _, c := range w.chunks {
		for _, v := range c {
			if !yield(v) {
				return
			}
		}
	}
}
