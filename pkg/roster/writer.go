package roster

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// Writer makes an index. What is known of a student may come in parts, in any order: what the parts say is put
// together. It holds a bounded part of that in memory. One goroutine uses it.
type Writer struct {
	Accept func(*About) error // looks at what was made before it gets its name; nil: anything will do

	path  string
	parts sorter
	ids   sorter
	text  []byte

	file    *file
	about   About
	widths  widths             // of the students' own ids
	systems map[string]*System // by folded name
	schools map[string]struct{}
}

// Create begins the index that Commit will name path. Its folder must exist.
func Create(path string) *Writer {
	folder := filepath.Dir(path)
	return &Writer{path: path, parts: sorter{folder: folder, limit: sortBytes}, ids: sorter{folder: folder, limit: sortBytes},
		systems: map[string]*System{}, schools: map[string]struct{}{}}
}

// Add takes up what is known of a student. Blanks around ids are dropped, and so are blank ones.
func (w *Writer) Add(s *Student) error { return w.add(s, partKnown) }

// AddOwn takes up ids that the tenant itself gave to a student. They do not make one: if nothing else is known
// of the student, they are left out.
func (w *Writer) AddOwn(s *Student) error { return w.add(s, 0) }

func (w *Writer) add(s *Student, kind byte) error {
	part := *s
	part.UniqueID = strings.TrimSpace(part.UniqueID)
	if part.UniqueID == "" {
		return errors.New("a student has no studentUniqueId")
	}
	part.IDs = slices.Clone(s.IDs)
	for i := range part.IDs {
		id := &part.IDs[i]
		if id.Value = strings.TrimSpace(id.Value); strings.ContainsRune(id.System, 0) {
			return errors.New("the name of an identification system has a character that cannot be shown")
		}
	}
	part.IDs = slices.DeleteFunc(part.IDs, func(id ID) bool { return id.Value == "" || fold(id.System) == "" })
	w.text = part.encode(w.text[:0], kind)
	return w.parts.add(part.UniqueID, w.text)
}

// Commit writes the index: all of it, or nothing. now is the time of writing.
func (w *Writer) Commit(origin Origin, now time.Time) (about *About, err error) {
	defer func() { err = errors.Join(err, w.Close()) }()
	w.about = About{Written: now.UTC().Truncate(time.Second), Origin: origin}
	if w.file, err = createFile(w.path); err != nil {
		return nil, err
	}
	if err := w.writeStudents(); err != nil {
		return nil, err
	}
	w.about.Digest = "sha256:" + hex.EncodeToString(w.file.digest.Sum(nil))
	w.about.Schools = int64(len(w.schools))
	w.about.Systems = []System{{Name: UniqueID, Students: w.about.Students, IDs: w.about.Students, Widths: w.widths.all()}}
	if err := w.writeIDs(); err != nil {
		return nil, err
	}
	if w.Accept != nil {
		if err := w.Accept(&w.about); err != nil {
			return nil, err
		}
	}
	return &w.about, w.file.commit(&w.about)
}

// Close discards an index that was not committed, and what was needed to sort it.
func (w *Writer) Close() error {
	err := errors.Join(w.parts.close(), w.ids.close())
	if w.file != nil {
		err = errors.Join(err, w.file.Close())
	}
	return err
}

// writeStudents puts the parts of each student together, writes them, and hands on the ids.
func (w *Writer) writeStudents() error {
	var s Student
	begun, known := false, byte(0)
	err := w.parts.merged(func(key, value []byte) error {
		if begun && string(key) != s.UniqueID {
			if err := w.writeStudent(&s, known); err != nil {
				return err
			}
			begun = false
		}
		if !begun {
			s, begun, known = Student{UniqueID: string(key), IDs: s.IDs[:0], Enrollments: s.Enrollments[:0], Silent: s.Silent[:0]}, true, 0
		}
		kind, ok := s.merge(value)
		if known |= kind; !ok {
			return errDamaged
		}
		return nil
	})
	if err == nil && begun {
		err = w.writeStudent(&s, known)
	}
	if err != nil {
		return err
	}
	return errors.Join(w.file.endTable(), w.parts.close())
}

func (w *Writer) writeStudent(s *Student, kind byte) error {
	if kind&partKnown == 0 {
		w.about.Unknown++
		return nil
	}
	w.widths.add(s.UniqueID)
	slices.SortFunc(s.IDs, func(a, b ID) int {
		return cmp.Or(cmp.Compare(fold(a.System), fold(b.System)), cmp.Compare(a.Value, b.Value), cmp.Compare(a.From, b.From),
			cmp.Compare(a.Until, b.Until), cmp.Compare(a.System, b.System), slices.Compare(a.Record[:], b.Record[:]))
	})
	s.IDs = slices.Compact(s.IDs)
	slices.SortFunc(s.Enrollments, func(a, b Enrollment) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.School, b.School), cmp.Compare(a.Exit, b.Exit), cmp.Compare(a.Grade, b.Grade),
			cmp.Compare(a.SchoolYear, b.SchoolYear), slices.Compare(a.Record[:], b.Record[:]))
	})
	s.Enrollments = slices.Compact(s.Enrollments)
	slices.SortFunc(s.Silent, func(a, b Record) int { return slices.Compare(a[:], b[:]) })
	s.Silent = slices.Compact(s.Silent)
	w.about.Students++
	w.about.Coded += int64(coded(s))
	if s.Record != (Record{}) {
		w.about.Named++
	}
	w.about.Enrollments += int64(len(s.Enrollments))
	for i := range s.Enrollments {
		w.schools[s.Enrollments[i].School] = struct{}{}
	}
	last := ""
	for i := range s.IDs {
		name := fold(s.IDs[i].System)
		if err := w.addID(s, &s.IDs[i], name, name != last); err != nil {
			return err
		}
		last = name
	}
	w.text = s.encode(w.text[:0], partKnown)
	return w.file.entry(s.UniqueID, w.text)
}

// coded is how many records of the target gave the student ids, or could have.
func coded(s *Student) int {
	records := slices.Clone(s.Silent)
	for i := range s.IDs {
		if r := s.IDs[i].Record; r != (Record{}) && (len(records) == 0 || r != records[len(records)-1]) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b Record) int { return slices.Compare(a[:], b[:]) })
	return len(slices.Compact(records))
}

// addID hands on an id to be sorted. An id of a system that is named like the target's own key stays with its
// student, and is not looked up.
func (w *Writer) addID(s *Student, id *ID, name string, first bool) error {
	if name == fold(UniqueID) {
		return nil
	}
	system, shown := w.systems[name], Code(id.System)
	if system == nil {
		system = &System{Name: shown}
		w.systems[name] = system
	}
	system.Name = min(system.Name, shown)
	if first {
		system.Students++
	}
	w.text = appendText(appendText(appendText(w.text[:0], s.UniqueID), id.From), id.Until)
	return w.ids.add(name+"\x00"+id.Value, w.text)
}

// writeIDs writes a table of each system's ids.
func (w *Writer) writeIDs() error {
	var system *System
	var owners owners
	var lengths widths
	name := ""
	err := w.ids.merged(func(key, value []byte) error {
		at := slices.Index(key, 0)
		if system == nil || string(key[:at]) != name {
			if system != nil {
				if err := w.endSystem(system, &owners, &lengths); err != nil {
					return err
				}
			}
			name = string(key[:at])
			system = w.systems[name]
		}
		if !owners.same(key[at+1:]) {
			owners.count(system)
			owners.begin(key[at+1:])
			lengths.add(owners.id)
		}
		if !owners.add(value) {
			return nil // the same student has it from two records
		}
		return w.file.entry(string(key[at+1:]), value)
	})
	if err == nil && system != nil {
		err = w.endSystem(system, &owners, &lengths)
	}
	return err
}

func (w *Writer) endSystem(system *System, last *owners, lengths *widths) error {
	last.count(system)
	system.Widths = lengths.all()
	*last, *lengths = owners{}, 0
	w.about.Systems = append(w.about.Systems, *system)
	return w.file.endTable()
}

// owners is the students who have one id, and when.
type owners struct {
	begun bool
	id    string
	all   []owner
	last  []byte
}

type owner struct{ student, from, until string }

func (o *owners) same(id []byte) bool { return o.begun && o.id == string(id) }

func (o *owners) begin(id []byte) {
	*o = owners{begun: true, id: string(id), all: o.all[:0], last: o.last[:0]}
}

// add reports whether the owner is new: equal ones come one after the other.
func (o *owners) add(value []byte) bool {
	if len(o.all) > 0 && slices.Equal(o.last, value) {
		return false
	}
	o.last = append(o.last[:0], value...)
	d := decoder{data: value}
	o.all = append(o.all, owner{d.text(), d.text(), d.text()})
	return true
}

// count counts the id. It is ambiguous if two students have it at the same time.
func (o *owners) count(system *System) {
	if !o.begun {
		return
	}
	system.IDs++
	for i, a := range o.all {
		for _, b := range o.all[:i] {
			if a.student != b.student && (a.until == "" || b.from <= a.until) && (b.until == "" || a.from <= b.until) {
				system.Ambiguous++
				return
			}
		}
	}
}

// widths are the lengths of ids of digits alone: bit n is set if there is one of n digits.
type widths uint64

func (w *widths) add(id string) {
	if len(id) < 64 && strings.Trim(id, "0123456789") == "" {
		*w |= 1 << len(id)
	}
}

func (w *widths) all() (lengths []int) {
	for n := range 64 {
		if *w&(1<<n) != 0 {
			lengths = append(lengths, n)
		}
	}
	return lengths
}

// The form of the file: the head; blocks of entries, each with its checksum; for each table, where its blocks
// begin and with which keys; what the index is, as JSON; and the tail, which says where these are.
const (
	fileHead  = "sluice roster 1\n"
	tailSize  = 8 + 8 + 4
	blockSize = 4 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// file is an index while it is written: tables of entries, which come in order.
type file struct {
	*durable.File
	digest hashed
	at     int64
	block  []byte
	first  string // key of the block
	blocks []byte // of the table: lengths and first keys
	number uint64 // of the blocks
	tables []byte
	count  uint64 // of the tables
	buffer []byte
}

type hashed interface {
	Write(p []byte) (int, error)
	Sum(b []byte) []byte
}

func createFile(path string) (*file, error) {
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	w := &file{File: f, digest: sha256.New()}
	return w, w.write([]byte(fileHead))
}

// write gathers what is small.
func (w *file) write(data []byte) error {
	w.buffer = append(w.buffer, data...)
	w.at += int64(len(data))
	if len(w.buffer) < 1<<18 {
		return nil
	}
	return w.flush()
}

func (w *file) flush() error {
	_, err := w.Write(w.buffer)
	w.buffer = w.buffer[:0]
	return err
}

func (w *file) entry(key string, value []byte) error {
	if len(w.block) == 0 {
		w.first = key
	}
	w.block = binary.AppendUvarint(appendText(w.block, key), uint64(len(value)))
	w.block = append(w.block, value...)
	if len(w.block) < blockSize-4 {
		return nil
	}
	return w.endBlock()
}

func (w *file) endBlock() error {
	_, _ = w.digest.Write(w.block)
	w.block = binary.LittleEndian.AppendUint32(w.block, crc32.Checksum(w.block, castagnoli))
	w.blocks = appendText(binary.AppendUvarint(w.blocks, uint64(len(w.block))), w.first)
	w.number++
	err := w.write(w.block)
	w.block = w.block[:0]
	return err
}

func (w *file) endTable() error {
	if len(w.block) > 0 {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	w.tables = append(binary.AppendUvarint(w.tables, w.number), w.blocks...)
	w.blocks, w.number = w.blocks[:0], 0
	w.count++
	return nil
}

func (w *file) commit(about *About) error {
	text, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("write what the roster is: %w", err)
	}
	start := w.at
	end := append(binary.AppendUvarint(nil, w.count), w.tables...)
	size := len(end)
	end = append(end, text...)
	end = binary.LittleEndian.AppendUint64(end, uint64(start))
	end = binary.LittleEndian.AppendUint64(end, uint64(start)+uint64(size))
	end = binary.LittleEndian.AppendUint32(end, crc32.Checksum(end, castagnoli))
	if err := errors.Join(w.write(end), w.flush()); err != nil {
		return err
	}
	return w.Commit()
}
