package sqlstore_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func TestOpenServerRefuses(t *testing.T) {
	t.Parallel()
	migrated := func(t *testing.T, d *database) {
		if _, err := sqlstore.Migrate(t.Context(), d.config); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(*testing.T, *database)
		migrate bool
		want    string
	}{
		{"an empty database", func(*testing.T, *database) {}, false, "migrate it first"},
		{"another program's table", func(t *testing.T, d *database) { d.alter(t, "CREATE TABLE users (id INT)") }, true, "another program"},
		{"another program's table, to serve", func(t *testing.T, d *database) { d.alter(t, "CREATE TABLE goose_db_version (id INT)") }, false, "another program"},
		{"an older schema", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "DELETE FROM a64core_schema WHERE version_id > 0")
		}, false, "migrate it first"},
		{"a newer schema, to serve", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "INSERT INTO a64core_schema (version_id, is_applied) VALUES (999, 1)")
		}, false, "use a newer program"},
		{"a newer schema, to migrate", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "INSERT INTO a64core_schema (version_id, is_applied) VALUES (999, 1)")
		}, true, "use a newer program"},
		{"no unique index", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "DROP INDEX users_email ON users")
		}, true, "no unique index on e-mail"},
		{"an index that is not unique", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "DROP INDEX users_email ON users", "CREATE INDEX users_email ON users (email)")
		}, true, "no unique index on e-mail"},
		{"an index of the beginning", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "DROP INDEX users_email ON users", "CREATE UNIQUE INDEX users_email ON users (email (20))")
		}, true, "no unique index on e-mail"},
		{"an index of more", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "DROP INDEX users_email ON users", "CREATE UNIQUE INDEX users_email ON users (email, is_deleted)")
		}, true, "no unique index on e-mail"},
		{"an index that pads", func(t *testing.T, d *database) {
			migrated(t, d)
			d.alter(t, "ALTER TABLE users MODIFY email VARCHAR(255) COLLATE utf8mb4_bin NOT NULL")
		}, true, "no unique index on e-mail"},
		{"a wrong password", func(_ *testing.T, d *database) {
			d.config.MySQL.User, d.config.MySQL.Password = "a64core_nobody", hub.NewSecret("very-private")
		}, true, "check MYSQL_USER and MYSQL_PASSWORD"},
		{"no such database", func(_ *testing.T, d *database) { d.config.MySQL.Database += "_missing" }, false, "there is no such database"},
		{"a TLS setting that does not exist", func(_ *testing.T, d *database) { d.config.MySQL.TLS = "very-private" }, true, "host, database name and TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			tt.prepare(t, d)
			d.config.Migrate = tt.migrate
			s, err := sqlstore.Open(t.Context(), d.config)
			if err == nil {
				mustDo(t, s.Close())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "very-private") || errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestADatabaseIsCreated(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	name := d.config.MySQL.Database + "-`new`"
	d.config.MySQL.Database = name
	t.Cleanup(func() {
		if _, err := d.admin.Exec("DROP DATABASE `" + strings.ReplaceAll(name, "`", "``") + "`"); err != nil {
			t.Error(err)
		}
	})
	first, err := sqlstore.Migrate(t.Context(), d.config)
	mustDo(t, err)
	second, err := sqlstore.Migrate(t.Context(), d.config)
	mustDo(t, err)
	if first.From != 0 || first.To < 1 || second != (sqlstore.Migration{From: first.To, To: first.To}) {
		t.Errorf("migrations %+v, then %+v", first, second)
	}
	addUser(t, d.open(t), "a@example.com")
}

// TestAnInterruptedMigrationGoesOn begins with what a process left that died between two tables.
func TestAnInterruptedMigrationGoesOn(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	_, err := sqlstore.Migrate(t.Context(), d.config)
	mustDo(t, err)
	d.alter(t, "DELETE FROM a64core_schema WHERE version_id > 0", "DROP TABLE tombstones, marks, events")
	m, err := sqlstore.Migrate(t.Context(), d.config)
	if err != nil || m.From != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	addUser(t, d.open(t), "a@example.com")
}

func TestManyMigrateAServerAtOnce(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.config.Migrate = true
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := sqlstore.Open(t.Context(), d.config)
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
	page, err := d.open(t).Users(t.Context(), hub.UserQuery{Limit: 1})
	mustDo(t, err)
	if page.Total != 8 {
		t.Errorf("%d users, want 8", page.Total)
	}
}

// TestAnAbsentServerIsUnavailable needs no server: one is not there, and one takes the call and says nothing.
func TestAnAbsentServerIsUnavailable(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	mustDo(t, closed.Close())
	for name, addr := range map[string]net.Addr{"silent": silent.Addr(), "closed": closed.Addr()} {
		for _, migrate := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, migrate %t", name, migrate), func(t *testing.T) {
				t.Parallel()
				c := &sqlstore.MySQLConfig{Host: "127.0.0.1", Port: addr.(*net.TCPAddr).Port, User: "a", Password: hub.NewSecret("very-private"), Database: "b"}
				begin := time.Now()
				_, err := sqlstore.Open(t.Context(), sqlstore.Config{MySQL: c, Migrate: migrate})
				if !errors.Is(err, hub.ErrUnavailable) || strings.Contains(err.Error(), "very-private") {
					t.Errorf("error %v, want that the database is unavailable", err)
				}
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("the answer took %v", took)
				}
			})
		}
	}
}
