package mongostore

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// Stats implements hub.Store.
func (s *Store) Stats(ctx context.Context, now time.Time) (hub.Stats, error) {
	const what = "count"
	if err := s.flusher.wait(ctx, what); err != nil {
		return hub.Stats{}, err
	}
	stats := hub.Stats{Mails: make(map[hub.MailState]int)}
	err := do(ctx, what, scanTimeout, func(ctx context.Context) (err error) {
		if stats.Users, err = s.countUsers(ctx); err != nil {
			return err
		}
		if stats.Deleted, err = count(ctx, s.users, bson.D{isDeleted()}); err != nil {
			return err
		}
		if stats.Sessions, err = count(ctx, s.sessions, liveSessions(now)); err != nil {
			return err
		}
		return s.countMails(ctx, stats.Mails)
	})
	if err != nil {
		return hub.Stats{}, err
	}
	return stats, nil
}

func count(ctx context.Context, in shelf, filter bson.D) (int, error) {
	n, err := in.CountDocuments(ctx, filter)
	return int(n), err
}

// countUsers counts all users by an index alone, and takes the deleted ones off: see matching.
func (s *Store) countUsers(ctx context.Context) ([]hub.UserCount, error) {
	counts, err := s.countRoles(ctx, hasRole())
	if err != nil {
		return nil, err
	}
	deleted, err := s.countRoles(ctx, isDeleted())
	for _, d := range deleted {
		for i := range counts {
			if c := &counts[i]; c.Role == d.Role {
				c.Active, c.Inactive, c.Verified = c.Active-d.Active, c.Inactive-d.Inactive, c.Verified-d.Verified
			}
		}
	}
	isNone := func(c hub.UserCount) bool { return c.Active+c.Inactive <= 0 }
	return slices.DeleteFunc(counts, isNone), err
}

func isDeleted() bson.E {
	return bson.E{Key: "deletedAt", Value: bson.D{{Key: "$gt", Value: dawn()}}}
}

func (s *Store) countRoles(ctx context.Context, of bson.E) ([]hub.UserCount, error) {
	cursor, err := s.users.Aggregate(ctx, bson.A{
		bson.D{{Key: "$match", Value: bson.D{of}}},
		bson.D{{Key: "$group", Value: bson.D{
			{Key: "_id", Value: "$role"},
			{Key: "active", Value: countIf("$isActive", 1, 0)},
			{Key: "inactive", Value: countIf("$isActive", 0, 1)},
			{Key: "verified", Value: countIf("$isEmailVerified", 1, 0)},
		}}},
	})
	if err != nil {
		return nil, err
	}
	return collect(ctx, cursor, func(raw bson.Raw) (c hub.UserCount, err error) {
		err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
			switch name {
			case "_id":
				c.Role = r.role(v)
			case "active":
				c.Active = int(r.number(v))
			case "inactive":
				c.Inactive = int(r.number(v))
			case "verified":
				c.Verified = int(r.number(v))
			}
		})
		return c, err
	})
}

func countIf(field string, then, otherwise int) bson.D {
	return bson.D{{Key: "$sum", Value: bson.D{{Key: "$cond", Value: bson.A{field, then, otherwise}}}}}
}

func (s *Store) countMails(ctx context.Context, mails map[hub.MailState]int) error {
	cursor, err := s.mails.Aggregate(ctx, bson.A{
		bson.D{{Key: "$match", Value: bson.D{{Key: "state", Value: bson.D{{Key: "$gte", Value: ""}}}}}}, // any, by an index alone
		bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$state"}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
	})
	if err != nil {
		return err
	}
	_, err = collect(ctx, cursor, func(raw bson.Raw) (state string, err error) {
		n := 0
		err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
			switch name {
			case "_id":
				state = r.text(v)
			case "n":
				n = int(r.number(v))
			}
		})
		mails[hub.MailState(state)] = n
		return state, err
	})
	return err
}
