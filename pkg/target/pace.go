package target

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pace stops the whole client for a while when an answer says that there were too many requests.
// All workers share it.
type pace struct {
	retry RetryPolicy
	waits *waits
	epoch time.Time
	until atomic.Int64 // end of the pause, since epoch; in the past: none

	mu      sync.Mutex
	strikes int           // pauses without Retry-After, one soon after the other
	last    time.Duration // end of the last pause, since epoch
}

func newPace(config Config, w *waits) *pace {
	return &pace{retry: config.Retry, waits: w, epoch: time.Now()}
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
