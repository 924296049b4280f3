package sqlstore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func TestReplacePutsADatabaseInPlaceAndKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, fresh := filepath.Join(dir, "a64core.db"), filepath.Join(dir, "fresh.db")
	add := func(path, email string) {
		t.Helper()
		withStore(t, path, func(s *sqlstore.Store) { addUser(t, s, email) })
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
	add(path, "former@example.com")
	add(fresh, "new@example.com")
	withStore(t, path, func(*sqlstore.Store) {
		if _, err := sqlstore.Replace(t.Context(), fresh, path); err == nil {
			t.Error("a database was replaced while a server had it open")
		}
	})
	if !has(path, "former@example.com") {
		t.Error("a refused replacement changed the database")
	}
	kept, err := sqlstore.Replace(t.Context(), fresh, path)
	mustDo(t, err)
	if !has(path, "new@example.com") || has(path, "former@example.com") || !has(kept, "former@example.com") {
		t.Error("the databases are not where they belong")
	}
	add(fresh, "newer@example.com")
	mustDo(t, os.WriteFile(path, []byte("no database"), 0o600))
	if kept, err = sqlstore.Replace(t.Context(), fresh, path); err != nil || kept == "" || !has(path, "newer@example.com") {
		t.Errorf("a file that is no database: kept as %q, %v", kept, err)
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
