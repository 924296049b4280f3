package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations
var migrations embed.FS

// applicationID stands in the file's header, so that a file tells whose it is.
const applicationID = 0x41363443 // "A64C"

// Migration says what Migrate did: which version the schema had, 0 for none, and which it has.
type Migration struct{ From, To int64 }

// Migrate creates the database if there is none, and brings its schema up to date. Several processes may do so at once.
func Migrate(ctx context.Context, c Config) (_ Migration, err error) {
	if c.MySQL != nil {
		return migrateServer(ctx, *c.MySQL)
	}
	if err := createFile(c.Path); err != nil {
		return Migration{}, err
	}
	db, err := openSQLite(c.Path, 2, false)
	if err != nil {
		return Migration{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	m, err := migrate(ctx, db)
	return m, sqliteDialect().wrap("migrate", err)
}

func migrate(ctx context.Context, db *sql.DB) (Migration, error) {
	owned, err := checkOwner(ctx, db)
	if err != nil {
		return Migration{}, err
	}
	if err := enableWAL(ctx, db); err != nil {
		return Migration{}, err
	}
	if !owned { // before the first table, so that no other process ever sees tables without an owner
		if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return Migration{}, fmt.Errorf("mark the file as ours: %w", err)
		}
	}
	p, err := sqliteProvider(db)
	if err != nil {
		return Migration{}, err
	}
	return applyMigrations(ctx, p)
}

// applyMigrations applies what is missing. A migration fails where another process has just applied it; then the schema has
// become newer, and it goes on from there.
func applyMigrations(ctx context.Context, p *goose.Provider) (Migration, error) {
	from, to, err := p.GetVersions(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("read schema version: %w", err)
	}
	if from > to {
		return Migration{}, newerSchema(from, to)
	}
	for before := from; ; {
		_, upErr := p.Up(ctx)
		if upErr == nil {
			return Migration{From: from, To: to}, nil
		}
		now, err := p.GetDBVersion(ctx)
		if err != nil {
			return Migration{}, fmt.Errorf("read schema version: %w", err)
		}
		if now == before {
			return Migration{}, upErr
		}
		before = now
	}
}

func sqliteProvider(db *sql.DB) (*goose.Provider, error) {
	return provider(goose.DialectSQLite3, db, "migrations/sqlite")
}

// provider returns what applies the migrations in the folder to db.
func provider(d goose.Dialect, db *sql.DB, folder string, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	p, err := goose.NewProvider(d, db, files, append(options, goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// SchemaVersion returns the number of the last migration that was applied.
func (s *Store) SchemaVersion(ctx context.Context) (v int64, _ error) {
	return v, s.readOne(ctx, "read schema version", selectVersion+s.dialect.versionTable, nil, &v)
}

const selectVersion = "SELECT COALESCE(MAX(version_id), 0) FROM "

// check refuses a database that this program cannot serve from.
func check(ctx context.Context, db *sql.DB) error {
	owned, err := checkOwner(ctx, db)
	if err != nil {
		return err
	}
	if !owned {
		return errors.New("the database is empty: migrate it first")
	}
	p, err := sqliteProvider(db)
	if err != nil {
		return err
	}
	if err := checkVersion(ctx, db, p, goose.DefaultTablename); err != nil {
		return err
	}
	return checkEmailIndex(ctx, db)
}

// checkVersion refuses a schema that is not the present one.
func checkVersion(ctx context.Context, db *sql.DB, p *goose.Provider, table string) error {
	var version int64
	if err := db.QueryRowContext(ctx, selectVersion+table).Scan(&version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	switch newest := sources[len(sources)-1].Version; {
	case version > newest:
		return newerSchema(version, newest)
	case version < newest:
		return fmt.Errorf("the schema has version %d and this program needs %d: migrate it first", version, newest)
	}
	return nil
}

func newerSchema(version, newest int64) error {
	return fmt.Errorf("the schema has version %d and this program knows %d: use a newer program", version, newest)
}

// checkOwner reports whether the file is marked as ours. It refuses one that is not a SQLite database, and one that has
// tables and is not ours.
func checkOwner(ctx context.Context, db *sql.DB) (owned bool, err error) {
	var id, tables int
	err = db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM sqlite_schema), application_id FROM pragma_application_id").Scan(&tables, &id)
	switch {
	case sqliteCode(err)&0xff == sqlite3.SQLITE_NOTADB:
		return false, fmt.Errorf("the file is not a SQLite database: %w", err)
	case err != nil:
		return false, fmt.Errorf("read the file's header: %w", err)
	case tables > 0 && id != applicationID:
		return false, errors.New("the file is the database of another program")
	}
	return id == applicationID, nil
}

var errNoEmailIndex = errors.New("users has no unique index on e-mail addresses: restore the database from a backup, or repair the index")

// checkEmailIndex refuses a database that would store an e-mail address twice.
func checkEmailIndex(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pragma_index_list('users') AS i WHERE i."unique" = 1 AND i.partial = 0
		AND (SELECT GROUP_CONCAT(c.name || ' ' || c.coll) FROM pragma_index_xinfo(i.name) AS c WHERE c."key" = 1) = 'email BINARY'`).Scan(&n)
	if err != nil {
		return fmt.Errorf("look for the unique index on e-mail addresses: %w", err)
	}
	if n == 0 {
		return errNoEmailIndex
	}
	return nil
}
