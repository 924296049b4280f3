package app_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

// newFile opens a SQLite database with n users, each with a session, a mail token and an event, and returns the settings
// for it.
func newFile(t *testing.T, n int) config.Config {
	t.Helper()
	c := config.Config{Database: config.SQLite, SQLitePath: filepath.Join(t.TempDir(), "hub.db"), Migrate: true}
	if n == 0 {
		return c
	}
	db, err := app.OpenDatabase(t.Context(), c, config.SQLite, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	soon := now.Add(10 * time.Minute) // which no comparison of running databases looks at
	var records []hub.Record
	for i := range n {
		id := fmt.Sprintf("%06d", i)
		u := hub.User{
			ID: id, Email: id + "@example.com", FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleUser, IsActive: true,
			CreatedAt: now, UpdatedAt: now, Version: 1,
		}
		token := hub.RefreshToken{ID: id, Hash: "ff", IssuedAt: now, ExpiresAt: soon}
		records = append(
			records, hub.Record{User: &u},
			hub.Record{Session: &hub.Session{ID: id, UserID: id, Token: token, CreatedAt: now, LastUsedAt: now, ExpiresAt: soon, Version: 1}},
			hub.Record{MailToken: &hub.MailToken{ID: id, UserID: id, Email: u.Email, Purpose: hub.PurposeReset, Hash: "ff", CreatedAt: now, ExpiresAt: soon}},
			hub.Record{Event: &hub.Event{ID: id, Kind: hub.EventUserCreated, At: now, TargetID: id}},
		)
	}
	for some := range slices.Chunk(records, 1000) {
		if err := db.Put(t.Context(), hub.UnlessOlder, some...); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// newCopy returns a copy that keeps what came of it.
func newCopy(source, target config.Config) (*app.Copy, *replica.Outcome) {
	made := new(replica.Outcome)
	source.Migrate = false
	return &app.Copy{
		Source: source, Target: target,
		Begin: func(config.Database, bool) {}, Found: func(config.Database, replica.Difference) error { return nil },
		Done: func(_ config.Database, o replica.Outcome) { *made = o },
	}, made
}

func TestCopyMayBeInterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	const n = 2500
	source, target := newFile(t, n), newFile(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	a, made := newCopy(source, target)
	a.Progress = func(kind hub.RecordKind, done, _ int) {
		if kind == hub.RecordSession && done >= 1000 {
			cancel()
		}
	}
	if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	already := made.Written
	if already < n || already > 2*n {
		t.Errorf("interrupted after %d records", already)
	}
	a.Progress = nil
	if err := a.Run(t.Context()); err != nil || !made.Clean() || made.Written < 4*n-already-1000 || made.Written > 4*n-already+1000 {
		t.Errorf("again: %+v, %v", made, err)
	}
	if err := a.Run(t.Context()); err != nil || !made.Clean() || made.Written != 0 {
		t.Errorf("once more: %+v, %v", made, err)
	}
	db, err := app.OpenDatabase(t.Context(), target, config.SQLite, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, kind := range []hub.RecordKind{hub.RecordUser, hub.RecordSession, hub.RecordMailToken, hub.RecordEvent} {
		if got, err := db.Count(t.Context(), kind); err != nil || got != n {
			t.Errorf("%d of the kind %s, %v", got, kind, err)
		}
	}
	if b, err := db.Backlog(t.Context()); err != nil || b.Pending != 0 {
		t.Errorf("marked: %+v, %v", b, err)
	}
}

func TestCopyTakesASourceAsItIs(t *testing.T) {
	t.Parallel()
	a, _ := newCopy(newFile(t, 0), newFile(t, 0))
	if err := a.Run(t.Context()); err == nil {
		t.Error("a file that is not there is copied")
	}
}
