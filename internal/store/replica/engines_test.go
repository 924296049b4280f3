package replica_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
	"github.com/a64core/hub/internal/store/testdb"
)

// engines opens databases on real servers.
type engines struct {
	mongoURL       hub.Secret
	mongos, mysqls *testdb.Pool
	server         sqlstore.MySQLConfig
}

func newEngines(t *testing.T) *engines {
	t.Helper()
	server := testdb.MySQLServer(t)
	host, port, err := net.SplitHostPort(server.Addr)
	must(t, "read the address", err)
	number, err := strconv.Atoi(port)
	must(t, "read the port", err)
	e := &engines{
		mongoURL: hub.NewSecret(testdb.MongoDBServer(t)),
		server:   sqlstore.MySQLConfig{Host: host, Port: number, User: server.User, Password: hub.NewSecret(server.Passwd)},
	}
	e.mongos = testdb.NewMongoDBPool(t, func(ctx context.Context, database string) error {
		_, err := mongostore.Migrate(ctx, mongostore.Config{URL: e.mongoURL, Database: database})
		return err
	})
	e.mysqls = testdb.NewMySQLPool(t, func(ctx context.Context, database string) error {
		_, err := sqlstore.Migrate(ctx, sqlstore.Config{MySQL: e.on(database)})
		return err
	})
	t.Cleanup(func() {
		for _, pool := range []*testdb.Pool{e.mongos, e.mysqls} {
			if err := pool.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return e
}

func (e *engines) on(database string) *sqlstore.MySQLConfig {
	c := e.server
	c.Database = database
	return &c
}

func (e *engines) mongoDB(t *testing.T, marks bool) hub.Database {
	t.Helper()
	s, err := mongostore.Open(t.Context(), mongostore.Config{URL: e.mongoURL, Database: e.mongos.Take(t), Marks: marks})
	must(t, "open MongoDB", err)
	return s
}

func (e *engines) mySQL(t *testing.T, marks bool) hub.Database {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{MySQL: e.on(e.mysqls.Take(t)), Marks: marks})
	must(t, "open MySQL", err)
	return s
}

// TestStoreOnServers runs the definition of a store on pairs of real servers, in both directions.
func TestStoreOnServers(t *testing.T) {
	t.Parallel()
	e := newEngines(t)
	for name, open := range map[string]func(*testing.T) (primary, secondary hub.Database){
		"MongoDBAndMySQL": func(t *testing.T) (hub.Database, hub.Database) { return e.mongoDB(t, true), e.mySQL(t, false) },
		"MySQLAndMongoDB": func(t *testing.T) (hub.Database, hub.Database) { return e.mySQL(t, true), e.mongoDB(t, false) },
		"SQLiteAndMySQL":  func(t *testing.T) (hub.Database, hub.Database) { return openSQLite(t, true), e.mySQL(t, false) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) hub.Store { return openPair(t, open) })
		})
	}
}

// TestStoreOnAFailingSecondary runs it while every other copy is lost, on its way there or back.
func TestStoreOnAFailingSecondary(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store {
		return openPair(t, func(t *testing.T) (hub.Database, hub.Database) {
			secondary := storetest.NewFaultyDatabase(openSQLite(t, false))
			for i := range 50 {
				secondary.FailNext("Put", 1, fmt.Errorf("on cue: %w", hub.ErrUnavailable), i%2 == 0)
			}
			return openSQLite(t, true), secondary
		})
	})
}

// openPair makes a store of the two that open opens, and compares them after the test.
func openPair(t *testing.T, open func(*testing.T) (primary, secondary hub.Database)) hub.Store {
	t.Helper()
	primary, secondary := open(t)
	s := newPair(t, primary, secondary)
	t.Cleanup(func() {
		if f, ok := secondary.(*storetest.FaultyDatabase); ok {
			f.Heal()
		}
		// What MySQL finds too long stays on the primary alone; the API lets in nothing of that length.
		if !strings.HasSuffix(t.Name(), "/LongValuesAreNeverCut") {
			wantEqual(alive{t}, s)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return without{s}
}
