package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Batch is what became of rows: their records, and what is to be said of them. It is reused from
// block to block.
type Batch struct {
	Rows     []RowResult
	Records  []RecordResult
	Texts    [][]byte // by resource: the records' lines, one after the other
	Problems []diag.Problem
	Misses   []Missed
	Seen     []SeenValue // of rows that were filtered or another's
	Blank    int64       // lines that are not rows
}

// Missed is a value that a table does not know, with the line of its row.
type Missed struct {
	*expression.Miss
	Line int64
}

// SeenValue is a value for which a row was left out.
type SeenValue struct{ Name, Value string }

// Outcome is what became of a row, as far as its worker knows.
type Outcome uint8

// The outcomes of rows.
const (
	RowMapped    Outcome = iota // what it is depends on its records
	RowFiltered                 // by `when`
	RowOther                    // another district's
	RowDuplicate                // dropped by its key
	RowRejected
)

// RowResult is what became of one row.
type RowResult struct {
	Line    int64
	Outcome Outcome
	Records int    // made, from the batch's list
	Raw     string // of a rejected row
	Short   int    // cells of one that ends early, before columns that may be missing; 0: it does not
}

// RecordResult is what became of one record.
type RecordResult struct {
	Resource int    // in Program.Resources
	Rule     string // file:line of the bundle
	End      int    // in the resource's text; -1 for one that is equal to an earlier one of its worker
	Hash     RecordHash
	Rejected bool   // not in the text
	Key      string // the natural key for people, of one that was rejected for it
	Line     int64
}

// Reset empties a batch for a number of resources.
func (b *Batch) Reset(resources int) {
	b.Rows, b.Records, b.Problems, b.Misses, b.Seen = b.Rows[:0], b.Records[:0], b.Problems[:0], b.Misses[:0], b.Seen[:0]
	b.Blank = 0
	if b.Texts == nil {
		b.Texts = make([][]byte, resources)
	}
	for i := range b.Texts {
		b.Texts[i] = b.Texts[i][:0]
	}
}

// Map makes the records of a row, and adds them and what is wrong to a batch.
func (r *Worker) Map(row *table.Row, b *Batch) {
	if row.Blank {
		b.Blank++
		return
	}
	r.out = b
	before := len(b.Records)
	out := RowResult{Line: row.Line, Outcome: r.mapRow(row), Short: r.short}
	out.Records = len(b.Records) - before
	r.countMatch()
	if out.Outcome == RowRejected {
		out.Raw = row.Raw
	}
	for _, m := range r.frame.Missed {
		b.Misses = append(b.Misses, Missed{m, r.line})
	}
	b.Rows = append(b.Rows, out)
}

// mapRow takes a row through district, when, key, expect and records.
func (r *Worker) mapRow(row *table.Row) Outcome {
	r.begin(row.Line, row.Cells)
	r.resource, r.faults = "", 0
	if f := r.malformed(row); f != nil {
		r.fail(f, "")
		return RowRejected
	}
	if done, ended := r.selectRow(); ended {
		return done
	}
	if v := r.verdictOf(nil, 0); v != nil {
		if v.Kind == Dropped {
			r.list(diag.Problem{Code: diag.RowDuplicate, Level: diag.LevelOf(diag.RowDuplicate), Rule: r.plan.input.Def.Key[0].Pos.Rule(), Message: "the row repeats the key of " + v.Other + " and was dropped"})
			return RowDuplicate
		}
		r.fail(r.clash(v, r.plan.by, func() *expression.Fault {
			return v.conflict("the row has the same key as ", r.plan.input.Def.Key, r.plan.input.Def.Duplicates)
		}), "")
		return RowRejected
	}
	r.compareDoubles()
	rejected := r.expected()
	bad := r.badCellsOfRow() || rejected
	for _, u := range r.plan.units {
		if r.record(u, bad) {
			rejected = true
		}
	}
	if rejected || bad {
		return RowRejected
	}
	return RowMapped
}

// badCellsOfRow lists the bad cells of the row itself, and counts how the cells of typed columns fit.
func (r *Worker) badCellsOfRow() bool {
	bad := false
	for i, bc := range r.plan.columns {
		v, f := bc.code.Eval(&r.frame)
		switch {
		case f != nil:
			r.fail(f, "")
			bad = true
			if f.Code == diag.CellType {
				if r.fits[i].unfit++; r.fits[i].first == nil {
					r.fits[i].first, r.fits[i].line = f, r.line
				}
			}
		case !v.IsNull():
			r.fits[i].fit++
		}
	}
	return bad
}

// fits is how the cells of a column fit its type.
type fits struct {
	fit, unfit int64
	first      *expression.Fault // of those that do not
	line       int64
}

// malformed says why a row cannot be read by its header; a short one that lacks only what may be
// missing is none of these.
func (r *Worker) malformed(row *table.Row) *expression.Fault {
	n, width := len(row.Cells), len(r.plan.headers)
	r.short = 0
	switch {
	case row.Malformed != "":
		return &expression.Fault{Code: diag.RowQuote, Message: row.Malformed}
	case n < r.plan.needed:
		return &expression.Fault{Code: diag.RowShort, Column: r.plan.headers[r.plan.needed-1],
			Message: fmt.Sprintf("the row ends after %d of %d cells, before %s", n, width, r.plan.headers[r.plan.needed-1])}
	case n < width && row.Cut:
		r.list(diag.Problem{Code: diag.RowShortened, Level: diag.LevelWarning, Fix: "Compare the row with the vendor's file; if it was cut off, fetch the file again.",
			Message: fmt.Sprintf("the file ends in this row, after %d of %d cells and without a line end: it may have been cut off, in its last cell too", n, width)})
	case n < width:
		r.short = n
	case n > width:
		for _, cell := range row.Cells[width:] {
			if !expression.IsBlank(cell) {
				return &expression.Fault{Code: diag.RowLong, Message: fmt.Sprintf("the row has %s, the header %d; is a comma or quote not quoted?", diag.Counted(n, "cell", "cells"), width)}
			}
		}
	}
	return nil
}

// selectRow decides district and when; ended is false for rows that are mapped.
func (r *Worker) selectRow() (done Outcome, ended bool) {
	pl := r.plan
	if pl.district != nil {
		v, f := pl.district.code.Eval(&r.frame)
		switch {
		case f != nil && f.Code != diag.CellRequired: // a blank one is another's, also where that is an error
			r.fail(f, "")
			return RowRejected, true
		case f != nil || !pl.leaCodes[v.Text()]:
			r.saw(pl.district.header, v.Text())
			return RowOther, true
		}
	}
	if pl.when == nil {
		return RowMapped, false
	}
	v, f := pl.when.Eval(&r.frame)
	switch {
	case f != nil:
		r.fail(f, "")
		return RowRejected, true
	case !v.IsTrue():
		if len(r.out.Seen) < MaxSeen {
			for _, n := range pl.whenNames {
				if v, f := n.code.Eval(&r.frame); f == nil && !n.code.Personal {
					r.saw(n.name, v.Text())
				}
			}
		}
		return RowFiltered, true
	}
	return RowMapped, false
}

// MaxSeen bounds the values that are kept of rows left out.
const MaxSeen = 20

func (r *Worker) saw(name, value string) {
	v := SeenValue{name, value}
	if len(r.out.Seen) < MaxSeen && !slices.Contains(r.out.Seen, v) {
		v.Value = strings.Clone(value)
		r.out.Seen = append(r.out.Seen, v)
	}
}

// expected checks what is expected of kept rows; null counts as not met. Where the condition failed
// because a cell of the row is unfit, or blank and required, that cell is the problem: it is listed
// with the row's others, and rejects the row.
func (r *Worker) expected() (rejected bool) {
	for i := range r.plan.expects {
		e := &r.plan.expects[i]
		v, f := e.that.Eval(&r.frame)
		if f == nil && v.IsTrue() || f != nil && (f.Code == diag.CellType || f.Code == diag.CellRequired) {
			continue
		}
		p := diag.Problem{Code: diag.RowExpectation, Level: e.def.Level, Rule: e.def.Pos.Rule(), Value: r.lookedAt(e.names), Message: "not met: " + cmp.Or(e.def.Why, e.def.That.Source)}
		if e.def.Level > diag.LevelError {
			p.Message += " (This rejects no row.)"
			p.Fix = "Compare the row with the vendor's file; if it is right, there is nothing to do."
		}
		r.list(p)
		rejected = rejected || e.def.Level <= diag.LevelError
	}
	return rejected
}

// lookedAt is what an expectation looked at on the row: dates, numbers, yes and no, and nothing of a student's.
func (r *Worker) lookedAt(names []namedCode) string {
	var all []string
	for _, n := range names {
		if v, f := n.code.Eval(&r.frame); f == nil && n.code.Kind != expression.KindText && !n.code.Personal {
			all = append(all, n.name+" "+cmp.Or(v.Text(), "empty"))
		}
	}
	return strings.Join(all, ", ")
}

// record makes one record; true if it was rejected. bad says that the row's own cells reject all.
func (r *Worker) record(u *unit, bad bool) (rejected bool) {
	r.resource, r.faults = u.source.name, 0
	wanted := r.wanted(u)
	if !wanted && r.faults == 0 {
		return false
	}
	out := RecordResult{Resource: u.source.resource, Rule: u.source.rule, Line: r.line, Rejected: bad || !wanted}
	if !out.Rejected {
		r.write(u, &out)
	}
	r.out.Records = append(r.out.Records, out)
	return out.Rejected
}

// write makes a record in the batch's text, and says what became of it.
func (r *Worker) write(u *unit, out *RecordResult) {
	into := &r.out.Texts[out.Resource]
	text, h, ok := r.make(u, *into)
	*into = text[:len(*into)]
	switch {
	case !ok:
		out.Rejected = true
		return
	case r.decided != nil && r.decided.Conflicts(h.Key):
		out.Rejected, out.Hash, out.Key = true, h, r.keyText(u, text)
		return
	}
	r.commit()
	if r.seen(h) {
		out.End = -1
		return
	}
	*into = text
	out.End, out.Hash = len(text), h
}

// wanted reports whether a record is to be made: its element and those around it are there, its `when` is true, and
// they are fit for records. What keeps that from being told is listed.
func (r *Worker) wanted(u *unit) bool {
	if u.element != nil && !r.allExist(u.element) {
		return false
	}
	told := true
	if u.when != nil {
		v, ok := r.value(u.when, "")
		if told = r.faults == 0; told && (!ok || !v.IsTrue()) {
			return false
		}
	}
	return r.fit(u.element) && told
}

// fit reports whether an element and those around it are fit for records.
func (r *Worker) fit(e *element) bool {
	for o := e; o != nil; o = o.outer {
		if r.joinFailed(o, "") || r.badCells(o.columns, "") || r.conflicting(o, "") {
			return false
		}
	}
	return true
}

// allExist reports whether an element and those around it are there.
func (r *Worker) allExist(e *element) bool {
	for ; e != nil; e = e.outer {
		if !r.exists(e) {
			return false
		}
	}
	return true
}
