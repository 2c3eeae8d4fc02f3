package keyset

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
)

func numbered(i int) Key {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	return Key(sum[:16])
}

func TestSet(t *testing.T) {
	for name, expected := range map[string]int64{"grows": 0, "expects too few": 10, "expects all": 50_000} {
		t.Run(name, func(t *testing.T) {
			var s Set
			s.Expect(expected)
			const n = 50_000
			for i := range n {
				if i%7 == 0 {
					s.Skip()
					continue
				}
				if at, fresh := s.Add(numbered(i)); !fresh || at != uint32(i) {
					t.Fatalf("%d: %d %v", i, at, fresh)
				}
			}
			for i := range n {
				at, ok := s.Find(numbered(i))
				if ok != (i%7 != 0) || ok && at != uint32(i) {
					t.Fatalf("%d: %d %v", i, at, ok)
				}
			}
			if at, fresh := s.Add(numbered(8)); fresh || at != 8 || s.Len() != n {
				t.Errorf("added twice: %d %v, %d in all", at, fresh, s.Len())
			}
			if _, ok := s.Find(numbered(n)); ok {
				t.Error("found what is not there")
			}
		})
	}
	var empty Set
	if _, ok := empty.Find(numbered(1)); ok || empty.Len() != 0 {
		t.Error("found in nothing")
	}
}

// Keys whose hashes begin alike lie beside each other, and around the end of the index.
func TestKeysThatBeginAlike(t *testing.T) {
	var s Set
	const n = 500
	like := func(i int) (k Key) {
		copy(k[:], "\xff\xff\xff\xff")
		binary.LittleEndian.PutUint32(k[4:], uint32(i+1))
		return k
	}
	for i := range n {
		if at, fresh := s.Add(like(i)); !fresh || at != uint32(i) {
			t.Fatalf("%d: %d %v", i, at, fresh)
		}
	}
	for i := range 2 * n {
		if _, ok := s.Find(like(i)); ok != (i < n) {
			t.Fatalf("%d: %v", i, ok)
		}
	}
}

func TestSetTakesFewBytes(t *testing.T) {
	for _, n := range []int{100_000, 350_000, 1_000_000} {
		var s, expected Set
		expected.Expect(int64(n))
		for i := range n {
			s.Add(numbered(i))
			expected.Add(numbered(i))
		}
		for name, s := range map[string]*Set{"grown": &s, "expected": &expected} {
			bytes := len(s.keys.chunks)*chunkSize*16 + 4*len(s.slots)
			if per := float64(bytes) / float64(n); per > 26 {
				t.Errorf("%d keys, %s: %.1f bytes each", n, name, per)
			}
		}
	}
}

func TestList(t *testing.T) {
	var l List[int]
	want := []int{}
	for i := range 3*chunkSize + 5 {
		if l.Len() != i {
			t.Fatalf("%d instead of %d", l.Len(), i)
		}
		l.Append(-i)
		want = append(want, i)
		*l.At(uint32(i)) *= -1
	}
	got := []int{}
	for v := range l.All {
		got = append(got, *v)
		if len(got) == chunkSize+1 {
			break
		}
	}
	if !slices.Equal(got, want[:chunkSize+1]) || *l.At(3 * chunkSize) != 3*chunkSize {
		t.Error("not what was appended")
	}
}
