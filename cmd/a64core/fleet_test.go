//go:build linux

package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/testdb"
)

// fleet is three instances of the program on the same databases, at addresses that they keep.
type fleet struct {
	t         *testing.T
	settings  []string
	open      func() hub.Database // the database that decides
	addrs     [3]string
	instances [3]*server
}

// fleetModes are the databases that fleets are tested on: what A64_TEST_DATABASE names, else the smallest and the largest.
func fleetModes() []string {
	if named := testdb.Database(); named != "sqlite" {
		return []string{named}
	}
	return []string{"sqlite", "dual"}
}

// newFleet starts one, all instances at once, on databases without any data or table (FLT-23). The servers that the mode needs
// must be there, or the test is skipped.
func newFleet(t *testing.T, mode string, settings ...string) *fleet {
	t.Helper()
	f := &fleet{t: t}
	f.keepIn(mode)
	f.settings = append(f.settings, settings...)
	f.startAll()
	return f
}

func (f *fleet) startAll() {
	f.t.Helper()
	for i := range f.instances {
		f.addrs[i] = testdb.FreeAddr(f.t)
		f.launch(i)
	}
	for _, instance := range f.instances {
		instance.waitUntilServing(f.t)
	}
}

// keepIn has the fleet keep its data in databases of the mode.
func (f *fleet) keepIn(mode string) {
	f.t.Helper()
	switch mode {
	case "sqlite":
		path := filepath.Join(f.t.TempDir(), "a64core.db")
		f.settings = []string{"DATABASE=sqlite", "SQLITE_PATH=" + path}
		f.open = func() hub.Database { return openSQL(f.t, sqlstore.Config{Path: path}) }
	case "mysql":
		c := testdb.MySQL(f.t)
		d := &databases{t: f.t, mysql: c}
		f.settings = append(mysqlSettings(c), "DATABASE=mysql")
		f.open = func() hub.Database { return d.openMySQL() }
	case "mongodb", "dual":
		url, name := testdb.MongoDB(f.t)
		d := &databases{t: f.t, mongoURL: url, name: name}
		f.settings = []string{"DATABASE=" + mode, "MONGODB_URL=" + url, "MONGODB_DB_NAME=" + name}
		if mode == "dual" {
			f.settings = append(f.settings, mysqlSettings(testdb.MySQL(f.t))...)
		}
		d.drop()
		f.open = func() hub.Database {
			db, err := mongostore.Open(f.t.Context(), mongostore.Config{URL: hub.NewSecret(url), Database: name, Marks: mode == "dual"})
			return opened(f.t, db, err)
		}
	}
}

func mysqlSettings(c *mysql.Config) []string {
	host, port, _ := net.SplitHostPort(c.Addr)
	return []string{"MYSQL_HOST=" + host, "MYSQL_PORT=" + port, "MYSQL_USER=" + c.User, "MYSQL_PASSWORD=" + c.Passwd, "MYSQL_DB_NAME=" + c.DBName}
}

// launch starts an instance at its address.
func (f *fleet) launch(i int) {
	f.t.Helper()
	_, port, err := net.SplitHostPort(f.addrs[i])
	if err != nil {
		f.t.Fatal(err)
	}
	f.instances[i] = launch(f.t, f.t.TempDir(), append(slices.Clone(f.settings), "PORT="+port)...)
}

// root makes the first super_admin and signs in.
func (f *fleet) root() *account {
	f.t.Helper()
	const email = "root@example.com"
	cmd := exec.CommandContext(f.t.Context(), builtProgram, append(creation(email, "super_admin"), "--verified")...)
	cmd.Dir = f.t.TempDir()
	cmd.Env, cmd.Stdin = environment(cmd.Dir, f.settings...), strings.NewReader(testPassword)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("make root: %v\n%s", err, out)
	}
	a := &account{email: email}
	if !a.login(f.instances[0]) {
		f.t.Fatal("root cannot log in")
	}
	return a
}
