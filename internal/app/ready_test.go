package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
)

// pinged is a store that only answers pings.
type pinged struct {
	hub.Store
	pings atomic.Int64
	away  atomic.Bool
}

func (p *pinged) Ping(ctx context.Context) error {
	p.pings.Add(1)
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.away.Load() {
		return hub.ErrUnavailable
	}
	return nil
}

func TestDOS08_ProbesShareOnePingASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(pinged)
		r := &readiness{store: store}
		for second := range 3 {
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if checks, ok := r.check(t.Context()); !ok || checks["database"] != "healthy" {
						t.Errorf("checks %v, ready %v", checks, ok)
					}
				})
			}
			wg.Wait()
			if got := store.pings.Load(); got != int64(second+1) {
				t.Errorf("%d pings in second %d", got, second+1)
			}
			<-time.After(readyMaxAge)
		}
	})
}

func TestR37_ReadinessFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(pinged)
		r := &readiness{store: store}
		want := func(state string, ready bool) {
			t.Helper()
			checks, ok := r.check(t.Context())
			if checks["database"] != state || len(checks) != 1 || ok != ready {
				t.Errorf("checks %v, ready %v; want %s, %v", checks, ok, state, ready)
			}
			<-time.After(readyMaxAge)
		}
		want("healthy", true)
		store.away.Store(true)
		want("unhealthy", false)
		store.away.Store(false)
		want("healthy", true)
		r.draining.Store(true)
		want("healthy", false)
	})
}

func TestOneProbeThatLeavesSpoilsNothingForOthers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	r := &readiness{store: new(pinged)}
	if _, ok := r.check(ctx); !ok {
		t.Error("not ready because a client left")
	}
}
