package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// row is a record as memory knows it: how it is found, and where its last change is. It holds no pointer, so
// that the garbage collector need not look at a store of many records.
type row struct {
	key      key
	number   uint32 // unique in the store, never given again
	endpoint uint16 // its place in the model
	head     uint32 // length of the change's first line
	size     uint32 // of the body; 0: the record is deleted
	offset   int64  // of the change in the log; below zero: among those that are not in it; 0: there is none, the record is of a roster
	version  uint64 // change version
	modified int64  // Unix nanoseconds
}

// link says that records of an endpoint refer to a record. It is one number, as maps are fastest with those.
func link(to uint32, by uint16) uint64 { return uint64(to)<<16 | uint64(by) }

// etag is a record's version as an ODS writes it: an opaque number that follows from its last change.
func (r *row) etag() string { return strconv.FormatInt(r.modified, 10) }

// entry is a change: the row, and what memory keeps elsewhere or not at all.
type entry struct {
	row
	of    *endpoint
	text  []byte   // the natural key
	value string   // of a descriptor: NAMESPACE#CODE
	refs  []uint32 // numbers of what the record refers to
	was   []uint32 // and of what it referred to before
}

// newEntry is an entry of a record with a natural key.
func newEntry(e *endpoint, text []byte) entry {
	return entry{row: row{key: e.keyOf(text), endpoint: e.index}, of: e, text: text}
}

// store holds the records. In memory it keeps what it takes to find them; with a log, their bodies stay
// there. Who uses it holds mu.
type store struct {
	model *model
	id    string
	now   func() time.Time
	log   *logFile      // nil for a store in memory
	lock  *durable.Lock // likewise

	mu       sync.RWMutex
	rows     map[uint32]row
	byKey    map[key]uint32
	byValue  []map[string]uint32           // by endpoint: descriptors by their value as it is spelt, the usual way to ask
	values   map[uint32]string             // of descriptors
	kept     map[int64][]byte              // by offset: the lines of changes that are not in a log
	links    map[uint64]uint32             // by link: how many records refer so
	order    map[*endpoint][]uint32        // what is not of a roster, in the order it came
	gone     map[*endpoint]map[uint32]bool // deleted records of its roster
	deleted  map[*endpoint][]row           // all that were deleted, in order: number and version
	unlogged int64                         // the newest offset of a change that is not in a log: they count down from zero
	next     uint32                        // number
	version  uint64                        // the newest change version
	modified int64                         // the newest time of change; they never repeat
}

// seedVersion is the change version of everything that was there from the start.
const seedVersion = 1

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	return hex.EncodeToString(id[:])
}

// openStore opens the store in the options' folder, or one in memory if they name none.
func openStore(m *model, o *Options, log *slog.Logger) (*store, error) {
	s := &store{
		model: m, now: o.Now, rows: map[uint32]row{}, byKey: map[key]uint32{}, byValue: make([]map[string]uint32, len(m.endpoints)),
		values: map[uint32]string{}, kept: map[int64][]byte{}, links: map[uint64]uint32{}, order: map[*endpoint][]uint32{},
		gone: map[*endpoint]map[uint32]bool{}, deleted: map[*endpoint][]row{}, next: firstFree, version: seedVersion, modified: seedTime.UnixNano(),
	}
	var err error
	if o.Students != "" {
		err = s.addStudents(o.Students)
	}
	switch {
	case err != nil:
	case o.Dir == "":
		s.id = newID()
		m.seeds(o.Descriptors, s.keep)
	default:
		err = s.openFolder(o, log)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) close() error {
	var err error
	if s.log != nil {
		err = s.log.file.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// appendID appends the id of a record: half of the store's, and its number.
func (s *store) appendID(dst []byte, r *row) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, s.id[:16]...)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[uint64(r.number)>>shift&15])
	}
	return dst
}

// byID finds a record by its id.
func (s *store) byID(e *endpoint, id string) (row, bool) {
	if len(id) != 32 || id[:16] != s.id[:16] {
		return row{}, false
	}
	n, err := strconv.ParseUint(id[16:], 16, 32)
	if err != nil {
		return row{}, false
	}
	return s.row(e, uint32(n))
}

// lookup is the number of the record with a natural key.
func (s *store) lookup(e *endpoint, k key) (n uint32, ok bool) {
	if n, ok = s.byKey[k]; !ok {
		n, ok = k.ofRoster()
		ok = ok && e.hasInRoster(n) && !s.gone[e][n]
	}
	return n, ok
}

// find finds a record by its natural key.
func (s *store) find(e *endpoint, k key) (row, bool) {
	if n, ok := s.lookup(e, k); ok {
		return s.row(e, n)
	}
	return row{}, false
}

// row finds a record of an endpoint by its number.
func (s *store) row(e *endpoint, n uint32) (row, bool) {
	if r, ok := s.rows[n]; ok {
		return r, r.endpoint == e.index
	}
	if !e.hasInRoster(n) || s.gone[e][n] {
		return row{}, false
	}
	return row{number: n, key: rosterKey(n), endpoint: e.index, version: seedVersion, modified: seedTime.UnixNano()}, true
}

// value finds a descriptor by its value, whatever its case.
func (s *store) value(d *endpoint, value []byte) (n uint32, ok bool) {
	if n, ok = s.byValue[d.index][string(value)]; !ok {
		n, ok = s.byKey[s.model.valueKey(d, value)]
	}
	return n, ok
}

// body appends a record's body.
func (s *store) body(dst []byte, r *row) ([]byte, error) {
	if r.offset == 0 {
		roster := s.model.endpoints[r.endpoint].roster
		return append(dst, roster.body(int(r.number-roster.first))...), nil
	}
	return s.lines(dst, r, r.head, r.size)
}

// lines appends a part of a record's last change.
func (s *store) lines(dst []byte, r *row, from, n uint32) ([]byte, error) {
	if r.offset < 0 {
		return append(dst, s.kept[r.offset][from:from+n]...), nil
	}
	return s.log.read(dst, r.offset+int64(from), int(n))
}

// readFormer reads what the record of a change referred to before. A roster's does not hold on to anything.
func (s *store) readFormer(e *entry) error {
	r, ok := s.rows[e.number]
	if !ok {
		return nil
	}
	line, err := s.lines(nil, &r, 0, r.head)
	var former entry
	if _, whole := former.readHead(&jsonl.Scanner{Data: line}); err == nil && !whole {
		err = s.damaged(r.offset)
	}
	e.was = former.refs
	return err
}

// count is how many records an endpoint has.
func (s *store) count(e *endpoint) int {
	n := len(s.order[e])
	if e.roster != nil {
		n += rosterSize - len(s.gone[e])
	}
	return n
}

// walk visits an endpoint's records in the order they came, from the skip-th on, until visit says no.
func (s *store) walk(e *endpoint, skip int, visit func(r *row) bool) {
	if e.roster != nil {
		n := e.roster.first
		if len(s.gone[e]) == 0 {
			over := min(skip, rosterSize)
			n, skip = n+uint32(over), skip-over
		}
		for ; e.hasInRoster(n); n++ {
			if r, ok := s.row(e, n); !ok {
				continue
			} else if skip--; skip < 0 && !visit(&r) {
				return
			}
		}
		skip = max(skip, 0)
	}
	for _, n := range s.order[e][min(skip, len(s.order[e])):] {
		if r := s.rows[n]; !visit(&r) {
			return
		}
	}
}

// change is a record to be put into the store.
type change struct {
	entry
	id         string // of the record to be replaced; empty: by key, created if there is none
	body       []byte
	unresolved string           // a reference that points at nothing
	mayCreate  error            // why a new record is not allowed
	mayUpdate  func(*row) error // asked before a record is replaced

	created bool // set by put
}

// put stores a record. An error may be a *problem.
func (s *store) put(c *change) error {
	old, exists, err := s.replaced(c)
	if err != nil {
		return err
	}
	if c.unresolved != "" {
		return unresolvedReference(c.unresolved)
	}
	if exists && old.key == c.key {
		if body, err := s.body(nil, &old); err == nil && bytes.Equal(body, c.body) {
			c.row = old
			return nil
		}
	}
	c.number, c.created = s.next, !exists
	if exists {
		c.number = old.number
	}
	return s.write(&c.entry, c.body)
}

// replaced is the record that a change replaces, if it does not make a new one.
func (s *store) replaced(c *change) (old row, exists bool, err error) {
	old, exists = s.find(c.of, c.key)
	if c.id != "" {
		taken := exists
		if old, exists = s.byID(c.of, c.id); !exists {
			return old, false, notFound(noSuchItem)
		}
		switch {
		case old.key == c.key:
		case !c.of.KeyUpdates || c.of.hasInRoster(old.number): // a roster goes by its keys
			return old, true, keyChange(c.of.entity)
		case taken:
			return old, true, nonUnique(c.of.entity)
		default:
			if err := s.unused(&old); err != nil {
				return old, true, err
			}
		}
	}
	if !exists {
		return old, false, c.mayCreate
	}
	return old, true, c.mayUpdate(&old)
}

// remove deletes a record. An error may be a *problem.
func (s *store) remove(e *endpoint, id string, may func(*row) error) error {
	old, ok := s.byID(e, id)
	if !ok {
		return notFound(noSuchItem)
	}
	if err := may(&old); err != nil {
		return err
	}
	if err := s.unused(&old); err != nil {
		return err
	}
	return s.write(&entry{row: row{number: old.number, endpoint: e.index}, of: e}, nil)
}

// unused refuses if other records refer to one.
func (s *store) unused(old *row) error {
	var by []string
	for _, e := range s.model.endpoints {
		if s.links[link(old.number, e.index)] > 0 {
			by = append(by, e.entity)
		}
	}
	if by == nil {
		return nil
	}
	return dependentExists(by)
}

// write gives a change its version and time, and makes it last.
func (s *store) write(e *entry, body []byte) error {
	e.version = s.version + 1
	e.modified = max(s.now().UnixNano(), s.modified+1000) // a later microsecond each, so that no ETag repeats
	if err := s.readFormer(e); err != nil {
		return err
	}
	if s.log == nil {
		s.keep(e, body)
		return nil
	}
	if err := s.log.append(e, body); err != nil {
		return err
	}
	s.apply(e)
	return nil
}

// keep takes a change that does not go into a log.
func (s *store) keep(e *entry, body []byte) {
	s.unlogged--
	e.offset = s.unlogged
	s.kept[e.offset] = appendLines(nil, e, body)
	s.apply(e)
}

// apply brings memory to what a change says: changes and the reading of the log both end here.
func (s *store) apply(e *entry) {
	s.version, s.modified, s.next = max(s.version, e.version), max(s.modified, e.modified), max(s.next, e.number+1)
	old, existed := s.rows[e.number]
	for _, n := range e.was {
		l := link(n, e.endpoint)
		if s.links[l]--; s.links[l] == 0 {
			delete(s.links, l)
		}
	}
	if existed {
		delete(s.kept, old.offset)
		delete(s.byKey, old.key)
		delete(s.byValue[e.endpoint], s.values[e.number])
	}
	switch {
	case e.size > 0:
		s.insert(e)
		if !existed && !e.of.hasInRoster(e.number) {
			s.order[e.of] = append(s.order[e.of], e.number)
		}
		return
	case e.of.hasInRoster(e.number):
		if s.gone[e.of] == nil {
			s.gone[e.of] = map[uint32]bool{}
		}
		s.gone[e.of][e.number] = true
	default:
		if i, ok := slices.BinarySearch(s.order[e.of], e.number); ok {
			s.order[e.of] = slices.Delete(s.order[e.of], i, i+1)
		}
	}
	s.deleted[e.of] = append(s.deleted[e.of], row{number: e.number, version: e.version})
	delete(s.rows, e.number)
	delete(s.values, e.number)
}

// insert puts a row in, new or in the place of its former self.
func (s *store) insert(e *entry) {
	for _, n := range e.refs {
		s.links[link(n, e.endpoint)]++
	}
	s.rows[e.number], s.byKey[e.key] = e.row, e.number
	if e.value != "" {
		if s.byValue[e.endpoint] == nil {
			s.byValue[e.endpoint] = map[string]uint32{}
		}
		s.byValue[e.endpoint][e.value], s.values[e.number] = e.number, e.value
	}
}
