package users

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
)

// Purge forgets up to limit users whose time is over: deleted longer ago than Rules.DeletedPurge, or never verified
// within Rules.UnverifiedPurge. It returns how many. A user who changed meanwhile is left for the next time.
func (s *Service) Purge(ctx context.Context, limit int) (int, error) {
	now := s.Now()
	due, err := s.Store.PurgeableUsers(ctx, before(now, s.Rules.DeletedPurge), before(now, s.Rules.UnverifiedPurge), limit)
	if err != nil {
		return 0, fmt.Errorf("find users to purge: %w", err)
	}
	purged := 0
	for _, u := range due {
		reason := "never verified"
		if u.IsDeleted() {
			reason = "deleted"
		}
		err := s.Store.PurgeUser(ctx, u.ID, u.Version, hub.NewEvent(ctx, hub.EventUserPurged, u.ID, now).With("reason", reason))
		if errors.Is(err, hub.ErrConflict) {
			continue
		}
		if err != nil {
			return purged, fmt.Errorf("purge user: %w", err)
		}
		purged++
	}
	return purged, nil
}

// before returns the time that lies age before now, or none for an age of zero.
func before(now time.Time, age time.Duration) time.Time {
	if age == 0 {
		return time.Time{}
	}
	return now.Add(-age)
}
