package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// staging hands on what the workers made, in the order of the input, and counts. It is owned by one
// goroutine.
type staging struct {
	program   *mapping.Program
	sink      Sink
	outputs   []*output // by resource
	limit     runs.Limit
	named     place      // the row that a problem last rejected
	rejected  int        // the line of the row at hand in the file of rejected rows; 0: it is not rejected
	nextLine  int        // of the file of rejected rows
	short     shortRows  // at the end of what was handed on
	width     int        // cells of the header of the file at hand
	rejects   RejectFile // the file at hand
	unmapped  map[string]*unmappedValue
	unkept    int64 // misses of values that are not in unmapped
	decided   map[mapping.Decision]int64
	same      map[[3]string]bool // type and two values of one code that are noted
	records   *recordTable
	conflicts *keyset.Set // natural keys found to conflict
	firsts    map[keyset.Key]string
	counts    runs.TransformCounts
	input     runs.InputCounts // of the input at hand
	seen      []mapping.SeenValue
	blank     int64         // lines of the file at hand that are not rows
	retyped   diag.List     // columns none of whose cells fit
	at        mapping.Place // the file at hand
	scratch   []byte
	allowed   func(table, column string) []string // may be nil
	students  map[string]Matched                  // by input
}

// output is what a block gives of a resource, until it is handed on.
type output struct {
	name   string
	counts runs.StagedCounts
	from   int // of the batch's text: what is to be handed on next begins here
	last   int // and the last record ends here
	lines  int
	origin []byte
}

func newStaging(p *mapping.Program, sink Sink) (*staging, error) {
	s := &staging{program: p, sink: sink, unmapped: map[string]*unmappedValue{}, decided: map[mapping.Decision]int64{}, same: map[[3]string]bool{},
		records: &recordTable{}, conflicts: &keyset.Set{}, firsts: map[keyset.Key]string{}, students: map[string]Matched{},
		counts: runs.TransformCounts{Inputs: map[string]runs.InputCounts{}, Resources: map[string]runs.StagedCounts{}}}
	for _, name := range p.Resources() {
		s.outputs = append(s.outputs, &output{name: name})
	}
	return s, sink.Begin()
}

// write hands n lines on, with their origins.
func (s *staging) write(o *output, text []byte, n int, origins []byte) error {
	if n == 0 {
		return nil
	}
	return s.sink.Staged(o.name, Lines{N: n, Records: text, Origins: origins})
}

// maxAlike is how many problems of one cause are listed one by one, but for those that must be.
const maxAlike = 1000

// problem lists a problem, at most maxAlike of one cause. Each row that was dropped, rejected or read
// although it ends early is named all the same: a rejected one by the first of its problems.
func (s *staging) problem(p diag.Problem) error {
	if p.Level == 0 {
		p.Level = diag.LevelOf(p.Code)
	}
	t := s.limit.Of(runs.Cause{Code: p.Code, Input: p.Input, Column: p.Column, Resource: p.Resource, Path: p.Path, Rule: p.Rule})
	t.Seen++
	must := p.Code == diag.RowDuplicate || p.Code == diag.RowShortened
	if p.Level <= diag.LevelError {
		at := place{p.Input, p.File, p.Line}
		must = must || at != s.named
		s.named = at
	}
	if t.Seen > maxAlike && !must {
		s.limit.Leave(t, p)
		return nil
	}
	p.RejectLine = s.rejected
	return s.sink.Problem(p)
}

func (s *staging) list(all []diag.Problem) error {
	for _, p := range all {
		if err := s.problem(p); err != nil {
			return err
		}
	}
	return nil
}

// place is a line of a file of an input.
type place struct {
	input, file string
	line        int
}

// unlisted says how many problems were not listed one by one.
func (s *staging) unlisted() error {
	for _, t := range s.limit.Left() {
		p := *t.First
		p.Line, p.Value, p.Key, p.Count = 0, "", "", t.Left
		p.Message = fmt.Sprintf("and %d more of this kind, not listed one by one: %s", t.Left, p.Message)
		if p.Level <= diag.LevelError {
			p.Message = fmt.Sprintf("and %d more of this kind, in rows that are listed for something else: %s", t.Left, t.First.Message)
		}
		if err := s.sink.Problem(p); err != nil {
			return err
		}
	}
	return nil
}

// tables stages the records that tables give: they come before all rows. One whose key a row's
// record has with other content is rejected like that one.
func (s *staging) tables(conflicting *keyset.Set) error {
	for _, t := range s.program.TableRecords() {
		o := s.outputs[t.Resource]
		if _, ok := conflicting.Find(t.Hash.Key); ok {
			o.counts.Rejected++
			if err := s.conflict(&t.RecordResult, mapping.Place{File: t.File}, t.Origin); err != nil {
				return err
			}
			continue
		}
		for _, d := range t.Decisions {
			s.decided[d]++
		}
		if s.records.add(t.Hash) == recordEqual {
			o.counts.Duplicate++
			continue
		}
		o.counts.Staged++
		s.scratch = append(append(s.scratch[:0], t.Origin...), '\n')
		if err := s.write(o, t.Text, 1, s.scratch); err != nil {
			return err
		}
	}
	return nil
}

// emit writes what became of a block.
func (s *staging) emit(b *mapping.Batch) error {
	for _, o := range s.outputs {
		o.from, o.last, o.lines, o.origin = 0, 0, 0, o.origin[:0]
	}
	for _, m := range b.Misses {
		s.missed(m)
	}
	for _, v := range b.Seen {
		s.saw(v)
	}
	records, problems := b.Records, b.Problems
	for i := range b.Rows {
		row, n := &b.Rows[i], 0
		for n < len(problems) && problems[n].Line == int(row.Line) {
			n++
		}
		if err := s.row(b, row, records[:row.Records], problems[:n]); err != nil {
			return err
		}
		records, problems = records[row.Records:], problems[n:]
	}
	for i, o := range s.outputs {
		if err := s.flush(o, b.Texts[i]); err != nil {
			return err
		}
	}
	return nil
}

// flush writes the records of a block up to the last one.
func (s *staging) flush(o *output, text []byte) error {
	err := s.write(o, text[o.from:o.last], o.lines, o.origin)
	o.from, o.lines, o.origin = o.last, 0, o.origin[:0]
	return err
}

// row lists the problems of a row, and counts it and its records.
func (s *staging) row(b *mapping.Batch, row *mapping.RowResult, records []mapping.RecordResult, problems []diag.Problem) error {
	if err := s.shorten(row.Line, row.Short); err != nil {
		return err
	}
	if row.Outcome == mapping.RowRejected {
		s.rejected = s.nextLine
		defer func() { s.rejected = 0 }()
	}
	if err := s.list(problems); err != nil {
		return err
	}
	staged, equal, rejected, err := s.take(b, records)
	if err != nil {
		return err
	}
	s.input.Read++
	became, count := s.fate(row.Outcome, staged, equal, rejected)
	*count++
	if became == Duplicate && row.Outcome != mapping.RowDuplicate {
		if err := s.problem(diag.Problem{Code: diag.RowDuplicate, Input: s.at.Input, File: s.at.File, Line: int(row.Line),
			Message: "the records of the row equal earlier ones, and the row was dropped"}); err != nil {
			return err
		}
	}
	if became == Rejected {
		s.nextLine += 1 + strings.Count(row.Raw, "\n")
		if err := s.sink.Rejected(&s.rejects, row.Raw); err != nil {
			return err
		}
	}
	return s.sink.Row(s.at, row.Line, became)
}

// take counts the records of a row, and takes those that are new.
func (s *staging) take(b *mapping.Batch, records []mapping.RecordResult) (staged, equal, rejected int, err error) {
	for i := range records {
		r := &records[i]
		o := s.outputs[r.Resource]
		switch {
		case r.Rejected:
			rejected++
			o.counts.Rejected++
			if r.Key != "" {
				if err := s.conflict(r, s.at, string(s.at.Origin(nil, r.Line))); err != nil {
					return 0, 0, 0, err
				}
			}
			continue
		case r.End < 0:
			equal++
			o.counts.Duplicate++
			continue
		}
		switch s.records.add(r.Hash) {
		case recordNew:
			staged++
			o.counts.Staged++
			o.last, o.lines = r.End, o.lines+1
			o.origin = append(s.at.Origin(o.origin, r.Line), '\n')
			continue
		case recordEqual:
			equal++
			o.counts.Duplicate++
		case recordConflict: // everything is staged again, without this key
			rejected++
			s.conflicts.Add(r.Hash.Key)
		}
		if err := s.flush(o, b.Texts[r.Resource]); err != nil {
			return 0, 0, 0, err
		}
		o.from, o.last = r.End, r.End
	}
	return staged, equal, rejected, nil
}

// shortRows is rows one after the other that end early, after as many cells.
type shortRows struct {
	cells, n    int
	first, last int64 // lines
}

// shorten notes that a row ends after some cells, 0 being all of them, and lists the rows before it if they
// do not end so.
func (s *staging) shorten(line int64, cells int) error {
	if ended := s.short; ended.cells != cells {
		s.short = shortRows{cells: cells, first: line}
		if ended.cells > 0 {
			p := diag.Problem{Code: diag.RowShortened, Input: s.at.Input, File: s.at.File, Line: int(ended.first),
				Message: fmt.Sprintf("the row ends after %d cells of %d; the others were read as empty", ended.cells, s.width)}
			if ended.n > 1 {
				p.Count = ended.n
				p.Message = fmt.Sprintf("the rows from line %d to line %d end after %d cells of %d; the others were read as empty", ended.first, ended.last, ended.cells, s.width)
			}
			if err := s.problem(p); err != nil {
				return err
			}
		}
	}
	s.short.n, s.short.last = s.short.n+1, line
	return nil
}

// fate is what became of a row by its outcome and its records, and where that is counted.
func (s *staging) fate(outcome mapping.Outcome, staged, equal, rejected int) (RowFate, *int64) {
	switch {
	case outcome == mapping.RowOther:
		return Other, &s.input.Other
	case outcome == mapping.RowRejected || rejected > 0:
		return Rejected, &s.input.Rejected
	case staged > 0:
		return Used, &s.input.Used
	case outcome == mapping.RowDuplicate || equal > 0:
		return Duplicate, &s.input.Duplicate
	}
	return Filtered, &s.input.Filtered // by itself, or because none of its records was wanted
}

// conflict lists a record that has the natural key of another one, but other content.
func (s *staging) conflict(r *mapping.RecordResult, at mapping.Place, origin string) error {
	first, ok := s.firsts[r.Hash.Key]
	message := "the record from " + first + " has the same natural key, but different content; none of them is staged"
	if !ok {
		s.firsts[r.Hash.Key] = origin
		message = "a later record has the same natural key, but different content; none of them is staged"
	}
	return s.problem(diag.Problem{Code: diag.RecordConflict, Level: diag.LevelOf(diag.RecordConflict), Input: at.Input, File: at.File, Line: int(r.Line),
		Resource: s.outputs[r.Resource].name, Key: r.Key, Rule: r.Rule, Message: message})
}

// saw keeps a few of the values of rows that were left out.
func (s *staging) saw(v mapping.SeenValue) {
	if len(s.seen) < mapping.MaxSeen && !slices.Contains(s.seen, v) {
		s.seen = append(s.seen, v)
	}
}

// recordTable knows the natural keys of all records of the run and tells equal records from
// conflicting ones.
type recordTable struct {
	keys     keyset.Set
	contents keyset.List[uint64] // by the keys' numbers
}

type recordVerdict uint8

const (
	recordNew recordVerdict = iota
	recordEqual
	recordConflict
)

// add notes a record and says how it relates to the one that had its key before.
func (t *recordTable) add(h mapping.RecordHash) recordVerdict {
	n, fresh := t.keys.Add(h.Key)
	switch {
	case fresh:
		t.contents.Append(h.Content)
		return recordNew
	case *t.contents.At(n) == h.Content:
		return recordEqual
	}
	return recordConflict
}
