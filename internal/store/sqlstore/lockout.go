package sqlstore

import (
	"context"
	"errors"

	"github.com/a64core/hub"
)

const (
	selectLockout = `SELECT failures, pending, pending_until, last_failure_at, locked_until, version FROM lockouts WHERE lockout_key = ?`

	insertLockout = `INSERT INTO lockouts (failures, pending, pending_until, last_failure_at, locked_until, expires_at, version, lockout_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	updateLockout = `UPDATE lockouts SET failures = ?, pending = ?, pending_until = ?, last_failure_at = ?, locked_until = ?, expires_at = ?,
		version = ? WHERE lockout_key = ? AND version = ?`
)

// LockoutByKey implements hub.LockoutStore.
func (s *Store) LockoutByKey(ctx context.Context, key string) (hub.Lockout, error) {
	l := hub.Lockout{Key: key}
	err := s.readOne(ctx, "read lockout", selectLockout, []any{key},
		&l.Failures, &l.Pending, (*instant)(&l.PendingUntil), (*instant)(&l.LastFailureAt), (*instant)(&l.LockedUntil), &l.Version)
	if errors.Is(err, hub.ErrNotFound) {
		return hub.Lockout{Key: key}, nil
	}
	if err != nil {
		return hub.Lockout{}, err
	}
	return l, nil
}

// PutLockout implements hub.LockoutStore.
func (s *Store) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	values := []any{l.Failures, l.Pending, orNull(l.PendingUntil), orNull(l.LastFailureAt), orNull(l.LockedUntil), at(l.ExpiresAt()), l.Version + 1, l.Key}
	rec, err := newRecord(e, mails)
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
