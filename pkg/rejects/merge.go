package rejects

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// event says something of a row of a vendor's file.
type event struct {
	file     int   // index among the inputs of the manifest
	line     int64 // in the file
	stage    string
	resource string // of the record; empty: the row itself
	staged   int64  // its line
	code     diag.Code
	message  string
	fate     runs.Fate // of the record, or the row; "": another event says
	weight   int       // what is said of a record: of several things the one of the most weight counts
}

// How much an event says of why its record stayed behind.
const (
	verdictOnly = iota // that it did
	perhaps            // something that may be why
	certain            // why
)

func (e *event) before(o *event) int {
	return cmp.Or(cmp.Compare(e.file, o.file), cmp.Compare(e.line, o.line))
}

// stream gives events in the order of files and lines.
type stream interface {
	next() (e event, ok bool, err error)
	close()
}

// decoder makes an event of a line of a list; ok is false for a line that says nothing of a row.
type decoder func(text []byte) (e event, ok bool, err error)

// listed is a part of a list in which events are in their order.
type listed struct {
	file   *os.File
	in     *bufio.Reader
	pos    int64 // what was read
	end    int64 // of the part; negative: that of the file
	begin  int64 // of the line that the last event is from
	decode decoder
}

func openPart(path string, begin, end int64, decode decoder) (*listed, error) {
	f, err := os.Open(path)
	if err == nil && begin > 0 {
		_, err = f.Seek(begin, io.SeekStart)
	}
	return &listed{file: f, in: bufio.NewReaderSize(f, 64<<10), pos: begin, end: end, decode: decode}, err
}

func (s *listed) next() (e event, ok bool, err error) {
	for s.pos != s.end {
		text, err := s.in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return event{}, false, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return event{}, false, err
		}
		s.begin, s.pos = s.pos, s.pos+int64(len(text))
		if e, ok, err := s.decode(text); ok || err != nil {
			return e, ok, err
		}
	}
	return event{}, false, nil
}

func (s *listed) close() { _ = s.file.Close() } // read only

// mostParts bounds how many parts of a list are open at a time. A list has one for each resource, or for each
// generation of one that refers to itself; one of more parts is sorted in memory.
const mostParts = 200

// openList opens a list, in as many parts as its events begin anew; a list that is not there has none.
func openList(path string, decode decoder) (all []stream, err error) {
	starts, err := partsOf(path, decode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(starts) > mostParts {
		return sortList(path, decode)
	}
	for i, begin := range starts {
		end := int64(-1)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		part, err := openPart(path, begin, end, decode)
		if err != nil {
			return all, err
		}
		all = append(all, part)
	}
	return all, nil
}

// partsOf are where the parts of a list begin; not all of them if they are too many.
func partsOf(path string, decode decoder) ([]int64, error) {
	whole, err := openPart(path, 0, -1, decode)
	if err != nil {
		return nil, err
	}
	defer whole.close()
	starts, last := []int64{0}, event{file: -1}
	for {
		e, ok, err := whole.next()
		if !ok || err != nil || len(starts) > mostParts {
			return starts, err
		}
		if e.before(&last) < 0 {
			starts = append(starts, whole.begin)
		}
		last = e
	}
}

// sorted gives events that were read at once.
type sorted struct{ events []event }

func sortList(path string, decode decoder) ([]stream, error) {
	whole, err := openPart(path, 0, -1, decode)
	if err != nil {
		return nil, err
	}
	defer whole.close()
	s := &sorted{}
	for {
		e, ok, err := whole.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		s.events = append(s.events, e)
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return a.before(&b) })
	return []stream{s}, nil
}

func (s *sorted) next() (e event, ok bool, err error) {
	if len(s.events) == 0 {
		return e, false, nil
	}
	e, s.events = s.events[0], s.events[1:]
	return e, true, nil
}

func (s *sorted) close() {}

// verdicts gives an event for each record of a resource that validate did not let pass.
type verdicts struct {
	resource string
	verdicts []byte
	stays    func(runs.Verdict) bool
	place    func(origin string) (file int, line int64, ok bool)
	file     *os.File
	origins  *bufio.Scanner
	at       int
}

func (s *verdicts) next() (event, bool, error) {
	for s.at < len(s.verdicts) {
		v := runs.Verdict(s.verdicts[s.at])
		s.at++
		if !s.origins.Scan() {
			return event{}, false, s.origins.Err()
		}
		if !s.stays(v) {
			continue
		}
		if file, line, ok := s.place(s.origins.Text()); ok {
			return event{file: file, line: line, stage: runs.Validate, resource: s.resource, staged: int64(s.at),
				message: said[v], fate: fates[v]}, true, nil
		}
	}
	return event{}, false, nil
}

// said is what is known of a record that problems/validate does not list one by one.
var said = map[runs.Verdict]string{
	runs.Invalid:   "the record is not valid; problems/validate.csv says what is wrong, and how often",
	runs.Marked:    "the record refers to a staged record that does not pass",
	runs.Unchecked: "the record could not be checked at the target",
}

var fates = map[runs.Verdict]runs.Fate{runs.Invalid: runs.RecordInvalid, runs.Marked: runs.RecordBlocked, runs.Unchecked: runs.RecordUnchecked}

func (s *verdicts) close() { _ = s.file.Close() } // read only

// merged gives the events of several streams by rows.
type merged struct {
	streams []stream
	heads   []event // of the streams
	row     []event
}

func merge(streams []stream) (*merged, error) {
	m := &merged{}
	for _, s := range streams {
		e, ok, err := s.next()
		if err != nil {
			return nil, err
		}
		if ok {
			m.streams, m.heads = append(m.streams, s), append(m.heads, e)
		}
	}
	return m, m.nextRow()
}

// nextRow takes all that is said of the next row; none is left when row is empty.
func (m *merged) nextRow() error {
	m.row = m.row[:0]
	if len(m.heads) == 0 {
		return nil
	}
	first := &m.heads[0]
	for i := range m.heads {
		if m.heads[i].before(first) < 0 {
			first = &m.heads[i]
		}
	}
	at := *first
	for i := 0; i < len(m.heads); {
		more := true
		for more && m.heads[i].before(&at) == 0 {
			if len(m.row) < mostEvents {
				m.row = append(m.row, m.heads[i])
			}
			e, ok, err := m.streams[i].next()
			if err != nil {
				return err
			}
			m.heads[i], more = e, ok
		}
		if more {
			i++
			continue
		}
		m.heads, m.streams = slices.Delete(m.heads, i, i+1), slices.Delete(m.streams, i, i+1)
	}
	return nil
}

// mostEvents bounds what is kept of one row.
const mostEvents = 10_000

// reasons are why the row at hand is to be corrected; nil if what is said of it is not why.
func (m *merged) reasons() *Reasons {
	type record struct {
		resource string
		staged   int64
	}
	type known struct {
		fate   runs.Fate
		weight int
	}
	behind := map[record]known{} // of the records that did not get through
	for i := range m.row {
		if e := &m.row[i]; e.fate != "" {
			behind[record{e.resource, e.staged}] = known{e.fate, e.weight}
		}
	}
	for i := range m.row {
		e := &m.row[i]
		if k, ok := behind[record{e.resource, e.staged}]; ok && e.weight > k.weight {
			behind[record{e.resource, e.staged}] = known{k.fate, e.weight}
		}
	}
	why := &Reasons{Line: m.row[0].line}
	for i := range m.row {
		e := &m.row[i]
		if k, ok := behind[record{e.resource, e.staged}]; ok && k.weight == e.weight {
			message := e.message
			if e.resource != "" {
				message = e.resource + ": " + message
			}
			why.add(k.fate, e.stage, e.code, message)
		}
	}
	if len(why.messages) == 0 {
		return nil
	}
	return why
}
