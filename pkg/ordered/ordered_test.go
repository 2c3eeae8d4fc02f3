package ordered

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func count(to int) func() (*int, error) {
	i := 0
	return func() (*int, error) {
		if i == to {
			return nil, io.EOF
		}
		i++
		v := i
		return &v, nil
	}
}

func TestOrderIsKept(t *testing.T) {
	for n := 1; n <= 8; n++ {
		var alive, most atomic.Int64
		next := count(500)
		last := 0
		err := Run(context.Background(), n, func() (*int, error) {
			v, err := next()
			if err == nil {
				most.Store(max(most.Load(), alive.Add(1)))
			}
			return v, err
		}, func() func(*int) error {
			return func(*int) error {
				time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
				return nil
			}
		}, func(v *int) error {
			if *v != last+1 {
				t.Fatalf("%d after %d", *v, last)
			}
			last = *v
			alive.Add(-1)
			return nil
		})
		if err != nil || last != 500 {
			t.Fatalf("workers %d: last %d, %v", n, last, err)
		}
		if most.Load() > int64(2*n+3) {
			t.Errorf("workers %d: %d items alive", n, most.Load())
		}
	}
}

func TestErrorsEndTheRun(t *testing.T) {
	boom := errors.New("boom")
	ok := func() func(*int) error { return func(*int) error { return nil } }
	for name, err := range map[string]error{
		"next": Run(context.Background(), 4, func() (*int, error) { return nil, boom }, ok, func(*int) error { return nil }),
		"work": Run(context.Background(), 4, count(100), func() func(*int) error {
			return func(v *int) error {
				if *v == 50 {
					return boom
				}
				return nil
			}
		}, func(*int) error { return nil }),
		"emit": Run(context.Background(), 4, count(100), ok, func(v *int) error {
			if *v == 50 {
				return boom
			}
			return nil
		}),
	} {
		if !errors.Is(err, boom) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := Run(ctx, 4, count(1_000_000_000), ok, func(v *int) error {
		if *v == 100 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancel: %v", err)
	}
}
