package sqlstore

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

const (
	countUsers = `SELECT role, SUM(is_active = 1), SUM(is_active = 0), SUM(is_email_verified = 1) FROM users
		WHERE is_deleted = 0 GROUP BY role`
	countDeleted  = `SELECT COUNT(*) FROM users WHERE is_deleted = 1`
	countSessions = `SELECT COUNT(*) FROM refresh_tokens WHERE ended_at IS NULL AND expires_at > ? AND session_expires_at > ?`
	countMails    = `SELECT state, COUNT(*) FROM mails GROUP BY state`
)

// Stats implements hub.Store. Every count reads an index alone.
func (s *Store) Stats(ctx context.Context, now time.Time) (hub.Stats, error) {
	stats := hub.Stats{Mails: make(map[hub.MailState]int)}
	var err error
	stats.Users, err = readAll(ctx, s, "count users", countUsers, nil, func(r row, c *hub.UserCount) error {
		return r.Scan((*role)(&c.Role), &c.Active, &c.Inactive, &c.Verified)
	})
	if err != nil {
		return hub.Stats{}, err
	}
	if err := s.readOne(ctx, "count deleted users", countDeleted, nil, &stats.Deleted); err != nil {
		return hub.Stats{}, err
	}
	if err := s.readOne(ctx, "count sessions", countSessions, []any{at(now), at(now)}, &stats.Sessions); err != nil {
		return hub.Stats{}, err
	}
	type mailCount struct {
		state hub.MailState
		n     int
	}
	mails, err := readAll(ctx, s, "count mails", countMails, nil, func(r row, c *mailCount) error {
		return r.Scan(&c.state, &c.n)
	})
	for _, c := range mails {
		stats.Mails[c.state] = c.n
	}
	return stats, err
}
