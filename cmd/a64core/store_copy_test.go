package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// fillFile adds n users with a session, a mail token and an event each to an installation's file, and returns the number
// of records.
func fillFile(t *testing.T, i installation, n int) int {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(i.dir, "a64core.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	day := now.Add(24 * time.Hour)
	var records []hub.Record
	for n := range n {
		id := hub.NewID()
		u := hub.User{
			ID: id, Email: fmt.Sprintf("many%d@example.com", n), PasswordHash: hub.NewSecret("hash"), FirstName: "Ada", LastName: "Lovelace",
			Role: hub.RoleUser, IsActive: true, Metadata: []byte(`{"b": 1, "a": [true, null]}`), CreatedAt: now, UpdatedAt: now, Version: 3,
		}
		token := hub.RefreshToken{ID: id, Hash: hub.LockoutKey(id), IssuedAt: now, ExpiresAt: day}
		records = append(
			records, hub.Record{User: &u},
			hub.Record{Session: &hub.Session{ID: id, UserID: id, Token: token, CreatedAt: now, LastUsedAt: now, ExpiresAt: day, IP: "192.0.2.1", UserAgent: "curl", Version: 1}},
			hub.Record{MailToken: &hub.MailToken{ID: id, UserID: id, Email: u.Email, Purpose: hub.PurposeReset, Hash: hub.LockoutKey(id), CreatedAt: now, ExpiresAt: day}},
			hub.Record{Event: &hub.Event{ID: id, Kind: hub.EventUserCreated, At: now, TargetID: id, Detail: map[string]string{"role": "user"}}},
		)
	}
	for some := range slices.Chunk(records, 1000) {
		if err := db.Put(t.Context(), hub.UnlessOlder, some...); err != nil {
			t.Fatal(err)
		}
	}
	return len(records)
}

func TestCopyIsRefused(t *testing.T) {
	t.Parallel()
	i := install(t)
	file := filepath.Join(i.dir, "a64core.db")
	i.do(t, nil, "migrate")
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "missing flags"},
		{"--from sqlite --to sqlite", exitUsage, "--from and --to are the same database"},
		{"--from mysql --to mysql", exitUsage, "--from and --to are the same database"},
		{"--from mongodb --to dual", exitUsage, "use --to mysql"},
		{"--from mysql --to dual", exitUsage, "use --to mongodb"},
		{"--from dual --to sqlite", exitUsage, "--from"},
		{"--from mysql --to mongodb --from-path " + file, exitUsage, "--from-path goes with --from sqlite"},
		{"--from sqlite --to sqlite --from-path " + file, exitFailure, "--from-path is the file of the settings"},
		{"--from sqlite --to dual", exitFailure, "MONGODB_URL: is needed for DATABASE=dual"},
		{"--from mysql --to sqlite", exitFailure, "MYSQL_HOST: is needed for DATABASE=mysql"},
	} {
		got := i.try(t, strings.Fields("store copy "+tt.args)...)
		if got.code != tt.code || !strings.Contains(got.stderr, tt.want) || got.stdout != "" {
			t.Errorf("%s: %+v", tt.args, got)
		}
	}
}

func TestCopyFromFileToFile(t *testing.T) {
	t.Parallel()
	from, to := install(t), install(t)
	from.create(t, "root@example.com", "super_admin")
	n := fillFile(t, from, 50)
	file := filepath.Join(from.dir, "a64core.db")
	to.want(t, exitOK, "store copy --from sqlite --to sqlite --from-path "+file, fmt.Sprintf("%d records were written", n+3), "sqlite holds the same as sqlite.")
	to.want(t, exitOK, "store copy --from sqlite --to sqlite --from-path "+file, "0 records were written")
	to.want(t, exitOK, "store verify", "The database is whole.")
	to.want(t, exitOK, "users show root@example.com", "super_admin")
	to.do(t, nil, "users", "deactivate", "many7@example.com")
	to.want(t, exitFailure, "store copy --from sqlite --to sqlite --from-path "+file, "isActive, ", "--overwrite replaces what is newer", "--erase removes what is not")
	to.want(t, exitOK, "store copy --overwrite --erase --from sqlite --to sqlite --from-path "+file, "1 record was written, 1 removed.")
}
