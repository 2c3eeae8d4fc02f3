package send

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/target"
)

// mostFailures is how many calls in a row may fail for reasons that are the target's, each after all
// its retries, before the run stops. The client's circuit breaker sees an outage first; this catches
// what is none, such as a log-in page in front of the target.
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

// post sends one record and settles it. One that was given up by the run stays pending.
func (r *resource) post(b *block, i int) {
	l, ln, rec := r.loader, &b.lines[i], &b.records[i]
	answer, err := l.to.Client.Post(l.calls, r.endpoint, ln.text)
	if err == nil {
		rec.outcome = updated
		if answer.Status == http.StatusCreated {
			rec.outcome = created
		}
		l.failures.Store(0)
		l.to.Progress.Sent.Add(1)
		l.journal.add(ledger.Row{Resource: r.name, Key: rec.key, Digest: rec.digest, ID: answer.ID, Time: l.to.Now(), Source: ln.origin})
		return
	}
	b.kept.Store(true)
	f, ok := target.AsFailure(err)
	switch {
	case !ok && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return // whether the target took it is not known; the next run sends it again
	case !ok:
		l.halt(err)
		return
	}
	rec.outcome = l.judge(f)
	var checked schema.Record
	r.checker.Check(ln.text, &checked)
	rec.problem = r.failureRow(ln, &checked.Key, f, rec.outcome)
	l.refused.add(r.known, &checked.Key)
	r.warn(ln, rec.problem)
}

// judge says where a record ends whose call failed, and stops the run if no other call will succeed.
func (l *loader) judge(f *target.Failure) outcome {
	o := rejected
	switch f.Kind {
	case target.Auth, target.Token, target.Setup:
		o = pending
		l.halt(f.Diag("the target stopped taking records"))
	case target.Transport, target.TooMany, target.Server, target.Odd:
		o = pending // nothing was said about the record
	}
	if errors.Is(f, target.ErrOutage) {
		o = pending
		l.giveUp(f, "the target is down")
	}
	switch f.Kind {
	case target.Transport, target.TooMany, target.Server, target.Odd:
		l.unsaid.Store(f)
		if l.failures.Add(1) >= mostFailures {
			l.giveUp(f, fmt.Sprintf("%d records in a row failed", mostFailures))
		}
	default:
		l.failures.Store(0)
	}
	return o
}

// giveUp stops the run for a failure that waiting may mend: what to do is the same command again.
func (l *loader) giveUp(f *target.Failure, what string) {
	e := f.Diag(what)
	e.Next = l.sendAgain()
	l.halt(e)
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
