package testdb

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// NewMySQLPool returns a pool on the MySQL server that the environment names.
func NewMySQLPool(t testing.TB, migrate func(ctx context.Context, database string) error) *Pool {
	t.Helper()
	connector, err := mysql.NewConnector(MySQLServer(t))
	if err != nil {
		t.Fatal(err)
	}
	return &Pool{server: mysqlDBs{sql.OpenDB(connector)}, migrate: migrate}
}

type mysqlDBs struct{ admin *sql.DB }

func (m mysqlDBs) create(ctx context.Context, database string) error {
	_, err := m.admin.ExecContext(ctx, "CREATE DATABASE "+database)
	return err
}

func (mysqlDBs) settle(context.Context, string) error { return nil }

func (m mysqlDBs) empty(ctx context.Context, database string) error {
	tx, err := m.admin.BeginTx(ctx, nil) // one, because each waits for the disk
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	tables, err := emptiable(ctx, tx, database)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SET foreign_key_checks = 0"); err != nil { // of this connection, whose only use this is
		return err
	}
	for _, table := range tables {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+database+"."+table); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// emptiable lists the tables of a database without the one that tells the version of the schema.
func emptiable(ctx context.Context, tx *sql.Tx, database string) (tables []string, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_name <> 'a64core_schema'", database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, rows.Err()
}

func (m mysqlDBs) drop(ctx context.Context, database string) error {
	_, err := m.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+database)
	return err
}

func (m mysqlDBs) close(context.Context) error { return m.admin.Close() }
