package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/testdb"
)

// databases are what one test's hubs run on, and the networks to them.
type databases struct {
	t        *testing.T
	mongoURL string // around the proxy
	name     string // of the database in MongoDB
	mysql    *mysql.Config

	toMongo, toMySQL *testdb.Proxy
}

// newDatabases makes a database on the shared MongoDB server, behind a proxy, beside the one in MySQL, behind another.
func newDatabases(t *testing.T, inMySQL *mysql.Config) *databases {
	t.Helper()
	address, name := testdb.MongoDB(t)
	return newDatabasesOn(t, address, name, inMySQL)
}

func newDatabasesOn(t *testing.T, address, name string, inMySQL *mysql.Config) *databases {
	t.Helper()
	return &databases{
		t: t, mongoURL: address, name: name, mysql: inMySQL,
		toMongo: testdb.NewProxy(t, hostOf(t, address)), toMySQL: testdb.NewProxy(t, inMySQL.Addr),
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the URL of MongoDB cannot be read") // the error may repeat the password
	}
	return u.Host
}

// drop has the database in MongoDB dropped when the test ends. The one in MySQL drops itself, or its server goes.
func (d *databases) drop() {
	client, err := mongo.Connect(options.Client().ApplyURI(d.mongoURL))
	if err != nil {
		d.t.Fatal("the URL of MongoDB cannot be used")
	}
	d.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := client.Database(d.name).Drop(ctx); err != nil {
			d.t.Errorf("drop the database in MongoDB: %v", err)
		}
		_ = client.Disconnect(ctx)
	})
}

// settings are those of a hub on both databases.
func (d *databases) settings(more ...string) []string {
	host, port, _ := net.SplitHostPort(d.toMySQL.Addr())
	u, _ := url.Parse(d.mongoURL) // it was read before
	u.Host = d.toMongo.Addr()
	query := u.Query()
	query.Set("directConnection", "true") // or the driver would go where the server says that it is, around the proxy
	u.RawQuery = query.Encode()
	return append([]string{
		"DATABASE=dual", "MONGODB_URL=" + u.String(), "MONGODB_DB_NAME=" + d.name, "MYSQL_HOST=" + host, "MYSQL_PORT=" + port,
		"MYSQL_USER=" + d.mysql.User, "MYSQL_PASSWORD=" + d.mysql.Passwd, "MYSQL_DB_NAME=" + d.mysql.DBName,
	}, more...)
}

// createRoot makes the first account, from the command line.
func (d *databases) createRoot(email string) {
	d.t.Helper()
	d.command(testPassword, append(creation(email, "super_admin"), "--verified")...)
}

// command executes a command of the program, which must succeed.
func (d *databases) command(stdin string, args ...string) {
	d.t.Helper()
	dir := d.t.TempDir()
	cmd := exec.CommandContext(d.t.Context(), builtProgram, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, environment(dir, d.settings()...), strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// open opens both databases, around the proxies.
func (d *databases) open() (primary, secondary hub.Database) {
	d.t.Helper()
	m, err := mongostore.Open(d.t.Context(), mongostore.Config{URL: hub.NewSecret(d.mongoURL), Database: d.name, Marks: true})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = m.Close() }) // its database may be gone
	return m, d.openMySQL()
}

func (d *databases) openMySQL() *sqlstore.Store {
	d.t.Helper()
	host, text, _ := net.SplitHostPort(d.mysql.Addr)
	port, _ := strconv.Atoi(text)
	s, err := sqlstore.Open(d.t.Context(), sqlstore.Config{MySQL: &sqlstore.MySQLConfig{
		Host: host, Port: port, User: d.mysql.User, Password: hub.NewSecret(d.mysql.Passwd), Database: d.mysql.DBName,
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = s.Close() })
	return s
}

// patience is how long both sides may take to become equal.
const patience = 60 * time.Second

// wantEqual waits until nothing is left to be copied and both databases hold the same, as they must within a minute.
func (d *databases) wantEqual() (primary, secondary hub.Database) {
	d.t.Helper()
	begun := time.Now()
	primary, secondary = d.open()
	d.waitForCopies(primary)
	drained := time.Since(begun)
	for {
		result, found := d.compare(primary, secondary)
		if result.Clean() && result.Pending == 0 {
			d.t.Logf("drained in %v, equal after %v: %v", drained.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond), result.Compared)
			return primary, secondary
		}
		if time.Since(begun) > patience || d.t.Context().Err() != nil {
			d.t.Errorf("both sides differ after %v: %+v\n%s", patience, result, strings.Join(found, "\n"))
			return primary, secondary
		}
		pass(d.t, time.Second) // what a hub that was killed left in an outbox is found some seconds later
	}
}

func (d *databases) compare(primary, secondary hub.Database) (result replica.Result, found []string) {
	d.t.Helper()
	c := replica.Comparison{
		Source: primary, Target: secondary, Kinds: hub.RecordKinds(), Live: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		Found: func(f replica.Difference) error {
			found = append(found, fmt.Sprintf("%s %s: missing in %q, fields %v", f.Key.Kind, f.Key.ID, f.Missing, f.Fields))
			return nil
		},
	}
	result, err := c.Run(d.t.Context())
	if err != nil {
		d.t.Fatalf("compare: %v", err)
	}
	return result, found
}

// waitForCopies waits until nothing is marked.
func (d *databases) waitForCopies(primary hub.Database) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := primary.Backlog(ctx)
		if err == nil && b.Pending == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.t.Fatalf("still to be copied after %v: %+v, %v", patience, b, err)
		}
	}
}
