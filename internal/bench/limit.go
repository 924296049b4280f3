package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/redisurl"
)

// measureLimit has Redis decide, one request after the other.
func (b *bench) measureLimit(ctx context.Context) (err error) {
	const what = "decision on a limit in Redis"
	if len(b.modes) == 0 {
		return errors.New("there is no mode to measure")
	}
	mode := b.modes[len(b.modes)-1] // it is the same in all of them
	if b.servers.redisURL == "" {
		b.leaveOut(mode, what, "A64_BENCH_REDIS_URL names no server")
		return nil
	}
	progress(what)
	url, err := redisurl.Parse(b.servers.redisURL)
	if err != nil {
		return fmt.Errorf("A64_BENCH_REDIS_URL: %w", err)
	}
	redis := redislimit.Open(redislimit.Options{URL: url, Secret: hub.NewSecret(b.program.key), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	defer func() { err = errors.Join(err, redis.Close()) }()
	redis.Probe(ctx)
	limiter := redis.Limiter()
	var took []time.Duration
	start, length := time.Now(), b.duration*time.Duration(b.rounds)
	for time.Since(start) < length {
		began := time.Now()
		if _, err := limiter.Take(ctx, "bench", math.MaxInt32, began); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	if state := redis.State(); state.Away {
		return fmt.Errorf("redis is away: %s", state.Reason)
	}
	slices.Sort(took)
	r := result{took: time.Since(start), latencies: took}.figures()
	b.add(row{Mode: mode, What: what, figures: r, Note: fmt.Sprintf("%d decisions, %d without Redis", len(took), redis.State().DecidedAlone)},
		atMost(r.P50, .5, "ms p50"))
	return nil
}
