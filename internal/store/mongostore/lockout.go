package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// lockoutFields returns the document of l but for its id, stored as the given version.
func lockoutFields(l *hub.Lockout, version int64) bson.D {
	return bson.D{
		{Key: "failures", Value: int64(l.Failures)},
		{Key: "pending", Value: int64(l.Pending)},
		{Key: "pendingUntil", Value: orNull(l.PendingUntil)},
		{Key: "lastFailureAt", Value: orNull(l.LastFailureAt)},
		{Key: "lockedUntil", Value: orNull(l.LockedUntil)},
		{Key: "expiresAt", Value: at(l.ExpiresAt())},
		{Key: "version", Value: version},
	}
}

func readLockout(raw bson.Raw) (l hub.Lockout, err error) {
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "_id":
			l.Key = r.text(v)
		case "failures":
			l.Failures = int(r.number(v))
		case "pending":
			l.Pending = int(r.number(v))
		case "pendingUntil":
			l.PendingUntil = r.instant(v)
		case "lastFailureAt":
			l.LastFailureAt = r.instant(v)
		case "lockedUntil":
			l.LockedUntil = r.instant(v)
		case "version":
			l.Version = r.number(v)
		}
	})
	if err != nil {
		return hub.Lockout{}, fmt.Errorf("lockout cannot be read: %w", err)
	}
	return l, nil
}

// LockoutByKey implements hub.LockoutStore.
func (s *Store) LockoutByKey(ctx context.Context, key string) (l hub.Lockout, err error) {
	err = s.findOne(ctx, "read lockout", s.lockouts.Collection, bson.D{{Key: "_id", Value: text(key)}}, func(raw bson.Raw) error {
		l, err = readLockout(raw)
		return err
	})
	if errors.Is(err, hub.ErrNotFound) {
		return hub.Lockout{Key: key}, nil
	}
	return l, err
}

// PutLockout implements hub.LockoutStore.
func (s *Store) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	c := change{
		what: "put lockout", in: s.lockouts, id: l.Key,
		filter: bson.D{versionIs(l.Version)}, set: lockoutFields(&l, l.Version+1), out: records(e, mails),
	}
	if l.Version == 0 {
		c.isNew, c.taken = true, hub.ErrConflict
		c.set = append(bson.D{{Key: "_id", Value: text(l.Key)}}, c.set...)
	}
	return s.apply(ctx, c)
}

// notNewerLockout are the conditions, of which one is enough, that the stored lockout is not newer than that of the stamp.
func notNewerLockout(stamp int64) bson.A {
	until, version := hub.SplitLockoutStamp(stamp)
	notLater := bson.E{Key: "version", Value: bson.D{{Key: "$lte", Value: version}}}
	if until.UnixMilli() == 0 { // without a time is before all times
		return bson.A{bson.D{{Key: "pendingUntil", Value: nil}, notLater}}
	}
	return bson.A{
		bson.D{{Key: "pendingUntil", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: at(until)}}}}}},
		bson.D{{Key: "pendingUntil", Value: at(until)}, notLater},
	}
}
