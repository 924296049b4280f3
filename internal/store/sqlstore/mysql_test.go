package sqlstore_test

import (
	"database/sql"
	"net"
	"strconv"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
	"github.com/a64core/hub/internal/store/testdb"
)

// databases are migrated databases on a server that tests take in turns: to create one for each test takes longer than
// the tests.
type databases chan *database

// database is one on a server, empty when nobody has it.
type database struct {
	config sqlstore.Config
	admin  *sql.DB
}

// newDatabases creates n databases, which are dropped after the test.
func newDatabases(t testing.TB, n int) databases {
	t.Helper()
	all := make(databases, n)
	for range n {
		d := newDatabase(t)
		if _, err := sqlstore.Migrate(t.Context(), d.config); err != nil {
			t.Fatal(err)
		}
		all <- d
	}
	return all
}

// newDatabase creates a database without tables.
func newDatabase(t testing.TB) *database {
	t.Helper()
	config := testdb.MySQL(t)
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

// open opens one of the databases, and gives it back empty after the test.
func (all databases) open(t testing.TB) *sqlstore.Store {
	t.Helper()
	d := <-all
	t.Cleanup(func() {
		d.empty(t)
		all <- d
	})
	return d.open(t)
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

func (d *database) empty(t testing.TB) {
	t.Helper()
	for _, table := range []string{"users", "lockouts", "mails", "events", "marks", "tombstones"} { // the others' rows go with the users
		if _, err := d.admin.Exec("DELETE FROM " + table); err != nil {
			t.Error(err)
		}
	}
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
	all := newDatabases(t, 4)
	storetest.Run(t, func(t *testing.T) hub.Store { return all.open(t) })
}

func TestDatabaseOnMySQL(t *testing.T) {
	t.Parallel()
	all := newDatabases(t, 4)
	storetest.RunDatabase(t, func(t *testing.T, marks bool) hub.Database {
		d := <-all
		t.Cleanup(func() {
			d.empty(t)
			all <- d
		})
		marking := *d
		marking.config.Marks = marks
		return marking.open(t)
	})
}
