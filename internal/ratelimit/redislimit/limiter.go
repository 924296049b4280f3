package redislimit

import (
	"context"
	"math"
	"time"

	"github.com/a64core/hub/internal/ratelimit"
)

// Limiter is a [ratelimit.Limiter] that all instances share while Redis answers. Each has a window of its own for when it
// does not: what fills the memory of one limiter crowds out nobody of another.
type Limiter struct {
	server *Server
	own    *ratelimit.Memory
}

// Limiter returns a limiter whose own windows tell apart as many keys as a [ratelimit.Memory] does by default.
func (s *Server) Limiter() *Limiter { return &Limiter{server: s, own: ratelimit.NewMemory(0)} }

// Take implements [ratelimit.Limiter]. It never fails and takes no longer than [Timeout].
func (l *Limiter) Take(ctx context.Context, key string, limit int, now time.Time) (ratelimit.Decision, error) {
	if limit <= 0 {
		return ratelimit.Decision{Allowed: true, Limit: limit}, nil
	}
	own, err := l.own.Take(ctx, key, limit, now)
	if err != nil {
		return own, err
	}
	mode := l.server.mode()
	if mode == alone {
		l.server.decidedAlone.Add(1)
		return own, nil
	}
	if mode == both && !own.Allowed {
		return own, nil
	}
	d, decided := l.server.take(ctx, key, limit, now)
	if !decided {
		l.server.decidedAlone.Add(1)
		return own, nil
	}
	switch {
	case !d.Allowed:
		if own.Allowed {
			l.own.GiveBack(key)
		}
	case !own.Allowed: // the windows' runs differ by some seconds; what is admitted counts
		if _, err := l.own.Take(ctx, key, math.MaxInt, now); err != nil {
			return own, err
		}
	case mode == both && own.Remaining < d.Remaining:
		return own, nil
	}
	return d, nil
}
