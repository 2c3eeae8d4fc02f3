package send

import (
	"context"
	"time"

	"github.com/sluice-edfi/sluice/pkg/ledger"
)

// The journal writes a transaction when so many rows wait, or so much time has passed: a crash costs
// that many records sent again. A row changes a page of the ledger wherever its key falls, so few large
// transactions write much less than many small ones. They grow while the run lives, so that a run that
// dies early again and again still makes progress.
const (
	firstRows  = 500
	mostRows   = 4096
	flushEvery = 250 * time.Millisecond
)

// waitingRows is how many rows may wait for the transaction before them.
const waitingRows = 1024

// journal writes to the ledger what the target accepted, in transactions of one goroutine.
type journal struct {
	rows chan ledger.Row
	done chan struct{}
}

// newJournal begins a journal; fail is told, once, if the ledger cannot be written.
func newJournal(l *ledger.Ledger, run ledger.Run, fail func(error)) *journal {
	j := &journal{rows: make(chan ledger.Row, waitingRows), done: make(chan struct{})}
	go j.keep(l, run, fail)
	return j
}

// add hands over a row; it waits if the ledger is slower than the target.
func (j *journal) add(row ledger.Row) { j.rows <- row }

// close writes what is left and returns when it is written.
func (j *journal) close() {
	close(j.rows)
	<-j.done
}

func (j *journal) keep(l *ledger.Ledger, run ledger.Run, fail func(error)) {
	defer close(j.done)
	var batch []ledger.Row
	broken, full := false, firstRows
	flush := func() {
		if len(batch) > 0 && !broken {
			// What was accepted is recorded, even when the run is being stopped.
			if err := l.Record(context.Background(), run, batch); err != nil {
				broken = true
				fail(err)
			}
		}
		batch = batch[:0]
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case row, ok := <-j.rows:
			if !ok {
				flush()
				return
			}
			if batch = append(batch, row); len(batch) >= full {
				flush()
				full = min(2*full, mostRows)
			}
		case <-tick.C:
			flush()
		}
	}
}
