package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store { return open(t, filepath.Join(t.TempDir(), "hub.db")) })
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	storetest.RunDatabase(t, func(t *testing.T, marks bool) hub.Database { return openIndexed(t, marks) })
}

func TestStoreThatKeepsMarks(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store { return openIndexed(t, true) })
}

// openIndexed opens a database of its own. After the test, no statement that was prepared in it may read a whole table.
func openIndexed(t *testing.T, marks bool) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true, Marks: marks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		whole, err := s.WholeReads(context.WithoutCancel(t.Context()))
		if err := errors.Join(err, s.Close()); err != nil {
			t.Error(err)
		}
		for _, statement := range whole {
			t.Errorf("reads a whole table: %s", statement)
		}
	})
	return s
}

// open opens the database at path, creates it if need be, and closes it after the test.
func open(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newUser(email string) hub.User {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return hub.User{
		ID: hub.NewID(), Email: email, PasswordHash: hub.NewSecret("top secret hash"), FirstName: "Ada", LastName: "Lovelace",
		Role: hub.RoleUser, IsActive: true, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
}

func addUser(t *testing.T, s *sqlstore.Store, email string) hub.User {
	t.Helper()
	u := newUser(email)
	if err := s.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, u.CreatedAt)); err != nil {
		t.Fatal(err)
	}
	return u
}

func newSession(u hub.User) hub.Session {
	return hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, CreatedAt: u.CreatedAt, ExpiresAt: u.CreatedAt.Add(time.Hour),
		Token: hub.RefreshToken{ID: hub.NewID(), Hash: "h", IssuedAt: u.CreatedAt, ExpiresAt: u.CreatedAt.Add(time.Hour)}, Version: 1,
	}
}
