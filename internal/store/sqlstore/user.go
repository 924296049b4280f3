package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/a64core/hub"
)

const (
	userColumns = `email, password_hash, first_name, last_name, role, is_active, is_email_verified, phone, avatar, timezone,
		locale, metadata, last_login_at, created_at, updated_at, deleted_at, session_epoch, kept_session_id,
		verification_token_id, reset_token_id, email_change_token_id, mailed_at, version, user_id`

	selectUser = `SELECT ` + userColumns + ` FROM users`

	// The folded names come first: they are written and never read back.
	insertUser = `INSERT INTO users (last_name_folded, full_name_folded, ` + userColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	updateUser = `UPDATE users SET last_name_folded = ?, full_name_folded = ?, email = ?, password_hash = ?, first_name = ?,
		last_name = ?, role = ?, is_active = ?, is_email_verified = ?, phone = ?, avatar = ?, timezone = ?, locale = ?,
		metadata = ?, last_login_at = ?, created_at = ?, updated_at = ?, deleted_at = ?, session_epoch = ?, kept_session_id = ?,
		verification_token_id = ?, reset_token_id = ?, email_change_token_id = ?, mailed_at = ?, version = ?
		WHERE user_id = ? AND version = ?`

	// An ordinary user is one whose change cannot take away the last active super_admin.
	updateOrdinaryUser = updateUser + ` AND NOT (role = 'super_admin' AND is_active = 1 AND is_deleted = 0)`

	// Two are enough to know that one is not the last.
	selectGuards = `SELECT user_id FROM users WHERE is_deleted = 0 AND role = 'super_admin' AND is_active = 1 LIMIT 2`

	selectPurgeableDeleted = selectUser + ` WHERE deleted_at < ? ORDER BY deleted_at LIMIT ?`

	selectPurgeableUnverified = selectUser + ` WHERE is_deleted = 0 AND is_email_verified = 0 AND created_at < ?
		AND role IN ('guest', 'user') ORDER BY created_at LIMIT ?`

	deleteUserMails    = `DELETE FROM mails WHERE user_id = ?`
	deleteAddressMails = `DELETE FROM mails WHERE user_id = '' AND to_address = (SELECT email FROM users WHERE user_id = ?)`
)

// userValues returns the values of insertUser for u, stored as the given version.
func userValues(u *hub.User, version int64) ([]any, error) {
	mailedAt, err := encodeTimes(u.MailedAt)
	if err != nil {
		return nil, err
	}
	var metadata any
	if u.Metadata != nil {
		metadata = string(u.Metadata)
	}
	return []any{
		hub.Fold(u.LastName), foldedFullName(u),
		u.Email, u.PasswordHash.Reveal(), u.FirstName, u.LastName, u.Role.String(), u.IsActive, u.IsEmailVerified, u.Phone, u.Avatar, u.Timezone,
		u.Locale, metadata, orNull(u.LastLoginAt), at(u.CreatedAt), at(u.UpdatedAt), orNull(u.DeletedAt), u.SessionEpoch, u.KeptSession,
		u.MailTokens.Verification, u.MailTokens.Reset, u.MailTokens.EmailChange, mailedAt, version, u.ID,
	}, nil
}

func foldedFullName(u *hub.User) string { return hub.Fold(u.FirstName + " " + u.LastName) }

// userScan reads userColumns.
type userScan struct {
	user         *hub.User
	passwordHash string
	mailedAt     []int64
}

func (s *userScan) dest() []any {
	u := s.user
	return []any{
		&u.Email, &s.passwordHash, &u.FirstName, &u.LastName, (*role)(&u.Role), &u.IsActive, &u.IsEmailVerified, &u.Phone, &u.Avatar, &u.Timezone,
		&u.Locale, &u.Metadata, (*instant)(&u.LastLoginAt), (*instant)(&u.CreatedAt), (*instant)(&u.UpdatedAt), (*instant)(&u.DeletedAt), &u.SessionEpoch, &u.KeptSession,
		&u.MailTokens.Verification, &u.MailTokens.Reset, &u.MailTokens.EmailChange,
		document[[]int64]{&s.mailedAt},
		&u.Version, &u.ID,
	}
}

// finish completes the user after a successful scan.
func (s *userScan) finish() {
	s.user.PasswordHash = hub.NewSecret(s.passwordHash)
	s.user.MailedAt = decodeTimes(s.mailedAt)
}

func scanUser(r row, u *hub.User) error {
	s := userScan{user: u}
	if err := r.Scan(s.dest()...); err != nil {
		return err
	}
	s.finish()
	return nil
}

// AddUser implements hub.UserStore.
func (s *Store) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	values, err := userValues(&u, 1)
	if err != nil {
		return s.dialect.wrap("add user", err)
	}
	rec, err := s.newRecord(&e, mails, markOf(hub.RecordUser, u.ID, 1))
	if err != nil {
		return s.dialect.wrap("add user", err)
	}
	return s.write(ctx, "add user", func(t *tx) error {
		if _, err := t.exec(insertUser, values...); err != nil {
			return s.userError(err)
		}
		return rec.keep(t)
	})
}

// userError gives the error of a statement that writes a user its meaning.
func (s *Store) userError(err error) error {
	if s.dialect.isDuplicateEmail(err) {
		return hub.ErrDuplicateEmail
	}
	return err
}

// UserByID implements hub.UserStore.
func (s *Store) UserByID(ctx context.Context, id string) (hub.User, error) {
	return s.user(ctx, "read user by id", selectUser+` WHERE user_id = ?`, id)
}

// UserByEmail implements hub.UserStore.
func (s *Store) UserByEmail(ctx context.Context, email string) (hub.User, error) {
	return s.user(ctx, "read user by e-mail", selectUser+` WHERE email = ?`, email)
}

func (s *Store) user(ctx context.Context, what, query, key string) (hub.User, error) {
	var u hub.User
	scan := userScan{user: &u}
	if err := s.readOne(ctx, what, query, []any{key}, scan.dest()...); err != nil {
		return hub.User{}, err
	}
	scan.finish()
	return u, nil
}

// UpdateUser implements hub.UserStore.
func (s *Store) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	change, err := newUserChange(&u)
	if err != nil {
		return s.dialect.wrap("update user", err)
	}
	rec, err := s.newRecord(&e, mails, markOf(hub.RecordUser, u.ID, u.Version+1))
	if err != nil {
		return s.dialect.wrap("update user", err)
	}
	return s.write(ctx, "update user", func(t *tx) error {
		if err := s.changeUser(t, change); err != nil {
			return err
		}
		return rec.keep(t)
	})
}

// userChange replaces a user.
type userChange struct {
	id     string
	guards bool // the user will be one of the active super_admins
	values []any
}

func newUserChange(u *hub.User) (userChange, error) {
	values, err := userValues(u, u.Version+1)
	return userChange{u.ID, u.GuardsSystem(), append(values, u.Version)}, err
}

// changeUser replaces a user if the stored version is the one that was read, and if an active super_admin remains. Only
// where one of those resigns are the others looked at, and locked until it is certain that one of them stays.
func (s *Store) changeUser(t *tx, c userChange) error {
	if c.guards {
		return s.userError(t.change(updateUser, c.values...))
	}
	changed, err := t.exec(updateOrdinaryUser, c.values...)
	if err != nil || changed > 0 {
		return s.userError(err)
	}
	guards, err := t.texts(selectGuards + s.dialect.lockRows)
	if err != nil {
		return err
	}
	if err := t.change(updateUser, c.values...); err != nil {
		return s.userError(err)
	}
	if slices.Equal(guards, []string{c.id}) {
		return hub.ErrLastSuperAdmin
	}
	return nil
}

// PurgeableUsers implements hub.UserStore. A deleted user is restorable until its own time has come, verified or not.
func (s *Store) PurgeableUsers(ctx context.Context, deletedBefore, unverifiedBefore time.Time, limit int) ([]hub.User, error) {
	var users []hub.User
	if !deletedBefore.IsZero() && limit > 0 {
		var err error
		users, err = readAll(ctx, s, "list deleted users", selectPurgeableDeleted, []any{at(deletedBefore), limit}, scanUser)
		if err != nil {
			return nil, err
		}
	}
	if left := limit - len(users); !unverifiedBefore.IsZero() && left > 0 {
		unverified, err := readAll(ctx, s, "list unverified users", selectPurgeableUnverified, []any{at(unverifiedBefore), left}, scanUser)
		if err != nil {
			return nil, err
		}
		users = append(users, unverified...)
	}
	return users, nil
}

// PurgeUser implements hub.UserStore. Sessions and mail tokens go with the user by their foreign keys.
func (s *Store) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	rec, err := s.newRecord(&e, nil, markOf(hub.RecordTombstone, id, version+1))
	if err != nil {
		return s.dialect.wrap("purge user", err)
	}
	purgedAt := at(e.At)
	return s.write(ctx, "purge user", func(t *tx) error {
		for _, query := range []string{deleteUserMails, deleteAddressMails} {
			if _, err := t.exec(query, id); err != nil {
				return err
			}
		}
		if err := t.change(`DELETE FROM users WHERE user_id = ? AND version = ?`, id, version); err != nil {
			return err
		}
		if s.marks {
			if _, err := t.exec(insertTombstone, version+1, purgedAt, id); err != nil {
				return err
			}
		}
		return rec.keep(t)
	})
}
