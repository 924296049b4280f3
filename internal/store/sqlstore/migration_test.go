package sqlstore

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/a64core/hub"
)

// TestASessionWithTokensAsJSONIsRead migrates from the last schema that had them so.
func TestASessionWithTokensAsJSONIsRead(t *testing.T) {
	t.Parallel()
	const before = 2
	for name, c := range map[string]func(*testing.T) (Config, *sql.DB, *goose.Provider){"sqlite": emptySQLite, "mysql": emptyMySQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, db, p := c(t)
			if _, err := p.UpTo(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			u := anyUser("a@example.com")
			se := hub.Session{ID: hub.NewID(), UserID: u.ID, Token: hub.RefreshToken{ID: hub.NewID(), IssuedAt: at, ExpiresAt: at}, CreatedAt: at, ExpiresAt: at}
			session := sessionValues(&se, 1)
			session[6] = `[{"id":"a","hash":"b","iat":1,"exp":2,"spent":3}]`
			user, err := userValues(&u, 1)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, db, insertUser, user...)
			mustExec(t, db, insertSession, session...)

			s, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			got, _, err := s.SessionWithUser(t.Context(), se.ID)
			if err != nil || len(got.Spent) != 0 {
				t.Fatalf("%v, %v", got, err)
			}
			got.Rotate(hub.RefreshToken{ID: hub.NewID(), IssuedAt: at, ExpiresAt: at}, at, time.Second)
			if err := s.UpdateSession(t.Context(), got, hub.NewEvent(t.Context(), hub.EventSessionRefreshed, u.ID, at)); err != nil {
				t.Fatal(err)
			}
			if got, _, err = s.SessionWithUser(t.Context(), se.ID); err != nil || len(got.Spent) != 1 || got.Spent[0].ID != se.Token.ID {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func mustExec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func emptySQLite(t *testing.T) (Config, *sql.DB, *goose.Provider) {
	t.Helper()
	c := Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true}
	if err := createFile(c.Path); err != nil {
		t.Fatal(err)
	}
	db, err := openSQLite(c.Path, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p, err := sqliteProvider(db)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, fmt.Sprint("PRAGMA application_id = ", applicationID))
	return c, db, p
}

func emptyMySQL(t *testing.T) (Config, *sql.DB, *goose.Provider) {
	t.Helper()
	c := serverForTest(t)
	version, err := ownedOrEmpty(t.Context(), c.MySQL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := openMySQL(c.MySQL, version, ioTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p, err := mysqlProvider(db)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE "+version.collation())
	return c, db, p
}
