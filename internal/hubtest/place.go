package hubtest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/testdb"
)

// lent are the databases on servers that the tests of this process use in turns. There is one process for the tests of a
// package, so that Main can drop them.
var lent pools

type pools struct {
	mu sync.Mutex
	of map[config.Database]*testdb.Pool // by the engine
}

// Main runs the tests of a package, for its TestMain, and returns the exit status.
func Main(m *testing.M) int {
	status := m.Run()
	for _, p := range lent.of {
		if err := p.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "drop databases:", err)
			status = max(status, 1)
		}
	}
	return status
}

// OnlySQLite skips a test that is about files of SQLite where hubs keep their data elsewhere.
func OnlySQLite(t testing.TB, reason string) {
	t.Helper()
	if testdb.Database() != string(config.SQLite) {
		t.Skip("only on SQLite: " + reason)
	}
}

// newPlace returns the settings of a place for data that is empty and goes with the test.
func newPlace(t testing.TB) Settings {
	t.Helper()
	dir, database := t.TempDir(), testdb.Database()
	place := Settings{"DATABASE": database, "DATA_DIR": dir, "SQLITE_PATH": filepath.Join(dir, "a64core.db")}
	if database == string(config.SQLite) {
		return place
	}
	if database != string(config.MySQL) {
		place["MONGODB_URL"] = testdb.MongoDBServer(t)
		place["MONGODB_DB_NAME"] = lent.pool(t, config.MongoDB, place, testdb.NewMongoDBPool).Take(t)
	}
	if database != string(config.MongoDB) {
		server := testdb.MySQLServer(t)
		host, port, err := net.SplitHostPort(server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(place, Settings{"MYSQL_HOST": host, "MYSQL_PORT": port, "MYSQL_USER": server.User, "MYSQL_PASSWORD": server.Passwd})
		place["MYSQL_DB_NAME"] = lent.pool(t, config.MySQL, place, testdb.NewMySQLPool).Take(t)
	}
	place["MIGRATE"] = "false"
	return place
}

// pool returns the pool of an engine whose server the settings name.
func (p *pools) pool(
	t testing.TB, engine config.Database, server Settings,
	open func(testing.TB, func(ctx context.Context, database string) error) *testdb.Pool,
) *testdb.Pool {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[engine] == nil {
		server = maps.Clone(server)
		if p.of == nil {
			p.of = make(map[config.Database]*testdb.Pool)
		}
		p.of[engine] = open(t, func(ctx context.Context, database string) error {
			c, err := load(server, Settings{"DATABASE": string(engine), "MONGODB_DB_NAME": database, "MYSQL_DB_NAME": database})
			if err == nil {
				_, err = app.Migrate(ctx, c)
			}
			return err
		})
	}
	return p.of[engine]
}
