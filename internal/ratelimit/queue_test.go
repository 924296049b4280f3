package ratelimit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
)

// oneLockout is a store of one lockout. Unlike a database it can be waited for by testing/synctest.
type oneLockout struct {
	mu     sync.Mutex
	stored hub.Lockout
}

func (o *oneLockout) LockoutByKey(_ context.Context, key string) (hub.Lockout, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.stored
	l.Key = key
	return l, nil
}

func (o *oneLockout) PutLockout(_ context.Context, l hub.Lockout, _ *hub.Event, _ ...hub.Mail) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.Version != o.stored.Version {
		return hub.ErrConflict
	}
	l.Version++
	o.stored = l
	return nil
}

func (*oneLockout) AddEvent(context.Context, hub.Event) error { return nil }

// waiting runs f in a bubble, in which time is steered, with a guard that has all its places taken.
func waiting(t *testing.T, f func(t *testing.T, g *ratelimit.Guard, taken []*ratelimit.Attempt)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &ratelimit.Guard{Store: new(oneLockout), Policy: policy, Now: time.Now}
		var taken []*ratelimit.Attempt
		for range policy.MaxFailures {
			taken = append(taken, begin(t, g, email))
		}
		f(t, g, taken)
	})
}

func TestBeginWaitsNoLongerThan10Seconds(t *testing.T) {
	waiting(t, func(t *testing.T, g *ratelimit.Guard, _ []*ratelimit.Attempt) {
		start := time.Now()
		var group sync.WaitGroup
		for range 3 { // the first in the queue, and those behind
			group.Go(func() {
				_, err := g.Begin(t.Context(), email)
				if !hub.IsCode(err, hub.CodeOverloaded) || time.Since(start) != 10*time.Second {
					t.Errorf("Begin after %v: %v, want OVERLOADED after 10 s", time.Since(start), err)
				}
			})
		}
		group.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := g.Begin(ctx, email); !hub.IsCode(err, hub.CodeOverloaded) || time.Since(start) != time.Second {
			t.Errorf("Begin after %v: %v, want OVERLOADED after the deadline of 1 s", time.Since(start), err)
		}
	})
}

func TestBeginEndsWithItsRequest(t *testing.T) {
	waiting(t, func(t *testing.T, g *ratelimit.Guard, _ []*ratelimit.Attempt) {
		ctx, hangUp := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, hangUp)
		if _, err := g.Begin(ctx, email); !errors.Is(err, context.Canceled) {
			t.Errorf("Begin: %v, want context.Canceled", err)
		}
	})
}

func TestADecisionHereIsNoticedAtOnce(t *testing.T) {
	waiting(t, func(t *testing.T, g *ratelimit.Guard, taken []*ratelimit.Attempt) {
		start := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := g.Begin(t.Context(), email); err != nil || time.Since(start) != 0 {
				t.Errorf("Begin after %v: %v, want at once", time.Since(start), err)
			}
		})
		synctest.Wait()
		if err := taken[0].Abandon(t.Context()); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
}

func TestADecisionElsewhereIsNoticedSoon(t *testing.T) {
	waiting(t, func(t *testing.T, g *ratelimit.Guard, taken []*ratelimit.Attempt) {
		start := time.Now()
		elsewhere := &ratelimit.Guard{Store: g.Store, Policy: policy, Now: time.Now}
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := elsewhere.Begin(t.Context(), email); err != nil || time.Since(start) > 100*time.Millisecond {
				t.Errorf("Begin after %v: %v, want within 100 ms", time.Since(start), err)
			}
		})
		synctest.Wait()
		if err := taken[0].Succeed(t.Context()); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
}
