package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

// Units that other units get in the way of are repeated, with waits that double from the first to the last.
const (
	maxAttempts = 12
	firstPause  = 2 * time.Millisecond
	lastPause   = 200 * time.Millisecond
)

// serverWriter is the writer of a server that many write to at once: each unit is a transaction of its own. The server
// groups their commits by itself.
type serverWriter struct {
	db     *sql.DB
	closed atomic.Bool
}

// do implements writer. A unit that did not come to its commit is repeated if the reason was another unit, or a connection
// that had died.
func (w *serverWriter) do(ctx context.Context, run func(*tx) error) error {
	return w.repeat(ctx, func(ctx context.Context) (bool, error) { return w.once(ctx, run) })
}

// single does one statement, which commits by itself: one round trip instead of three. It may be done more than once. It
// returns how many rows it changed, or found to be as they should be.
func (w *serverWriter) single(ctx context.Context, query string, args []any) (changed int, err error) {
	err = w.repeat(ctx, func(ctx context.Context) (bool, error) {
		result, err := w.db.ExecContext(ctx, query, args...)
		if err != nil {
			return false, err
		}
		n, err := result.RowsAffected()
		changed = int(n)
		return false, err
	})
	return changed, err
}

// repeat makes attempts, each of which says whether it came to its commit.
func (w *serverWriter) repeat(ctx context.Context, try func(context.Context) (committing bool, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.closed.Load() {
		return errClosed
	}
	bounded, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		committing, err := try(bounded)
		repeatable := isMySQLRepeatable(err) || errors.Is(err, errPutTwice) || !committing && isConnectionLost(err)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && isConnectionLost(err):
			return ctx.Err() // the driver closes the connection of a caller who leaves
		case !repeatable || attempt+1 == maxAttempts || !pause(bounded, attempt):
			return err
		}
	}
}

// pause waits before the next attempt. False if there is no time left for one.
func pause(ctx context.Context, attempt int) bool {
	longest := min(firstPause<<attempt, lastPause)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// once runs the unit in a transaction, and says whether it came to its commit.
func (w *serverWriter) once(ctx context.Context, run func(*tx) error) (committing bool, err error) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	t := &tx{conn: conn, ctx: ctx}
	ended := false
	defer func() {
		if !ended { // also when run panics
			t.discard()
		}
	}()
	if _, err := t.exec("START TRANSACTION"); err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	if err := run(t); err != nil {
		ended = t.end("ROLLBACK") == nil
		if ended {
			_ = conn.Close() // it goes back to the pool
		}
		return false, err
	}
	if err := t.end("COMMIT"); err != nil {
		if mysqlNumber(err) == 0 {
			return true, fmt.Errorf("%w: no answer to the commit: %w", hub.ErrUnavailable, err)
		}
		return true, fmt.Errorf("commit: %w", err)
	}
	ended = true
	_ = conn.Close()
	return true, nil
}

// end ends the transaction. Whether the caller is still there makes no difference any more, only the time that is left.
func (t *tx) end(statement string) error {
	deadline, ok := t.ctx.Deadline()
	if !ok {
		return errors.New("a transaction without a deadline")
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(t.ctx), deadline)
	defer cancel()
	_, err := t.conn.ExecContext(ctx, statement)
	return err
}

// close implements writer.
func (w *serverWriter) close() error {
	w.closed.Store(true)
	return w.db.Close()
}
