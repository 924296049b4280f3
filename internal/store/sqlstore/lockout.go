package sqlstore

import (
	"context"

	"github.com/a64core/hub"
)

const (
	lockoutColumns = `failures, pending, pending_until, last_failure_at, locked_until, expires_at, version, lockout_key`

	selectLockout = `SELECT ` + lockoutColumns + ` FROM lockouts WHERE lockout_key = ?`

	insertLockout = `INSERT INTO lockouts (` + lockoutColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	updateLockout = `UPDATE lockouts SET failures = ?, pending = ?, pending_until = ?, last_failure_at = ?, locked_until = ?, expires_at = ?,
		version = ? WHERE lockout_key = ? AND version = ?`
)

func lockoutValues(l *hub.Lockout, version int64) []any {
	return []any{l.Failures, l.Pending, orNull(l.PendingUntil), orNull(l.LastFailureAt), orNull(l.LockedUntil), at(l.ExpiresAt()), version, l.Key}
}

func scanLockout(r row, l *hub.Lockout) error {
	var expires instant
	return r.Scan(&l.Failures, &l.Pending, (*instant)(&l.PendingUntil), (*instant)(&l.LastFailureAt), (*instant)(&l.LockedUntil), &expires, &l.Version, &l.Key)
}

// LockoutByKey implements hub.LockoutStore.
func (s *Store) LockoutByKey(ctx context.Context, key string) (hub.Lockout, error) {
	found, err := readAll(ctx, s, "read lockout", selectLockout, []any{key}, scanLockout)
	if err != nil {
		return hub.Lockout{}, err
	}
	if len(found) == 0 {
		return hub.Lockout{Key: key}, nil
	}
	return found[0], nil
}

// PutLockout implements hub.LockoutStore.
func (s *Store) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	next := l
	next.Version++
	values := lockoutValues(&next, next.Version)
	rec, err := s.newRecord(e, mails, hub.Record{Lockout: &next}.Mark())
	if err != nil {
		return s.dialect.wrap("put lockout", err)
	}
	return s.write(ctx, "put lockout", func(t *tx) error {
		var err error
		if l.Version == 0 {
			_, err = t.exec(insertLockout, values...)
			if s.dialect.isDuplicate(err) {
				err = hub.ErrConflict
			}
		} else {
			err = t.change(updateLockout, append(values, l.Version)...)
		}
		if err != nil {
			return err
		}
		return rec.keep(t)
	})
}
