package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
)

// dialect is what the queries of this package cannot say in the SQL that all databases share.
type dialect struct {
	engine string // for people: "sqlite" or "mysql"
	about  string // a query for the product's name with its version, and the bytes on disk
	tables string // a query for the number of tables with a name

	versionTable string // of the migrations

	// patience bounds each call; 0 where something else does.
	patience time.Duration
	// snapshot begins a transaction whose queries see one state.
	snapshot sql.TxOptions
	// deleteSome is a statement that deletes rows of the table %[1]s with the key %[2]s for which %[3]s holds, up to a limit.
	deleteSome string

	// lockRows ends a SELECT whose rows must not change until the transaction ends. Empty where only one transaction
	// writes at a time.
	lockRows string
	// useIndex stands behind a table that is to be read by the index %s.
	useIndex string

	// conceal takes away what an error of the driver says of values.
	conceal func(error) error
	// isUnavailable: the database is locked, full, unreadable or away, and the same call may succeed later.
	isUnavailable func(error) bool
	// isDuplicate: a row with the same primary key or unique value exists.
	isDuplicate func(error) bool
	// isDuplicateEmail: of a statement on users, a row with the same e-mail address exists.
	isDuplicateEmail func(error) bool
	// isOrphan: the row that a foreign key names does not exist.
	isOrphan func(error) bool
}

// classify gives an error of the driver the meaning that hub.Store promises. Errors that have one keep it.
func (d *dialect) classify(err error) error {
	err = d.conceal(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hub.ErrUnavailable):
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), d.isUnavailable(err):
		return fmt.Errorf("%w: %w", hub.ErrUnavailable, err)
	}
	return err
}

// wrap classifies err and says what was attempted.
func (d *dialect) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, hub.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", what, d.classify(err))
}
