package send

import (
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// ahead bounds how many blocks may be settled before an earlier one whose record is being retried.
// Only their error rows are kept meanwhile.
const ahead = 1024

// stream takes the blocks of one file, or of one generation of it, through the stage:
//
//	      ┌───────────── ordered.Run ─────────────┐
//	next ─► read ─► decide (n at a time) ─► hand over ─► posters ─► settle
//	          ▲                                                       │
//	          └────────────────────── free ◄──────────────────────────┘
//
// Up to the posters blocks keep the order of the file. From there each record takes its own time: one
// that the target makes wait would hold back all blocks behind it if ordered.Run waited for answers
// too. So a block is settled by whoever finishes its last record, in any order, and only its error
// rows wait for their turn. free bounds the memory: the target's pace is the pace of reading.
type stream struct {
	resource *resource
	free     chan *block
	window   chan struct{}  // a place for each block from reading it to listing its error rows
	underWay sync.WaitGroup // blocks handed over and not settled

	mu      sync.Mutex          // held while a block is settled; guards the rest
	waiting map[int][]*ErrorRow // error rows by block, until those before it are listed
	listed  int                 // blocks whose error rows are listed
	failed  bool                // the list cannot be written; the run is being stopped
}

// stream sends the lines that next gives.
func (r *resource) stream(next func(*block) error) error {
	l, workers := r.loader, runtime.GOMAXPROCS(0)
	total := workers + 2 + l.to.Concurrency // each poster can hold one block back
	s := &stream{resource: r, free: make(chan *block, total), window: make(chan struct{}, ahead), waiting: map[int][]*ErrorRow{}}
	for range total {
		s.free <- &block{settle: s.settle}
	}
	seq := 0
	read := func() (*block, error) {
		b, err := s.block(l.stop)
		if err == nil {
			err = next(b)
		}
		if err != nil {
			return nil, err
		}
		b.seq = seq
		seq++
		return b, nil
	}
	newDecider := func() func(*block) error {
		var checked schema.Record
		return func(b *block) error {
			err := r.decide(b, &checked)
			if err != nil {
				l.halt(err) // the reader may be waiting for a block that will not come back
			}
			return err
		}
	}
	// A run that is stopped ends at the reader, so that what was read is accounted for.
	err := ordered.Run(context.WithoutCancel(l.stop), workers, read, newDecider, s.handOver)
	s.underWay.Wait()
	return err
}

// block waits for a block that may be used; io.EOF says that the run is being stopped.
func (s *stream) block(stop context.Context) (*block, error) {
	select {
	case s.window <- struct{}{}:
	case <-stop.Done():
		return nil, io.EOF
	}
	select {
	case b := <-s.free:
		if stop.Err() == nil {
			return b, nil
		}
	case <-stop.Done():
	}
	return nil, io.EOF
}

// handOver gives the records of a block to the posters. Those that it cannot give away any more
// because the run is being stopped are not settled.
func (s *stream) handOver(b *block) error {
	l := s.resource.loader
	s.underWay.Add(1)
	b.left.Store(int64(len(b.post)) + 1)
	for _, i := range b.post {
		select {
		case l.jobs <- job{s.resource, b, i}:
		case <-l.stop.Done():
			b.finish()
		}
	}
	b.finish()
	return nil
}

// settle counts what became of the records of a block, and lists the error rows of all blocks whose
// turn has come.
func (s *stream) settle(b *block) {
	defer s.underWay.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.resource
	var rows []*ErrorRow
	for i := range b.records {
		rec := &b.records[i]
		if rec.problem != nil && r.again { // its place in the list is among those of the first time
			r.leaveOpen(rec.problem)
			continue
		}
		if !rec.settled() {
			continue
		}
		r.settled[b.lines[i].no-1] = true
		category := ""
		if rec.problem != nil {
			category = rec.problem.Category
			rows = append(rows, rec.problem)
		}
		r.count(rec.outcome, category)
	}
	r.loader.to.Progress.Done.Add(int64(len(b.records) - len(b.post)))
	s.waiting[b.seq] = rows
	if b.kept.Load() {
		b = &block{settle: s.settle}
	}
	s.free <- b
	for {
		rows, ok := s.waiting[s.listed]
		if !ok {
			return
		}
		s.list(rows)
		delete(s.waiting, s.listed)
		s.listed++
		<-s.window
	}
}

// list writes error rows; a list that cannot be written stops the run.
func (s *stream) list(rows []*ErrorRow) {
	for _, row := range rows {
		if s.failed {
			return
		}
		if err := s.resource.errors.add(row); err != nil {
			s.failed = true
			s.resource.loader.halt(err)
		}
	}
}
