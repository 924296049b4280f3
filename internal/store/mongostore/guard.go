package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// One rule is about several documents: an active super_admin must remain. Whoever ends being one therefore counts the
// others under a lease, which one at a time holds; everybody else's changes need none, since they cannot break the rule.
//
// A lease names its holder, when it may be taken from them, and what they are about to change: a user, and the version
// of it that they have read. A holder may be slower than the lease, or a clock be wrong. So whoever takes a lease over
// first raises the version of the user that it names, if it still is the version that it names. Then the former holder's
// write finds another version and fails with ErrConflict, or it was done before, and the count sees it.

const (
	guardLease = 5 * time.Second
	guardWait  = 5 * time.Second
	guardPoll  = 5 * time.Millisecond
	guardID    = "guards"
)

// guardFilter matches the active super_admins.
func guardFilter() bson.D {
	return bson.D{{Key: "role", Value: hub.RoleSuperAdmin.String()}, {Key: "isActive", Value: true}, {Key: "deletedAt", Value: nil}}
}

// userChange returns the change that replaces the user.
func userChange(what string, in shelf, u *hub.User, out []entry) change {
	return change{
		what: what, in: in, id: u.ID, set: userFields(u, u.Version+1), out: out,
		filter: bson.D{versionIs(u.Version), {Key: "purgedAt", Value: nil}},
	}
}

// UpdateUser implements hub.UserStore.
func (s *Store) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return s.changeUser(ctx, userChange("update user", s.users, &u, records(&e, mails)), &u)
}

// changeUser replaces a user. It is one write unless an active super_admin ends being one.
func (s *Store) changeUser(ctx context.Context, c change, u *hub.User) error {
	if u.GuardsSystem() {
		return s.apply(ctx, c)
	}
	free := c
	free.filter = append(free.filter[:len(free.filter):len(free.filter)], bson.E{Key: "$nor", Value: bson.A{guardFilter()}})
	err := s.apply(ctx, free)
	if !errors.Is(err, hub.ErrConflict) {
		return err
	}
	stored, readErr := s.UserByID(ctx, u.ID)
	switch {
	case errors.Is(readErr, hub.ErrNotFound), readErr == nil && (stored.Version != u.Version || !stored.GuardsSystem()):
		return err
	case readErr != nil:
		return fmt.Errorf("%s: %w", c.what, readErr)
	}
	return s.changeGuard(ctx, c, u)
}

// changeGuard makes a change by which an active super_admin ends being one.
func (s *Store) changeGuard(ctx context.Context, c change, u *hub.User) error {
	lease := guard{Holder: hub.NewID(), UserID: text(u.ID), Version: u.Version}
	if err := s.acquire(ctx, &lease); err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	defer s.release(context.WithoutCancel(ctx), &lease)
	others := append(guardFilter(), bson.E{Key: "userId", Value: bson.D{{Key: "$ne", Value: text(u.ID)}}})
	var n int64
	err := s.do(ctx, c.what, func(ctx context.Context) (err error) {
		n, err = s.users.CountDocuments(ctx, others, options.Count().SetLimit(1))
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 {
		stored, err := s.UserByID(ctx, u.ID)
		if err != nil || stored.Version != u.Version {
			return fmt.Errorf("%s: %w", c.what, hub.ErrConflict)
		}
		return fmt.Errorf("%s: %w", c.what, hub.ErrLastSuperAdmin)
	}
	return s.apply(ctx, c)
}

// guard is the lease. A holder of "" is none.
type guard struct {
	Holder  string        `bson:"holder"`
	UserID  string        `bson:"userId"`
	Version int64         `bson:"version"`
	Until   bson.DateTime `bson:"until"`
}

// acquire waits for the lease. ErrUnavailable if that takes too long.
func (s *Store) acquire(ctx context.Context, lease *guard) error {
	return do(ctx, "wait for the lease", guardWait, func(ctx context.Context) error {
		poll := time.NewTicker(guardPoll)
		defer poll.Stop()
		for {
			if ok, err := s.tryAcquire(ctx, lease); ok || err != nil {
				return err
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// tryAcquire takes the lease if it is free, or if its time is over and its holder is fenced off.
func (s *Store) tryAcquire(ctx context.Context, lease *guard) (bool, error) {
	var former guard
	if err := s.meta.FindOne(ctx, bson.D{{Key: "_id", Value: guardID}}).Decode(&former); err != nil {
		return false, err
	}
	now := time.Now()
	if former.Holder != "" {
		if now.Before(former.Until.Time()) {
			return false, nil
		}
		if err := s.fence(ctx, &former); err != nil {
			return false, err
		}
	}
	lease.Until = at(now.Add(guardLease))
	result, err := s.meta.UpdateOne(ctx, bson.D{{Key: "_id", Value: guardID}, {Key: "holder", Value: former.Holder}}, bson.D{{Key: "$set", Value: lease}})
	return err == nil && result.MatchedCount == 1, err
}

// fence makes sure that the holder's change is done or never will be.
func (s *Store) fence(ctx context.Context, former *guard) error {
	update := bson.D{{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}}}
	if s.marks {
		update = append(update, bson.E{Key: "$min", Value: bson.D{{Key: "pendingSince", Value: at(time.Now())}}})
	}
	_, err := s.users.UpdateOne(ctx, bson.D{{Key: "userId", Value: former.UserID}, versionIs(former.Version), {Key: "purgedAt", Value: nil}}, update)
	return err
}

// release frees the lease. If that fails, its time will end.
func (s *Store) release(ctx context.Context, lease *guard) {
	_ = s.do(ctx, "release the lease", func(ctx context.Context) error {
		_, err := s.meta.UpdateOne(ctx, bson.D{{Key: "_id", Value: guardID}, {Key: "holder", Value: lease.Holder}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: ""}}}})
		return err
	})
}
