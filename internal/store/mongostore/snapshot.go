package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// snapshot is the database as it is whenever it is asked: not every deployment gives more.
type snapshot struct{ *Store }

// Snapshot implements hub.Database. It first carries out what stands in the outboxes, of whatever process: from then on every
// event and mail that was acknowledged is found where it belongs. What the database refuses for good, and Verify reports, is
// left.
func (s *Store) Snapshot(ctx context.Context) (hub.Snapshot, error) {
	now := at(time.Now().Add(clockSkew)) // others note the time by their own clocks
	_, err := s.recoverFrom(ctx, bson.D{{Key: "outboxSince", Value: bson.D{{Key: "$lt", Value: now}}}}, s.users, s.sessions, s.lockouts, s.mails)
	if errors.Is(err, hub.ErrUnavailable) || ctx.Err() != nil {
		return nil, err
	}
	return snapshot{s}, nil
}

// clockSkew exceeds how far the clocks of processes on one database are apart.
const clockSkew = time.Hour

// AtOneMoment implements hub.Snapshot.
func (snapshot) AtOneMoment() bool { return false }

// Close implements hub.Snapshot. The store stays open.
func (snapshot) Close() error { return nil }
