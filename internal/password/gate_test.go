package password_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
)

// ada is who asks where it does not matter who does.
var ada = password.Client{Key: "ada"}

// busy returns work that lasts d on the clock of a synctest bubble.
func busy(d time.Duration) func() { return func() { <-time.After(d) } }

func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	var e *hub.Error
	if !errors.As(err, &e) || e.Code != hub.CodeOverloaded {
		t.Fatalf("error %v, want OVERLOADED", err)
	}
	return e.RetryAfter
}

func TestNeverMoreThanTheWorkersRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, callers = 3, 200
		g := password.NewGate(workers, callers, 0)
		var running, most, done atomic.Int32
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				err := g.Do(t.Context(), ada, func() {
					n := running.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					busy(time.Second)()
					running.Add(-1)
					done.Add(1)
				})
				if err != nil {
					t.Errorf("Do: %v", err)
				}
			})
		}
		begun := time.Now()
		wg.Wait()
		if most.Load() != workers || done.Load() != callers {
			t.Errorf("%d ran at a time and %d in all, want %d and %d", most.Load(), done.Load(), workers, callers)
		}
		if took, want := time.Since(begun), 67*time.Second; took != want { // 200 seconds of work for three
			t.Errorf("all took %v, want %v", took, want)
		}
	})
}

func TestWhoCameFirstGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, 10, 0)
		go func() { _ = g.Do(t.Context(), ada, busy(time.Second)) }()
		synctest.Wait()
		var order []int
		for i := range 10 {
			go func() { _ = g.Do(t.Context(), ada, func() { order = append(order, i); busy(time.Second)() }) }()
			synctest.Wait() // until it waits in the queue
		}
		if g.Depth() != 10 {
			t.Errorf("Depth = %d, want 10", g.Depth())
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("order %v", order)
		}
	})
}

func TestWhatDoesNotFitIsSentAwayAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, queue = 2, 4
		g := password.NewGate(workers, queue, 0)
		var wg sync.WaitGroup
		defer wg.Wait()
		for range workers + queue {
			wg.Go(func() { _ = g.Do(t.Context(), ada, busy(time.Second)) })
		}
		synctest.Wait()
		begun := time.Now()
		for range 100 {
			retryAfter(t, g.Do(t.Context(), ada, func() { t.Error("ran") }))
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("being refused took %v", took)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if err := g.Do(t.Context(), ada, func() {}); err != nil { // two have run, so that there is room again
			t.Errorf("after a while: %v", err)
		}
	})
}

func TestWaitingHasAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, 5, 3*time.Second)
		go func() { _ = g.Do(t.Context(), ada, busy(time.Minute)) }()
		synctest.Wait()
		begun := time.Now()
		retryAfter(t, g.Do(t.Context(), ada, func() { t.Error("ran") }))
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("waited %v, want 3s", took)
		}
		if g.Depth() != 0 {
			t.Errorf("%d still wait", g.Depth())
		}
		<-time.After(time.Minute)
	})
}

func TestWhoLeavesTheQueueFreesTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := password.NewGate(1, 2, 0)
		go func() { _ = g.Do(t.Context(), ada, busy(time.Second)) }()
		synctest.Wait()

		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- g.Do(ctx, ada, func() { t.Error("ran for somebody who had gone") }) }()
		synctest.Wait()
		ran := make(chan error, 2)
		go func() { ran <- g.Do(t.Context(), ada, func() {}) }()
		synctest.Wait()
		retryAfter(t, g.Do(t.Context(), ada, func() { t.Error("ran") }))

		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		go func() { ran <- g.Do(t.Context(), ada, func() {}) }()
		for range 2 {
			if err := <-ran; err != nil {
				t.Errorf("who stayed got %v", err)
			}
		}
	})
}

// However turns, departures and deadlines coincide, no place is lost and none is given twice.
func TestNoPlaceIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers = 2
		g := password.NewGate(workers, 50, 5*time.Millisecond)
		var running atomic.Int32
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				<-time.After(time.Duration(i%20) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond)
				defer cancel()
				_ = g.Do(ctx, ada, func() {
					if running.Add(1) > workers {
						t.Error("too many run")
					}
					<-time.After(time.Millisecond)
					running.Add(-1)
				})
			})
		}
		wg.Wait()
		if g.Depth() != 0 {
			t.Fatalf("%d still wait", g.Depth())
		}
		hold := make(chan struct{})
		for range workers {
			wg.Go(func() {
				if err := g.Do(t.Context(), ada, func() { <-hold }); err != nil {
					t.Errorf("a place is lost: %v", err)
				}
			})
		}
		synctest.Wait()
		if g.Depth() != 0 {
			t.Error("a place is lost")
		}
		close(hold)
		wg.Wait()
	})
}

func TestPanicFreesThePlace(t *testing.T) {
	t.Parallel()
	g := password.NewGate(1, 0, 0)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = g.Do(t.Context(), ada, func() { panic("x") })
	}()
	if err := g.Do(t.Context(), ada, func() {}); err != nil {
		t.Errorf("the place is lost: %v", err)
	}
}

func TestRetryAfterIsHonest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		workers, queue int
		lasts          time.Duration
		want           time.Duration
	}{
		{"short work", 2, 4, 10 * time.Millisecond, time.Second},
		{"one worker, no queue", 1, 0, 3 * time.Second, 3 * time.Second},
		{"one worker, a queue of three", 1, 3, 3 * time.Second, 12 * time.Second},
		{"three workers, a queue of four", 3, 4, 3 * time.Second, 9 * time.Second},
		{"not whole seconds", 1, 0, 1100 * time.Millisecond, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := password.NewGate(tt.workers, tt.queue, 0)
				for range 200 { // until the average is what work lasts
					if err := g.Do(t.Context(), ada, busy(tt.lasts)); err != nil {
						t.Fatal(err)
					}
				}
				var wg sync.WaitGroup
				defer wg.Wait()
				for range tt.workers + tt.queue {
					wg.Go(func() { _ = g.Do(t.Context(), ada, busy(tt.lasts)) })
				}
				synctest.Wait()
				if got := retryAfter(t, g.Do(t.Context(), ada, func() {})); got != tt.want {
					t.Errorf("RetryAfter = %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// The gate's own cost is what "gate" takes longer than "raw".
func BenchmarkGate(b *testing.B) {
	work := func() { _, _ = bcrypt.GenerateFromPassword([]byte("kX7!vPqz"), bcrypt.MinCost) }
	b.Run("raw", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				work()
			}
		})
	})
	b.Run("gate", func(b *testing.B) {
		g := password.NewGate(0, 1<<10, 0)
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := g.Do(b.Context(), ada, work); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
