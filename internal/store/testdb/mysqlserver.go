package testdb

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// newMySQL is a new data directory. There is one program in a run, so one directory does for all.
var newMySQL template

// StartMySQL starts a MariaDB or MySQL server of the test's own: the program A64_TEST_MYSQLD names, else mariadbd or
// mysqld. It is small, and as durable as one in production.
func StartMySQL(t testing.TB) *Server {
	t.Helper()
	program := findProgram("A64_TEST_MYSQLD", "mariadbd", "mysqld")
	if program == "" {
		absent(t, "mysql", "there is no mariadbd and no mysqld, and A64_TEST_MYSQLD names none")
	}
	o, err := unprivileged("mysql", "nobody")
	if err != nil {
		t.Fatalf("a user for %s: %v", program, err)
	}
	s := &Server{t: t, kind: filepath.Base(program), program: program, dir: ownFolder(t, o), owner: o, answers: pingMySQL}
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := o.give(data); err != nil {
		t.Fatal(err)
	}
	if err := newMySQL.copyTo(data, o, s.initializeMySQL); err != nil {
		t.Fatalf("make a data directory: %v", err)
	}
	s.args = func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		return append(mysqlOptions(data), "--bind-address="+host, "--port="+port,
			"--tmpdir="+s.dir, // in a shared one another server that starts would remove what it takes for its own
			"--socket="+filepath.Join(s.dir, "s"), "--pid-file="+filepath.Join(data, "pid"),
			"--max-connections=200", "--performance-schema=OFF", "--skip-log-bin", "--loose-mysqlx=OFF",
			"--innodb-flush-log-at-trx-commit=1",
		)
	}
	s.launch()
	return s
}

// mysqlOptions are what both the first and every other start need. Sizes of the log must not change between them.
func mysqlOptions(data string) []string {
	return []string{
		"--no-defaults", "--datadir=" + data,
		"--innodb-buffer-pool-size=32M", "--loose-innodb-log-file-size=8M", "--loose-innodb-redo-log-capacity=8M",
	}
}

// initializeMySQL makes a data directory in which root needs no password.
func (s *Server) initializeMySQL(data string) error {
	out, err := exec.Command(s.program, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s --version: %w: %s", s.program, err, out)
	}
	cmd := exec.Command(s.program, append(mysqlOptions(data), "--initialize-insecure")...)
	if strings.Contains(string(out), "MariaDB") {
		name := "mariadb-install-db"
		beside := filepath.Join(filepath.Dir(s.program), "..", "bin", name)
		if _, err := os.Stat(beside); err == nil {
			name = beside
		}
		cmd = exec.Command(name, append(mysqlOptions(data), "--auth-root-authentication-method=normal", "--skip-test-db")...)
	}
	cmd.Dir = s.dir
	cmd.SysProcAttr = attributes(s.owner, false)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, out)
	}
	return nil
}

// MySQL makes a database on a server that StartMySQL started and returns how root, who needs no password, opens it.
func (s *Server) MySQL() *mysql.Config {
	s.t.Helper()
	config := mysqlRoot(s.addr)
	connector, err := mysql.NewConnector(config.Clone())
	if err != nil {
		s.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	config.DBName = uniqueName()
	if _, err := db.ExecContext(s.t.Context(), "CREATE DATABASE "+config.DBName); err != nil {
		s.t.Fatalf("create database on %s: %v", s.kind, err)
	}
	return config
}

// mysqlRoot is how root reaches a server of ours. The driver's log is off: it would tell of each connection that breaks,
// and these are here to be broken.
func mysqlRoot(addr string) *mysql.Config {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr = "root", "tcp", addr
	config.Logger = &mysql.NopLogger{}
	return config
}

func pingMySQL(ctx context.Context, addr string) error {
	connector, err := mysql.NewConnector(mysqlRoot(addr))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	return db.PingContext(ctx)
}

// findProgram returns the program that the environment names, else the first of the names that there is in PATH or where
// distributions keep servers, else nothing.
func findProgram(variable string, names ...string) string {
	if program := os.Getenv(variable); program != "" {
		return program
	}
	for _, name := range names {
		for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name, "/usr/libexec/" + name} {
			if program, err := exec.LookPath(candidate); err == nil {
				return program
			}
		}
	}
	return ""
}
