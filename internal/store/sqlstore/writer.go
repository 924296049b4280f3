package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/a64core/hub"
)

// maxBatch bounds how many units share a commit, and so how long the first of them waits for the last.
const maxBatch = 64

var errClosed = fmt.Errorf("%w: the store is closed", hub.ErrUnavailable)

// unit is what one caller wants done whole or not at all.
type unit struct {
	ctx    context.Context
	run    func(*tx) error
	result chan error // holds one
}

// writer owns the connection that writes. It commits all units that wait at the same moment together.
type writer struct {
	db    *sql.DB
	units chan *unit
	stop  chan struct{} // closed to stop
	ended chan struct{} // closed when nothing runs any more

	stopOnce sync.Once
}

// startWriter starts a writer, which takes over db and holds it until close.
func startWriter(db *sql.DB) *writer {
	w := &writer{db: db, units: make(chan *unit), stop: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// do has run done in a transaction, and returns after its commit. If ctx ends while the unit waits for its turn, it is
// not done; if ctx ends while it is being done, it may be done all the same.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u := &unit{ctx: ctx, run: run, result: make(chan error, 1)}
	select {
	case w.units <- u:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
	select {
	case err := <-u.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the units that were taken and gives the connection back.
func (w *writer) close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.ended
	return w.db.Close()
}

func (w *writer) loop() {
	defer close(w.ended)
	var t *tx
	for {
		select {
		case <-w.stop:
			t.discard()
			return
		case u := <-w.units:
			runtime.Gosched() // those answered by the last commit may have their next unit ready
			t = w.commit(t, w.gather([]*unit{u}))
		}
	}
}

// gather adds the units that wait at this moment to the batch.
func (w *writer) gather(batch []*unit) []*unit {
	for len(batch) < maxBatch {
		select {
		case u := <-w.units:
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// commit does the batch in one transaction and answers all. It returns the connection for the next batch, nil if it
// cannot be trusted any more.
func (w *writer) commit(t *tx, batch []*unit) *tx {
	t, err := w.begin(t)
	if err != nil {
		batch = w.gather(batch) // those who came meanwhile have waited for the same lock
	}
	results := make([]error, len(batch))
	if err == nil {
		err = t.commit(batch, results)
	}
	for i, u := range batch {
		if err != nil {
			results[i] = err
		}
		u.result <- results[i]
	}
	if err != nil {
		t.discard()
		return nil
	}
	return t
}

// begin begins a transaction, on a new connection if t is nil.
func (w *writer) begin(t *tx) (*tx, error) {
	if t == nil {
		var err error
		if t, err = openTx(w.db); err != nil {
			return nil, err
		}
	}
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return t, fmt.Errorf("begin: %w", err)
	}
	return t, nil
}

// tx is the connection that writes, with the statements prepared on it. Nothing that runs on it is ever cancelled: SQLite
// would roll back the whole transaction, of which one caller's unit is only a part.
type tx struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func openTx(db *sql.DB) (*tx, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &tx{conn: conn, statements: make(map[string]*sql.Stmt)}, nil
}

// discard closes the connection for good. What was not committed is rolled back.
func (t *tx) discard() {
	if t == nil {
		return
	}
	for _, statement := range t.statements {
		_ = statement.Close() // or SQLite would keep the connection, with its lock, for the statement's sake
	}
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = t.conn.Close()
}

// commit runs each unit behind a savepoint of the transaction that has begun, and commits those that succeed. It sets
// the results of the units; an error says that nothing at all was done.
func (t *tx) commit(batch []*unit, results []error) error {
	for i, u := range batch {
		if results[i] = u.ctx.Err(); results[i] != nil {
			continue
		}
		if _, err := t.exec("SAVEPOINT unit"); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if results[i] = u.run(t); results[i] != nil {
			// Where there is no space, SQLite has rolled back everything and knows the savepoint no more.
			if _, err := t.exec("ROLLBACK TO unit"); err != nil {
				return errors.Join(results[i], err)
			}
		}
		if _, err := t.exec("RELEASE unit"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (t *tx) prepared(query string) (*sql.Stmt, error) {
	if s, ok := t.statements[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	t.statements[query] = s
	return s, nil
}

// exec runs a statement and returns how many rows it changed. The texts of statements are few: each stays prepared.
func (t *tx) exec(query string, args ...any) (int, error) {
	s, err := t.prepared(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// change runs a statement that must change a row. ErrConflict if there is none to change.
func (t *tx) change(query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		return hub.ErrConflict
	}
	return err
}

// texts returns the first column of all rows of a query.
func (t *tx) texts(query string, args ...any) ([]string, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row, text *string) error { return r.Scan(text) })
}
