package keyset

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

// List is a long list that grows without copying. The zero value is empty.
type List[T any] struct {
	chunks [][]T // all but the last are full
}

// Len is how many there are.
func (l *List[T]) Len() int {
	last := len(l.chunks) - 1
	if last < 0 {
		return 0
	}
	return last<<chunkBits + len(l.chunks[last])
}

// At is the one with this number, from 0. It may be changed in place.
func (l *List[T]) At(i uint32) *T { return &l.chunks[i>>chunkBits][i&(chunkSize-1)] }

// Append adds one at the end.
func (l *List[T]) Append(v T) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == chunkSize {
		l.chunks = append(l.chunks, make([]T, 0, chunkSize))
		last++
	}
	l.chunks[last] = append(l.chunks[last], v)
}

// All calls yield with each one in order.
func (l *List[T]) All(yield func(*T) bool) {
	for _, c := range l.chunks {
		for i := range c {
			if !yield(&c[i]) {
				return
			}
		}
	}
}
