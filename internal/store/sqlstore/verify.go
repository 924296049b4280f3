package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/a64core/hub"
)

// maxFindings bounds how many findings of one sort are listed.
const maxFindings = 100

// invariant is something that holds in every database: the query lists the keys of the rows for which it does not.
type invariant struct{ finding, query string }

func invariants() []invariant {
	return []invariant{
		{"user %s: metadata is not a JSON object", `SELECT user_id FROM users
			WHERE CASE WHEN metadata IS NULL THEN 0 WHEN json_valid(metadata) THEN LOWER(json_type(metadata)) <> 'object' ELSE 1 END`},
		{"user %s: names a mail token of another user, or of another purpose", `SELECT DISTINCT u.user_id FROM users AS u
			JOIN verification_tokens AS v ON v.token_id IN (u.verification_token_id, u.reset_token_id, u.email_change_token_id)
			WHERE v.user_id <> u.user_id OR v.token_id <> CASE v.token_type WHEN 'email_verification' THEN u.verification_token_id
				WHEN 'password_reset' THEN u.reset_token_id WHEN 'email_change' THEN u.email_change_token_id ELSE '' END`},
		{"user %s: is a super_admin, but none of them is active", `SELECT user_id FROM users WHERE is_deleted = 0
			AND role = 'super_admin' AND NOT EXISTS (SELECT 1 FROM users AS g WHERE g.is_deleted = 0 AND g.role = 'super_admin' AND g.is_active = 1)`},
		{"user %s: its version is below 1", `SELECT user_id FROM users WHERE version < 1`},
		{"session %s: begun in an epoch that its user has not reached", `SELECT s.session_id FROM refresh_tokens AS s
			JOIN users AS u ON u.user_id = s.user_id WHERE s.epoch > u.session_epoch`},
		{"session %s: its version is below 1", `SELECT session_id FROM refresh_tokens WHERE version < 1`},
		{"mail %s: is in no state that is known", `SELECT mail_id FROM mails WHERE state NOT IN ('queued', 'sent', 'dropped', 'dead')`},
		{"lockout %s: counts below zero", `SELECT lockout_key FROM lockouts WHERE failures < 0 OR pending < 0 OR version < 1`},
	}
}

// orphans are what foreign keys keep out, as long as nobody switches them off.
func orphans() []invariant {
	return []invariant{
		{"session %s: its user is not stored", `SELECT s.session_id FROM refresh_tokens AS s
			LEFT JOIN users AS u ON u.user_id = s.user_id WHERE u.user_id IS NULL`},
		{"mail token %s: its user is not stored", `SELECT v.token_id FROM verification_tokens AS v
			LEFT JOIN users AS u ON u.user_id = v.user_id WHERE u.user_id IS NULL`},
	}
}

// Verify implements hub.Database. It looks for damage in a file, between the tables, and against what this program relies on.
func (s *Store) Verify(ctx context.Context) ([]string, error) {
	verify := s.verifySQLite
	if s.server != nil {
		verify = s.verifyMySQL
	}
	findings, err := verify(ctx)
	if code := sqliteCode(err) & 0xff; code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB {
		return append(findings, fmt.Sprintf("the file is damaged: %v", err)), nil
	}
	return findings, s.dialect.wrap("verify", err)
}

func (s *Store) verifySQLite(ctx context.Context) (findings []string, err error) {
	problems, err := listTexts(ctx, s.readers, `SELECT integrity_check FROM pragma_integrity_check`)
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		if p != "ok" {
			findings = append(findings, "integrity: "+p)
		}
	}
	if err := checkEmailIndex(ctx, s.readers); err != nil {
		findings = append(findings, err.Error())
	}
	checks := append(invariants(), invariant{"%s refers to a row that does not exist", `SELECT "table" || ' row ' || rowid FROM pragma_foreign_key_check`})
	return verifyTables(ctx, s.readers, findings, checks)
}

// verifyMySQL has connections of its own, on which a statement may take long.
func (s *Store) verifyMySQL(ctx context.Context) (findings []string, err error) {
	db, err := s.openReader(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	switch err := checkMySQLEmailIndex(ctx, db); {
	case errors.Is(err, errNoEmailIndex):
		findings = append(findings, err.Error())
	case err != nil:
		return nil, err
	}
	return verifyTables(ctx, db, findings, append(invariants(), orphans()...))
}

// verifyTables adds what it finds in the tables to the findings.
func verifyTables(ctx context.Context, db *sql.DB, findings []string, checks []invariant) ([]string, error) {
	for _, c := range checks {
		keys, err := listTexts(ctx, db, c.query)
		if err != nil {
			return findings, err
		}
		for _, key := range keys {
			findings = append(findings, fmt.Sprintf(c.finding, key))
		}
	}
	documents, err := verifyDocuments(ctx, db)
	return append(findings, documents...), err
}

// listTexts returns the first rows of a query of one text.
func listTexts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query+fmt.Sprintf(" LIMIT %d", maxFindings))
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row, text *string) error { return r.Scan(text) })
}

// verifyDocuments reads every document as the store reads it.
func verifyDocuments(ctx context.Context, db *sql.DB) (findings []string, _ error) {
	for _, table := range []struct {
		noun, query string // the key comes first
		problem     func(row) string
	}{
		{"user", `SELECT user_id, last_name_folded, full_name_folded, ` + userColumns + ` FROM users`, userProblem},
		{"session", `SELECT session_id, ` + sessionColumns + ` FROM refresh_tokens`, readable(scanSession)},
		{"event", `SELECT event_id, ` + eventColumns + ` FROM events`, readable(scanEvent)},
	} {
		rows, err := db.QueryContext(ctx, table.query)
		if err != nil {
			return findings, err
		}
		problems, err := collectProblems(rows, table.noun, table.problem)
		findings = append(findings, problems...)
		if err != nil {
			return findings, err
		}
	}
	return findings, nil
}

func collectProblems(rows *sql.Rows, noun string, problem func(row) string) (findings []string, _ error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() && len(findings) < maxFindings {
		r := keyedRow{row: rows}
		if p := problem(&r); p != "" {
			findings = append(findings, fmt.Sprintf("%s %s: %s", noun, r.key, p))
		}
	}
	return findings, rows.Err()
}

// keyedRow is a row that begins with its key, which is read besides.
type keyedRow struct {
	row
	key string
}

// Scan implements row.
func (r *keyedRow) Scan(dest ...any) error { return r.row.Scan(append([]any{&r.key}, dest...)...) }

const unreadable = "cannot be read"

func readable[T any](scan func(row, *T) error) func(row) string {
	return func(r row) string {
		var one T
		if scan(r, &one) != nil {
			return unreadable
		}
		return ""
	}
}

func userProblem(r row) string {
	var (
		u                  hub.User
		lastName, fullName string
		scan               = userScan{user: &u}
	)
	switch err := r.Scan(append([]any{&lastName, &fullName}, scan.dest()...)...); {
	case err != nil:
		return unreadable
	case lastName != hub.Fold(u.LastName) || fullName != foldedFullName(&u):
		return "cannot be found by name"
	case u.Email != hub.Fold(u.Email):
		return "the address is not canonical"
	}
	return ""
}
