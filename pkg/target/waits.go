package target

import (
	"context"
	"log/slog"
	"sync"
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
