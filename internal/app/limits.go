package app

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/redisurl"
)

// limiters count requests. Guests have one of their own, so that a flood of addresses crowds out no user.
type limiters struct {
	users, guests ratelimit.Limiter
}

// openLimiters returns limiters that share Redis with other instances if REDIS_URL is set, with the connection to it.
func openLimiters(c config.Config, log *slog.Logger, now func() time.Time) (limiters, *redislimit.Server, error) {
	if c.RedisURL.IsZero() {
		return limiters{users: ratelimit.NewMemory(0), guests: ratelimit.NewMemory(0)}, nil, nil
	}
	u, err := redisurl.Parse(c.RedisURL.Reveal())
	if err != nil {
		return limiters{}, nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	redis := redislimit.Open(redislimit.Options{URL: u, Secret: c.SecretKey, Log: log, Now: now})
	return limiters{users: redis.Limiter(), guests: redis.Limiter()}, redis, nil
}
