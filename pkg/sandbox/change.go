package sandbox

import (
	"fmt"
	"slices"
)

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
	e.seeded = exists && old.seeded()
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
		if !ep.inRange(e.key) { // virtual ones keep their place in the range
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
		if ep.inRange(e.key) {
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
