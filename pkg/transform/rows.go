package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// batch is a block of rows and what a worker made of it; it is reused from block to block.
type batch struct {
	block    table.Block
	rows     []rowResult
	records  []recordResult
	texts    [][]byte // by resource: the records' lines, one after the other
	problems []diag.Problem
	misses   []missed
	seen     []seenValue // of rows that were filtered or another's
	blank    int64
	short    int64
}

type missed struct {
	*expression.Miss
	line int64
}

// seenValue is a value that decided that a row is not ours.
type seenValue struct{ name, value string }

// outcome is what became of a row, as far as its worker knows.
type outcome uint8

const (
	rowMapped    outcome = iota // what it is depends on its records
	rowFiltered                 // by `when`
	rowOther                    // another district's
	rowDuplicate                // dropped by its key
	rowRejected
)

type rowResult struct {
	line    int64
	outcome outcome
	records int    // made, from the batch's list
	dropped int    // equal to one that this worker made before
	raw     string // of a rejected row
}

type recordResult struct {
	resource int
	unit     *unit
	end      int // in the resource's text
	hash     recordHash
	rejected bool // not in the text
	key      string
	line     int64
}

func (b *batch) reset(resources int) {
	b.rows, b.records, b.problems, b.misses, b.seen = b.rows[:0], b.records[:0], b.problems[:0], b.misses[:0], b.seen[:0]
	b.blank, b.short = 0, 0
	if b.texts == nil {
		b.texts = make([][]byte, resources)
	}
	for i := range b.texts {
		b.texts[i] = b.texts[i][:0]
	}
}

// rows makes the records of a block.
func (r *state) rows(b *batch, p *table.Parser) {
	r.out = b
	for row := range b.block.Rows(p) {
		if row.Blank {
			b.blank++
			continue
		}
		before := len(b.records)
		out := rowResult{line: row.Line}
		out.outcome = r.mapRow(&row, &out)
		out.records = len(b.records) - before
		for _, m := range r.frame.Missed {
			b.misses = append(b.misses, missed{m, r.line})
		}
		if out.outcome == rowRejected {
			out.raw = row.Raw
		}
		b.rows = append(b.rows, out)
	}
}

// mapRow takes a row through district, when, key, expect and records (format §3).
func (r *state) mapRow(row *table.Row, out *rowResult) outcome {
	r.begin(row.Line, row.Cells)
	r.resource, r.faults = "", 0
	if f := r.malformed(row); f != nil {
		r.fail(f, "")
		return rowRejected
	}
	if done, ended := r.ours(true); ended {
		return done
	}
	if v, ok := r.dropped.row(r.line); ok {
		if v.kind == keyDropped {
			r.list(diag.Problem{Code: diag.RowDuplicate, Level: diag.LevelOf(diag.RowDuplicate), Rule: ruleOf(r.plan.input.def.Key[0].Pos), Message: "the row repeats the key of " + v.other + " and was dropped"})
			return rowDuplicate
		}
		r.fail(r.clash(v, r.plan.by, func() *expression.Fault {
			return v.conflict("the row has the same key as ", r.plan.input.def.Key, r.plan.input.def.Duplicates)
		}), "")
		return rowRejected
	}
	rejected := r.expected()
	bad := r.spoiledRow() || rejected
	for _, u := range r.plan.units {
		if r.record(u, bad, out) {
			rejected = true
		}
	}
	if rejected || bad {
		return rowRejected
	}
	return rowMapped
}

// spoiledRow lists the bad cells of the row itself, and counts how the cells of typed columns fit.
func (r *state) spoiledRow() bool {
	bad := false
	for i, bc := range r.plan.columns {
		v, f := bc.code.Eval(r.frame)
		switch {
		case f != nil:
			r.fail(f, "")
			bad = true
			if f.Code == diag.CellType {
				r.fits[i].unfit++
			}
		case !v.IsNull():
			r.fits[i].fit++
		}
	}
	return bad
}

// fits is how the cells of a column fit its type.
type fits struct{ fit, unfit int64 }

// malformed says why a row cannot be read by its header; a short one that lacks only what may be
// missing is none of these.
func (r *state) malformed(row *table.Row) *expression.Fault {
	n, width := len(row.Cells), len(r.plan.headers)
	switch {
	case row.Malformed != "":
		return &expression.Fault{Code: diag.RowQuote, Message: row.Malformed}
	case n < r.plan.needed:
		return &expression.Fault{Code: diag.RowShort, Column: r.plan.headers[r.plan.needed-1],
			Message: fmt.Sprintf("the row ends after %d of %d cells, before %s", n, width, r.plan.headers[r.plan.needed-1])}
	case n < width:
		r.out.short++
	case n > width:
		for _, cell := range row.Cells[width:] {
			if !expression.IsBlank(cell) {
				return &expression.Fault{Code: diag.RowLong, Message: fmt.Sprintf("the row has %d cells, the header %d; is a comma or quote not quoted?", n, width)}
			}
		}
	}
	return nil
}

// ours decides district and when; ended is false for rows that go on. listing is off in pass 1,
// which leaves it to pass 2 to say what is wrong.
func (r *state) ours(listing bool) (done outcome, ended bool) {
	pl := r.plan
	if pl.district != nil {
		v, f := pl.district.code.Eval(r.frame)
		switch {
		case f != nil && f.Code != diag.CellRequired: // a blank one is another's, also where that is an error
			if listing {
				r.fail(f, "")
			}
			return rowRejected, true
		case f != nil || !pl.leaCodes[v.Text()]:
			if listing {
				r.saw(pl.district.header, v.Text())
			}
			return rowOther, true
		}
	}
	if pl.when == nil {
		return rowMapped, false
	}
	v, f := pl.when.Eval(r.frame)
	switch {
	case f != nil:
		if listing {
			r.fail(f, "")
		}
		return rowRejected, true
	case !v.IsTrue():
		if listing && len(r.out.seen) < maxSeen {
			for _, n := range pl.whenNames {
				if v, f := n.code.Eval(r.frame); f == nil {
					r.saw(n.name, v.Text())
				}
			}
		}
		return rowFiltered, true
	}
	return rowMapped, false
}

// maxSeen bounds the values that are kept of rows left out.
const maxSeen = 20

func (r *state) saw(name, value string) {
	v := seenValue{name, value}
	if len(r.out.seen) < maxSeen && !slices.Contains(r.out.seen, v) {
		v.value = strings.Clone(value)
		r.out.seen = append(r.out.seen, v)
	}
}

// expected checks what is expected of kept rows; null counts as not met. Where the condition failed
// because a cell of the row is unfit, or blank and required, that cell is the problem: it is listed
// with the row's others, and rejects the row.
func (r *state) expected() (rejected bool) {
	for i := range r.plan.expects {
		e := &r.plan.expects[i]
		v, f := e.that.Eval(r.frame)
		if f == nil && v.IsTrue() || f != nil && (f.Code == diag.CellType || f.Code == diag.CellRequired) {
			continue
		}
		why := e.def.Why
		if why == "" {
			why = e.def.That.Source
		}
		r.list(diag.Problem{Code: diag.RowExpectation, Level: e.def.Level, Rule: ruleOf(e.def.Pos), Message: "not met: " + why})
		rejected = rejected || e.def.Level <= diag.LevelError
	}
	return rejected
}

// record makes one record; true if it was rejected. bad says that the row's own cells reject all.
func (r *state) record(u *unit, bad bool, out *rowResult) bool {
	b, resource := r.out, u.source.resource
	r.resource, r.faults = u.source.name, 0
	if u.element != nil && !r.chain(u.element) {
		if r.faults > 0 {
			r.reject(u, "")
			return true
		}
		return false
	}
	if u.when != nil {
		v, f := u.when.Eval(r.frame)
		switch {
		case f != nil:
			r.fail(f, "")
			r.reject(u, "")
			return true
		case !v.IsTrue():
			return false
		}
	}
	if bad {
		r.reject(u, "")
		return true
	}
	start := len(b.texts[resource])
	text, h, ok := r.make(u, b.texts[resource])
	switch {
	case !ok:
		b.texts[resource] = text[:start]
		r.reject(u, "")
		return true
	case r.poisoned.has(h.key):
		key := r.keyText(u, text)
		b.texts[resource] = text[:start]
		b.records = append(b.records, recordResult{resource: resource, unit: u, rejected: true, hash: h, key: key, line: r.line})
		return true
	}
	r.commit()
	if r.seen(h) {
		b.texts[resource] = text[:start]
		out.dropped++
		b.records = append(b.records, recordResult{resource: resource, unit: u, end: -1, line: r.line})
		return false
	}
	b.texts[resource] = text
	b.records = append(b.records, recordResult{resource: resource, unit: u, end: len(text), hash: h, line: r.line})
	return false
}

func (r *state) reject(u *unit, key string) {
	r.out.records = append(r.out.records, recordResult{resource: u.source.resource, unit: u, rejected: true, key: key, line: r.line})
}

// chain reports whether an element and those around it are there and fit for records.
func (r *state) chain(e *element) bool {
	if !r.standing(e) {
		return false
	}
	for o := e; o != nil; o = o.outer {
		if r.doubtful(o, "") || r.spoiled(o.columns, "") || r.conflicting(o, "") {
			return false
		}
	}
	return true
}

// standing reports whether an element and those around it are there.
func (r *state) standing(e *element) bool {
	for ; e != nil; e = e.outer {
		if !r.exists(e) {
			return false
		}
	}
	return true
}

// gone reports whether an element was dropped because another one has its key.
func (r *state) gone(e *element) bool {
	v, ok := r.dropped.element(e.list, r.line, e.number)
	if !ok || v.kind != keyDropped {
		return false
	}
	r.list(diag.Problem{Code: diag.RowDuplicate, Level: diag.LevelOf(diag.RowDuplicate), Rule: ruleOf(e.list.def.Key[0].Pos),
		Message: "an element of " + e.list.path + " repeats the key of one of " + v.other + " and was dropped"})
	return true
}

// conflicting reports an element that has the same key as another, but other content.
func (r *state) conflicting(e *element, path string) bool {
	v, ok := r.dropped.element(e.list, r.line, e.number)
	if !ok || v.kind == keyDropped {
		return false
	}
	r.fail(r.clash(v, e.by, func() *expression.Fault { return v.fault }), path)
	return true
}
