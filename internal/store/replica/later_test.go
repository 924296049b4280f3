package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// start runs the store until the test ends.
func start(t *testing.T, s *replica.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(8 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestEventsFollowAtOnce is about a time in which the worker, which waits for two deadlines, does nothing.
func TestEventsFollowAtOnce(t *testing.T) {
	t.Parallel()
	primary, secondary := openSQLite(t, true), openSQLite(t, false)
	s := newPair(t, primary, secondary)
	start(t, s)
	eventually(t, "the store runs", s.Runs)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for range 3 {
		e := hub.NewEvent(t.Context(), hub.EventUserUpdated, "", now)
		if err := s.AddEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the events are on the secondary", func() bool {
		events, err := secondary.Events(t.Context(), hub.EventQuery{Limit: 10})
		return err == nil && len(events) == 3
	})
	eventually(t, "their marks are removed", func() bool {
		b, err := primary.Backlog(t.Context())
		return err == nil && b.Pending == 0
	})
}
