package roster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Index is an index that is read. It is safe for concurrent use.
type Index struct {
	file   *os.File
	about  About
	tables []tableIndex   // of the students, and of each further system in the order of about.Systems
	system map[string]int // to the table, by name as written and folded
	blocks sync.Pool      // *[]byte
	room   atomic.Int64   // bytes of blocks that may still be kept
}

// keepBytes is how much of an index is kept in memory once it was read: the ids of some hundred thousand students.
const keepBytes = 32 << 20

// tableIndex is where the blocks of a table begin, and with which keys.
type tableIndex struct {
	starts []int64 // and where the last one ends
	keys   []string
	kept   []atomic.Pointer[block]
}

// block is a block that is kept in memory.
type block struct {
	data []byte   // without the checksum
	at   []uint32 // where its entries begin
}

// from is what of the block may have a key: its first entry with it, and what follows.
func (b *block) from(key string) []byte {
	i := sort.Search(len(b.at), func(i int) bool {
		k, _, ok := cut(b.data[b.at[i]:])
		return !ok || string(k) >= key
	})
	if i == len(b.at) {
		return nil
	}
	return b.data[b.at[i]:]
}

// newBlock finds the entries of a block; nil if it is damaged.
func newBlock(data []byte) *block {
	b := &block{data: slices.Clone(data)}
	for rest := b.data; len(rest) > 0; {
		b.at = append(b.at, uint32(len(b.data)-len(rest)))
		var ok bool
		for range 2 {
			if _, rest, ok = cut(rest); !ok {
				return nil
			}
		}
	}
	return b
}

// Open opens the index at path; the error is fs.ErrNotExist if there is none.
func Open(path string) (*Index, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x := &Index{file: f, system: map[string]int{}}
	x.room.Store(keepBytes)
	x.blocks.New = func() any { return new([]byte) }
	if err := x.readEnd(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	return x, nil
}

// Close ends the reading.
func (x *Index) Close() error { return x.file.Close() }

func (x *Index) readEnd() error {
	info, err := x.file.Stat()
	if err != nil {
		return err
	}
	head, tail := make([]byte, len(fileHead)), make([]byte, tailSize)
	size := info.Size()
	if !info.Mode().IsRegular() || size < int64(len(head)+len(tail)) {
		return errDamaged
	}
	if _, err := x.file.ReadAt(head, 0); err != nil || string(head) != fileHead {
		return errors.Join(errDamaged, err)
	}
	if _, err := x.file.ReadAt(tail, size-tailSize); err != nil {
		return err
	}
	tables, about := binary.LittleEndian.Uint64(tail), binary.LittleEndian.Uint64(tail[8:])
	if tables < uint64(len(head)) || tables > about || about > uint64(size-tailSize) {
		return errDamaged
	}
	end := make([]byte, uint64(size)-tables)
	if _, err := x.file.ReadAt(end, int64(tables)); err != nil {
		return err
	}
	checked := len(end) - 4
	if crc32.Checksum(end[:checked], castagnoli) != binary.LittleEndian.Uint32(end[checked:]) {
		return errDamaged
	}
	if json.Unmarshal(end[about-tables:checked-16], &x.about) != nil || !x.readTables(end[:about-tables], int64(tables)) {
		return errDamaged
	}
	for i, s := range x.about.Systems {
		x.system[s.Name], x.system[fold(s.Name)] = i, i
	}
	return nil
}

// readTables reads where blocks begin; limit is where the last one ends.
func (x *Index) readTables(data []byte, limit int64) bool {
	d := decoder{data: data}
	at := int64(len(fileHead))
	for range d.count() {
		var t tableIndex
		blocks := d.count()
		t.starts, t.keys = make([]int64, 0, blocks+1), make([]string, 0, blocks)
		t.starts = append(t.starts, at)
		for range blocks {
			size, width := binary.Uvarint(d.data)
			if width <= 0 || size <= 4 || size > uint64(limit-at) {
				return false
			}
			d.data = d.data[width:]
			at += int64(size)
			t.starts, t.keys = append(t.starts, at), append(t.keys, d.text())
		}
		t.kept = make([]atomic.Pointer[block], blocks)
		x.tables = append(x.tables, t)
	}
	return !d.bad && at == limit && len(x.tables) == len(x.about.Systems) && len(x.tables) > 0
}

// About says what the index is. The caller may not change it.
func (x *Index) About() *About { return &x.about }

// Digest is that of the students: equal knowledge has an equal one, whenever it was read.
func (x *Index) Digest() string { return x.about.Digest }

// Systems are the identification systems, studentUniqueId first.
func (x *Index) Systems() []System { return x.about.Systems }

// Size is how many students there are.
func (x *Index) Size() int64 { return x.about.Students }

// Pulled is when the target, or the imported file, was as the index is.
func (x *Index) Pulled() time.Time { return x.about.Origin.Pulled }

// Has reports whether a student has an id in the system; case does not matter.
func (x *Index) Has(system string) bool {
	_, ok := x.table(system)
	return ok
}

func (x *Index) table(system string) (int, bool) {
	i, ok := x.system[system]
	if !ok {
		i, ok = x.system[fold(system)]
	}
	return i, ok
}

// ErrNoSystem says that nobody in the index has an id in the identification system.
var ErrNoSystem = errors.New("no student has an id in this identification system")

// Find gives the students who have an id in a system: none, one, or, where it is ambiguous, several, in order of
// studentUniqueId. The id is looked up as it stands, case and zeros included.
func (x *Index) Find(system, value string) (uniqueIDs []string, err error) {
	return x.FindOn(system, value, "")
}

// FindOn is Find on a day: ids of a crosswalk may count only from or until a day. "" is any day.
func (x *Index) FindOn(system, value, day string) (uniqueIDs []string, err error) {
	i, ok := x.table(system)
	switch {
	case !ok:
		return nil, ErrNoSystem
	case value == "":
		return nil, nil
	}
	err = x.scan(i, value, func(found []byte) error {
		if i == 0 {
			uniqueIDs = append(uniqueIDs, value)
			return nil
		}
		d := decoder{data: found}
		id, span := d.text(), ID{From: d.text(), Until: d.text()}
		if d.bad {
			return errDamaged
		}
		if span.On(day) && (len(uniqueIDs) == 0 || uniqueIDs[len(uniqueIDs)-1] != id) {
			uniqueIDs = append(uniqueIDs, id)
		}
		return nil
	})
	if len(uniqueIDs) > 1 {
		slices.Sort(uniqueIDs)
		uniqueIDs = slices.Compact(uniqueIDs)
	}
	return uniqueIDs, err
}

// Student is what is known of a student.
func (x *Index) Student(uniqueID string) (s *Student, found bool, err error) {
	err = x.scan(0, uniqueID, func(value []byte) error {
		s = &Student{UniqueID: uniqueID}
		if _, ok := s.merge(value); !ok {
			return errDamaged
		}
		return nil
	})
	return s, s != nil && err == nil, err
}

// Each calls use with all students in order of studentUniqueId. The student is use's to keep.
func (x *Index) Each(use func(*Student) error) error {
	for block := range x.tables[0].keys {
		err := x.entries(0, block, "", func(key, value []byte) (bool, error) {
			s := &Student{UniqueID: string(key)}
			if _, ok := s.merge(value); !ok {
				return false, errDamaged
			}
			return true, use(s)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scan calls use with the values of a key in a table.
func (x *Index) scan(table int, key string, use func(value []byte) error) error {
	keys := x.tables[table].keys
	block := max(0, sort.SearchStrings(keys, key)-1) // equal keys may begin at the end of the one before
	for more := true; more && block < len(keys) && keys[block] <= key; block++ {
		err := x.entries(table, block, key, func(k, value []byte) (bool, error) {
			switch {
			case string(k) < key:
				return true, nil
			case string(k) == key:
				return true, use(value)
			}
			more = false
			return false, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// entries calls use with the entries of a block, from a key on, until it wants no more. A block in which a key is
// looked up is kept, if there is room; one that is passed through, without a key, is not.
func (x *Index) entries(table, number int, from string, use func(key, value []byte) (more bool, err error)) error {
	kept := &x.tables[table].kept[number]
	if b := kept.Load(); b != nil {
		return x.walk(b.from(from), use)
	}
	starts := x.tables[table].starts
	buffer := x.blocks.Get().(*[]byte)
	defer x.blocks.Put(buffer)
	size := int(starts[number+1] - starts[number])
	*buffer = slices.Grow((*buffer)[:0], size)[:size]
	if _, err := x.file.ReadAt(*buffer, starts[number]); err != nil {
		if errors.Is(err, io.EOF) {
			err = errDamaged
		}
		return fmt.Errorf("read %s: %w", x.file.Name(), err)
	}
	data, sum := (*buffer)[:size-4], (*buffer)[size-4:]
	if crc32.Checksum(data, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return fmt.Errorf("read %s: %w", x.file.Name(), errDamaged)
	}
	if from != "" && x.room.Add(-int64(size)) >= 0 {
		if b := newBlock(data); b != nil {
			kept.Store(b)
		}
	}
	return x.walk(data, use)
}

func (x *Index) walk(data []byte, use func(key, value []byte) (more bool, err error)) error {
	for len(data) > 0 {
		key, rest, ok := cut(data)
		if !ok {
			return fmt.Errorf("read %s: %w", x.file.Name(), errDamaged)
		}
		value, rest, ok := cut(rest)
		if !ok {
			return fmt.Errorf("read %s: %w", x.file.Name(), errDamaged)
		}
		data = rest
		if more, err := use(key, value); err != nil || !more {
			return err
		}
	}
	return nil
}
