package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/a64core/hub"
)

// snapshot is a transaction that reads, on a connection of its own: it may last, and no request waits for it.
type snapshot struct {
	dialect *dialect
	db      *sql.DB
	tx      *sql.Tx
}

// Snapshot implements hub.Database. The view is of one moment. Until it is closed, SQLite's write-ahead log and MySQL's undo
// log keep what was changed since.
func (s *Store) Snapshot(ctx context.Context) (hub.Snapshot, error) {
	db, err := s.openReader(ctx)
	if err != nil {
		return nil, s.dialect.wrap("take a snapshot", err)
	}
	tx, err := db.BeginTx(ctx, &s.dialect.snapshot)
	if err == nil {
		var n int // the first query, and not the transaction's begin, decides of which moment the view is
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM users WHERE user_id = ''`).Scan(&n)
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}
	if err != nil {
		return nil, errors.Join(s.dialect.wrap("take a snapshot", err), db.Close())
	}
	return &snapshot{dialect: s.dialect, db: db, tx: tx}, nil
}

// openReader opens one more connection for what takes long.
func (s *Store) openReader(ctx context.Context) (*sql.DB, error) {
	if s.server == nil {
		return openSQLite(s.path, 1, true)
	}
	version, err := ownedOrEmpty(ctx, s.server)
	if err != nil {
		return nil, err
	}
	return openMySQL(s.server, version, maintenanceTimeout)
}

// Scan implements hub.Snapshot.
func (v *snapshot) Scan(ctx context.Context, q hub.ScanQuery) ([]hub.Record, error) {
	query, args, scan, err := scanning(q)
	if err != nil {
		return nil, err
	}
	rows, err := v.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, v.dialect.wrap("scan records", err)
	}
	all, err := collect(rows, scan)
	return all, v.dialect.wrap("scan records", err)
}

// AtOneMoment implements hub.Snapshot.
func (*snapshot) AtOneMoment() bool { return true }

// Close implements hub.Snapshot.
func (v *snapshot) Close() error {
	err := v.tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) { // its context has ended
		err = nil
	}
	return errors.Join(v.dialect.wrap("end a snapshot", err), v.db.Close())
}
