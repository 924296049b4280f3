package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/store/replica"
)

const (
	readyMaxAge  = time.Second     // so that no flood of probes reaches the database
	readyTimeout = 2 * time.Second // for the database to answer a probe
)

// The states of a dependency.
const (
	healthy   = "healthy"
	degraded  = "degraded" // the hub goes on without it for now
	unhealthy = "unhealthy"
)

// readiness says whether the hub can serve: its database answers and it is not shutting down.
type readiness struct {
	store    hub.Store
	replica  *replica.Store     // with two databases
	redis    *redislimit.Server // with Redis
	engines  []config.Database
	draining atomic.Bool // the hub shuts down: it should be sent nothing any more

	mu      sync.Mutex
	asked   time.Time
	healthy bool
}

// check returns how the hub is, and the state of each dependency.
func (r *readiness) check(ctx context.Context) (api.Status, map[string]string) {
	checks, serves := r.checkDatabases(ctx)
	if r.redis != nil {
		checks["redis"] = healthy
		if r.redis.State().Away {
			checks["redis"] = degraded // limits go on in this process
		}
	}
	switch {
	case r.draining.Load():
		return api.StatusDraining, checks
	case !serves:
		return api.StatusUnavailable, checks
	}
	for _, state := range checks {
		if state != healthy {
			return api.StatusDegraded, checks
		}
	}
	return api.StatusReady, checks
}

func (r *readiness) checkDatabases(ctx context.Context) (map[string]string, bool) {
	if r.replica != nil {
		return r.checkBoth()
	}
	state := unhealthy
	answers := r.databaseHealthy(ctx)
	if answers {
		state = healthy
	}
	return map[string]string{"database": state}, answers
}

// checkBoth tells of two databases what was seen at the last look at them, a second ago at most. While the first is away
// and the second stands in for it, reads can be served.
func (r *readiness) checkBoth() (map[string]string, bool) {
	state := r.replica.State()
	first, second := healthy, healthy
	if state.Behind(time.Now()) {
		second = degraded
	}
	if state.PrimaryAway {
		first = degraded
		if state.SecondaryAway || !state.CaughtUp {
			first, second = unhealthy, unhealthy
		}
	}
	return map[string]string{string(r.engines[0]): first, string(r.engines[1]): second}, first != unhealthy
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
