package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

const (
	readyMaxAge  = time.Second     // so that no flood of probes reaches the database
	readyTimeout = 2 * time.Second // for the database to answer a probe
)

// readiness says whether the hub can serve: its database answers and it is not shutting down.
type readiness struct {
	store    hub.Store
	draining atomic.Bool

	mu      sync.Mutex
	asked   time.Time
	healthy bool
}

// check returns the state of each dependency, and whether all is well.
func (r *readiness) check(ctx context.Context) (map[string]string, bool) {
	state := "unhealthy"
	healthy := r.databaseHealthy(ctx)
	if healthy {
		state = "healthy"
	}
	return map[string]string{"database": state}, healthy && !r.draining.Load()
}

// databaseHealthy asks the database at most once per readyMaxAge; whoever comes at the same time shares the answer.
func (r *readiness) databaseHealthy(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked.IsZero() && time.Since(r.asked) < readyMaxAge {
		return r.healthy
	}
	// Others share the answer, so one caller's leaving must not make it "unhealthy".
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	r.healthy = r.store.Ping(ctx) == nil
	r.asked = time.Now()
	return r.healthy
}
