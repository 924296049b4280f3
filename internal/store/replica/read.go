package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
)

// checkTimeout is how long the primary may take for a read that every request needs, before the secondary is asked. If that
// cannot stand in, a late answer is better than none.
const checkTimeout = time.Second

// errPrimaryAway answers changes, and reads for which the secondary cannot stand in.
var errPrimaryAway = fmt.Errorf("the primary database is away: %w", hub.ErrUnavailable)

// standIn returns the secondary if it may answer in the primary's place.
func (s *Store) standIn() (hub.Database, bool) {
	second, err := s.Secondary()
	return second, err == nil && s.trust.holds() && !s.second.isOut()
}

// read asks the primary, or the secondary if the primary is away. A timeout of zero leaves the primary as long as it wants.
func read[T any](ctx context.Context, s *Store, timeout time.Duration, ask func(context.Context, hub.Store) (T, error)) (T, error) {
	var (
		answer T
		err    = errPrimaryAway
	)
	if _, ok := s.standIn(); !ok {
		timeout = 0
	}
	if !s.first.away.Load() {
		answer, err = within(ctx, timeout, func(ctx context.Context) (T, error) { return ask(ctx, s.primary) })
		if err == nil {
			s.first.note()
		}
		if err == nil || ctx.Err() != nil || !isAway(err) {
			return answer, err
		}
		s.first.suspect()
	}
	second, ok := s.standIn()
	if !ok {
		return answer, err
	}
	return ask(ctx, second)
}

func within[T any](ctx context.Context, timeout time.Duration, call func(context.Context) (T, error)) (T, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return call(ctx)
}

func isAway(err error) bool {
	return errors.Is(err, hub.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// UserByID implements hub.UserStore.
func (s *Store) UserByID(ctx context.Context, id string) (hub.User, error) {
	return read(ctx, s, checkTimeout, func(ctx context.Context, from hub.Store) (hub.User, error) { return from.UserByID(ctx, id) })
}

// UserByEmail implements hub.UserStore.
func (s *Store) UserByEmail(ctx context.Context, email string) (hub.User, error) {
	return read(ctx, s, checkTimeout, func(ctx context.Context, from hub.Store) (hub.User, error) { return from.UserByEmail(ctx, email) })
}

// Users implements hub.UserStore.
func (s *Store) Users(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	return read(ctx, s, 0, func(ctx context.Context, from hub.Store) (hub.UserPage, error) { return from.Users(ctx, q) })
}

// SessionWithUser implements hub.SessionStore.
func (s *Store) SessionWithUser(ctx context.Context, id string) (hub.Session, hub.User, error) {
	type found struct {
		session hub.Session
		user    hub.User
	}
	f, err := read(ctx, s, checkTimeout, func(ctx context.Context, from hub.Store) (f found, err error) {
		f.session, f.user, err = from.SessionWithUser(ctx, id)
		return f, err
	})
	return f.session, f.user, err
}

// SessionsByUser implements hub.SessionStore.
func (s *Store) SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) ([]hub.Session, error) {
	return read(ctx, s, checkTimeout, func(ctx context.Context, from hub.Store) ([]hub.Session, error) {
		return from.SessionsByUser(ctx, userID, now, limit)
	})
}

// Events implements hub.EventStore.
func (s *Store) Events(ctx context.Context, q hub.EventQuery) ([]hub.Event, error) {
	return read(ctx, s, 0, func(ctx context.Context, from hub.Store) ([]hub.Event, error) { return from.Events(ctx, q) })
}

// Stats implements hub.Store.
func (s *Store) Stats(ctx context.Context, at time.Time) (hub.Stats, error) {
	stats, err := read(ctx, s, 0, func(ctx context.Context, from hub.Store) (hub.Stats, error) { return from.Stats(ctx, at) })
	if err != nil {
		return hub.Stats{}, err
	}
	backlog := s.State().Backlog
	if !s.first.away.Load() {
		if backlog, err = s.primary.Backlog(ctx); err != nil {
			return hub.Stats{}, fmt.Errorf("count what is to be copied: %w", err)
		}
	}
	stats.Replication = &hub.Replication{Pending: backlog.Pending, Lag: backlog.Lag(time.Now())}
	return stats, nil
}

// Ping reports whether reads can be answered.
func (s *Store) Ping(ctx context.Context) error {
	_, err := read(ctx, s, checkTimeout, func(ctx context.Context, from hub.Store) (struct{}, error) { return struct{}{}, from.Ping(ctx) })
	return err
}

// The rest is read in order to change something, so that the primary alone can answer.

// MailTokenByID implements hub.MailTokenStore.
func (s *Store) MailTokenByID(ctx context.Context, id string) (hub.MailToken, error) {
	return ask(s, func() (hub.MailToken, error) { return s.primary.MailTokenByID(ctx, id) })
}

// LockoutByKey implements hub.LockoutStore.
func (s *Store) LockoutByKey(ctx context.Context, key string) (hub.Lockout, error) {
	return ask(s, func() (hub.Lockout, error) { return s.primary.LockoutByKey(ctx, key) })
}

// DueMails implements hub.MailStore.
func (s *Store) DueMails(ctx context.Context, now time.Time, limit int) ([]hub.Mail, error) {
	return ask(s, func() ([]hub.Mail, error) { return s.primary.DueMails(ctx, now, limit) })
}

// PurgeableUsers implements hub.UserStore.
func (s *Store) PurgeableUsers(ctx context.Context, deletedBefore, unverifiedBefore time.Time, limit int) ([]hub.User, error) {
	return ask(s, func() ([]hub.User, error) {
		return s.primary.PurgeableUsers(ctx, deletedBefore, unverifiedBefore, limit)
	})
}

// ask calls the primary, and nobody while it is away.
func ask[T any](s *Store, call func() (T, error)) (T, error) {
	if s.first.away.Load() {
		var none T
		return none, errPrimaryAway
	}
	answer, err := call()
	if err == nil {
		s.first.note()
	}
	if isAway(err) {
		s.first.suspect()
	}
	return answer, err
}
