package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
	"github.com/a64core/hub/internal/store/testdb"
)

// databases lends databases on a server.
type databases struct {
	*testdb.Pool
	server *mysql.Config
}

func newDatabases(t testing.TB) databases {
	t.Helper()
	all := databases{server: testdb.MySQLServer(t)}
	all.Pool = testdb.NewMySQLPool(t, func(ctx context.Context, database string) error {
		config := serverConfig(t, all.server)
		config.Database = database
		_, err := sqlstore.Migrate(ctx, sqlstore.Config{MySQL: config})
		return err
	})
	t.Cleanup(func() {
		if err := all.Close(); err != nil {
			t.Error(err)
		}
	})
	return all
}

// take lends a database that is migrated and empty.
func (all databases) take(t testing.TB) *database {
	t.Helper()
	config := all.server.Clone()
	config.DBName = all.Take(t)
	return databaseAt(t, config)
}

// database is one on a server.
type database struct {
	config sqlstore.Config
	admin  *sql.DB
}

// newDatabase creates a database without tables.
func newDatabase(t testing.TB) *database {
	t.Helper()
	return databaseAt(t, testdb.MySQL(t))
}

func databaseAt(t testing.TB, config *mysql.Config) *database {
	t.Helper()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	admin := sql.OpenDB(connector)
	t.Cleanup(func() { _ = admin.Close() })
	return &database{sqlstore.Config{MySQL: serverConfig(t, config)}, admin}
}

func serverConfig(t testing.TB, c *mysql.Config) *sqlstore.MySQLConfig {
	t.Helper()
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return &sqlstore.MySQLConfig{Host: host, Port: number, User: c.User, Password: hub.NewSecret(c.Passwd), Database: c.DBName}
}

// open opens the database and closes it after the test.
func (d *database) open(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), d.config)
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

// alter runs statements behind the back of the store.
func (d *database) alter(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.admin.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestStoreOnMySQL(t *testing.T) {
	t.Parallel()
	all := newDatabases(t)
	storetest.Run(t, func(t *testing.T) hub.Store { return all.take(t).open(t) })
}

// TestManyRecordsHaveTheTimeTheyTake has somebody else hold a row for longer than a call may take.
func TestManyRecordsHaveTheTimeTheyTake(t *testing.T) {
	t.Parallel()
	d := newDatabases(t).take(t)
	s := d.open(t)
	records := make([]hub.Record, 100)
	for i := range records {
		records[i] = hub.Record{User: new(newUser(fmt.Sprintf("%d@example.com", i)))}
	}
	mustDo(t, s.Put(t.Context(), hub.UnlessOlder, records...))
	for i := range records {
		records[i].User.Version++
	}
	lock, err := d.admin.BeginTx(t.Context(), nil)
	mustDo(t, err)
	_, err = lock.ExecContext(t.Context(), "UPDATE users SET phone = '1' WHERE user_id = ?", records[0].User.ID)
	mustDo(t, err)
	put := make(chan error, 1)
	go func() { put <- s.Put(t.Context(), hub.UnlessOlder, records...) }()
	if err := s.Put(t.Context(), hub.UnlessOlder, records[0]); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("a single record: error %v", err)
	}
	select {
	case err := <-put:
		t.Fatalf("many records: it ended, error %v", err)
	case <-time.After(time.Second):
	}
	mustDo(t, lock.Rollback())
	mustDo(t, <-put)
}

func TestVerifyFindsDamageOnAServer(t *testing.T) {
	t.Parallel()
	all := newDatabases(t)
	for _, tt := range []struct {
		name       string
		statements []string
		want       []string // with <user> and <session> for their ids
	}{
		{"none", nil, nil},
		{"names not folded", []string{`UPDATE users SET last_name = 'Byron'`}, []string{"user <user>: cannot be found by name"}},
		{"metadata", []string{`UPDATE users SET metadata = '[]'`}, []string{"user <user>: metadata is not a JSON object"}},
		{"address", []string{`UPDATE users SET email = 'A@example.com'`}, []string{"user <user>: the address is not canonical"}},
		{"mailed at", []string{`UPDATE users SET mailed_at = 'x'`}, []string{"user <user>: cannot be read"}},
		{"spent tokens", []string{`UPDATE refresh_tokens SET spent = '{'`}, []string{"session <session>: cannot be read"}},
		{"epoch", []string{`UPDATE refresh_tokens SET epoch = 5`}, []string{"session <session>: begun in an epoch that its user has not reached"}},
		{"version", []string{`UPDATE users SET version = 0`}, []string{"user <user>: its version is below 1"}},
		{"no guard", []string{`UPDATE users SET role = 'super_admin', is_active = 0`}, []string{"user <user>: is a super_admin, but none of them is active"}},
		{"mail token", []string{
			`INSERT INTO verification_tokens (token_id, user_id, email, token_type, token, created_at, expires_at)
				SELECT 'm', user_id, '', 'password_reset', '', created_at, created_at FROM users`,
			`UPDATE users SET verification_token_id = 'm'`,
		}, []string{"user <user>: names a mail token of another user, or of another purpose"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := all.take(t)
			s := d.open(t)
			u := addUser(t, s, "a@example.com")
			se := newSession(u)
			mustDo(t, s.AddSession(t.Context(), se, hub.NewEvent(t.Context(), hub.EventSessionStarted, u.ID, u.CreatedAt)))
			d.alter(t, tt.statements...)
			got, err := s.Verify(t.Context())
			mustDo(t, err)
			for i := range tt.want {
				tt.want[i] = strings.NewReplacer("<user>", u.ID, "<session>", se.ID).Replace(tt.want[i])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyFindsOrphansAndAMissingIndexOnAServer(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.config.Migrate = true
	s := d.open(t)
	u := addUser(t, s, "a@example.com")
	se := newSession(u)
	mustDo(t, s.AddSession(t.Context(), se, hub.NewEvent(t.Context(), hub.EventSessionStarted, u.ID, u.CreatedAt)))
	d.admin.SetMaxOpenConns(1) // so that the variable applies to the statement behind it
	d.alter(t, "SET foreign_key_checks = 0", "DELETE FROM users", "DROP INDEX users_email ON users")
	got, err := s.Verify(t.Context())
	mustDo(t, err)
	want := []string{"users has no unique index on e-mail addresses: restore the database from a backup, or repair the index", "session " + se.ID + ": its user is not stored"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestWhatAServerSaysOfItself(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.config.Migrate = true
	s := d.open(t)
	a, err := s.About(t.Context())
	mustDo(t, err)
	named := strings.HasPrefix(a.Product, "MySQL ") || strings.HasPrefix(a.Product, "MariaDB ")
	if a.Engine != "mysql" || !named || a.Schema < 1 || a.Bytes < 1 || !strings.HasSuffix(a.Place, "/"+d.config.MySQL.Database) {
		t.Errorf("%+v", a)
	}
	if err := s.Reindex(t.Context()); err == nil || !strings.Contains(err.Error(), "only for sqlite") {
		t.Errorf("reindex: %v", err)
	}
}

func TestWhatAFileSaysOfItself(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	a, err := open(t, path).About(t.Context())
	mustDo(t, err)
	if a.Engine != "sqlite" || !strings.HasPrefix(a.Product, "SQLite 3.") || a.Schema < 1 || a.Bytes < 4096 || a.Place != path {
		t.Errorf("%+v", a)
	}
}

func TestDatabaseOnMySQL(t *testing.T) {
	t.Parallel()
	all := newDatabases(t)
	storetest.RunDatabase(t, func(t *testing.T, marks bool) hub.Database {
		d := all.take(t)
		d.config.Marks = marks
		return d.open(t)
	})
}
