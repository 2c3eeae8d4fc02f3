package sandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// ErrLocked says that another process serves the store.
var ErrLocked = errors.New("the sandbox's store is in use by another process")

// store holds the records. In memory it keeps where each of them is and how often it is referred to;
// the bodies stay in the log. Safe for concurrent use.
type store struct {
	model *model
	id    string
	ids   cipher.Block // makes record ids, so that none need be kept
	log   *logFile
	lock  *os.File // nil for a store in memory
	now   func() time.Time

	mu       sync.RWMutex
	index    map[key]int32 // where the record is: n ≥ 0 in slots, else ^n in seeds
	slots    []slot        // stored records by number
	seeds    []slot        // records that exist from the start, and changed virtual ones
	bodies   [][]byte      // of seeds never changed
	order    [][]int32     // by endpoint: its records in the order they came
	links    map[link]int32
	gone     map[key]uint16 // deleted seeds and virtual records, and their endpoints
	goneFrom []int          // by endpoint: how many of its virtual records are gone
	version  uint64         // the newest change version
	modified int64          // the newest time of change; they never repeat
}

// slot is where a record is.
type slot struct {
	key      key
	offset   int64 // in the log; below zero: -offset-1 in bodies
	modified int64
	version  uint64
	head     uint32
	body     uint32
	sum      uint32 // of the body
	endpoint uint16
	live     bool
}

// link counts the records of one endpoint that refer to a record.
type link struct {
	to key
	by uint16
}

// item is one record as a reader sees it.
type item struct {
	endpoint *endpoint
	slot     slot
	number   int32 // as in store.index; for a virtual record its number in the range
	virtual  bool
}

// seeded says that the record was there from the start, changed since or not.
func (it *item) seeded() bool { return it.virtual || it.number < 0 }

// seedVersion is the change version of everything that was there from the start.
const seedVersion = 1

func newID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// openStore opens the store in dir, or one in memory if dir is empty.
func openStore(m *model, o *Options, log *slog.Logger) (*store, error) {
	s := &store{
		model: m, now: o.Now,
		index: map[key]int32{}, links: map[link]int32{}, gone: map[key]uint16{},
		order: make([][]int32, len(m.endpoints)), goneFrom: make([]int, len(m.endpoints)),
		version: seedVersion, modified: seedTime.UnixNano(),
	}
	if o.Dir == "" {
		s.id, s.log = newID(), &logFile{medium: &blocks{}}
	} else if err := s.openFiles(o); err != nil {
		return nil, err
	}
	secret := sha256.Sum256([]byte(s.id))
	block, err := aes.NewCipher(secret[:16])
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.ids = block
	if err := s.plant(o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	torn, err := s.log.scan(s.replay)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the store in %s: %w", o.Dir, err), s.close())
	}
	if torn > 0 {
		log.Warn("the end of the sandbox's store was cut short and is dropped", "bytes", torn)
	}
	if o.Dir != "" {
		if err := s.compact(filepath.Join(o.Dir, logName)); err != nil {
			return nil, errors.Join(fmt.Errorf("compact the store in %s: %w", o.Dir, err), s.close())
		}
	}
	return s, nil
}

func (s *store) openFiles(o *Options) error {
	if err := durable.MkdirAll(o.Dir); err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	lock, err := lockFile(filepath.Join(o.Dir, "store.lock"))
	if err != nil {
		return fmt.Errorf("open the store in %s: %w", o.Dir, err)
	}
	s.lock = lock
	if s.log, s.id, err = openLog(o.Dir, s.model.version, o.Reset); err != nil {
		return errors.Join(err, s.close())
	}
	return nil
}

func (s *store) close() error {
	var err error
	if s.log != nil {
		err = s.log.medium.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// recordID writes the id of a record: its number or, for one that was there from the start, its key,
// encrypted under the store's id. It looks random, is never given twice, and need not be kept.
func (s *store) recordID(it *item) string {
	var plain, out [16]byte
	if it.seeded() {
		plain = it.slot.key
	} else {
		binary.LittleEndian.PutUint32(plain[12:], uint32(it.number))
	}
	s.ids.Encrypt(out[:], plain[:])
	return hex.EncodeToString(out[:])
}

// byID finds a record by its id.
func (s *store) byID(e *endpoint, id string) (item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.findID(e, id)
}

// findID is byID under the lock.
func (s *store) findID(e *endpoint, id string) (item, bool) {
	var sealed, plain [16]byte
	if len(id) != 2*len(sealed) {
		return item{}, false
	}
	if _, err := hex.Decode(sealed[:], []byte(id)); err != nil {
		return item{}, false
	}
	s.ids.Decrypt(plain[:], sealed[:])
	if plain[0] != 0 {
		it, ok := s.find(e, plain)
		return it, ok && it.seeded()
	}
	n := binary.LittleEndian.Uint32(plain[12:])
	if [12]byte(plain[:12]) != [12]byte{} || int64(n) >= int64(len(s.slots)) || !s.slots[n].live || s.slots[n].endpoint != e.index {
		return item{}, false
	}
	return item{endpoint: e, slot: s.slots[n], number: int32(n)}, true
}

// byKey finds a record by its natural key.
func (s *store) byKey(e *endpoint, k key) (item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.find(e, k)
}

// find is byKey under the lock.
func (s *store) find(e *endpoint, k key) (item, bool) {
	if n, ok := s.index[k]; ok {
		sl := *s.at(n)
		return item{endpoint: e, slot: sl, number: n}, sl.endpoint == e.index
	}
	if e.virtual == nil {
		return item{}, false
	}
	n, ok := e.virtual.decode(k)
	if _, gone := s.gone[k]; !ok || gone {
		return item{}, false
	}
	return e.virtual.item(e, n), true
}

func (s *store) at(n int32) *slot {
	if n < 0 {
		return &s.seeds[^n]
	}
	return &s.slots[n]
}

// body appends a record's stored body to dst. It needs no lock: what was written never changes.
func (s *store) body(dst []byte, it *item) ([]byte, error) {
	switch {
	case it.virtual:
		return it.endpoint.virtual.body(dst, int(it.number)), nil
	case it.slot.offset < 0:
		return append(dst, s.bodies[-it.slot.offset-1]...), nil
	}
	from := len(dst)
	dst, err := s.log.readBody(dst, it.slot.offset, int(it.slot.head), int(it.slot.body))
	if err == nil && crc32.Checksum(dst[from:], castagnoli) != it.slot.sum {
		err = errTorn
	}
	if err != nil {
		return nil, fmt.Errorf("read a record of %s from the store: %w", it.endpoint.Name, err)
	}
	return dst, nil
}

// count is how many records an endpoint has.
func (s *store) count(e *endpoint) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.order[e.index])
	if e.virtual != nil {
		n += e.virtual.count - s.goneFrom[e.index]
	}
	return n
}

// walk visits an endpoint's records in the order they came, from the skip-th on, until visit says no.
// The records are collected in steps, so that visit works without the lock.
func (s *store) walk(e *endpoint, skip int, visit func(it *item) bool) {
	const step = 512
	batch := make([]item, 0, step)
	for {
		batch = s.collect(batch[:0], e, skip)
		for i := range batch {
			if !visit(&batch[i]) {
				return
			}
		}
		if len(batch) < step {
			return
		}
		skip += step
	}
}

// collect fills batch with records from the skip-th on.
func (s *store) collect(batch []item, e *endpoint, skip int) []item {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if v := e.virtual; v != nil {
		n := 0
		if s.goneFrom[e.index] == 0 {
			n = min(skip, v.count)
			skip -= n
		}
		for ; n < v.count && len(batch) < cap(batch); n++ {
			it, ok := s.find(e, v.key(n))
			if !ok || !it.seeded() { // a stored record in a deleted one's place stands in the order
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			batch = append(batch, it)
		}
	}
	order := s.order[e.index]
	for _, n := range order[min(skip, len(order)):] {
		if len(batch) == cap(batch) {
			break
		}
		batch = append(batch, item{endpoint: e, slot: *s.at(n), number: n})
	}
	return batch
}

// outcome is what a change did.
type outcome uint8

const (
	created outcome = iota
	updated
	unchanged
	unresolved // a reference points at nothing
	clash      // another record has that key
	referenced // others refer to the record under its old key
	fixed      // the key of a record that was there from the start does not change: its id hangs on it
	refused    // by the guard
	missing
)

// change is a record to be put into the store.
type change struct {
	endpoint  *endpoint
	key       key
	body      []byte
	uses      []use
	text      string           // of a descriptor's record: its value
	id        string           // of the record to be replaced; empty: by key, created if there is none
	mayCreate bool             // without id: a new record is allowed
	guard     func(*item) bool // asked before an existing record is replaced; nil: allowed
}

// put stores a record: existence of what it refers to, uniqueness and writing are one step.
// Where a reference points at nothing, the use is returned too.
func (s *store) put(c *change) (item, *use, outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, exists := s.find(c.endpoint, c.key)
	if c.id != "" {
		other := old
		if old, exists = s.findID(c.endpoint, c.id); !exists {
			return item{}, nil, missing, nil
		}
		if old.slot.key != c.key {
			if old.seeded() {
				return old, nil, fixed, nil
			}
			if other.endpoint != nil {
				return old, nil, clash, nil
			}
			if len(s.dependents(old.slot.key)) > 0 {
				return old, nil, referenced, nil
			}
		}
	}
	if exists && c.guard != nil && !c.guard(&old) || !exists && !c.mayCreate {
		return old, nil, refused, nil
	}
	e := entry{op: opPut, endpoint: c.endpoint.Name, key: c.key}
	for i := range c.uses {
		k, ok := s.resolve(&c.uses[i])
		if !ok {
			return old, &c.uses[i], unresolved, nil
		}
		if !slices.Contains(e.links, k) {
			e.links = append(e.links, k)
		}
	}
	if exists && old.slot.key == c.key && s.same(&old, c.body) {
		return old, nil, unchanged, nil
	}
	e.seeded = exists && (old.seeded())
	if !exists {
		e.number = uint32(len(s.slots))
	} else if !e.seeded {
		e.number = uint32(old.number)
	}
	s.tick(&e)
	offset, head, err := s.log.append(&e, c.body)
	if err != nil {
		return item{}, nil, refused, err
	}
	n, err := s.apply(&e, offset, head, len(c.body), s.oldLinks(&old, exists))
	if err != nil {
		return item{}, nil, refused, err
	}
	if c.endpoint.values != nil {
		c.endpoint.values.set(c.key, c.text)
	}
	it := item{endpoint: c.endpoint, slot: *s.at(n), number: n}
	if exists {
		return it, nil, updated, nil
	}
	return it, nil, created, nil
}

func (s *store) same(it *item, body []byte) bool {
	if it.virtual || it.slot.offset < 0 {
		have, err := s.body(nil, it)
		return err == nil && string(have) == string(body)
	}
	return s.log.sameBody(it.slot.offset, int(it.slot.head), int(it.slot.body), body)
}

// tick gives a change its version and time.
func (s *store) tick(e *entry) {
	e.version = s.version + 1
	e.modified = max(s.now().UnixNano(), s.modified+1000) // a later microsecond each, so that no ETag repeats
}

// resolve says which existing record a use means.
func (s *store) resolve(u *use) (key, bool) {
	for i, k := range u.keys {
		if _, ok := s.index[k]; ok {
			return k, true
		}
		if u.ref == nil {
			continue
		}
		if v := u.ref.targets[i].endpoint.virtual; v != nil {
			if _, gone := s.gone[k]; k[0] == keyVirtual && !gone {
				return k, true
			}
		}
	}
	return key{}, false
}

// oldLinks reads from the log what an existing record referred to.
func (s *store) oldLinks(it *item, exists bool) []key {
	if !exists || it.virtual || it.slot.offset < 0 {
		return nil // what is there from the start does not hold on to what it refers to
	}
	var e entry
	if _, _, err := s.log.readHead(it.slot.offset, &e); err != nil {
		return nil
	}
	return e.links
}

// remove deletes a record.
func (s *store) remove(e *endpoint, id string, guard func(*item) bool) (outcome, []*endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.findID(e, id)
	if !ok {
		return missing, nil, nil
	}
	if guard != nil && !guard(&it) {
		return refused, nil, nil
	}
	if by := s.dependents(it.slot.key); len(by) > 0 {
		return referenced, by, nil
	}
	en := entry{op: opDelete, endpoint: e.Name, key: it.slot.key, seeded: it.seeded()}
	if !en.seeded {
		en.number = uint32(it.number)
	}
	s.tick(&en)
	old := s.oldLinks(&it, true)
	offset, head, err := s.log.append(&en, nil)
	if err != nil {
		return refused, nil, err
	}
	if e.values != nil {
		if err := s.forgetValue(&it); err != nil {
			return refused, nil, err
		}
	}
	_, err = s.apply(&en, offset, head, 0, old)
	return updated, nil, err
}

// forgetValue takes a descriptor's value away with its record.
func (s *store) forgetValue(it *item) error {
	body, err := s.body(nil, it)
	if err != nil {
		return err
	}
	text, err := descriptorText(it.endpoint, body)
	if err == nil {
		it.endpoint.values.remove(text)
	}
	return err
}

// dependents are the endpoints with records that refer to k.
func (s *store) dependents(k key) []*endpoint {
	var by []*endpoint
	for _, d := range s.model.endpoints {
		if s.links[link{k, d.index}] > 0 {
			by = append(by, d)
		}
	}
	return by
}

// apply brings memory to what an entry says; live changes and the log's replay both end here.
// Old are the links of the record that the entry replaces.
func (s *store) apply(e *entry, offset int64, head, body int, old []key) (int32, error) {
	ep, ok := s.model.find(e.endpoint)
	if !ok {
		return 0, fmt.Errorf("the store holds %s, which Data Standard %s does not have", e.endpoint, s.model.version)
	}
	s.version, s.modified = max(s.version, e.version), max(s.modified, e.modified)
	for _, k := range old {
		s.unlink(link{k, ep.index})
	}
	if e.op == opDelete {
		s.drop(ep, e)
		return 0, nil
	}
	for _, k := range e.links {
		s.links[link{k, ep.index}]++
	}
	n := s.place(ep, e)
	*s.at(n) = slot{
		key: e.key, offset: offset, head: uint32(head), body: uint32(body), sum: e.bodySum,
		version: e.version, modified: e.modified, endpoint: ep.index, live: true,
	}
	return n, nil
}

func (s *store) unlink(l link) {
	if s.links[l]--; s.links[l] <= 0 {
		delete(s.links, l)
	}
}

// place finds or makes the slot of an entry's record.
func (s *store) place(ep *endpoint, e *entry) int32 {
	if e.seeded {
		if n, ok := s.index[e.key]; ok {
			return n
		}
		s.seeds = append(s.seeds, slot{})
		n := ^int32(len(s.seeds) - 1)
		s.index[e.key] = n
		if _, ok := ep.virtualNumber(e.key); !ok { // virtual ones keep their place in the range
			s.order[ep.index] = append(s.order[ep.index], n)
		}
		return n
	}
	n := int32(e.number)
	for len(s.slots) <= int(n) {
		s.slots = append(s.slots, slot{})
	}
	if s.slots[n].live {
		if s.slots[n].key != e.key {
			delete(s.index, s.slots[n].key)
		}
	} else {
		s.order[ep.index] = append(s.order[ep.index], n)
	}
	s.index[e.key] = n
	return n
}

func (s *store) drop(ep *endpoint, e *entry) {
	n, stored := s.index[e.key]
	delete(s.index, e.key)
	if e.seeded {
		s.gone[e.key] = ep.index
		if _, ok := ep.virtualNumber(e.key); ok {
			s.goneFrom[ep.index]++
		}
	}
	if !stored {
		return
	}
	s.at(n).live = false
	if i := slices.Index(s.order[ep.index], n); i >= 0 {
		s.order[ep.index] = slices.Delete(s.order[ep.index], i, i+1)
	}
}

// replay applies an entry of the log at opening.
func (s *store) replay(e *entry, offset int64, head, body int) error {
	if e.op == opCount {
		s.version, s.modified = e.version, e.modified
		for uint32(len(s.slots)) < e.number {
			s.slots = append(s.slots, slot{})
		}
		return nil
	}
	ep, ok := s.model.find(e.endpoint)
	if !ok {
		return fmt.Errorf("it holds %s, which Data Standard %s does not have", e.endpoint, s.model.version)
	}
	var old item
	exists := false
	if e.seeded {
		old, exists = s.find(ep, e.key)
	} else if int(e.number) < len(s.slots) && s.slots[e.number].live {
		old, exists = item{endpoint: ep, slot: s.slots[e.number], number: int32(e.number)}, true
	}
	if ep.values != nil {
		if err := s.replayValue(ep, e, &old, exists, offset, head, body); err != nil {
			return err
		}
	}
	_, err := s.apply(e, offset, head, body, s.oldLinks(&old, exists))
	return err
}

func (s *store) replayValue(ep *endpoint, e *entry, old *item, exists bool, offset int64, head, body int) error {
	if e.op == opDelete {
		if exists {
			return s.forgetValue(old)
		}
		return nil
	}
	data, err := s.log.readBody(nil, offset, head, body)
	if err != nil {
		return err
	}
	text, err := descriptorText(ep, data)
	if err != nil {
		return err
	}
	ep.values.set(e.key, text)
	return nil
}

// minCompact is how much of the log must be of no use before it is written anew.
const minCompact = 8 << 20

// compact writes the log anew, if more than half of it are records that were replaced or deleted.
func (s *store) compact(path string) error {
	live := s.log.start
	for _, list := range s.order {
		for _, n := range list {
			if sl := s.at(n); sl.offset >= 0 {
				live += prefixSize + int64(sl.head) + int64(sl.body)
			}
		}
	}
	if dead := s.log.end - live; dead < minCompact || dead < live {
		return nil
	}
	f, err := durable.Create(path)
	if err != nil {
		return err
	}
	if err := s.rewrite(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := s.log.medium.Close(); err != nil { // before the rename: Windows replaces no open file
		return errors.Join(err, f.Close())
	}
	if err := f.Commit(); err != nil {
		return err
	}
	again, err := os.OpenFile(path, os.O_RDWR, durable.FileMode)
	if err != nil {
		return err
	}
	s.log.medium = file{again}
	return nil
}

// rewrite copies what is live into f, and moves the slots there.
func (s *store) rewrite(f *durable.File) error {
	titleLine := logTitle(s.id, s.model.version)
	if _, err := f.Write(titleLine); err != nil {
		return err
	}
	fresh := &logFile{medium: file{f.File}, start: int64(len(titleLine)), end: int64(len(titleLine))}
	counters := entry{op: opCount, number: uint32(len(s.slots)), version: s.version, modified: s.modified}
	if _, _, err := fresh.append(&counters, nil); err != nil {
		return err
	}
	for k, by := range s.gone {
		e := entry{op: opDelete, seeded: true, key: k, version: seedVersion, endpoint: s.model.endpoints[by].Name}
		if _, _, err := fresh.append(&e, nil); err != nil {
			return err
		}
	}
	var body []byte
	move := func(sl *slot) error {
		if !sl.live || sl.offset < 0 {
			return nil
		}
		var e entry
		if _, _, err := s.log.readHead(sl.offset, &e); err != nil {
			return err
		}
		var err error
		if body, err = s.log.readBody(body[:0], sl.offset, int(sl.head), int(sl.body)); err != nil {
			return err
		}
		offset, head, err := fresh.append(&e, body)
		sl.offset, sl.head = offset, uint32(head)
		return err
	}
	for i := range s.seeds {
		if err := move(&s.seeds[i]); err != nil {
			return err
		}
	}
	for i := range s.slots {
		if err := move(&s.slots[i]); err != nil {
			return err
		}
	}
	s.log.start, s.log.end = fresh.start, fresh.end
	return nil
}

// newestVersion is the newest change version.
func (s *store) newestVersion() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.version
}

// storedCount is how many of an endpoint's records are not virtual.
func (s *store) storedCount(e *endpoint) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.order[e.index])
}

// dependentsOf are the endpoints with records that refer to k.
func (s *store) dependentsOf(k key) []*endpoint {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dependents(k)
}
