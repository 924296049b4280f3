package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/a64core/hub"
)

// tx is a connection on which a transaction is open: what a unit may do in it.
type tx struct {
	conn *sql.Conn
	// ctx ends statements. On SQLite it never does: SQLite would roll back the whole transaction, of which one caller's unit
	// is only a part.
	ctx context.Context
	// statements are those prepared on the connection, by text; nil where the connection goes back to a pool. Then the driver
	// puts the values into the text, which costs no round trip.
	statements map[string]*sql.Stmt
	// changed says whether a statement has changed a row.
	changed bool
	events  [][]any // to be added before the commit
}

// openTx returns a connection of its own on which statements are prepared once.
func openTx(db *sql.DB) (*tx, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &tx{conn: conn, ctx: context.Background(), statements: make(map[string]*sql.Stmt)}, nil
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

// prepared returns the statement. The texts of statements are few: each stays prepared.
func (t *tx) prepared(query string) (*sql.Stmt, error) {
	if s, ok := t.statements[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	t.statements[query] = s
	return s, nil
}

// exec runs a statement and returns how many rows it changed, or found to be as they should be.
func (t *tx) exec(query string, args ...any) (int, error) {
	result, err := t.run(query, args)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	t.changed = t.changed || n > 0
	return int(n), err
}

func (t *tx) run(query string, args []any) (sql.Result, error) {
	if t.statements == nil {
		return t.conn.ExecContext(t.ctx, query, args...)
	}
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.ctx, args...)
}

// change runs a statement that must change a row. ErrConflict if there is none to change.
func (t *tx) change(query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		return hub.ErrConflict
	}
	return err
}

// query runs a query. Its rows must be closed before the next statement.
func (t *tx) query(query string, args ...any) (*sql.Rows, error) {
	if t.statements == nil {
		return t.conn.QueryContext(t.ctx, query, args...)
	}
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(t.ctx, args...)
}

// texts returns the first column of all rows of a query.
func (t *tx) texts(query string, args ...any) ([]string, error) {
	rows, err := t.query(query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(r row, text *string) error { return r.Scan(text) })
}
