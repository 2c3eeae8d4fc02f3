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
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-edfi/sluice/pkg/durable"
)

// store holds the records. In memory it keeps where each of them is and how often it is referred to;
// the bodies stay in the log. Safe for concurrent use.
type store struct {
	model *model
	id    string
	ids   cipher.Block // makes record ids, so that none need be kept
	log   *logFile
	lock  *durable.Lock // nil for a store in memory
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
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
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
	lock, err := durable.LockFolder(o.Dir, "a sandbox", o.Now())
	if _, locked := errors.AsType[*durable.LockedError](err); locked {
		return fmt.Errorf("open the store in %s: the sandbox's store is in use by another process: %w", o.Dir, err)
	}
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
		err = errors.Join(err, s.lock.Unlock())
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
