package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/users"
)

const (
	janitorInterval = time.Minute
	janitorStep     = 200 // rows of one write, so that nobody waits long behind it
	janitorSteps    = 500 // steps of one round; what is left waits for the next
)

// janitor forgets what time has made worthless, in small steps. Nothing depends on when it runs.
type janitor struct {
	store hub.Store
	users *users.Service
	keep  hub.Retention
	now   func() time.Time
	log   *slog.Logger
}

// run does a round at once and then one each interval, until ctx ends.
func (j *janitor) run(ctx context.Context) error {
	tick := time.NewTicker(janitorInterval)
	defer tick.Stop()
	for {
		if err := j.round(ctx); err != nil && ctx.Err() == nil {
			j.log.LogAttrs(ctx, slog.LevelError, "sweep failed, trying again in a minute", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (j *janitor) round(ctx context.Context) error {
	swept, err := steps(ctx, func(ctx context.Context) (int, error) {
		return j.store.Sweep(ctx, j.now(), j.keep, janitorStep)
	})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	purged, err := steps(ctx, func(ctx context.Context) (int, error) { return j.users.Purge(ctx, janitorStep) })
	if err != nil {
		return fmt.Errorf("purge users: %w", err)
	}
	if swept+purged > 0 {
		j.log.LogAttrs(ctx, slog.LevelInfo, "swept", slog.Int("expired", swept), slog.Int("users_purged", purged))
	}
	return nil
}

// steps repeats step until it finds nothing more to do.
func steps(ctx context.Context, step func(context.Context) (int, error)) (total int, err error) {
	for range janitorSteps {
		n, err := step(ctx)
		total += n
		if err != nil || n == 0 || ctx.Err() != nil {
			return total, err
		}
	}
	return total, nil
}

// Tidy forgets what time has made worthless, once.
func (a *App) Tidy(ctx context.Context) error { return a.janitor.round(ctx) }
