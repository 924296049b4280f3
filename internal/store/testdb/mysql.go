package testdb

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MySQL returns the configuration of a database on a MySQL server that is empty and no other test uses. It is dropped
// after the test.
func MySQL(t testing.TB) *mysql.Config {
	t.Helper()
	config := MySQLServer(t)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	config = config.Clone()
	config.DBName = uniqueName()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+config.DBName); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + config.DBName); err != nil {
			t.Errorf("drop database: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return config
}

// MySQLServer returns how the server is reached that the environment names, without a database.
func MySQLServer(t testing.TB) *mysql.Config {
	t.Helper()
	config, err := mysql.ParseDSN(named(t, "mysql", "A64_TEST_MYSQL_DSN"))
	if err != nil {
		t.Fatal("A64_TEST_MYSQL_DSN cannot be read") // the error may repeat the password
	}
	config.DBName = ""
	return config
}
