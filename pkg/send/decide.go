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

// decide settles what can be settled of a block without the target, and leaves the indices of the
// records to be posted in b.post. checked is the caller's to reuse.
func (r *resource) decide(b *block, checked *schema.Record) error {
	b.records = slices.Grow(b.records[:0], len(b.lines))[:len(b.lines)]
	clear(b.records)
	b.entries, b.asked, b.post = b.entries[:0], b.asked[:0], b.post[:0]
	for i := range b.lines {
		ln, rec := &b.lines[i], &b.records[i]
		if r.known != nil {
			r.read(ln, checked)
		}
		rec.key = checked.Key.Hash
		if rec.outcome, rec.problem = r.holdBack(ln, checked); rec.settled() {
			continue
		}
		full := sha256.Sum256(ln.text)
		copy(rec.digest[:], full[:])
		b.entries = append(b.entries, ledger.Entry{Key: rec.key, Digest: rec.digest})
		b.asked = append(b.asked, i)
	}
	return r.askLedger(b)
}

// read finds the key of a line, and what it refers to if that may hold it back. Resources of a wave do
// not refer to each other, so what else is refused meanwhile does not matter.
func (r *resource) read(ln *line, checked *schema.Record) {
	if runs.Verdict(r.file.verdicts[ln.no-1]) == runs.Valid && !r.loader.refused.any.Load() {
		r.checker.Key(ln.text, checked)
		return
	}
	r.checker.Check(ln.text, checked)
}

// holdBack says where a record ends that did not pass, or that refers to something that stayed
// behind, and why. The record may go if that is pending.
func (r *resource) holdBack(ln *line, checked *schema.Record) (outcome, *ErrorRow) {
	key := &checked.Key
	unchecked := r.loader.options.AcceptUnchecked && key.OK
	switch v := runs.Verdict(r.file.verdicts[ln.no-1]); {
	case v == runs.Duplicate:
		return duplicate, nil
	case v == runs.Valid && key.OK, v == runs.Unchecked && unchecked:
	case v == runs.Marked && unchecked:
		// It was marked for an invalid record, which blocks it below, or for an unchecked one, which goes.
	case v == runs.Marked:
		row := r.errorRow(ln, key, diag.ReferenceBlocked, "it refers to a staged record that did not pass")
		row.explain(r.loader.found.worst(r.name, ln.no))
		row.Code, row.Fix = diag.ReferenceBlocked, resolution(diag.ReferenceBlocked)
		return r.heldBack(blocked, row, key)
	case v == runs.Unchecked:
		row := r.errorRow(ln, key, diag.RecordUnchecked, "validate was not allowed to check all of it")
		row.explain(r.loader.found.worst(r.name, ln.no))
		return r.heldBack(blocked, row, key)
	default:
		row := r.errorRow(ln, key, diag.RecordSchema, "it did not pass; problems/validate.csv says why")
		row.explain(r.loader.found.worst(r.name, ln.no))
		return r.heldBack(invalid, row, key)
	}
	switch {
	case r.hierarchy.circular[ln.no]:
		row := r.errorRow(ln, key, diag.ReferenceCycle, "it refers to itself by way of others; nothing in the circle can be loaded first")
		return r.heldBack(blocked, row, key)
	case r.hierarchy.behind[ln.no]:
		row := r.errorRow(ln, key, diag.ReferenceBlocked, "what it refers to is part of a circle, and was not sent")
		return r.heldBack(blocked, row, key)
	}
	if by, ok := r.loader.refused.blocks(r.loader.to.Standard, checked); ok {
		o, what := blocked, "that was not accepted"
		if by.pending {
			o, what = pending, "of which the target did not say whether it took it"
		}
		row := r.errorRow(ln, key, diag.ReferenceBlocked, fmt.Sprintf("it refers to a record of %s %s: %s", by.what, what, by.key))
		row.Path = by.path
		return r.heldBack(o, row, key)
	}
	return pending, nil
}

// heldBack completes the account of a record that is not sent: what refers to it is not sent either.
func (r *resource) heldBack(o outcome, row *ErrorRow, key *schema.Key) (outcome, *ErrorRow) {
	row.Outcome = o.String()
	row.Category = categoryOf(r.name, row)
	r.loader.refused.add(r.known, key, o)
	return o, row
}

// askLedger settles the records that the target holds as they are, and of a dry run all of them. What
// the ledger knows in another version is forgotten from here on: until the target has answered, either
// version may be there.
func (r *resource) askLedger(b *block) (err error) {
	l, ctx := r.loader, context.WithoutCancel(r.loader.stop)
	if b.states, err = l.to.Ledger.Decide(ctx, b.entries, b.states); err != nil {
		return err
	}
	var changed []ledger.Hash
	for n, i := range b.asked {
		rec, state := &b.records[i], b.states[n]
		if !l.changes.settle(r.known, rec.key, b.lines[i].text) && state == ledger.Unchanged {
			state = ledger.Changed
		}
		rec.fresh, rec.maybe = state == ledger.New, state != ledger.Changed
		switch {
		case state == ledger.Unchanged && !l.unproven[r.name]:
			rec.outcome = unchanged
		case l.options.DryRun && state == ledger.New:
			rec.outcome = created
		case l.options.DryRun:
			rec.outcome = updated
		default:
			b.post = append(b.post, i)
			if state == ledger.Changed {
				changed = append(changed, rec.key)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return l.to.Ledger.Forget(ctx, changed)
}
