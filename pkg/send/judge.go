package send

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// worker judges blocks. Each has a schema.Record of its own.
type worker struct {
	resource *resource
	checked  schema.Record
}

// judge decides about the lines of a block and hands those to be sent to the posters. done is called
// once, when the last record of the block is settled.
func (w *worker) judge(b *block, done func()) {
	b.records = slices.Grow(b.records[:0], len(b.lines))[:len(b.lines)]
	clear(b.records)
	b.entries, b.asked = b.entries[:0], b.asked[:0]
	b.left.Store(1)
	b.done = done
	for i := range b.lines {
		ln, rec := &b.lines[i], &b.records[i]
		if w.resource.known != nil {
			w.read(ln)
		}
		rec.key = w.checked.Key.Hash
		if w.mayGo(ln, rec) {
			full := sha256.Sum256(ln.text)
			copy(rec.digest[:], full[:])
			b.entries = append(b.entries, ledger.Entry{Key: rec.key, Digest: rec.digest})
			b.asked = append(b.asked, i)
		}
	}
	w.decide(b)
	b.finish()
}

// read finds the key of a line, and what it refers to if that may hold it back. Resources of a wave do
// not refer to each other, so what else is refused meanwhile does not matter.
func (w *worker) read(ln *line) {
	if runs.Verdict(w.resource.verdicts[ln.no-1]) == runs.Valid && !w.resource.loader.refused.any.Load() {
		w.resource.checker.Key(ln.text, &w.checked)
		return
	}
	w.resource.checker.Check(ln.text, &w.checked)
}

// finish notes that one of those who work on the block is done with it.
func (b *block) finish() {
	if b.left.Add(-1) == 0 {
		b.done()
	}
}

// mayGo says whether a record passed, and nothing that it refers to stayed behind. If not, its fate
// is settled.
func (w *worker) mayGo(ln *line, rec *record) bool {
	key := &w.checked.Key
	switch v := runs.Verdict(w.resource.verdicts[ln.no-1]); {
	case v == runs.Duplicate:
		rec.outcome = duplicate
		return false
	case v == runs.Valid && key.OK:
	case v == runs.Marked && key.OK && w.resource.loader.options.AcceptUnchecked:
		// It was marked for an invalid record, which blocks it below, or for an unchecked one, which goes.
	case v == runs.Unchecked && key.OK && w.resource.loader.options.AcceptUnchecked:
	case v == runs.Marked:
		u := w.unloaded(ln, diag.ReferenceBlocked, "it refers to a staged record that did not pass")
		u.explain(w.resource.loader.validated.find(w.resource.name, ln.no))
		u.Code, u.Fix = diag.ReferenceBlocked, resolution(diag.ReferenceBlocked)
		w.hold(rec, blocked, u)
		return false
	case v == runs.Unchecked:
		u := w.unloaded(ln, diag.RecordUnchecked, "validate was not allowed to check all of it")
		u.explain(w.resource.loader.validated.find(w.resource.name, ln.no))
		w.hold(rec, blocked, u)
		return false
	default:
		u := w.unloaded(ln, diag.RecordSchema, "it did not pass; what is wrong stands in problems/validate.csv")
		u.explain(w.resource.loader.validated.find(w.resource.name, ln.no))
		w.hold(rec, invalid, u)
		return false
	}
	if f := w.resource.family; f != nil && (f.circles[ln.no] || f.behind[ln.no]) {
		u := w.unloaded(ln, diag.ReferenceCycle, "it refers, by way of others, to itself; nothing in the circle can be loaded first")
		if f.behind[ln.no] {
			u = w.unloaded(ln, diag.ReferenceBlocked, "what it refers to is part of a circle, and was not sent")
		}
		w.hold(rec, blocked, u)
		return false
	}
	if by, ok := w.resource.loader.refused.blocks(w.resource.loader.to.Standard, &w.checked); ok {
		u := w.unloaded(ln, diag.ReferenceBlocked, fmt.Sprintf("it refers to a record of %s that was not accepted: %s", by.what, by.key))
		u.Path = by.path
		w.hold(rec, blocked, u)
		return false
	}
	return true
}

// unloaded begins the account of why the line that was checked last did not load.
func (w *worker) unloaded(ln *line, code diag.Code, message string) *Unloaded {
	return w.resource.account(ln, w.checked.Key.String(), code, message)
}

// hold settles the fate of a record that is not sent: what refers to it is not sent either.
func (w *worker) hold(rec *record, o outcome, u *Unloaded) {
	rec.outcome, rec.problem = o, u
	u.Outcome = o.String()
	u.Category = categoryOf(w.resource.name, u)
	w.resource.loader.refused.add(w.resource.known, &w.checked.Key)
}

// decide asks the ledger about the block's records and hands those that the target does not hold to
// the posters.
func (w *worker) decide(b *block) {
	states, err := w.resource.loader.to.Ledger.Decide(context.WithoutCancel(w.resource.loader.stop), b.entries, b.states)
	if err != nil {
		w.resource.loader.halt(err)
		return
	}
	b.states = states
	for n, i := range b.asked {
		rec := &b.records[i]
		switch state := states[n]; {
		case state == ledger.Unchanged && !w.resource.loader.unproven[w.resource.name]:
			rec.outcome = unchanged
		case w.resource.loader.options.DryRun && state == ledger.New:
			rec.outcome = created
		case w.resource.loader.options.DryRun:
			rec.outcome = updated
		default:
			b.left.Add(1)
			select {
			case w.resource.loader.jobs <- job{w.resource, b, i}:
			case <-w.resource.loader.stop.Done():
				b.finish()
			}
		}
	}
}
