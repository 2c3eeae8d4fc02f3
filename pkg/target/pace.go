package target

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// pace slows the whole client down: to the rate that a host asked for, and to a stop when an
// answer says that there were too many requests. All workers share it.
type pace struct {
	retry   RetryPolicy
	limiter *rate.Limiter // nil: no ceiling
	waits   *waits
	epoch   time.Time
	until   atomic.Int64 // end of the pause, since epoch; in the past: none

	mu      sync.Mutex
	strikes int           // pauses without Retry-After, one soon after the other
	last    time.Duration // end of the last pause, since epoch
}

func newPace(config Config, w *waits) *pace {
	p := &pace{retry: config.Retry, waits: w, epoch: time.Now()}
	if r := config.RequestsPerSecond; r > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(r), max(1, min(int(r), config.Concurrency)))
	}
	return p
}

// wait returns when the client may send again.
func (p *pace) wait(ctx context.Context) error {
	for {
		left := time.Duration(p.until.Load()) - time.Since(p.epoch)
		if left <= 0 {
			return ctx.Err()
		}
		p.waits.tell(0, left, "it asked for a pause")
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}

// ration takes one request from the ceiling, if there is one.
func (p *pace) ration(ctx context.Context) error {
	if p.limiter == nil {
		return nil
	}
	return p.limiter.Wait(ctx)
}

// throttled notes a 429 (or a 503 that says when to come back) and returns how long everybody
// waits. Without Retry-After each pause soon after another is longer than that one, whichever
// record meets it: the limit is the client's, not the record's.
func (p *pace) throttled(retryAfter time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(p.epoch)
	left := time.Duration(p.until.Load()) - now
	if retryAfter == 0 {
		if left > 0 {
			return left // an answer to a request sent before the pause: no new reason
		}
		if now-p.last > p.retry.Ceiling {
			p.strikes = 0
		}
		retryAfter = p.retry.delay(p.strikes)
		p.strikes++
	}
	if retryAfter > left {
		p.last = now + retryAfter
		p.until.Store(int64(p.last))
		return retryAfter
	}
	return left
}

// sleep waits, or returns why the context ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
