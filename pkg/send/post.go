package send

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// hopeless is how many calls in a row may fail for reasons that are the target's, each after all its
// retries, before the run stops. The client's circuit breaker sees an outage first; this catches what
// is none, such as a log-in page in front of the target.
const hopeless = 20

// hopes counts such failures.
type hopes struct{ lost atomic.Int64 }

// post is one poster: it sends records until there are no more.
func (l *loader) post() {
	for j := range l.jobs {
		if l.stop.Err() == nil {
			j.r.send(j.b, j.i)
		}
		j.b.finish()
	}
}

// send posts one record and settles its fate. A record that was given up by the run stays pending.
func (r *resource) send(b *block, i int) {
	ln, rec := &b.lines[i], &b.records[i]
	answer, err := r.loader.to.Client.Post(r.loader.calls, r.endpoint, ln.text)
	if err == nil {
		rec.outcome = updated
		if answer.Status == http.StatusCreated {
			rec.outcome = created
		}
		r.loader.hopes.lost.Store(0)
		r.loader.to.Progress.Sent.Add(1)
		r.loader.journal.add(ledger.Row{Resource: r.name, Key: rec.key, Digest: rec.digest, ID: answer.ID, Time: r.loader.to.Now(), Source: ln.origin})
		return
	}
	b.kept.Store(true)
	f, ok := target.AsFailure(err)
	switch {
	case !ok && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return // whether the target took it is not known; the next run sends it again
	case !ok:
		r.loader.halt(err)
		return
	}
	r.refuse(ln, rec, f)
}

// refuse settles the fate of a record that did not load, and stops the run if no other one will.
func (r *resource) refuse(ln *line, rec *record, f *target.Failure) {
	rec.outcome = rejected
	switch f.Kind {
	case target.Auth, target.Setup:
		rec.outcome = pending
		r.loader.halt(f.Diag("the target stopped taking records"))
	case target.Transport, target.TooMany:
		rec.outcome = pending // nothing was said about the record
	}
	if errors.Is(f, target.ErrOutage) {
		rec.outcome = pending
		r.giveUp(f, "the target is down")
	}
	switch f.Kind {
	case target.Transport, target.TooMany, target.Server, target.Odd:
		if r.loader.hopes.lost.Add(1) >= hopeless {
			r.giveUp(f, fmt.Sprintf("%d records in a row failed", hopeless))
		}
	default:
		r.loader.hopes.lost.Store(0)
	}

	var checked schema.Record
	r.checker.Check(ln.text, &checked)
	u := r.account(ln, checked.Key.String(), f.Code(), f.Text())
	u.Outcome, u.Status, u.CorrelationID, u.Path = rec.outcome.String(), f.Status, f.CorrelationID, firstPath(f)
	if f.Fix != "" {
		u.Fix = f.Fix
	}
	u.Category = categoryOf(r.name, u)
	rec.problem = u
	r.loader.refused.add(r.known, &checked.Key)
	if n := r.warned.Add(1); n <= warnings {
		r.loader.to.Logger.Warn("record did not load", "resource", r.name, "line", ln.no, "code", string(u.Code), "status", f.Status, "correlation_id", f.CorrelationID)
	} else if n == warnings+1 {
		r.loader.to.Logger.Warn("more records did not load; they are listed in errors/", "resource", r.name)
	}
}

// giveUp stops the run for a failure that waiting may mend: what to do is the same command again.
func (r *resource) giveUp(f *target.Failure, what string) {
	e := f.Diag(what)
	e.Next = r.loader.again()
	r.loader.halt(e)
}

// warnings is how many refusals of a resource are logged one by one.
const warnings = 20
