package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/a64core/hub"
)

// Config says which database to open, and how.
type Config struct {
	Path    string       // of the SQLite file
	MySQL   *MySQLConfig // the database on a MySQL or MariaDB server; nil: the SQLite file
	Migrate bool         // create what is missing and bring the schema up to date; otherwise Open refuses any other than the present one
	Readers int          // connections to the file that read, 0 for a number that suits the machine
	Marks   bool         // keep a mark of each change, for whoever copies it to another database
}

// Store is a hub.Store on one SQL database.
type Store struct {
	path    string       // of the SQLite file; empty on a server
	place   string       // for people: file, or host and name
	server  *MySQLConfig // nil: a SQLite file
	dialect *dialect
	writer  writer
	readers *sql.DB
	marks   bool

	mu       sync.RWMutex
	prepared map[string]*sql.Stmt // on readers, by text
}

var _ hub.Database = (*Store)(nil)

// Open opens the database. It refuses one whose schema is newer than this program, one that is older unless c.Migrate
// is set, one that belongs to another program, and one without the index that keeps e-mail addresses unique.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Migrate {
		if _, err := Migrate(ctx, c); err != nil {
			return nil, err
		}
	}
	open := openFile
	if c.MySQL != nil {
		open = openServer
	}
	s, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	s.marks, s.prepared = c.Marks, make(map[string]*sql.Stmt)
	return s, nil
}

// openFile opens a SQLite file.
func openFile(ctx context.Context, c Config) (*Store, error) {
	if _, err := os.Stat(c.Path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	d := sqliteDialect()
	write, err := openSQLite(c.Path, 1, false)
	if err != nil {
		return nil, err
	}
	err = check(ctx, write)
	if err == nil {
		err = enableWAL(ctx, write) // a file that comes from a backup is in another mode
	}
	if err != nil {
		return nil, errors.Join(d.wrap("open database", err), write.Close())
	}
	if c.Readers == 0 {
		c.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	read, err := openSQLite(c.Path, c.Readers, true)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Store{path: c.Path, place: c.Path, dialect: d, writer: startGroupWriter(write), readers: read}, nil
}

// Close waits for what is being written and closes the database.
func (s *Store) Close() error {
	return errors.Join(s.writer.close(), s.readers.Close())
}

// Ping reports whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return s.readOne(ctx, "ping", "SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) AS some", nil, &n)
}

// write has the writer do run, whose statements are kept together or not at all.
func (s *Store) write(ctx context.Context, what string, run func(*tx) error) error {
	return s.dialect.wrap(what, s.writer.do(ctx, run))
}

// writeMany is write for a unit that writes n records, which may be so many that no other should wait for it, and that a server
// needs more time than a call has.
func (s *Store) writeMany(ctx context.Context, what string, n int, run func(*tx) error) error {
	if w, ok := s.writer.(*serverWriter); ok && n > maxShared {
		return s.dialect.wrap(what, w.doMany(ctx, n, run))
	}
	return s.write(ctx, what, run)
}

// statement returns the prepared statement for a query whose text is one of few. Nobody waits while another prepares: a
// server may take its time.
func (s *Store) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt := s.prepared[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := s.readers.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.prepared[query]; first != nil {
		_ = stmt.Close() // another was faster
		return first, nil
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// bound bounds a call that reads, where nothing else does.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.dialect.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.dialect.patience)
}

// query runs a query whose text is one of few.
func (s *Store) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	stmt, err := s.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// readOne reads the only row of a query. ErrNotFound if there is none.
func (s *Store) readOne(ctx context.Context, what, query string, args []any, dest ...any) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	rows, err := s.query(ctx, query, args)
	if err != nil {
		return s.dialect.wrap(what, err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		return s.dialect.wrap(what, errors.Join(rows.Scan(dest...), rows.Close()))
	}
	if err := rows.Err(); err != nil {
		return s.dialect.wrap(what, err)
	}
	return fmt.Errorf("%s: %w", what, hub.ErrNotFound)
}

// readAll reads all rows of a query.
func readAll[T any](ctx context.Context, s *Store, what, query string, args []any, scan func(row, *T) error) ([]T, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	rows, err := s.query(ctx, query, args)
	if err != nil {
		return nil, s.dialect.wrap(what, err)
	}
	all, err := collect(rows, scan)
	return all, s.dialect.wrap(what, err)
}
