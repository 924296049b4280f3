package sqlstore_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// alter runs statements on the database file behind the back of the store.
func alter(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// create makes a database of the present schema.
func create(t *testing.T, path string) {
	t.Helper()
	if _, err := sqlstore.Migrate(t.Context(), sqlstore.Config{Path: path}); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		migrate bool
		want    string
	}{
		{"no file", func(*testing.T, string) {}, false, "no such file"},
		{"a folder", func(t *testing.T, path string) { mustDo(t, os.Mkdir(path, 0o700)) }, true, "unable to open"},
		{"no database, to serve", writeText, false, "not a SQLite database"},
		{"no database, to migrate", writeText, true, "not a SQLite database"},
		{"another program's database", func(t *testing.T, path string) { alter(t, path, "CREATE TABLE users (id)") }, true, "another program"},
		{"an empty database", func(t *testing.T, path string) { mustDo(t, os.WriteFile(path, nil, 0o600)) }, false, "migrate it first"},
		{"an older schema", func(t *testing.T, path string) {
			create(t, path)
			alter(t, path, "DELETE FROM goose_db_version WHERE version_id > 0")
		}, false, "migrate it first"},
		{"a newer schema, to serve", newerSchema, false, "use a newer program"},
		{"a newer schema, to migrate", newerSchema, true, "use a newer program"},
		{"no unique index", func(t *testing.T, path string) {
			create(t, path)
			alter(t, path, "DROP INDEX users_email")
		}, true, "no unique index"},
		{"an index that is not unique", func(t *testing.T, path string) {
			create(t, path)
			alter(t, path, "DROP INDEX users_email", "CREATE INDEX users_email ON users (email)")
		}, false, "no unique index"},
		{"an index that folds", func(t *testing.T, path string) {
			create(t, path)
			alter(t, path, "DROP INDEX users_email", "CREATE UNIQUE INDEX users_email ON users (email COLLATE NOCASE)")
		}, false, "no unique index"},
		{"an index of some users", func(t *testing.T, path string) {
			create(t, path)
			alter(t, path, "DROP INDEX users_email", "CREATE UNIQUE INDEX users_email ON users (email) WHERE is_deleted = 0")
		}, false, "no unique index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "hub.db")
			tt.prepare(t, path)
			before, _ := os.ReadFile(path)
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Migrate: tt.migrate})
			if err == nil {
				mustDo(t, s.Close())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func writeText(t *testing.T, path string) {
	t.Helper()
	mustDo(t, os.WriteFile(path, []byte(strings.Repeat("This is no database. ", 500)), 0o600))
}

func newerSchema(t *testing.T, path string) {
	t.Helper()
	create(t, path)
	alter(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMigrateSaysWhatItDid(t *testing.T) {
	t.Parallel()
	c := sqlstore.Config{Path: filepath.Join(t.TempDir(), "new", "folder", "hub.db")}
	first, err := sqlstore.Migrate(t.Context(), c)
	mustDo(t, err)
	if first.From != 0 || first.To < 1 {
		t.Errorf("first migration %+v, want one from 0", first)
	}
	second, err := sqlstore.Migrate(t.Context(), c)
	mustDo(t, err)
	if second != (sqlstore.Migration{From: first.To, To: first.To}) {
		t.Errorf("second migration %+v, want none", second)
	}
	s, err := sqlstore.Open(t.Context(), c)
	mustDo(t, err)
	version, err := s.SchemaVersion(t.Context())
	mustDo(t, err)
	if version != first.To {
		t.Errorf("schema version %d, want %d", version, first.To)
	}
	mustDo(t, s.Close())
}

func TestOnlyTheOwnerReadsTheFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	s := open(t, filepath.Join(folder, "hub.db"))
	addUser(t, s, "a@example.com")
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		return err
	})
	mustDo(t, err)
}

func TestAnyPathWillDo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "what?mode=memory", "a#b.db", "a%41.db", "ü.db", "file:x", "a&b=c;d.db"} {
		path := filepath.Join(t.TempDir(), name)
		addUser(t, open(t, path), "a@example.com")
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: no database there: %v", name, err)
		}
	}
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Migrate: true})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			u := newUser(fmt.Sprintf("%d@example.com", i))
			if err := s.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, u.CreatedAt)); err != nil {
				t.Errorf("add user: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
	page, err := open(t, path).Users(t.Context(), hub.UserQuery{Limit: 1})
	mustDo(t, err)
	if page.Total != 8 {
		t.Errorf("%d users, want 8", page.Total)
	}
}
