package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

// Bounds of what shares a transaction, and so a commit, which is what costs a server most.
const (
	maxShared  = 16
	maxWaiting = 1024
)

// transactionsFor returns how many transactions are open at a time before units share them. Two keep a server busy that is
// near, and more get in each other's way there (docs/adr/0006). On one that is far they wait for the network by turns.
func transactionsFor(roundTrip time.Duration) int {
	const near, most = 2, 8
	return min(near+int(roundTrip/(100*time.Microsecond)), most)
}

// serverWriter is the writer of a server that many write to at once. A unit has a transaction of its own unless
// as many are open as may be: then those that wait share the next. There is no goroutine that writes; the callers do
// each other's units.
type serverWriter struct {
	db      *sql.DB
	waiting chan *unit
	open    chan struct{} // holds one for each transaction of units
	closed  atomic.Bool
}

func newServerWriter(db *sql.DB, transactions int) *serverWriter {
	return &serverWriter{db: db, waiting: make(chan *unit, maxWaiting), open: make(chan struct{}, transactions)}
}

var (
	// errAside says that a unit was rolled back because of another in the same transaction.
	errAside = fmt.Errorf("%w: another change in the transaction failed", hub.ErrUnavailable)
	// errNoAnswer says that a transaction may have been committed.
	errNoAnswer = fmt.Errorf("%w: no answer to the commit", hub.ErrUnavailable)
)

// do implements writer. A unit that was not committed is repeated, in a transaction of its own, if the reason was another
// unit, or a connection that had died.
func (w *serverWriter) do(ctx context.Context, run func(*tx) error) error {
	try := w.share
	return w.repeat(ctx, serverPatience, func(ctx context.Context) error {
		err := try(ctx, run)
		try = w.alone
		return err
	})
}

// doMany does a unit that writes n records, in a transaction of its own.
func (w *serverWriter) doMany(ctx context.Context, n int, run func(*tx) error) error {
	return w.repeat(ctx, serverPatience+time.Duration(n)*recordPatience, func(ctx context.Context) error { return w.alone(ctx, run) })
}

// share has a unit done by whoever gets to open a transaction first, with others that wait then.
func (w *serverWriter) share(ctx context.Context, run func(*tx) error) error {
	u := &unit{ctx: ctx, run: run, result: make(chan error, 1)}
	select {
	case w.waiting <- u:
	case <-ctx.Done():
		return ctx.Err()
	}
	open := w.open
	for {
		select {
		case err := <-u.result:
			return err
		case open <- struct{}{}:
			if w.doWaiting(ctx, u) {
				open = nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// doWaiting does units that wait, and then makes place for another transaction. It reports whether it, or somebody else
// before, has taken the caller's own.
func (w *serverWriter) doWaiting(ctx context.Context, own *unit) bool {
	defer func() { <-w.open }()
	batch := w.gather()
	if len(batch) > 0 {
		w.together(ctx, batch)
	}
	return len(batch) == 0 || slices.Contains(batch, own)
}

// gather takes one of the units that wait, if there are any, and more if they would find no transaction of their own.
func (w *serverWriter) gather() (batch []*unit) {
	for len(batch) == 0 || len(batch) < maxShared && len(w.open) == cap(w.open) {
		select {
		case u := <-w.waiting:
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// together does the units in one transaction, and answers each.
func (w *serverWriter) together(ctx context.Context, batch []*unit) {
	results := make([]error, len(batch))
	culprit, err := -1, errAside // which is what all get if one panics
	defer func() {
		for i, u := range batch {
			if err != nil && i != culprit {
				results[i] = err
			}
			u.result <- results[i]
		}
	}()
	err = w.alone(ctx, func(t *tx) error {
		if culprit = t.runAll(batch, results); culprit >= 0 {
			return errAside
		}
		if err := t.addLate(); err != nil { // one of them is at fault, and will be when it is alone
			return errAside
		}
		return nil
	})
}

// runAll runs the units and sets their results. A unit that fails takes nobody with it, unless it has changed something or
// the transaction cannot go on: then it is the culprit because of whom all must be rolled back. There is none below zero.
func (t *tx) runAll(batch []*unit, results []error) (culprit int) {
	for i, u := range batch {
		if results[i] = u.ctx.Err(); results[i] != nil {
			continue
		}
		events := len(t.events)
		t.changed = false
		if results[i] = u.run(t); results[i] != nil {
			if t.changed || isMySQLUnavailable(results[i]) {
				return i
			}
			t.events = t.events[:events]
		}
	}
	return -1
}

// single does one statement, which commits by itself: one round trip instead of three. It may be done more than once. It
// returns how many rows it changed, or found to be as they should be.
func (w *serverWriter) single(ctx context.Context, query string, args []any) (changed int, err error) {
	err = w.repeat(ctx, serverPatience, func(ctx context.Context) error {
		result, err := w.db.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed = int(n)
		return err
	})
	return changed, err
}

// repeat makes attempts for as long as there is reason for another, and patience.
func (w *serverWriter) repeat(ctx context.Context, patience time.Duration, try func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.closed.Load() {
		return errClosed
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := try(bounded)
		switch {
		case err == nil:
			return nil
		case bounded.Err() != nil && isConnectionLost(err) && !errors.Is(err, errNoAnswer):
			return bounded.Err() // the driver closes the connection then, and may say no more than that it is gone
		case !isRepeatable(err) || attempt+1 == maxAttempts || !pause(bounded, attempt):
			return err
		}
	}
}

func isRepeatable(err error) bool {
	return isMySQLRepeatable(err) || errors.Is(err, errPutTwice) || errors.Is(err, errAside) ||
		isConnectionLost(err) && !errors.Is(err, errNoAnswer)
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

// alone runs the unit in a transaction of its own. Once it has begun, it goes on whether the caller is still there or not:
// only the time that is left ends it.
func (w *serverWriter) alone(ctx context.Context, run func(*tx) error) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return errors.New("a transaction without a deadline")
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	t := &tx{conn: conn, ctx: ctx}
	ended := false
	defer func() {
		if !ended { // also when run panics
			t.discard()
		}
	}()
	if _, err := t.exec("START TRANSACTION"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err = run(t); err == nil {
		err = t.addLate()
	}
	if err != nil {
		if _, rollback := t.exec("ROLLBACK"); rollback == nil {
			ended = true
			_ = conn.Close() // it goes back to the pool
		}
		return err
	}
	if _, err := t.exec("COMMIT"); err != nil {
		if mysqlNumber(err) == 0 {
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		return fmt.Errorf("commit: %w", err)
	}
	ended = true
	_ = conn.Close()
	return nil
}

// close implements writer.
func (w *serverWriter) close() error {
	w.closed.Store(true)
	return w.db.Close()
}
