package mongostore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/a64core/hub"
)

const (
	callTimeout = 3 * time.Second
	// recordTimeout is what a call has more for each record, if it writes many.
	recordTimeout = 50 * time.Millisecond
	// scanTimeout is for what may read much: scans, statistics, verification.
	scanTimeout = time.Minute
	// maxTries bounds how often a call is made that the server turned down because of another one. The waits in between
	// double up to maxWait: breaking a deadlock of many may take a second.
	maxTries = 30
	maxWait  = 640 * time.Millisecond
)

// Error codes of servers: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const (
	codeDuplicateKey         = 11000
	codeWriteConflict        = 112
	codeAuthenticationFailed = 18
	codeFerretDeadlock       = 16908292 // FerretDB: "deadlock detected" by PostgreSQL
	codeNotPrimary           = 10107
	codeNotPrimaryNoOK       = 13435
	codeIndexConflict        = 85
	codeIndexKeysConflict    = 86
)

// unavailableCodes are what servers answer that cannot serve at the moment.
func unavailableCodes() []int {
	return []int{
		codeWriteConflict, codeFerretDeadlock, codeNotPrimary, codeNotPrimaryNoOK,
		6, 7, 89, 9001, // network between servers
		24, 46, // locks
		1,            // FerretDB whose PostgreSQL is away or full; of mongod, a fault of its own
		50, 262, 202, // time limits
		64, 100, // write concern not met
		91, 189, 11600, 11601, 11602, 13436, // shutting down, stepping down, recovering
		133, 134, // no primary
		14031, 365, 10334, // no space, overloaded
	}
}

// do makes one call of the driver with a deadline, again if the server did not even begin it, and gives its error a
// meaning of ours.
func (s *Store) do(ctx context.Context, what string, call func(context.Context) error) error {
	return do(ctx, what, callTimeout, call)
}

// doMany is do for a call that writes n records.
func (s *Store) doMany(ctx context.Context, what string, n int, call func(context.Context) error) error {
	return do(ctx, what, callTimeout+time.Duration(n)*recordTimeout, call)
}

func do(ctx context.Context, what string, timeout time.Duration, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return wrap(ctx, what, err)
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		err := call(bounded)
		if err == nil {
			return nil
		}
		if !wasNotBegun(err) || try == maxTries || !pause(bounded, try) {
			return wrap(ctx, what, err)
		}
	}
}

// wasNotBegun reports whether the server turned a call down before doing anything of it, so that it may be repeated.
func wasNotBegun(err error) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && (e.HasErrorCode(codeWriteConflict) || e.HasErrorCode(codeFerretDeadlock) ||
		e.HasErrorCode(codeNotPrimary) || e.HasErrorCode(codeNotPrimaryNoOK))
}

// pause waits before another try, a random time so that those who met do not meet again.
func pause(ctx context.Context, try int) bool {
	t := time.NewTimer(rand.N(min(5*time.Millisecond<<min(try, 10), maxWait)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wrap says what failed, and why in words of package hub if it has any. Servers repeat values in their messages, so that
// of a server's error only code and name are kept.
func wrap(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, meaning(ctx, err))
}

func meaning(ctx context.Context, err error) error {
	var server mongo.ServerError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case isOurs(err):
		return err
	case errors.Is(err, mongo.ErrNoDocuments):
		return hub.ErrNotFound
	case mongo.IsTimeout(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: no answer in time", hub.ErrUnavailable)
	case isRejected(err):
		return errRejected
	case isConnectionError(err):
		return fmt.Errorf("%w: no connection", hub.ErrUnavailable)
	case errors.As(err, &server):
		return serverMeaning(server)
	}
	return err
}

func isOurs(err error) bool {
	for _, ours := range []error{hub.ErrNotFound, hub.ErrConflict, hub.ErrDuplicateEmail, hub.ErrLastSuperAdmin, hub.ErrOrphan, hub.ErrUnavailable} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}

func serverMeaning(e mongo.ServerError) error {
	codes := e.ErrorCodes()
	switch {
	case isDuplicateOf(e, emailIndex):
		return hub.ErrDuplicateEmail
	case hasConcernError(e), slices.ContainsFunc(codes, func(c int) bool { return slices.Contains(unavailableCodes(), c) }):
		return fmt.Errorf("%w: server answered %s", hub.ErrUnavailable, named(e))
	}
	return fmt.Errorf("server answered %s", named(e))
}

// named returns code and name of a server's error.
func named(e mongo.ServerError) string {
	text := strings.Trim(fmt.Sprint(e.ErrorCodes()), "[]")
	var command mongo.CommandError
	if errors.As(e, &command) && command.Name != "" {
		text += " " + command.Name
	}
	return "code " + text
}

// hasConcernError reports whether a write was done but is not as safe as was asked for: nobody knows whether it stays.
func hasConcernError(err error) bool {
	var one mongo.WriteException
	var many mongo.BulkWriteException
	return errors.As(err, &one) && one.WriteConcernError != nil || errors.As(err, &many) && many.WriteConcernError != nil
}

// isConnectionError reports whether no server could be found or connected to, or the connection was lost.
func isConnectionError(err error) bool {
	var (
		selection  topology.ServerSelectionError
		connection topology.ConnectionError
		queue      topology.WaitQueueTimeoutError
		pool       driver.RetryablePoolError
	)
	return mongo.IsNetworkError(err) || errors.Is(err, mongo.ErrClientDisconnected) || errors.As(err, &selection) ||
		errors.As(err, &connection) || errors.As(err, &queue) || errors.As(err, &pool)
}

var errRejected = errors.New("the server does not accept user and password")

// isRejected reports whether the server does not let us in, which no waiting will change.
func isRejected(err error) bool {
	var shaking *auth.Error
	var e driver.Error
	return errors.As(err, &shaking) && errors.As(shaking, &e) && e.Code == codeAuthenticationFailed
}

// isDuplicate reports whether a write failed because a unique index has the value already.
func isDuplicate(err error) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCode(codeDuplicateKey)
}

// isDuplicateOf does so for one index. The texts differ between servers, but the name of the index is in all of them.
func isDuplicateOf(err error, index string) bool {
	var e mongo.ServerError
	return errors.As(err, &e) && e.HasErrorCodeWithMessage(codeDuplicateKey, index)
}
