package send

import (
	"context"
	"errors"
	"io"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Another loader may have brought the same events to the target under identifiers of its own. Loading them again
// would double each of them. validate looks for them; here is made sure that it did, and by this ledger: what that
// did not know then was looked for.
const results = catalog.Results

// checkEvents stops the load of results that were not looked for at the target.
func (l *loader) checkEvents(ctx context.Context) error {
	if l.staged[results].lines == 0 {
		return nil
	}
	events := l.run.Pass.Events
	switch {
	case events == nil:
		return diag.Fail(diag.Guarded, diag.GuardOldPass, l.validateAgain(), "an earlier version of sluice validated the run: it did not look for the results at the target under other identifiers")
	case events.Accepted:
		return nil
	case events.Ledger != "" && events.Ledger != l.to.Ledger.ID():
		return diag.Fail(diag.Guarded, diag.GuardOldPass, l.validateAgain(), "the run was validated with another ledger; what this one does not know was not looked for at the target")
	case l.changes.deleted:
		return l.checkGone(ctx)
	}
	return nil
}

// mostGone is how many deleted results are looked for before they are sent again.
const mostGone = 1000

// checkGone looks for results that were sent from here and are gone from the target: validate took the ledger's word
// for them. Where somebody loaded the same events anew, they would be doubled.
func (l *loader) checkGone(ctx context.Context) error {
	var keys []ledger.Hash
	days := map[[2]any]bool{} // student and day
	queries := map[ledger.Hash]*catalog.EventQuery{}
	reader := catalog.NewEventReader(l.to.Standard)
	err := l.eachStaged(results, func(c *schema.Checker, text []byte, rec *schema.Record) bool {
		if c.Key(text, rec); !rec.Key.OK || !l.changes.isGone(rec.Key.Hash) {
			return true
		}
		e, _ := reader.Read(text)
		keys, days[[2]any{e.Student, e.Day}] = append(keys, e.Key), true
		q := queries[reader.AssessmentKey()]
		if q == nil {
			q = &catalog.EventQuery{Assessment: reader.AssessmentKey(), Identifier: string(reader.Part("assessmentIdentifier")), Namespace: string(reader.Part("namespace"))}
			queries[q.Assessment] = q
		}
		q.Students = append(q.Students, string(reader.Part("studentUniqueId")))
		return len(keys) <= mostGone
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	anew := len(keys) > mostGone
	events, err := l.holds.Events()
	for _, q := range queries {
		if anew || err != nil {
			break
		}
		var plan catalog.EventPlan
		if plan, err = events.Plan(ctx, q); err != nil {
			break
		}
		var same []ledger.Hash
		err = events.Each(ctx, q, plan, func(e *catalog.Event) error {
			if days[[2]any{e.Student, e.Day}] || e.Day == 0 {
				same = append(same, e.Key)
			}
			return nil
		})
		var sent []bool
		if err == nil {
			sent, err = l.to.Ledger.Sent(ctx, same)
		}
		for _, ours := range sent {
			anew = anew || !ours
		}
	}
	if errors.Is(err, catalog.ErrDenied) {
		l.to.warn(results, "the credential may not read results, so it is not known whether another loader brought those that were deleted")
		return nil
	}
	if err != nil || !anew {
		return err
	}
	if !l.options.DryRun { // so that validate looks for them
		if err := l.to.Ledger.Forget(ctx, keys); err != nil {
			return err
		}
	}
	return diag.Fail(diag.Guarded, diag.GuardExisting, l.validateAgain(),
		"results that came from here were deleted at the target since, and there may be others of the same events: they would be there twice")
}

// eachStaged reads a staged file until use returns false.
func (l *loader) eachStaged(name string, use func(c *schema.Checker, text []byte, rec *schema.Record) bool) error {
	checker, ok := l.to.Standard.Checker(name)
	if !ok {
		return nil
	}
	r := &resource{loader: l, name: name, file: l.staged[name]}
	return r.readFile(nil, func(s *staged) error {
		var b block
		var rec schema.Record
		for {
			if err := s.next(&b); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
			for i := range b.lines {
				if !use(checker, b.lines[i].text, &rec) {
					return nil
				}
			}
		}
	})
}
