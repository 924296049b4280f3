package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/a64core/hub"
)

// mysqlVersionTable keeps which migrations were applied. Its name tells that a database is ours: another program that uses
// the same tool has another.
const mysqlVersionTable = "a64core_schema"

const (
	aboutMySQL = `SELECT CONCAT(CASE WHEN VERSION() LIKE '%MariaDB%' THEN 'MariaDB ' ELSE 'MySQL ' END, VERSION()),
		CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE()`

	// Only collations that neither fold nor pad keep addresses apart as UserByEmail does.
	countEmailIndexes = `SELECT COUNT(*) FROM (SELECT s.index_name FROM information_schema.statistics AS s
		JOIN information_schema.columns AS c ON c.table_schema = s.table_schema AND c.table_name = s.table_name AND c.column_name = s.column_name
		WHERE s.table_schema = DATABASE() AND s.table_name = 'users' AND s.non_unique = 0
		GROUP BY s.index_name HAVING COUNT(*) = 1 AND MAX(s.column_name) = 'email' AND MAX(s.sub_part) IS NULL
			AND MAX(c.collation_name) IN ('utf8mb4_0900_bin', 'utf8mb4_nopad_bin')) AS of_email`

	// Lock names apply to the whole server and have at most 64 characters, as many as the name of a database may have.
	migrationLock = `CONCAT('a64core ', SHA2(DATABASE(), 224))`

	// migrationPatience is how many seconds a process waits for another one that migrates.
	migrationPatience = 60
)

// migrateServer creates the database if there is none and its user may, and brings its schema up to date.
func migrateServer(ctx context.Context, c MySQLConfig) (Migration, error) {
	version, err := ownedOrEmpty(ctx, &c)
	if mysqlNumber(err) == mysqlUnknownDatabase {
		if err = createDatabase(ctx, c); err == nil {
			version, err = ownedOrEmpty(ctx, &c)
		}
	}
	var m Migration
	if err == nil {
		m, err = migrateMySQL(ctx, &c, version)
	}
	return m, mysqlDialect().wrap("migrate", err)
}

// ownedOrEmpty refuses a database that is another program's.
func ownedOrEmpty(ctx context.Context, c *MySQLConfig) (version serverVersion, err error) {
	err = probeServer(ctx, c, func(ctx context.Context, db *sql.DB, v serverVersion) error {
		version = v
		_, err := checkMySQLOwner(ctx, db)
		return err
	})
	return version, err
}

func createDatabase(ctx context.Context, c MySQLConfig) error {
	name := "`" + strings.ReplaceAll(c.Database, "`", "``") + "`"
	c.Database = ""
	return probeServer(ctx, &c, func(ctx context.Context, db *sql.DB, _ serverVersion) error {
		_, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+name)
		if mysqlNumber(err) == mysqlDatabaseDenied {
			return fmt.Errorf("there is no such database and the user may not create it: create it, or check MYSQL_DB_NAME: %w", concealMySQL(err))
		}
		return err
	})
}

// migrateMySQL migrates while no other process does.
func migrateMySQL(ctx context.Context, c *MySQLConfig, version serverVersion) (_ Migration, err error) {
	db, err := openMySQL(c, version, maintenanceTimeout)
	if err != nil {
		return Migration{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	var locked sql.NullInt64
	if err := lock.QueryRowContext(ctx, "SELECT GET_LOCK("+migrationLock+", ?)", migrationPatience).Scan(&locked); err != nil {
		return Migration{}, fmt.Errorf("wait for others that migrate: %w", err)
	}
	if locked.Int64 != 1 {
		return Migration{}, fmt.Errorf("%w: another process has been migrating for %d s", hub.ErrUnavailable, migrationPatience)
	}
	defer func() {
		_, releaseErr := lock.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+migrationLock+")")
		err = errors.Join(err, releaseErr)
	}()
	p, err := mysqlProvider(db)
	if err != nil {
		return Migration{}, err
	}
	m, err := migrateLocked(ctx, db, p, version)
	if mysqlNumber(err) != 0 {
		err = fmt.Errorf("apply migrations: %w", concealMySQL(err))
	}
	return m, err
}

// migrateLocked applies what is missing, where nobody else does. What is up to date takes no more than the right to read it.
func migrateLocked(ctx context.Context, db *sql.DB, p *goose.Provider, version serverVersion) (Migration, error) {
	pending, err := p.HasPending(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("read schema version: %w", err)
	}
	if !pending {
		return applyMigrations(ctx, p) // which refuses a newer schema
	}
	// Tables get the collation of the database, which the migrations cannot name because the two servers have none in common.
	if _, err := db.ExecContext(ctx, "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE "+version.collation()); err != nil {
		return Migration{}, fmt.Errorf("set the database's collation: %w", err)
	}
	return applyMigrations(ctx, p)
}

func mysqlProvider(db *sql.DB) (*goose.Provider, error) {
	return provider(goose.DialectMySQL, db, "migrations/mysql", goose.WithTableName(mysqlVersionTable))
}

// checkMySQLSchema refuses a database without the present schema.
func checkMySQLSchema(ctx context.Context, db *sql.DB) error {
	owned, err := checkMySQLOwner(ctx, db)
	if err != nil {
		return err
	}
	if !owned {
		return errors.New("the database is empty: migrate it first")
	}
	p, err := mysqlProvider(db)
	if err != nil {
		return err
	}
	if err := checkVersion(ctx, db, p, mysqlVersionTable); err != nil {
		return err
	}
	return checkMySQLEmailIndex(ctx, db)
}

// checkMySQLOwner reports whether the database is ours. It refuses one that has tables and is not.
func checkMySQLOwner(ctx context.Context, db *sql.DB) (owned bool, err error) {
	var tables, ours int
	err = db.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN table_name = ? THEN 1 END) FROM information_schema.tables
		WHERE table_schema = DATABASE()`, mysqlVersionTable).Scan(&tables, &ours)
	switch {
	case err != nil:
		return false, fmt.Errorf("list tables: %w", err)
	case tables > 0 && ours == 0:
		return false, errors.New("the database belongs to another program: name an empty one")
	}
	return ours > 0, nil
}

// checkMySQLEmailIndex refuses a database that would store an e-mail address twice, or take two for one.
func checkMySQLEmailIndex(ctx context.Context, db *sql.DB) error {
	var n int
	if err := db.QueryRowContext(ctx, countEmailIndexes).Scan(&n); err != nil {
		return fmt.Errorf("look for the unique index on e-mail addresses: %w", err)
	}
	if n == 0 {
		return errNoEmailIndex
	}
	return nil
}
