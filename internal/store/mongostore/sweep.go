package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// maxDeleted is how many documents one call deletes.
const maxDeleted = 500

// deletion forgets documents that match.
type deletion struct {
	in     shelf
	filter bson.D
}

// deletions are what time has made worthless. A session has expired when its token or the session itself has: neither can
// be used again.
func (s *Store) deletions(now time.Time, keep hub.Retention) []deletion {
	over := bson.D{{Key: "$lte", Value: at(now)}}
	all := []deletion{
		{s.sessions, bson.D{{Key: "expiresAt", Value: over}}},
		{s.sessions, bson.D{{Key: "sessionExpiresAt", Value: over}}},
		{s.mailTokens, bson.D{{Key: "expiresAt", Value: over}}},
		{s.lockouts, bson.D{{Key: "expiresAt", Value: over}}},
	}
	if keep.Mails > 0 {
		all = append(all, deletion{s.mails, bson.D{
			{Key: "state", Value: bson.D{{Key: "$in", Value: []string{string(hub.MailSent), string(hub.MailDropped), string(hub.MailDead)}}}},
			{Key: "updatedAt", Value: bson.D{{Key: "$lt", Value: at(now.Add(-keep.Mails))}}},
		}})
	}
	if keep.Events > 0 {
		all = append(all, deletion{s.events, bson.D{{Key: "at", Value: bson.D{{Key: "$lt", Value: at(now.Add(-keep.Events))}}}}})
	}
	return all
}

// Sweep implements hub.Store. Tombstones are no thing that anybody kept: they go too and are not counted.
func (s *Store) Sweep(ctx context.Context, now time.Time, keep hub.Retention, limit int) (int, error) {
	const what = "sweep"
	if err := s.flusher.wait(ctx, what); err != nil {
		return 0, err
	}
	_, refused := s.Recover(ctx) // reported in the end: the sweep itself can do without
	if err := s.forgetTombstones(ctx, now); err != nil {
		return 0, err
	}
	swept := 0
	for _, d := range s.deletions(now, keep) {
		for swept < limit {
			step := min(limit-swept, maxDeleted)
			n, found, err := s.delete(ctx, what, d, step)
			swept += n
			if err != nil {
				return swept, err
			}
			if found < step {
				break
			}
		}
	}
	return swept, refused
}

// delete deletes up to limit documents, except those whose outboxes are not empty. It returns how many it deleted, and how
// many it found.
func (s *Store) delete(ctx context.Context, what string, d deletion, limit int) (deleted, found int, err error) {
	filter := append(d.filter[:len(d.filter):len(d.filter)], bson.E{Key: "outboxSince", Value: nil})
	ids, err := findAll(ctx, s, what, d.in.Collection, filter,
		options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)),
		func(raw bson.Raw) (bson.RawValue, error) { return ownValue(raw.Lookup("_id")), nil })
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	// Again with all conditions: what was changed meanwhile stays.
	filter = append(bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, filter...)
	err = s.doMany(ctx, what, len(ids), func(ctx context.Context) error {
		result, err := d.in.DeleteMany(ctx, filter)
		if err == nil {
			deleted = int(result.DeletedCount)
		}
		return err
	})
	return deleted, len(ids), err
}

// ownValue returns a copy that outlives the batch of the cursor it comes from.
func ownValue(v bson.RawValue) bson.RawValue {
	return bson.RawValue{Type: v.Type, Value: append([]byte(nil), v.Value...)}
}

// forgetTombstones deletes those that have done their service.
func (s *Store) forgetTombstones(ctx context.Context, now time.Time) error {
	_, _, err := s.delete(ctx, "forget tombstones", s.tombstoneDeletion(now), maxDeleted)
	return err
}

func (s *Store) tombstoneDeletion(now time.Time) deletion {
	return deletion{s.users, bson.D{
		{Key: "purgedAt", Value: bson.D{{Key: "$lte", Value: at(now.Add(-hub.TombstoneLife))}}}, {Key: "pendingSince", Value: nil},
	}}
}
