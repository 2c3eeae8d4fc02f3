package schema

import "bytes"

// memory holds the descriptor values in which a Record has found no fault. A file has a few hundred
// of them, and its records use them in nearly the same order: where an expected value comes next, one
// comparison replaces the whole check. Two values are expected at a field: the one that followed the
// field's last value the time before, and the one that followed, at this field, the last value of any
// field (a score's method says what kind of number it is).
type memory struct {
	known  []knownValue       // first one for each field, where its chain of followers begins; then the values
	last   []int32            // by field: its last value
	latest int32              // the last value of any field
	byText []map[string]int32 // by field
}

// knownValue is a value of one field. Values are numbered by their index in memory.known; 0 means none.
type knownValue struct {
	text        string // with the quote that ends it
	hash        uint64 // quickHash of the value
	field       int32
	next        int32 // what the field held after this value the last time
	nextOfOther int32 // what another field held right after this value the last time

	settled bool // the caller of Check needs it no more
}

// maxKnown bounds the memory for files in which each record has values of its own.
const maxKnown = 1 << 12

func newMemory(fields int) memory {
	m := memory{known: make([]knownValue, fields), last: make([]int32, fields), byText: make([]map[string]int32, fields)}
	for i := range m.last {
		m.last[i], m.known[i].field = int32(i), int32(i)
	}
	return m
}

// descriptor checks a descriptor value.
func (s *run) descriptor(f *field) bool {
	m := &s.rec.scratch.memory
	start := s.in.Pos + 1
	number, expected := m.expected(f.memory, s.in.Data[start:])
	if expected {
		m.follow(f.memory, number)
		known := &m.known[number]
		s.in.Pos = start + len(known.text)
		value := s.in.Data[start : s.in.Pos-1 : s.in.Pos-1]
		if !known.settled {
			s.useDescriptor(f, value, number)
		}
		s.keep(f, value, known.hash)
		return true
	}
	faults := len(s.rec.Findings)
	value, ok := s.text(f)
	if !ok {
		return false
	}
	if !s.checkText(f, value) {
		return true
	}
	if i := bytes.IndexByte(value, '#'); i <= 0 || i == len(value)-1 {
		s.wrong(f, value, "Write it as uri://ed-fi.org/"+f.Descriptor+"#code.",
			"%s is not a descriptor value: that is a namespace, #, and a code", f.Name)
		s.keep(f, value, 0)
		return true
	}
	var hash uint64
	number = 0
	if asWritten := len(value) == s.in.Pos-1-start; asWritten && len(s.rec.Findings) == faults {
		number, hash = m.remember(f.memory, s.in.Data[start:s.in.Pos])
	}
	if !m.known[number].settled {
		s.useDescriptor(f, value, number)
	}
	s.keep(f, value, hash)
	return true
}

func (s *run) useDescriptor(f *field, value []byte, number int32) {
	if !s.keyOnly {
		s.rec.Descriptors = append(s.rec.Descriptors,
			DescriptorUse{Type: f.Descriptor, Property: f.Property, Value: value, Place: s.place(f.path), number: number})
	}
}

// remember takes in a faultless value, given with the quote that ends it, as what follows the last one.
func (m *memory) remember(field int, text []byte) (number int32, hash uint64) {
	number, ok := m.byText[field][string(text)]
	if !ok {
		if len(m.known) >= maxKnown {
			return 0, 0
		}
		if m.byText[field] == nil {
			m.byText[field] = map[string]int32{}
		}
		number = int32(len(m.known))
		owned := string(text)
		m.known = append(m.known, knownValue{text: owned, field: int32(field), hash: quickHash(hashSeed, text[:len(text)-1], true)})
		m.byText[field][owned] = number
	}
	m.follow(field, number)
	return number, m.known[number].hash
}

// expected finds which of the two expected values text begins with, if any.
func (m *memory) expected(field int, text []byte) (number int32, ok bool) {
	if number = m.known[m.latest].nextOfOther; m.begins(text, field, number) {
		return number, true
	}
	number = m.known[m.last[field]].next
	return number, m.begins(text, field, number)
}

// begins reports whether text begins with the value of this number, and the value is the field's.
func (m *memory) begins(text []byte, field int, number int32) bool {
	known := &m.known[number]
	return number != 0 && int(known.field) == field && len(text) >= len(known.text) && string(text[:len(known.text)]) == known.text
}

// follow notes that a field holds this value now.
func (m *memory) follow(field int, number int32) {
	if latest := &m.known[m.latest]; int(latest.field) != field {
		latest.nextOfOther = number
	}
	m.known[m.last[field]].next = number
	m.last[field], m.latest = number, number
}
