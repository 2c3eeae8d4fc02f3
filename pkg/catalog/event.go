package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// Results is the resource of events: one student, one assessment, one sitting.
const Results = "studentAssessments"

// Event is what is kept of a result to tell whether another one is the same event. Whose it is, and which record, are
// hashes.
type Event struct {
	ID      uint64     // hash of the target's id of the record
	Key     keyset.Key // natural key
	Student keyset.Key
	Day     uint32 // of the administration, as 20251202; 0: the record does not say
	Second  int32  // of that day; 0: not known, because midnight stands for a plain date
	Values  uint8  // different results among its scores
	Scores  uint64 // hash of these results, in any order

	Identifier string
}

// EventReader reads events out of records. It is owned by one goroutine.
type EventReader struct {
	checker *schema.Checker
	rec     schema.Record
	scanner jsonl.Scanner
	results []string
}

// NewEventReader reads results of a data standard; nil if that has none.
func NewEventReader(std *schema.Standard) *EventReader {
	checker, ok := std.Checker(Results)
	if !ok {
		return nil
	}
	return &EventReader{checker: checker}
}

// Read reads a record; false if its natural key or its date cannot be read. What the reader holds of it is valid
// until the next one.
func (r *EventReader) Read(text []byte) (e Event, ok bool) {
	r.checker.Key(text, &r.rec)
	if !r.rec.Key.OK {
		return e, false
	}
	e.Key, e.Student, e.Identifier = r.rec.Key.Hash, StudentKey(r.Part("studentUniqueId")), string(r.Part("studentAssessmentIdentifier"))
	return e, r.members(text, &e)
}

// Part is a part of the natural key of the record that was read last.
func (r *EventReader) Part(name string) []byte { return r.rec.Key.Part(name) }

// AssessmentKey is the natural key, as a hash, of the assessment of the record that was read last.
func (r *EventReader) AssessmentKey() keyset.Key {
	return AssessmentKey(r.Part("assessmentIdentifier"), r.Part("namespace"))
}

// AssessmentKey is an assessment's natural key as a hash, without regard to case.
func AssessmentKey(identifier, namespace []byte) keyset.Key {
	sum := sha256.Sum256(bytes.ToLower(append(append(bytes.Clone(identifier), 0), namespace...)))
	return keyset.Key(sum[:])
}

// StudentKey is a student's id as a hash. Some targets tell ids apart by case and some do not; two that differ in
// nothing else are one here.
func StudentKey(id []byte) keyset.Key {
	sum := sha256.Sum256([]byte("student\x00" + strings.ToUpper(string(id))))
	return keyset.Key(sum[:])
}

// members reads what is not in the natural key.
func (r *EventReader) members(text []byte, e *Event) bool {
	s := &r.scanner
	*s = jsonl.Scanner{Data: text, Decoded: s.Decoded[:0]}
	r.results = r.results[:0]
	ok := eachMember(s, func(name string) bool {
		switch {
		case name == "administrationDate" && s.Peek() == '"':
			date, ok := s.Text()
			e.when(string(date))
			return ok
		case name == "scoreResults" && s.Peek() == '[':
			return r.scores()
		}
		return s.Skip()
	})
	if len(r.results) > 0 {
		slices.Sort(r.results)
		h := fnv.New64a()
		for _, v := range r.results {
			_, _ = h.Write(append([]byte(v), 0)) // never fails
		}
		e.Scores = h.Sum64()
		e.Values = uint8(min(len(slices.Compact(r.results)), 255))
	}
	return ok
}

// scores collects the results of a record's scores. By which method each is reported is left out: loaders give the
// methods names of their own.
func (r *EventReader) scores() bool {
	s := &r.scanner
	s.Pos++
	for next := s.Peek(); next != ']'; next = s.Peek() {
		if next == ',' {
			s.Pos++
			continue
		}
		ok := eachMember(s, func(name string) bool {
			if name != "result" || s.Peek() != '"' {
				return s.Skip()
			}
			value, ok := s.Text()
			r.results = append(r.results, strings.TrimSpace(string(value)))
			return ok
		})
		if !ok {
			return false
		}
	}
	s.Pos++
	return true
}

// eachMember calls use at the value of each member of the object that begins here; use passes over it.
func eachMember(s *jsonl.Scanner, use func(name string) bool) bool {
	if s.Peek() != '{' {
		return false
	}
	s.Pos++
	for next := s.Peek(); next != '}'; next = s.Peek() {
		if next == ',' {
			s.Pos++
			continue
		}
		if next != '"' {
			return false
		}
		name, ok := s.Text()
		if !ok || !s.Colon() {
			return false
		}
		if s.Peek(); !use(string(name)) {
			return false
		}
	}
	s.Pos++
	return true
}

// when reads the date and, if it is not midnight, the time of a date-time. A zone is not looked at: targets drop it.
func (e *Event) when(text string) {
	digits := func(from, to int) (n int) {
		if len(text) < to {
			return -1
		}
		for _, c := range text[from:to] {
			if c < '0' || c > '9' {
				return -1
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := digits(0, 4), digits(5, 7), digits(8, 10)
	if year < 0 || month < 0 || day < 0 {
		return
	}
	e.Day = uint32(year*10000 + month*100 + day)
	if h, m, s := digits(11, 13), digits(14, 16), digits(17, 19); h >= 0 && m >= 0 && s >= 0 {
		e.Second = int32(h*3600 + m*60 + s)
	}
}

// DayNumber is the day of the administration, counted from 1970 on; 0: the record does not say.
func (e *Event) DayNumber() int32 {
	if e.Day == 0 {
		return 0
	}
	return int32(time.Date(int(e.Day/10000), time.Month(e.Day/100%100), int(e.Day%100), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// readItem reads a record as the target gives it.
func (r *EventReader) readItem(item json.RawMessage) (Event, bool) {
	e, ok := r.Read(item)
	e.ID = recordID(target.IDOf(item))
	return e, ok
}

func recordID(id string) uint64 {
	sum := sha256.Sum256([]byte(target.NormalID(id)))
	return binary.BigEndian.Uint64(sum[:])
}
