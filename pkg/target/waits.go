package target

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Wait is a pause of which a person at a terminal should know.
type Wait struct {
	Host string        // of base_url
	For  time.Duration // until the client goes on
	Why  string        // in words of our own: nothing that the target said
}

// noteworthy is the shortest silence that is told.
const noteworthy = 5 * time.Second

// waits tells of the pauses of a client, once for all of its workers.
type waits struct {
	host string
	hook func(Wait)
	log  *slog.Logger

	mu   sync.Mutex
	told time.Time // end of the waits that were told
}

// tell passes a wait on, unless it is short or hardly longer than what was told already. silent is
// for how long nothing was heard before it.
func (w *waits) tell(silent, left time.Duration, why string) {
	if silent+left < noteworthy {
		return
	}
	end := time.Now().Add(left)
	w.mu.Lock()
	if end.Sub(w.told) < noteworthy+left/5 { // a fifth: the workers' delays differ at random
		w.mu.Unlock()
		return
	}
	w.told = end
	w.mu.Unlock()
	level := slog.LevelWarn
	if w.hook != nil {
		level = slog.LevelInfo
		w.hook(Wait{Host: w.host, For: left, Why: why})
	}
	w.log.Log(context.Background(), level, "waiting", "for", left.Round(time.Millisecond).String(), "why", why)
}

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
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
