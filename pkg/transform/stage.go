package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// staging writes what the workers made, in the order of the input. It is owned by one goroutine.
// Nothing it writes is there before commit.
type staging struct {
	program   *Program
	run       *runs.Run // nil: what is staged is thrown away, for benchmarks
	outputs   []*output // by resource
	problems  *problemLog
	rejects   *rejectFile // of the file at hand
	unmapped  map[string]*unmappedValue
	unkept    int64 // misses of values that are not in unmapped
	decided   map[decision]int64
	same      map[[3]string]bool // type and two values of one code that are noted
	records   *recordTable
	conflicts *conflictSet // natural keys found to conflict
	firsts    map[[12]byte]string
	counts    runs.TransformCounts
	input     runs.InputCounts // of the input at hand
	seen      []seenValue
	fits      []fits    // of the file at hand
	retyped   diag.List // columns none of whose cells fit
	at        place
	scratch   []byte
}

// output is a resource's staged file with its origins.
type output struct {
	name    string
	records *jsonl.Writer
	origins *jsonl.Writer
	counts  runs.StagedCounts
	from    int // of the batch's text: what is to be written next begins here
	last    int // and the last record ends here
	lines   int
	origin  []byte
}

func (p *Program) newStaging(run *runs.Run) (*staging, error) {
	s := &staging{program: p, run: run, unmapped: map[string]*unmappedValue{}, decided: map[decision]int64{}, same: map[[3]string]bool{},
		records: &recordTable{}, conflicts: &conflictSet{}, firsts: map[[12]byte]string{},
		counts: runs.TransformCounts{Inputs: map[string]runs.InputCounts{}, Resources: map[string]runs.StagedCounts{}}}
	for _, name := range p.resources {
		s.outputs = append(s.outputs, &output{name: name})
	}
	var err error
	s.problems, err = newProblemLog(run)
	return s, err
}

// discard throws away what was not committed.
func (s *staging) discard() error {
	errs := []error{s.problems.close(), s.rejects.close()}
	for _, o := range s.outputs {
		if o.records != nil {
			errs = append(errs, o.records.Close(), o.origins.Close())
		}
	}
	return errors.Join(errs...)
}

// open begins the files of a resource when its first record is staged.
func (s *staging) open(o *output) error {
	if o.records != nil || s.run == nil {
		return nil
	}
	records, err := jsonl.Create(s.run.StagedFile(o.name))
	if err != nil {
		return unwritable(err)
	}
	origins, err := jsonl.Create(s.run.OriginFile(o.name))
	if err != nil {
		return errors.Join(unwritable(err), records.Close())
	}
	o.records, o.origins = records, origins
	return nil
}

func unwritable(err error) error {
	if _, ok := diag.AsError(err); ok || err == nil {
		return err
	}
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "", "the run directory cannot be written")
}

// write writes n lines with their origins.
func (s *staging) write(o *output, text []byte, n int, origins []byte) error {
	if n == 0 || s.run == nil {
		return nil
	}
	if err := s.open(o); err != nil {
		return err
	}
	if err := o.records.Write(text, n); err != nil {
		return unwritable(err)
	}
	return unwritable(o.origins.Write(origins, n))
}

// tables stages the records that tables give: they come before all rows. One whose key a row's
// record has with other content is rejected like that one.
func (s *staging) tables(poisoned *conflictSet) error {
	for _, t := range s.program.tables {
		o := s.outputs[t.unit.source.resource]
		if poisoned.has(t.hash.key) {
			o.counts.Rejected++
			r := recordResult{unit: t.unit, resource: t.unit.source.resource, hash: t.hash, key: t.key, line: int64(t.unit.pos.Line)}
			if err := s.conflict(&r, place{file: t.unit.pos.File}, t.origin); err != nil {
				return err
			}
			continue
		}
		for _, id := range t.log {
			s.decided[*s.program.tablePlan.decisions[id]]++
		}
		if s.records.add(t.hash) == recordEqual {
			o.counts.Duplicate++
			continue
		}
		o.counts.Staged++
		s.scratch = append(append(s.scratch[:0], t.origin...), '\n')
		if err := s.write(o, t.text, 1, s.scratch); err != nil {
			return err
		}
	}
	return nil
}

// emit writes what became of a block.
func (s *staging) emit(b *batch) error {
	for _, o := range s.outputs {
		o.from, o.last, o.lines, o.origin = 0, 0, 0, o.origin[:0]
	}
	for _, p := range b.problems {
		if err := s.problems.add(p); err != nil {
			return err
		}
	}
	for _, m := range b.misses {
		s.missed(m)
	}
	for _, v := range b.seen {
		s.saw(v)
	}
	records := b.records
	for i := range b.rows {
		row := &b.rows[i]
		if err := s.row(b, row, records[:row.records]); err != nil {
			return err
		}
		records = records[row.records:]
	}
	for i, o := range s.outputs {
		if err := s.flush(o, b.texts[i]); err != nil {
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

// row counts a row and its records.
func (s *staging) row(b *batch, row *rowResult, records []recordResult) error {
	staged, equal, rejected := 0, 0, 0
	for i := range records {
		r := &records[i]
		o := s.outputs[r.resource]
		switch {
		case r.rejected:
			rejected++
			o.counts.Rejected++
			if r.key != "" {
				if err := s.conflict(r, s.at, string(s.at.origin(nil, r.line))); err != nil {
					return err
				}
			}
			continue
		case r.end < 0:
			equal++
			o.counts.Duplicate++
			continue
		}
		switch s.records.add(r.hash) {
		case recordNew:
			staged++
			o.counts.Staged++
			o.last, o.lines = r.end, o.lines+1
			o.origin = append(s.at.origin(o.origin, row.line), '\n')
			continue
		case recordEqual:
			equal++
			o.counts.Duplicate++
		case recordConflict: // everything is staged again, without this key
			rejected++
			s.conflicts.add(r.hash.key)
		}
		if err := s.flush(o, b.texts[r.resource]); err != nil {
			return err
		}
		o.from, o.last = r.end, r.end
	}
	s.input.Read++
	switch {
	case row.outcome == rowFiltered:
		s.input.Filtered++
	case row.outcome == rowOther:
		s.input.Other++
	case row.outcome == rowDuplicate:
		s.input.Duplicate++
	case row.outcome == rowRejected || rejected > 0:
		s.input.Rejected++
		return s.rejects.add(row.raw)
	case staged > 0:
		s.input.Used++
	case equal > 0:
		s.input.Duplicate++
	default:
		s.input.Filtered++
	}
	return nil
}

// conflict lists a record that has the natural key of another one, but other content.
func (s *staging) conflict(r *recordResult, at place, origin string) error {
	first, ok := s.firsts[r.hash.key]
	message := "the record from " + first + " has the same natural key, but other content; none of them is staged"
	if !ok {
		s.firsts[r.hash.key] = origin
		message = "a later record has the same natural key, but other content; none of them is staged"
	}
	return s.problems.add(diag.Problem{Code: diag.RecordConflict, Level: diag.LevelOf(diag.RecordConflict), Input: at.input, File: at.file, Line: int(r.line),
		Resource: s.outputs[r.resource].name, Key: r.key, Rule: ruleOf(r.unit.source.def.Pos), Message: message})
}

// saw keeps a few of the values of rows that were left out.
func (s *staging) saw(v seenValue) {
	for _, old := range s.seen {
		if old == v {
			return
		}
	}
	if len(s.seen) < maxSeen {
		s.seen = append(s.seen, v)
	}
}

// merge adds the decisions of a worker.
func (s *staging) merge(r *state) {
	for i, n := range r.fits {
		s.fits[i].fit += n.fit
		s.fits[i].unfit += n.unfit
	}
	for id, n := range r.counts {
		if n == 0 {
			continue
		}
		d := r.plan.decisions
		if id >= len(d) {
			id -= len(d)
			d = r.made
		}
		s.decided[*d[id]] += n
	}
}

// tableRecord is a record that a table gave.
type tableRecord struct {
	unit   *unit
	text   []byte // with its line end
	origin string
	hash   recordHash
	key    string
	log    []int32 // decisions, of tablePlan
}

// stageTables makes the records of tables; one that would reject is a problem.
func (c *compiler) stageTables() {
	p := c.program
	r := newState(p.tablePlan, place{input: "tables"})
	r.out = &batch{}
	r.out.reset(0)
	known := &recordTable{}
	for _, u := range p.tablePlan.units {
		if u.broken {
			continue
		}
		r.begin(int64(u.pos.Line), nil)
		r.out.problems = r.out.problems[:0]
		c.stageTable(r, u, known)
		for _, d := range r.out.problems {
			where := ""
			if d.Path != "" {
				where = d.Path + ": "
			}
			c.add(u.pos, diag.BundleRecord, d.Fix, "%s: %s%s", d.Resource, where, d.Message)
		}
	}
}

// stageTable makes the record of one row of a table.
func (c *compiler) stageTable(r *state, u *unit, known *recordTable) {
	r.resource, r.faults = u.source.name, 0
	if u.when != nil {
		v, f := u.when.Eval(r.frame)
		if f != nil {
			r.fail(f, "")
		}
		if !v.IsTrue() {
			return
		}
	}
	text, h, ok := r.make(u, nil)
	if !ok {
		return
	}
	if known.add(h) == recordConflict {
		r.list(diag.Problem{Resource: r.resource, Message: "an earlier row gives a record with the same natural key (" + r.keyText(u, text) + "), but other content"})
		return
	}
	c.program.tables = append(c.program.tables, tableRecord{unit: u, text: text, hash: h, key: r.keyText(u, text), log: slices.Clone(r.log), origin: ruleOf(relative(u.pos, c.bundle.Path))})
}

// relative names a file of the bundle without the bundle's folder, however that was written.
func relative(pos diag.Pos, folder string) diag.Pos {
	pos.File = strings.TrimPrefix(pos.File, path.Clean(folder)+"/")
	return pos
}

// jsonText is the text of a JSON string or number, for people.
func jsonText(text []byte) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return string(bytes.TrimSpace(text))
}

// checkEquation says whether every row is accounted for.
func (s *staging) checkEquation() error {
	for _, name := range slices.Sorted(maps.Keys(s.counts.Inputs)) {
		if c := s.counts.Inputs[name]; !c.Holds() {
			return diag.Fail(diag.Guarded, diag.GuardEquation, "", "the rows of %s do not add up: %s", name, fmt.Sprintf("%+v", c))
		}
	}
	return nil
}
