package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a statement waits for a lock that another process holds.
const busyTimeout = 5 * time.Second

// sqliteDialect returns the dialect of SQLite. It goes by result codes alone (https://www.sqlite.org/rescode.html):
// users has one UNIQUE index, the one on email, and its primary key has a code of its own.
func sqliteDialect() *dialect {
	return &dialect{
		engine:       "sqlite",
		about:        aboutSQLite,
		tables:       "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?",
		versionTable: goose.DefaultTablename,
		deleteSome:   `DELETE FROM %[1]s WHERE %[2]s IN (SELECT %[2]s FROM %[1]s WHERE %[3]s LIMIT ?)`,
		snapshot:     sql.TxOptions{ReadOnly: true},
		useIndex:     `INDEXED BY %s`,
		conceal:      func(err error) error { return err },
		isUnavailable: func(err error) bool {
			switch sqliteCode(err) & 0xff {
			case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
				sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT:
				return true
			}
			return false
		},
		isDuplicate: func(err error) bool {
			code := sqliteCode(err)
			return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
		},
		isDuplicateEmail: func(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_UNIQUE },
		isOrphan:         func(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY },
	}
}

// sqliteCode returns the extended result code of an error of SQLite, 0 of any other.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// createFile makes sure that the database file exists and that only its owner may read it; SQLite gives the files
// beside it the same mode.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	return nil
}

// openSQLite returns a pool of up to conns connections to the file, which must exist.
func openSQLite(path string, conns int, readOnly bool) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find file: %w", err)
	}
	query := url.Values{
		"mode":                 {"rw"},
		"_busy_timeout":        {fmt.Sprint(busyTimeout.Milliseconds())},
		"_foreign_keys":        {"on"},
		"_synchronous":         {"full"}, // a commit has reached the disk before it returns
		"_txlock":              {"immediate"},
		"_time_integer_format": {"unix_milli"},
		"_defensive":           {"1"},
		"_dqs":                 {"0"},
		"_pragma":              {"trusted_schema(off)", "temp_store(memory)", "secure_delete(on)", "journal_size_limit(67108864)"},
	}
	if readOnly {
		query.Set("_query_only", "on")
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// enableWAL switches the file to write-ahead logging, which lasts. The switch needs the file for itself and does not
// wait for it, so it is tried until the busy timeout has passed.
func enableWAL(ctx context.Context, db *sql.DB) error {
	deadline := time.NewTimer(busyTimeout)
	defer deadline.Stop()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("enable write-ahead log: the file stays in mode %q", mode)
		case sqliteCode(err)&0xff != sqlite3.SQLITE_BUSY:
			return fmt.Errorf("enable write-ahead log: %w", err)
		}
		select {
		case <-retry.C:
		case <-deadline.C:
			return fmt.Errorf("enable write-ahead log: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("enable write-ahead log: %w", ctx.Err())
		}
	}
}
