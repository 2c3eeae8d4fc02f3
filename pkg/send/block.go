package send

import (
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// blockSize is about how many bytes of records go through the stage together: enough to ask the
// ledger about some dozens of large records at once.
const blockSize = 512 << 10

// line is one staged line. Its text belongs to the block it came in.
type line struct {
	no     int64 // from 1
	text   []byte
	origin string // results:1042; empty if transform did not write the file
}

// block is some lines on their way through the stage. It is owned by the reader, then by one worker,
// then by the posters of its records together, and by the last of them alone when it settles it.
type block struct {
	seq     int
	text    jsonl.Block
	lines   []line
	records []record // of the lines, in their order
	entries []ledger.Entry
	asked   []int // records that entries are for
	states  []ledger.State
	post    []int // records to be posted

	left   atomic.Int64 // records under way, and one for whoever hands them over
	kept   atomic.Bool  // a call that failed may still read from the text: it is not used again
	settle func(*block) // called when nothing is left
}

// finish notes that one of those who work on the block is done with it.
func (b *block) finish() {
	if b.left.Add(-1) == 0 {
		b.settle(b)
	}
}

// record is what became of one line.
type record struct {
	key     ledger.Hash
	digest  ledger.Hash
	fresh   bool // the ledger does not know it
	maybe   bool // the target may hold it as it is
	outcome outcome
	problem *ErrorRow // why it did not load
}

// settled reports whether it is known where the record ends.
func (r *record) settled() bool { return r.outcome != pending || r.problem != nil }

// outcome is where a record ends in the equation of the stage.
type outcome uint8

const (
	pending outcome = iota // not settled: the zero value, so that nothing is lost by an early end
	created
	updated
	unchanged
	duplicate
	invalid
	blocked
	rejected
	outcomes // how many there are
)

var outcomeNames = [outcomes]string{"pending", "created", "updated", "unchanged", "duplicate", "invalid", "blocked", "rejected"}

func (o outcome) String() string { return outcomeNames[o] }

// tally is how many records have each outcome.
type tally [outcomes]int64

// loaded is the tally as it is reported.
func (t *tally) loaded(staged int64) runs.Loaded {
	return runs.Loaded{Staged: staged, Created: t[created], Updated: t[updated], Unchanged: t[unchanged], Duplicate: t[duplicate],
		Invalid: t[invalid], Blocked: t[blocked], Rejected: t[rejected], Pending: t[pending]}
}
