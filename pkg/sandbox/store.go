package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// row is a record in the store. Immutable: a change replaces it. Its exported fields are what the log
// keeps of it, in the line before its body.
type row struct {
	Number   uint32   `json:"number"` // unique in the store, never given again
	Resource string   `json:"resource"`
	Key      string   `json:"key"`
	Value    string   `json:"value,omitempty"` // of a descriptor: NAMESPACE#CODE
	Version  uint64   `json:"version"`         // change version
	Modified int64    `json:"modified"`        // Unix nanoseconds
	Refs     []uint32 `json:"refs,omitempty"`  // what it refers to
	Size     int      `json:"size"`            // of the body; 0: the record is deleted

	endpoint *endpoint
	offset   int64  // of the body in the log
	body     []byte // of what is not in a log; nil for a record of a roster, whose body follows from its number
}

// etag is a record's version as an ODS writes it: an opaque number that follows from its last change.
func (r *row) etag() string { return strconv.FormatInt(r.Modified, 10) }

// store holds the records. In memory it keeps what it takes to find them; with a log, their bodies stay
// there. Safe for concurrent use.
type store struct {
	model *model
	id    string
	now   func() time.Time
	log   *logFile      // nil for a store in memory
	lock  *durable.Lock // likewise

	mu       sync.RWMutex
	rows     map[uint32]*row // nil: a record of a roster that was deleted
	byKey    map[string]*row
	byValue  map[spelling]*row      // descriptors by their value as it is spelt: the usual way to ask
	order    map[*endpoint][]uint32 // what is not of a roster, in the order it came
	gone     map[*endpoint]int      // how many of its roster are deleted
	next     uint32                 // number
	version  uint64                 // the newest change version
	modified int64                  // the newest time of change; they never repeat
}

// spelling is a descriptor's value as it is stored.
type spelling struct {
	descriptor *endpoint
	value      string
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
		model: m, now: o.Now, rows: map[uint32]*row{}, byKey: map[string]*row{}, byValue: map[spelling]*row{},
		order: map[*endpoint][]uint32{}, gone: map[*endpoint]int{},
		next: firstFree, version: seedVersion, modified: seedTime.UnixNano(),
	}
	var err error
	if o.Students != "" {
		err = s.addStudents(o.Students)
	}
	switch {
	case err != nil:
	case o.Dir == "":
		s.id = newID()
		for _, r := range m.seeds(o.Descriptors) {
			s.apply(r)
		}
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

// recordID writes the id of a record: half of the store's, and its number.
func (s *store) recordID(r *row) string { return fmt.Sprintf("%s%016x", s.id[:16], r.Number) }

// byID finds a record by its id.
func (s *store) byID(e *endpoint, id string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lookupID(e, id)
}

// lookupID is byID under the lock.
func (s *store) lookupID(e *endpoint, id string) *row {
	if len(id) != 32 || id[:16] != s.id[:16] {
		return nil
	}
	n, err := strconv.ParseUint(id[16:], 16, 32)
	if err != nil {
		return nil
	}
	if r := s.row(e, uint32(n)); r != nil && r.endpoint == e {
		return r
	}
	return nil
}

// find finds a record by its natural key.
func (s *store) find(e *endpoint, key string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lookup(e, key)
}

// value finds a descriptor by its value, whatever its case.
func (s *store) value(d *endpoint, value string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.byValue[spelling{d, value}]; r != nil {
		return r
	}
	return s.byKey[s.model.valueKey(d, value)]
}

// lookup is find under the lock.
func (s *store) lookup(e *endpoint, key string) *row {
	if r := s.byKey[key]; r != nil || e.roster == nil {
		return r
	}
	if n, ok := e.roster.number(key); ok {
		return s.row(e, n)
	}
	return nil
}

// row finds a record of an endpoint by its number, under the lock.
func (s *store) row(e *endpoint, n uint32) *row {
	if r, changed := s.rows[n]; changed || e.roster == nil || !e.roster.has(n) {
		return r
	}
	return e.rosterRow(n)
}

// body reads a record's body. It needs no lock: what was written never changes.
func (s *store) body(r *row) ([]byte, error) {
	switch {
	case r.body != nil:
		return r.body, nil
	case r.ofRoster():
		return r.endpoint.roster.body(int(r.Number - r.endpoint.roster.first)), nil
	}
	return s.log.read(r)
}

// count is how many records an endpoint has.
func (s *store) count(e *endpoint) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.order[e])
	if e.roster != nil {
		n += rosterSize - s.gone[e]
	}
	return n
}

// walk visits an endpoint's records in the order they came, from the skip-th on, until visit says no.
// It takes them in steps, so that visit works without the lock.
func (s *store) walk(e *endpoint, skip int, visit func(r *row) bool) {
	const step = 512
	for {
		rows := s.collect(e, skip, step)
		for _, r := range rows {
			if !visit(r) {
				return
			}
		}
		if len(rows) < step {
			return
		}
		skip += step
	}
}

// collect takes records from the skip-th on.
func (s *store) collect(e *endpoint, skip, most int) []*row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*row
	if e.roster != nil {
		n := e.roster.first
		if s.gone[e] == 0 {
			over := min(skip, rosterSize)
			n, skip = n+uint32(over), skip-over
		}
		for ; n < e.roster.first+rosterSize && len(out) < most; n++ {
			if r, changed := s.rows[n]; changed && r == nil {
				continue
			}
			if skip--; skip < 0 {
				out = append(out, s.row(e, n))
			}
		}
		skip = max(skip, 0)
	}
	order := s.order[e]
	order = order[min(skip, len(order)):]
	for _, n := range order[:min(most-len(out), len(order))] {
		out = append(out, s.rows[n])
	}
	return out
}

// newestVersion is the newest change version.
func (s *store) newestVersion() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.version
}

// change is a record to be put into the store.
type change struct {
	endpoint  *endpoint
	id        string // of the record to be replaced; empty: by key, created if there is none
	key       string
	value     string // of a descriptor
	body      []byte
	values    []*row           // descriptors that it uses
	pointers  []pointer        // what it refers to
	mayCreate error            // why a new record is not allowed
	mayUpdate func(*row) error // asked before a record is replaced

	created bool // set by put
}

// put stores a record: existence of what it refers to, uniqueness and writing are one step. An error
// may be a *problem.
func (s *store) put(c *change) (*row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.replaced(c)
	if err != nil {
		return nil, err
	}
	refs, err := s.resolve(c)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Key == c.key {
		if body, err := s.body(old); err == nil && bytes.Equal(body, c.body) {
			return old, nil
		}
	}
	r := &row{Number: s.next, Resource: c.endpoint.Name, Key: c.key, Value: c.value, Refs: refs, Size: len(c.body), endpoint: c.endpoint}
	if old != nil {
		r.Number = old.Number
	}
	c.created = old == nil
	return r, s.write(r, c.body)
}

// replaced is the record that a change replaces; nil if it makes a new one.
func (s *store) replaced(c *change) (*row, error) {
	old := s.lookup(c.endpoint, c.key)
	if c.id != "" {
		same := old
		if old = s.lookupID(c.endpoint, c.id); old == nil {
			return nil, notFound(noSuchItem)
		}
		switch {
		case old.Key == c.key:
		case !c.endpoint.KeyUpdates || c.endpoint.roster != nil && c.endpoint.roster.has(old.Number): // a roster goes by its keys
			return nil, keyChange(c.endpoint.entity)
		case same != nil:
			return nil, nonUnique(c.endpoint.entity)
		default:
			if err := s.unused(old); err != nil {
				return nil, err
			}
		}
	}
	if old == nil {
		return nil, c.mayCreate
	}
	return old, c.mayUpdate(old)
}

// resolve finds the numbers of what a change refers to.
func (s *store) resolve(c *change) ([]uint32, error) {
	var refs []uint32
	for _, v := range c.values {
		if now := s.rows[v.Number]; now == nil {
			return nil, unresolvedReference("Descriptor")
		}
		refs = append(refs, v.Number)
	}
	for _, p := range c.pointers {
		found := s.target(p)
		if found == nil {
			return nil, unresolvedReference(p.name)
		}
		if !slices.Contains(refs, found.Number) {
			refs = append(refs, found.Number)
		}
	}
	return refs, nil
}

// target is the record that a reference means; nil if there is none.
func (s *store) target(p pointer) *row {
	for i, key := range p.keys {
		if r := s.lookup(p.targets[i].endpoint, key); r != nil {
			return r
		}
	}
	return nil
}

// remove deletes a record. An error may be a *problem.
func (s *store) remove(e *endpoint, id string, may func(*row) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.lookupID(e, id)
	if old == nil {
		return notFound(noSuchItem)
	}
	if err := may(old); err != nil {
		return err
	}
	if err := s.unused(old); err != nil {
		return err
	}
	return s.write(&row{Number: old.Number, Resource: e.Name, Key: old.Key, endpoint: e}, nil)
}

// unused refuses if other records refer to one. It reads all records to know: deletes are rare.
func (s *store) unused(old *row) error {
	var by []string
	for _, r := range s.rows {
		if r != nil && slices.Contains(r.Refs, old.Number) && !slices.Contains(by, r.Resource) {
			by = append(by, r.Resource)
		}
	}
	if by == nil {
		return nil
	}
	slices.Sort(by)
	for i, name := range by {
		by[i] = s.model.byName[strings.ToLower(name)].entity
	}
	return dependentExists(by)
}

// write gives a change its version and time, and makes it last.
func (s *store) write(r *row, body []byte) error {
	r.Version = s.version + 1
	r.Modified = max(s.now().UnixNano(), s.modified+1000) // a later microsecond each, so that no ETag repeats
	if s.log == nil {
		r.body = body
	} else if err := s.log.append(r, body); err != nil {
		return err
	}
	s.apply(r)
	return nil
}

// apply brings memory to what a line of the log says: changes and the reading of the log both end here.
func (s *store) apply(r *row) {
	s.version, s.modified, s.next = max(s.version, r.Version), max(s.modified, r.Modified), max(s.next, r.Number+1)
	e := r.endpoint
	ofRoster := e.roster != nil && e.roster.has(r.Number)
	old := s.rows[r.Number]
	if old != nil {
		delete(s.byKey, old.Key)
		delete(s.byValue, spelling{e, old.Value})
	}
	switch {
	case r.Size > 0:
		s.rows[r.Number], s.byKey[r.Key] = r, r
		if r.Value != "" {
			s.byValue[spelling{e, r.Value}] = r
		}
		if old == nil && !ofRoster {
			s.order[e] = append(s.order[e], r.Number)
		}
	case ofRoster:
		s.rows[r.Number] = nil
		s.gone[e]++
	default:
		delete(s.rows, r.Number)
		if i, ok := slices.BinarySearch(s.order[e], r.Number); ok {
			s.order[e] = slices.Delete(s.order[e], i, i+1)
		}
	}
}
