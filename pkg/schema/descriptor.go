package schema

import (
	"bytes"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// memory holds the descriptors that a Record has met and found no fault with: a file has a few
// hundred, and its records use them in nearly the same order: where an expected one stands, a
// comparison takes the place of judging it. Two are expected: what the field met the last time
// after the value it met last, and what it met the last time after the value met last at all,
// since a score's method says what kind of number it is.
type memory struct {
	met    []metText          // from 0: one for each field, where its chain begins; then the texts
	last   []int32            // by field: what it met last
	latest int32              // what any field met last
	byText []map[string]int32 // by field
}

type metText struct {
	text  string // with the quote that ends it
	hash  uint64 // quick hash of the value
	field int32
	next  int32 // what the field met after this the last time; 0: nothing
	then  int32 // what another field met right after this the last time; 0: nothing

	settled bool // nobody wants to hear of it any more
}

// maxMet bounds the memory for files where each record says something else.
const maxMet = 1 << 12

func newMemory(fields int) memory {
	m := memory{met: make([]metText, fields), last: make([]int32, fields), byText: make([]map[string]int32, fields)}
	for i := range m.last {
		m.last[i], m.met[i].field = int32(i), int32(i)
	}
	return m
}

// descriptor judges a descriptor value.
func (s *run) descriptor(f *field) bool {
	m := &s.rec.scratch.memory
	start := s.in.Pos + 1
	number, expected := m.expected(f.word, s.in.Data[start:])
	if expected {
		m.follow(f.word, number)
		met := &m.met[number]
		s.in.Pos = start + len(met.text)
		value := s.in.Data[start : s.in.Pos-1 : s.in.Pos-1]
		if !met.settled {
			s.useDescriptor(f, value, number)
		}
		s.keep(f, value, met.hash)
		return true
	}
	faults := len(s.rec.Findings)
	value, ok := s.text(f)
	if !ok {
		return false
	}
	if !s.words(f, value) {
		return true
	}
	if i := bytes.IndexByte(value, '#'); i <= 0 || i == len(value)-1 {
		s.find(diag.RecordSchema, s.place(f.site), value, "Write it as uri://ed-fi.org/"+f.Descriptor+"#code.",
			"%s is no descriptor value: that is a namespace, #, and a code", f.Name)
		s.keep(f, value, 0)
		return true
	}
	var hash uint64
	number = 0
	if asWritten := len(value) == s.in.Pos-1-start; asWritten && len(s.rec.Findings) == faults {
		number, hash = m.meet(f.word, s.in.Data[start:s.in.Pos])
	}
	if !m.met[number].settled {
		s.useDescriptor(f, value, number)
	}
	s.keep(f, value, hash)
	return true
}

func (s *run) useDescriptor(f *field, value []byte, number int32) {
	if !s.keyOnly {
		s.rec.Descriptors = append(s.rec.Descriptors, DescriptorUse{Type: f.Descriptor, Property: f.Property, Value: value, number: number, Place: s.place(f.site)})
	}
}

// meet remembers a faultless value, with the quote that ends it, as what follows the last one.
func (m *memory) meet(field int, text []byte) (number int32, hash uint64) {
	number, ok := m.byText[field][string(text)]
	if !ok {
		if len(m.met) >= maxMet {
			return 0, 0
		}
		if m.byText[field] == nil {
			m.byText[field] = map[string]int32{}
		}
		number = int32(len(m.met))
		owned := string(text)
		m.met = append(m.met, metText{text: owned, field: int32(field), hash: quickHash(hashSeed, text[:len(text)-1], true)})
		m.byText[field][owned] = number
	}
	m.follow(field, number)
	return number, m.met[number].hash
}

// expected finds which of the two expected values stands at the beginning of text.
func (m *memory) expected(field int, text []byte) (number int32, ok bool) {
	if number = m.met[m.latest].then; m.stands(number, field, text) {
		return number, true
	}
	number = m.met[m.last[field]].next
	return number, m.stands(number, field, text)
}

// stands reports whether text begins with the value of this number, and it is the field's.
func (m *memory) stands(number int32, field int, text []byte) bool {
	met := &m.met[number]
	return number != 0 && int(met.field) == field && len(text) >= len(met.text) && string(text[:len(met.text)]) == met.text
}

// follow notes that a field met this value now.
func (m *memory) follow(field int, number int32) {
	if latest := &m.met[m.latest]; int(latest.field) != field {
		latest.then = number
	}
	m.met[m.last[field]].next = number
	m.last[field], m.latest = number, number
}
