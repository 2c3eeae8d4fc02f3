package roster

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// sortBytes is how much a sorter holds in memory before it writes a run to disk.
const sortBytes = 24 << 20

// sorter puts any number of entries in order of key and then value: what does not fit in memory goes, sorted,
// to files that have no name, and is merged at the end. One goroutine uses it.
type sorter struct {
	folder string
	limit  int

	arena []byte // keys and values behind each other
	items []item
	runs  []*os.File
}

// item is one entry in the arena.
type item struct{ at, key, value uint32 }

func (s *sorter) key(i item) []byte   { return s.arena[i.at : i.at+i.key] }
func (s *sorter) value(i item) []byte { return s.arena[i.at+i.key : i.at+i.key+i.value] }

func (s *sorter) add(key string, value []byte) error {
	size := len(key) + len(value)
	if size > s.limit {
		return errors.New("one student takes more room than the whole sort has")
	}
	if len(s.arena)+size+len(s.items)*16 > s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	at := len(s.arena)
	s.arena = append(append(s.arena, key...), value...)
	s.items = append(s.items, item{uint32(at), uint32(len(key)), uint32(len(value))})
	return nil
}

func (s *sorter) order() {
	slices.SortFunc(s.items, func(a, b item) int {
		return cmp.Or(bytes.Compare(s.key(a), s.key(b)), bytes.Compare(s.value(a), s.value(b)))
	})
}

// spill writes what is in memory to a run of its own.
func (s *sorter) spill() error {
	s.order()
	f, err := os.CreateTemp(s.folder, "roster.*"+durable.Unfinished)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, f)
	w := bufio.NewWriterSize(f, 1<<18)
	var head []byte
	for _, i := range s.items {
		head = binary.AppendUvarint(binary.AppendUvarint(head[:0], uint64(i.key)), uint64(i.value))
		if _, err := w.Write(head); err != nil {
			return err
		}
		if _, err := w.Write(s.arena[i.at : i.at+i.key+i.value]); err != nil {
			return err
		}
	}
	s.arena, s.items = s.arena[:0], s.items[:0]
	return w.Flush()
}

// merged calls use with all entries in order. Keys and values are good until use returns.
func (s *sorter) merged(use func(key, value []byte) error) error {
	if len(s.runs) == 0 {
		s.order()
		for _, i := range s.items {
			if err := use(s.key(i), s.value(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.arena, s.items = nil, nil
	var merge merge
	for _, f := range s.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		r := &run{from: bufio.NewReaderSize(f, 1<<17)}
		switch err := r.next(); {
		case err == nil:
			merge = append(merge, r)
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	for heap.Init(&merge); len(merge) > 0; {
		first := merge[0]
		if err := use(first.key, first.value); err != nil {
			return err
		}
		switch err := first.next(); {
		case err == nil:
			heap.Fix(&merge, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&merge)
		default:
			return err
		}
	}
	return nil
}

// close removes the runs.
func (s *sorter) close() error {
	var err error
	for _, f := range s.runs {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	*s = sorter{folder: s.folder, limit: s.limit}
	return err
}

// run is a sorted file while it is merged.
type run struct {
	from       *bufio.Reader
	key, value []byte
	buffer     []byte
}

// next reads the next entry; io.EOF says that there is none.
func (r *run) next() error {
	key, err := binary.ReadUvarint(r.from)
	if err != nil {
		return err
	}
	value, err := binary.ReadUvarint(r.from)
	if err == nil {
		r.buffer = slices.Grow(r.buffer[:0], int(key+value))[:key+value]
		_, err = io.ReadFull(r.from, r.buffer)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	r.key, r.value = r.buffer[:key], r.buffer[key:]
	return nil
}

// merge is the runs by their next entries.
type merge []*run

func (m merge) Len() int      { return len(m) }
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)   { *m = append(*m, x.(*run)) }
func (m merge) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(m[i].key, m[j].key), bytes.Compare(m[i].value, m[j].value)) < 0
}

func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
