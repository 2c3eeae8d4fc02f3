package roster

import "encoding/binary"

// appendText appends a text with its length.
func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// cut takes a text with its length from the front of data.
func cut(data []byte) (text, rest []byte, ok bool) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil, false
	}
	end := width + int(n)
	return data[width:end:end], data[end:], true
}

// What a part says beside what is in it.
const (
	partKnown = 1 << iota // there is such a student
	partNames             // and this is who it is
)

// encode appends what is known of a student, but not the studentUniqueId, which is the key of the entry.
func (s *Student) encode(dst []byte, kind byte) []byte {
	if s.Record != (Record{}) || s.LastName != "" || s.FirstName != "" || s.BirthDate != "" {
		kind |= partNames
	}
	dst = append(append(dst, kind), s.Record[:]...)
	for _, text := range []string{s.LastName, s.FirstName, s.BirthDate} {
		dst = appendText(dst, text)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.IDs)))
	for i := range s.IDs {
		id := &s.IDs[i]
		for _, text := range []string{id.System, id.Value, id.From, id.Until} {
			dst = appendText(dst, text)
		}
		own := byte(0)
		if id.Own {
			own = 1
		}
		dst = append(append(dst, own), id.Record[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Enrollments)))
	for i := range s.Enrollments {
		e := &s.Enrollments[i]
		for _, text := range []string{e.School, e.Grade, e.Entry, e.Exit, e.SchoolYear} {
			dst = appendText(dst, text)
		}
		dst = append(dst, e.Record[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Silent)))
	for _, r := range s.Silent {
		dst = append(dst, r[:]...)
	}
	return dst
}

// decoder reads what encode wrote. After bad is set, it gives nothing more.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) text() string {
	text, rest, ok := cut(d.data)
	if d.data = rest; !ok {
		d.bad = true
		return ""
	}
	return string(text)
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.bad = true
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *decoder) record() (r Record) {
	if len(d.data) < len(r) {
		d.data, d.bad = nil, true
		return r
	}
	copy(r[:], d.data)
	d.data = d.data[len(r):]
	return r
}

// count is how many things follow, each of at least a byte.
func (d *decoder) count() int {
	n, width := binary.Uvarint(d.data)
	if width <= 0 || n > uint64(len(d.data)) {
		d.data, d.bad = nil, true
		return 0
	}
	d.data = d.data[width:]
	return int(n)
}

// merge adds to a student what a part of the knowledge says, as encoded.
func (s *Student) merge(part []byte) (kind byte, ok bool) {
	d := decoder{data: part}
	kind = d.byte()
	record := d.record()
	last, first, birth := d.text(), d.text(), d.text()
	if kind&partNames != 0 {
		s.Record, s.LastName, s.FirstName, s.BirthDate = record, last, first, birth
	}
	for range d.count() {
		s.IDs = append(s.IDs, ID{System: d.text(), Value: d.text(), From: d.text(), Until: d.text(), Own: d.byte() == 1, Record: d.record()})
		if d.bad {
			return kind, false
		}
	}
	for range d.count() {
		s.Enrollments = append(s.Enrollments, Enrollment{School: d.text(), Grade: d.text(), Entry: d.text(), Exit: d.text(),
			SchoolYear: d.text(), Record: d.record()})
		if d.bad {
			return kind, false
		}
	}
	for range d.count() {
		if s.Silent = append(s.Silent, d.record()); d.bad {
			return kind, false
		}
	}
	return kind, !d.bad && len(d.data) == 0
}
