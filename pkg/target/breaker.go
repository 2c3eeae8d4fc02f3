package target

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// The breaker opens after 5 failures in 60 s, stays open for 30 s, then lets 3 trials through, and
// closes when 2 of them succeeded.
const (
	breakerFailures  = 5
	breakerWindow    = 60 * time.Second
	breakerOpen      = 30 * time.Second
	breakerTrials    = 3
	breakerSuccesses = 2
)

// breaker keeps an outage from being hammered. Attempts wait while it is open, so that a target
// that restarts costs time and no record; a target that stays down ends the waiting.
//
// The five failures are counted while nothing succeeds between them. At thousands of requests a
// minute five scattered failures are normal; five in a row are an outage.
type breaker struct {
	maxOutage time.Duration
	waits     *waits
	log       *slog.Logger

	mu      sync.Mutex // held around every use of circuit, and so in stateChanged
	circuit circuitbreaker.CircuitBreaker[any]
	streak  time.Time     // first failure since the last success; zero: none
	down    time.Time     // when it opened without having closed since; zero: it is closed
	changed chan struct{} // closed and replaced when the state changes
}

func newBreaker(maxOutage time.Duration, w *waits, log *slog.Logger) *breaker {
	b := &breaker{maxOutage: maxOutage, waits: w, log: log, changed: make(chan struct{})}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(breakerFailures).
		WithDelay(breakerOpen).
		WithSuccessThresholdRatio(breakerSuccesses, breakerTrials).
		OnStateChanged(b.stateChanged).
		Build()
	return b
}

func (b *breaker) stateChanged(e circuitbreaker.StateChangedEvent) {
	switch e.NewState {
	case circuitbreaker.ClosedState:
		b.log.Info("the target answers again", "down_for", time.Since(b.down).Round(time.Second).String())
		b.down = time.Time{}
	case circuitbreaker.OpenState:
		if b.down.IsZero() {
			b.down = time.Now()
		}
		b.log.Info("the target is down", "pause", breakerOpen.String(), "down_for", time.Since(b.down).Round(time.Second).String())
	case circuitbreaker.HalfOpenState:
		b.log.Info("trying the target again", "trials", breakerTrials)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// acquire returns when an attempt may be made; each return of nil is answered by exactly one call
// of succeeded, failed or abandoned. It gives up with ErrOutage.
func (b *breaker) acquire(ctx context.Context) error {
	for {
		b.mu.Lock()
		ok := b.circuit.TryAcquirePermit()
		left, changed, down := b.circuit.RemainingDelay(), b.changed, b.down
		b.mu.Unlock()
		switch {
		case ok:
			return nil
		case !down.IsZero() && time.Since(down) >= b.maxOutage:
			return fmt.Errorf("%w: since %s", ErrOutage, down.UTC().Format(time.RFC3339))
		}
		if left <= 0 {
			// Half-open without a trial left: whichever way the trials end, the state changes.
			left = breakerOpen
		} else if !down.IsZero() {
			state := "it is down"
			if since := time.Since(down).Round(time.Second); since > 0 {
				state = fmt.Sprintf("it has been down for %s", since)
			}
			b.waits.tell(0, left, fmt.Sprintf("%s; given up after %s", state, b.maxOutage))
		}
		select {
		case <-changed:
		case <-time.After(left):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// succeeded notes that the target answered sensibly, be it with a refusal.
func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak = time.Time{}
	b.circuit.RecordSuccess()
}

// failed notes an attempt that got no answer, or a server's failure.
func (b *breaker) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.streak.IsZero() || now.Sub(b.streak) > breakerWindow {
		if !b.streak.IsZero() && b.circuit.IsClosed() {
			b.circuit.RecordSuccess() // failures older than the window do not count any more
		}
		b.streak = now
	}
	b.circuit.RecordFailure()
}

// abandoned gives back the permit of an attempt that the caller cancelled. It says nothing about
// the target, but a trial must end somehow: as a failure, which at worst costs another pause.
func (b *breaker) abandoned() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.circuit.IsHalfOpen() {
		b.circuit.RecordFailure()
	}
}
