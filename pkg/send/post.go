package send

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// mostFailures is how many calls in a row may fail for reasons that are the target's, each after all
// its retries, before the run stops; with many posters some more. The client's circuit breaker
// sees an outage first; this catches what is not one, such as a log-in page in front of the target.
const mostFailures = 20

// warnings is how many refusals of a resource are logged one by one.
const warnings = 20

// job is a record to be posted.
type job struct {
	resource *resource
	block    *block
	i        int // of the record in the block
}

// postJobs is one poster: it sends records until there are no more.
func (l *loader) postJobs() {
	for j := range l.jobs {
		if l.stop.Err() == nil {
			j.resource.post(j.block, j.i)
		}
		j.block.finish()
	}
}

// post sends one record and settles it. One of which the target did not say whether it took it stays open.
func (r *resource) post(b *block, i int) {
	l, ln, rec := r.loader, &b.lines[i], &b.records[i]
	var checked schema.Record
	switch {
	case r.givenUp:
		r.checker.Check(ln.text, &checked)
		l.refused.add(r.known, &checked.Key, pending)
		return
	case r.passOver(ln.no):
		return
	}
	if rec.fresh && r.shared && !r.again && (r.file.lines <= mostLookedUp || r.foreign.Load()) {
		if r.checker.Check(ln.text, &checked); r.held(ln, rec, &checked.Key) == asStaged {
			l.to.Progress.Done.Add(1)
			return
		}
	}
	answer, err := l.to.Client.Post(l.calls, r.endpoint, ln.text)
	if err == nil {
		rec.outcome = updated
		if answer.Status == http.StatusCreated {
			rec.outcome = created
		} else if rec.maybe {
			l.unsure.Add(1)
		}
		l.failures.Store(0)
		l.to.Progress.Sent.Add(1)
		l.to.Progress.Done.Add(1)
		r.record(ln, rec, answer.ID)
		return
	}
	b.kept.Store(true)
	r.checker.Check(ln.text, &checked)
	f, ok := target.AsFailure(err)
	if ok {
		r.failed(ln, rec, &checked.Key, f)
		return
	}
	r.leaveOpen(r.pendingRow(ln, &checked.Key, diag.TargetUnreached,
		"it was sent, and no answer came before the run stopped: the target may have taken it"))
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		l.halt(err)
	}
}

// failed settles a record that the target did not take.
func (r *resource) failed(ln *line, rec *record, key *schema.Key, f *target.Failure) {
	l := r.loader
	o := l.judge(f)
	row := r.failureRow(ln, key, f, o)
	holds := absent
	if r.shared && o == rejected && (f.Status == http.StatusForbidden || f.Status == http.StatusConflict) {
		holds = r.held(ln, rec, key)
		r.foreign.Store(r.foreign.Load() || holds != absent)
		if holds == asStaged {
			return
		}
	}
	switch holds {
	case unseen:
		row.Fix = "Whether the target holds it is not known, so what refers to it is sent, and the target decides; " +
			"if it is not there, have the host load it."
	case otherwise:
		row.Fix = "The target keeps its own version, and what refers to it is loaded; " +
			"if it must change, ask the host for the right to change it."
	}
	if o == pending && !r.again {
		r.leaveOpen(row)
		return
	}
	r.warn(ln, row)
	if holds == absent {
		l.refused.add(r.known, key, o)
		if o == rejected {
			r.refusal.Store(f)
			r.refusals.Add(1)
		}
	}
	rec.outcome, rec.problem = o, row
	l.to.Progress.Done.Add(1)
}

// leaveOpen keeps the row of a record that is not settled in its turn: it is sent once more when the rest
// is settled, or listed at the end.
func (r *resource) leaveOpen(row *ErrorRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[row.StagedLine] = row
}

// record hands what the target holds now to the journal.
func (r *resource) record(ln *line, rec *record, id string) {
	r.accepted.Store(true)
	r.loader.journal.add(ledger.Row{Resource: r.name, Key: rec.key, Digest: rec.digest, ID: id, Time: r.loader.to.Now(), Source: ln.origin})
}

// judge says where a record ends whose call failed, and stops the run if no other call will succeed. It is
// rejected if the target refused it; any other failure says nothing about the record.
func (l *loader) judge(f *target.Failure) outcome {
	switch f.Kind {
	case target.Auth, target.Token, target.Setup:
		l.halt(f.Diag("the target stopped taking records"))
		return pending
	case target.Transport, target.TooMany, target.Server, target.Odd:
	default:
		if !f.Retryable { // others that write the same records kept it busy
			l.failures.Store(0)
			return rejected
		}
	}
	if errors.Is(f, target.ErrOutage) {
		l.giveUp(f, "the target is down")
	}
	l.unsaid.Store(f)
	if n := l.failures.Add(1); n >= int64(max(mostFailures, 3*l.to.Concurrency)) { // in an outage each poster gives up a record or two
		l.giveUp(f, fmt.Sprintf("%d calls in a row failed", n))
	}
	return pending
}

// giveUp stops the run for a failure that waiting may fix.
func (l *loader) giveUp(f *target.Failure, what string) { l.halt(l.tryLater(f, what)) }

// tryLater is the end of a run for such a failure: what to do is the same command again.
func (l *loader) tryLater(f *target.Failure, what string) error {
	e := f.Diag(what)
	e.Next = l.sendAgain()
	return e
}

// warn logs the first refusals of a resource.
func (r *resource) warn(ln *line, row *ErrorRow) {
	logger := r.loader.to.Logger
	if n := r.warned.Add(1); n <= warnings {
		logger.Warn("record did not load", "resource", r.name, "line", ln.no, "code", string(row.Code), "status", row.Status, "correlation_id", row.CorrelationID)
	} else if n == warnings+1 {
		logger.Warn("more records did not load; they are listed in errors/", "resource", r.name)
	}
}
