package sqlstore

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

const (
	mailColumns = `kind, to_address, user_id, state, attempts, due_at, last_error, created_at, updated_at, version, mail_id`

	insertMail = `INSERT INTO mails (` + mailColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	updateMail = `UPDATE mails SET kind = ?, to_address = ?, user_id = ?, state = ?, attempts = ?, due_at = ?, last_error = ?,
		created_at = ?, updated_at = ?, version = ? WHERE mail_id = ? AND version = ?`

	selectDueMails = `SELECT ` + mailColumns + ` FROM mails WHERE state = 'queued' AND due_at <= ? ORDER BY due_at, mail_id LIMIT ?`
)

// mailValues returns the values of insertMail for m, stored as the given version.
func mailValues(m *hub.Mail, version int64) []any {
	return []any{
		string(m.Kind), m.To, m.UserID, string(m.State), m.Attempts, at(m.DueAt), m.LastError, at(m.CreatedAt), at(m.UpdatedAt), version, m.ID,
	}
}

func scanMail(r row, m *hub.Mail) error {
	return r.Scan(&m.Kind, &m.To, &m.UserID, &m.State, &m.Attempts, (*instant)(&m.DueAt), &m.LastError,
		(*instant)(&m.CreatedAt), (*instant)(&m.UpdatedAt), &m.Version, &m.ID)
}

// AddMail implements hub.MailStore.
func (s *Store) AddMail(ctx context.Context, m hub.Mail, e hub.Event) error {
	rec, err := s.newRecord(&e, []hub.Mail{m})
	if err != nil {
		return s.dialect.wrap("add mail", err)
	}
	return s.write(ctx, "add mail", rec.keep)
}

// DueMails implements hub.MailStore.
func (s *Store) DueMails(ctx context.Context, now time.Time, limit int) ([]hub.Mail, error) {
	return readAll(ctx, s, "list due mails", selectDueMails, []any{at(now), max(limit, 0)}, scanMail)
}

// UpdateMail implements hub.MailStore.
func (s *Store) UpdateMail(ctx context.Context, m hub.Mail) error {
	values := append(mailValues(&m, m.Version+1), m.Version)
	rec, err := s.newRecord(nil, nil, markOf(hub.RecordMail, m.ID, m.Version+1))
	if err != nil {
		return s.dialect.wrap("update mail", err)
	}
	return s.write(ctx, "update mail", func(t *tx) error {
		if err := t.change(updateMail, values...); err != nil {
			return err
		}
		return rec.keep(t)
	})
}
