package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func TestRestorePutsABackupInPlaceAndKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "a64core.db"), filepath.Join(dir, "backup.db")
	add := func(email string) {
		t.Helper()
		withStore(t, path, func(s *sqlstore.Store) {
			now := time.Now().UTC()
			u := hub.User{ID: hub.NewID(), Email: email, FirstName: "A", LastName: "B", Role: hub.RoleUser, CreatedAt: now, UpdatedAt: now}
			if err := s.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, now)); err != nil {
				t.Fatal(err)
			}
		})
	}
	has := func(path, email string) bool {
		t.Helper()
		var err error
		withStore(t, path, func(s *sqlstore.Store) { _, err = s.UserByEmail(t.Context(), email) })
		if err != nil && !errors.Is(err, hub.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	add("before@example.com")
	withStore(t, path, func(s *sqlstore.Store) {
		if err := s.Backup(t.Context(), backup); err != nil {
			t.Fatal(err)
		}
	})
	add("after@example.com")

	if _, err := sqlstore.Restore(t.Context(), backup, path, false); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("Restore over a database = %v, want ErrExist", err)
	}
	kept, err := sqlstore.Restore(t.Context(), backup, path, true)
	if err != nil {
		t.Fatal(err)
	}
	if !has(path, "before@example.com") || has(path, "after@example.com") {
		t.Error("the database is not as it was backed up")
	}
	if !has(kept, "after@example.com") {
		t.Error("the former database is not whole")
	}

	withStore(t, path, func(*sqlstore.Store) {
		if _, err := sqlstore.Restore(t.Context(), backup, path, true); err == nil {
			t.Error("a database was replaced while a server had it open")
		}
	})
	if !has(path, "before@example.com") {
		t.Error("a refused restore changed the database")
	}

	damaged := filepath.Join(dir, "damaged.db")
	text, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text)/2+4096; i++ {
		text[i] ^= 0x5a
	}
	if err := os.WriteFile(damaged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Restore(t.Context(), damaged, path, true); err == nil {
		t.Error("a damaged backup was restored")
	}
	if err := os.WriteFile(damaged, nil, 0o600); err != nil { // to SQLite, a database without tables
		t.Fatal(err)
	}
	if _, err := sqlstore.Restore(t.Context(), damaged, path, true); err == nil {
		t.Error("an empty backup was restored")
	}
	if !has(path, "before@example.com") {
		t.Error("a refused restore changed the database")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".restore-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a64core.db")
	withStore(t, path, func(*sqlstore.Store) {}) // writes
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Lstat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: a connection was not closed", suffix)
		}
	}
}

func withStore(t *testing.T, path string, do func(*sqlstore.Store)) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Reindex(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
