// Package ordered owns the loop that works in parallel and keeps order: items are produced one after the other,
// worked on in parallel, and emitted in the order in which they were produced, in bounded memory.
package ordered

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"
)

// Run calls next until it returns io.EOF, hands each item to one of n workers, and calls emit for
// each item in the order in which next produced it.
//
// next and emit each run in a goroutine of their own, never two calls of one at a time. newWorker
// is called once per worker, one after the other, so that each has its own buffers. At most 2n+2
// items are alive at a time; emit may therefore recycle what it has written. The first error of any
// of them ends the run and is returned; on an error the tail of the items may not be emitted.
func Run[T any](ctx context.Context, n int, next func() (T, error), newWorker func() func(T) error, emit func(T) error) error {
	type job struct {
		item T
		done chan struct{}
	}
	n = max(n, 1)
	g, ctx := errgroup.WithContext(ctx)
	todo := make(chan *job, n)    // to any worker
	queue := make(chan *job, n+1) // to emit, in order: the bound on memory

	g.Go(func() error {
		defer close(todo)
		defer close(queue)
		for {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			item, err := next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			j := &job{item: item, done: make(chan struct{})}
			select {
			case queue <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case todo <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	for range n {
		work := newWorker()
		g.Go(func() error {
			for j := range todo {
				if err := work(j.item); err != nil {
					return err
				}
				close(j.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		for j := range queue {
			select {
			case <-j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := emit(j.item); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}
