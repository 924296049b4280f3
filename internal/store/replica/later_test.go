package replica_test

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

// TestEventsFollowAtOnce is about a time in which the worker, which waits for two deadlines, does nothing.
func TestEventsFollowAtOnce(t *testing.T) {
	t.Parallel()
	primary, secondary := openSQLite(t, true), openSQLite(t, false)
	s := newPair(t, primary, secondary)
	runStore(t, s)
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
