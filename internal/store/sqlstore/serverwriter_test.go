package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
)

// addLockouts adds lockouts with the keys.
func addLockouts(t *testing.T, s *Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := s.PutLockout(t.Context(), hub.Lockout{Key: key}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// raise is a statement that locks and changes one lockout.
const raise = `UPDATE lockouts SET failures = failures + 1 WHERE lockout_key = ?`

func failures(t *testing.T, s *Store, key string) int {
	t.Helper()
	l, err := s.LockoutByKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return l.Failures
}

// TestADeadlockIsRepeated has two units lock the same rows the other way round.
func TestADeadlockIsRepeated(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	s.writer = newServerWriter(s.readers, 3) // so that they do not share one
	addLockouts(t, s, "a", "b")
	var (
		wg, both sync.WaitGroup
		mu       sync.Mutex
		runs     int
	)
	both.Add(2)
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			first := true
			err := s.write(t.Context(), "raise both", func(tx *tx) error {
				mu.Lock()
				runs++
				mu.Unlock()
				if err := tx.change(raise, keys[0]); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				return tx.change(raise, keys[1])
			})
			if err != nil {
				t.Errorf("%v: %v", keys, err)
			}
		})
	}
	wg.Wait()
	if runs < 3 {
		t.Errorf("%d runs: there was no deadlock", runs)
	}
	for _, key := range []string{"a", "b"} {
		if n := failures(t, s, key); n != 2 {
			t.Errorf("%s was raised %d times, want 2", key, n)
		}
	}
}

// killOf returns a function that kills the connection of a unit.
func killOf(t *testing.T, s *Store) func(*tx) {
	t.Helper()
	return func(tx *tx) {
		ids, err := tx.texts("SELECT CONNECTION_ID()")
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := s.readers.ExecContext(t.Context(), "KILL "+ids[0]); err != nil {
			t.Error(err)
		}
		// The server closes the connection a moment later; a statement that waits for that ends then.
		_, _ = tx.exec("DO SLEEP(2)")
	}
}

func TestAUnitIsRepeatedOnAnotherConnection(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a")
	kill, runs := killOf(t, s), 0
	err := s.write(t.Context(), "raise", func(tx *tx) error {
		if runs++; runs == 1 {
			kill(tx)
		}
		return tx.change(raise, "a")
	})
	if err != nil || runs != 2 {
		t.Errorf("%v after %d runs", err, runs)
	}
	if n := failures(t, s, "a"); n != 1 {
		t.Errorf("raised %d times", n)
	}
}

func TestACommitWithoutAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a")
	kill, runs := killOf(t, s), 0
	err := s.write(t.Context(), "raise", func(tx *tx) error {
		runs++
		err := tx.change(raise, "a")
		kill(tx)
		return err
	})
	if !errors.Is(err, hub.ErrUnavailable) || runs != 1 {
		t.Errorf("error %v after %d runs, want once that the database is unavailable", err, runs)
	}
	if err := s.write(t.Context(), "raise", func(tx *tx) error { return tx.change(raise, "a") }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAPanicLeavesNoTransactionOpen(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a")
	func() {
		defer func() { _ = recover() }()
		_ = s.write(t.Context(), "panic", func(tx *tx) error {
			if err := tx.change(raise, "a"); err != nil {
				t.Error(err)
			}
			panic("a fault of ours")
		})
	}()
	if err := s.write(t.Context(), "raise", func(tx *tx) error { return tx.change(raise, "a") }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if n := failures(t, s, "a"); n != 1 {
		t.Errorf("raised %d times", n)
	}
}

// TestASilentServerIsUnavailable has another connection lock the tables for longer than anybody waits.
func TestASilentServerIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	u := anyUser("a@example.com")
	if err := add(t.Context(), s, u); err != nil {
		t.Fatal(err)
	}
	conn, err := s.readers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(t.Context(), "LOCK TABLES users WRITE"); err != nil {
		t.Fatal(err)
	}
	hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := add(hasty, s, anyUser("hasty@example.com")); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("a caller with a deadline: error %v", err)
	}
	left, leave := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, leave)
	if err := add(left, s, anyUser("left@example.com")); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who leaves: error %v", err)
	}
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 30 { // more than there are connections, and together
		wg.Go(func() {
			if err := add(t.Context(), s, anyUser(fmt.Sprintf("%d@example.com", i))); !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("a caller who adds: error %v", err)
			}
		})
		wg.Go(func() {
			if _, err := s.UserByID(t.Context(), u.ID); !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("a caller who reads: error %v", err)
			}
		})
		wg.Go(func() {
			if _, err := s.Users(t.Context(), hub.UserQuery{Limit: 1}); !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("a caller who lists: error %v", err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the answer took %v", took)
	}
	if _, err := conn.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	page, err := s.Users(t.Context(), hub.UserQuery{Limit: 1})
	if err != nil || page.Total != 1 {
		t.Errorf("%d users, %v; want only the one that was acknowledged", page.Total, err)
	}
}

func TestAClosedServerStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := add(t.Context(), s, anyUser("a@example.com")); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("add user: %v", err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed store answers")
	}
}

func TestErrorsOfAServerHoldNoValues(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	u := anyUser("very-private@example.com")
	u.PasswordHash = hub.NewSecret("very-private")
	if err := add(t.Context(), s, u); err != nil {
		t.Fatal(err)
	}
	twin := u
	twin.Email = "also-very-private@example.com"
	norole := anyUser("very-private-too@example.com")
	norole.Role = 0
	long := anyUser("long@example.com")
	long.LastName = strings.Repeat("very-private", 100)
	broken := anyUser("broken@example.com")
	broken.LastName = "very-private\xff"
	nojson := anyUser("nojson@example.com")
	nojson.Metadata = []byte("very-private")
	for name, err := range map[string]error{
		"same id": add(t.Context(), s, twin), "same address": add(t.Context(), s, u), "no role": add(t.Context(), s, norole),
		"too long": add(t.Context(), s, long), "no text": add(t.Context(), s, broken), "no JSON": add(t.Context(), s, nojson),
	} {
		if err == nil || strings.Contains(err.Error(), "very-private") || strings.Contains(err.Error(), u.ID) {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("%s: %v, as if it might succeed later", name, err)
		}
	}
}

// TestWhichIndexIsViolated has values that look like the end of the server's text.
func TestWhichIndexIsViolated(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	for _, value := range []string{"x", "x' for key 'users.users_email'", "x' for key 'users_email'"} {
		u := anyUser(value)
		u.ID = value
		if err := add(t.Context(), s, u); err != nil {
			t.Fatal(err)
		}
		sameAddress := u
		sameAddress.ID = hub.NewID()
		if err := add(t.Context(), s, sameAddress); !errors.Is(err, hub.ErrDuplicateEmail) {
			t.Errorf("%s: a used address: %v", value, err)
		}
		sameID := u
		sameID.Email = hub.NewID()
		if err := add(t.Context(), s, sameID); err == nil || errors.Is(err, hub.ErrDuplicateEmail) {
			t.Errorf("%s: a used id: %v", value, err)
		}
	}
}

// TestForeignKeysAreChecked has a session and a mail token of nobody, in every state: MySQL 9.7 does not check a row with a
// NULL in the index that serves the foreign key.
func TestForeignKeysAreChecked(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, ended := range []time.Time{{}, now} {
		se := hub.Session{ID: hub.NewID(), UserID: "nobody", Token: hub.RefreshToken{ID: hub.NewID(), IssuedAt: now, ExpiresAt: now}, CreatedAt: now, ExpiresAt: now, EndedAt: ended}
		err := s.write(t.Context(), "add", func(tx *tx) error {
			_, err := tx.exec(insertSession, sessionValues(&se, 1)...)
			return err
		})
		if !s.dialect.isOrphan(err) {
			t.Errorf("a session of nobody, ended at %v: %v", ended, err)
		}
		m := hub.MailToken{ID: hub.NewID(), UserID: "nobody", Purpose: hub.PurposeReset, CreatedAt: now, ExpiresAt: now, UsedAt: ended}
		if err := s.AddMailToken(t.Context(), m); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("a mail token of nobody, used at %v: %v", ended, err)
		}
	}
}

func TestWhichServersAreServed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ served, isolation, collation string }{
		"9.7.4-2":                        {"yes", "transaction_isolation", "utf8mb4_0900_bin"},
		"8.0.17":                         {"yes", "transaction_isolation", "utf8mb4_0900_bin"},
		"8.0.16-log":                     {served: "no"},
		"5.7.44":                         {served: "no"},
		"10.11.19-MariaDB-0+deb12u1-log": {"yes", "tx_isolation", "utf8mb4_nopad_bin"},
		"11.8.2-MariaDB":                 {"yes", "transaction_isolation", "utf8mb4_nopad_bin"},
		"10.4.34-MariaDB":                {served: "no"},
		"the newest":                     {served: "no"},
	} {
		v, err := parseServerVersion(text)
		if err == nil {
			err = v.check()
		}
		if (err == nil) != (want.served == "yes") {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil && (v.isolationVariable() != want.isolation || v.collation() != want.collation) {
			t.Errorf("%s: %s, %s", text, v.isolationVariable(), v.collation())
		}
	}
}

// TestAUnitThatTakesTooLongSaysSo has the driver give up a connection because there is no time left, without saying why.
func TestAUnitThatTakesTooLongSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		err := newServerWriter(nil, 1).repeat(t.Context(), serverPatience, func(ctx context.Context) error {
			<-ctx.Done()
			return driver.ErrBadConn
		})
		if !errors.Is(err, context.DeadlineExceeded) || !isMySQLUnavailable(err) {
			t.Errorf("error %v, want that the time is up", err)
		}
	})
}
