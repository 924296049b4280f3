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
	"github.com/a64core/hub/internal/api"
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
					if status, checks := r.check(t.Context()); status != api.StatusReady || checks["database"] != "healthy" {
						t.Errorf("checks %v, status %v", checks, status)
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
		want := func(state string, wanted api.Status) {
			t.Helper()
			status, checks := r.check(t.Context())
			if checks["database"] != state || len(checks) != 1 || status != wanted {
				t.Errorf("checks %v, status %v; want %s, %v", checks, status, state, wanted)
			}
			<-time.After(readyMaxAge)
		}
		want("healthy", api.StatusReady)
		store.away.Store(true)
		want("unhealthy", api.StatusUnavailable)
		store.away.Store(false)
		want("healthy", api.StatusReady)
		r.draining.Store(true)
		want("healthy", api.StatusDraining)
	})
}

func TestOneProbeThatLeavesSpoilsNothingForOthers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	r := &readiness{store: new(pinged)}
	if status, _ := r.check(ctx); status != api.StatusReady {
		t.Error("not ready because a client left")
	}
}
