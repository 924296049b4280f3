package sqlstore

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

const mailTokenColumns = `user_id, email, token_type, token, created_at, expires_at, used_at, token_id`

func mailTokenValues(m *hub.MailToken) []any {
	return []any{m.UserID, m.Email, string(m.Purpose), m.Hash, at(m.CreatedAt), at(m.ExpiresAt), orNull(m.UsedAt), m.ID}
}

func scanMailToken(r row, m *hub.MailToken) error {
	return r.Scan(&m.UserID, &m.Email, &m.Purpose, &m.Hash, (*instant)(&m.CreatedAt), (*instant)(&m.ExpiresAt), (*instant)(&m.UsedAt), &m.ID)
}

// AddMailToken implements hub.MailTokenStore. ErrConflict if the user is gone.
func (s *Store) AddMailToken(ctx context.Context, m hub.MailToken) error {
	values := mailTokenValues(&m)
	rec, err := s.newRecord(nil, nil, hub.Record{MailToken: &m}.Mark())
	if err != nil {
		return s.dialect.wrap("add mail token", err)
	}
	return s.write(ctx, "add mail token", func(t *tx) error {
		_, err := t.exec(`INSERT INTO verification_tokens (`+mailTokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, values...)
		if s.dialect.isOrphan(err) {
			return hub.ErrConflict
		}
		if err != nil {
			return err
		}
		return rec.keep(t)
	})
}

// MailTokenByID implements hub.MailTokenStore.
func (s *Store) MailTokenByID(ctx context.Context, id string) (hub.MailToken, error) {
	tokens, err := readAll(ctx, s, "read mail token", `SELECT `+mailTokenColumns+` FROM verification_tokens WHERE token_id = ?`, []any{id}, scanMailToken)
	if err == nil && len(tokens) == 0 {
		err = s.dialect.wrap("read mail token", hub.ErrNotFound)
	}
	if err != nil {
		return hub.MailToken{}, err
	}
	return tokens[0], nil
}

// SpendMailToken implements hub.MailTokenStore.
func (s *Store) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	change, err := newUserChange(&u)
	if err != nil {
		return s.dialect.wrap("spend mail token", err)
	}
	rec, err := s.newRecord(&e, mails, markOf(hub.RecordUser, u.ID, u.Version+1), markOf(hub.RecordMailToken, tokenID, 2))
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
