package sqlstore

import (
	"context"
	"database/sql"
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

// writer does units, each whole or not at all.
type writer interface {
	// do has run done in a transaction, and returns after its commit. If ctx ends while the unit waits for its turn, it is
	// not done; if ctx ends while it is being done, it may be done all the same. Run may be called again after its transaction
	// was rolled back, and also when the caller has left.
	do(ctx context.Context, run func(*tx) error) error
	// close waits for the units that were taken and gives the connections back.
	close() error
}

// groupWriter is the writer of a database that has one at a time. It owns the connection that writes, and commits all
// units that wait at the same moment together.
type groupWriter struct {
	db    *sql.DB
	units chan *unit
	stop  chan struct{} // closed to stop
	ended chan struct{} // closed when nothing runs any more

	stopOnce sync.Once
}

// startGroupWriter starts a writer, which takes over db and holds it until close.
func startGroupWriter(db *sql.DB) *groupWriter {
	w := &groupWriter{db: db, units: make(chan *unit), stop: make(chan struct{}), ended: make(chan struct{})}
	go w.loop()
	return w
}

// do implements writer.
func (w *groupWriter) do(ctx context.Context, run func(*tx) error) error {
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

// close implements writer.
func (w *groupWriter) close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.ended
	return w.db.Close()
}

func (w *groupWriter) loop() {
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
func (w *groupWriter) gather(batch []*unit) []*unit {
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
func (w *groupWriter) commit(t *tx, batch []*unit) *tx {
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
func (w *groupWriter) begin(t *tx) (*tx, error) {
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
