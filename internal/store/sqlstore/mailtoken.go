package sqlstore

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

const mailTokenColumns = `token_id, user_id, email, token_type, token, created_at, expires_at, used_at`

// AddMailToken implements hub.MailTokenStore. ErrConflict if the user is gone.
func (s *Store) AddMailToken(ctx context.Context, m hub.MailToken) error {
	values := []any{m.ID, m.UserID, m.Email, string(m.Purpose), m.Hash, at(m.CreatedAt), at(m.ExpiresAt), orNull(m.UsedAt)}
	return s.write(ctx, "add mail token", func(t *tx) error {
		_, err := t.exec(`INSERT INTO verification_tokens (`+mailTokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, values...)
		if s.dialect.isOrphan(err) {
			return hub.ErrConflict
		}
		return err
	})
}

// MailTokenByID implements hub.MailTokenStore.
func (s *Store) MailTokenByID(ctx context.Context, id string) (hub.MailToken, error) {
	var m hub.MailToken
	err := s.readOne(ctx, "read mail token", `SELECT `+mailTokenColumns+` FROM verification_tokens WHERE token_id = ?`, []any{id},
		&m.ID, &m.UserID, &m.Email, &m.Purpose, &m.Hash, (*instant)(&m.CreatedAt), (*instant)(&m.ExpiresAt), (*instant)(&m.UsedAt))
	if err != nil {
		return hub.MailToken{}, err
	}
	return m, nil
}

// SpendMailToken implements hub.MailTokenStore.
func (s *Store) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	change, err := newUserChange(&u)
	if err != nil {
		return s.dialect.wrap("spend mail token", err)
	}
	rec, err := newRecord(&e, mails)
	if err != nil {
		return s.dialect.wrap("spend mail token", err)
	}
	return s.write(ctx, "spend mail token", func(t *tx) error {
		err := t.change(`UPDATE verification_tokens SET used_at = ? WHERE token_id = ? AND used_at IS NULL`, at(usedAt), tokenID)
		if err != nil {
			return err
		}
		if err := s.changeUser(t, change); err != nil {
			return err
		}
		return rec.keep(t)
	})
}
