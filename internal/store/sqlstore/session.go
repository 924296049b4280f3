package sqlstore

import (
	"context"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/spent"
)

const (
	sessionColumns = `user_id, epoch, token_id, token, issued_at, expires_at, spent, created_at, last_used_at, session_expires_at,
		ended_at, ip, user_agent, version, session_id`

	insertSession = `INSERT INTO refresh_tokens (` + sessionColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	updateSession = `UPDATE refresh_tokens SET user_id = ?, epoch = ?, token_id = ?, token = ?, issued_at = ?, expires_at = ?,
		spent = ?, created_at = ?, last_used_at = ?, session_expires_at = ?, ended_at = ?, ip = ?, user_agent = ?, version = ?
		WHERE session_id = ? AND version = ?`

	// The user's version is raised, so that nobody who read the user before writes the earlier login back.
	updateLogin = `UPDATE users SET last_login_at = ?, version = version + 1
		WHERE user_id = ? AND session_epoch = ? AND is_active = 1 AND is_deleted = 0`

	selectSessions = `SELECT ` + sessionColumns + ` FROM refresh_tokens
		WHERE user_id = ? AND ended_at IS NULL AND expires_at > ? AND session_expires_at > ?
		ORDER BY created_at DESC, session_id DESC LIMIT ?`
)

// selectSessionWithUser reads sessionColumns and userColumns.
var selectSessionWithUser = `SELECT ` + qualified("s", sessionColumns) + `, ` + qualified("u", userColumns) + `
	FROM refresh_tokens AS s JOIN users AS u ON u.user_id = s.user_id WHERE s.session_id = ?`

// qualified puts the table in front of each column of a list.
func qualified(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// sessionValues returns the values of insertSession for se, stored as the given version.
func sessionValues(se *hub.Session, version int64) []any {
	return []any{
		se.UserID, se.Epoch, se.Token.ID, se.Token.Hash, at(se.Token.IssuedAt), at(se.Token.ExpiresAt), spent.Pack(se.Spent),
		at(se.CreatedAt), orNull(se.LastUsedAt), at(se.ExpiresAt), orNull(se.EndedAt), se.IP, se.UserAgent, version, se.ID,
	}
}

// sessionDest returns where to scan sessionColumns to.
func sessionDest(se *hub.Session) []any {
	return []any{
		&se.UserID, &se.Epoch, &se.Token.ID, &se.Token.Hash, (*instant)(&se.Token.IssuedAt), (*instant)(&se.Token.ExpiresAt),
		(*spentTokens)(&se.Spent), (*instant)(&se.CreatedAt), (*instant)(&se.LastUsedAt), (*instant)(&se.ExpiresAt),
		(*instant)(&se.EndedAt), &se.IP, &se.UserAgent, &se.Version, &se.ID,
	}
}

func scanSession(r row, se *hub.Session) error { return r.Scan(sessionDest(se)...) }

// AddSession implements hub.SessionStore.
func (s *Store) AddSession(ctx context.Context, se hub.Session, e hub.Event) error {
	rec, err := s.newRecord(&e, nil, markOf(hub.RecordSession, se.ID, 1))
	if err != nil {
		return s.dialect.wrap("add session", err)
	}
	login := []any{at(se.CreatedAt), se.UserID, se.Epoch}
	return s.write(ctx, "add session", func(t *tx) error {
		if err := t.change(updateLogin, login...); err != nil {
			return err
		}
		if _, err := t.exec(insertSession, sessionValues(&se, 1)...); err != nil {
			return err
		}
		if err := s.markLogin(t, se.UserID); err != nil {
			return err
		}
		return rec.keep(t)
	})
}

// markLogin marks the user, whose version a login has raised.
func (s *Store) markLogin(t *tx, userID string) error {
	if !s.marks {
		return nil
	}
	rows, err := t.query(`SELECT version FROM users WHERE user_id = ?`, userID)
	if err != nil {
		return err
	}
	versions, err := collect(rows, func(r row, version *int64) error { return r.Scan(version) })
	if err != nil {
		return err
	}
	for _, version := range versions {
		err = t.setMark(markOf(hub.RecordUser, userID, version), time.Now())
	}
	return err
}

// SessionWithUser implements hub.SessionStore.
func (s *Store) SessionWithUser(ctx context.Context, id string) (hub.Session, hub.User, error) {
	var (
		se   hub.Session
		u    hub.User
		user = userScan{user: &u}
	)
	if err := s.readOne(ctx, "read session", selectSessionWithUser, []any{id}, append(sessionDest(&se), user.dest()...)...); err != nil {
		return hub.Session{}, hub.User{}, err
	}
	user.finish()
	return se, u, nil
}

// SessionsByUser implements hub.SessionStore.
func (s *Store) SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) ([]hub.Session, error) {
	return readAll(ctx, s, "list sessions", selectSessions, []any{userID, at(now), at(now), max(limit, 0)}, scanSession)
}

// UpdateSession implements hub.SessionStore.
func (s *Store) UpdateSession(ctx context.Context, se hub.Session, e hub.Event) error {
	rec, err := s.newRecord(&e, nil, markOf(hub.RecordSession, se.ID, se.Version+1))
	if err != nil {
		return s.dialect.wrap("update session", err)
	}
	values := append(sessionValues(&se, se.Version+1), se.Version)
	return s.write(ctx, "update session", func(t *tx) error {
		if err := t.change(updateSession, values...); err != nil {
			return err
		}
		return rec.keep(t)
	})
}
