package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func openTemp(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func anyUser(email string) hub.User {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return hub.User{ID: hub.NewID(), Email: email, Role: hub.RoleUser, CreatedAt: now, UpdatedAt: now, Version: 1}
}

func add(ctx context.Context, s *Store, u hub.User) error {
	return s.AddUser(ctx, u, hub.NewEvent(ctx, hub.EventUserCreated, u.ID, u.CreatedAt))
}

// TestALockedFileIsUnavailable has another connection hold the write lock longer than anybody waits.
func TestALockedFileIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	other, err := openSQLite(s.path, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	lock, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}

	hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := add(hasty, s, anyUser("hasty@example.com")); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("a caller with a deadline: error %v", err)
	}
	var wg sync.WaitGroup
	for i := range 5 { // together, not one after the other
		wg.Go(func() {
			if err := add(t.Context(), s, anyUser(fmt.Sprintf("%d@example.com", i))); !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("a patient caller: error %v", err)
			}
		})
	}
	wg.Wait()
	if _, err := s.Users(t.Context(), hub.UserQuery{Limit: 1}); err != nil {
		t.Errorf("a reader waits for a writer: %v", err)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := add(t.Context(), s, anyUser("after@example.com")); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	page, err := s.Users(t.Context(), hub.UserQuery{Limit: 10})
	if err != nil || page.Total != 1 {
		t.Errorf("%d users, %v; want only the one that was acknowledged", page.Total, err)
	}
}

// TestAFullDiskLosesNothingAcknowledged fills the file up to a limit, with many callers at once.
func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	if err := s.write(t.Context(), "limit", func(t *tx) error {
		_, err := t.texts("PRAGMA max_page_count = 120")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	const callers = 60
	users, errs := make([]hub.User, callers), make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		users[i] = anyUser(fmt.Sprintf("%d@example.com", i))
		users[i].Metadata = bytes.Repeat([]byte(" "), 16<<10)
		wg.Go(func() { errs[i] = add(t.Context(), s, users[i]) })
	}
	wg.Wait()
	failed := 0
	for i, err := range errs {
		_, readErr := s.UserByID(t.Context(), users[i].ID)
		switch {
		case err == nil && readErr != nil:
			t.Errorf("an acknowledged user: %v", readErr)
		case err != nil && !errors.Is(readErr, hub.ErrNotFound):
			t.Errorf("a refused user: %v", readErr)
		case err != nil:
			failed++
			if !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("error %v, want that the database is unavailable", err)
			}
		}
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
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

// TestAFailedUnitIsUndoneAlone commits a batch in which one unit fails after it wrote something.
func TestAFailedUnitIsUndoneAlone(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	db, err := openSQLite(s.path, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := (&groupWriter{db: db}).begin(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.discard()

	left, leave := context.WithCancel(t.Context())
	leave()
	refused := errors.New("refused")
	put := func(ctx context.Context, key string, result error) *unit {
		return &unit{ctx: ctx, run: func(t *tx) error {
			if _, err := t.exec(insertLockout, 1, 0, nil, nil, nil, 0, 1, key); err != nil {
				return err
			}
			return result
		}}
	}
	batch := []*unit{
		put(t.Context(), "first", nil), put(t.Context(), "failed", refused), put(left, "left", nil),
		put(t.Context(), "first", nil), put(t.Context(), "last", nil),
	}
	results := make([]error, len(batch))
	if err := conn.commit(batch, results); err != nil {
		t.Fatal(err)
	}
	if results[0] != nil || results[4] != nil || !errors.Is(results[1], refused) || !errors.Is(results[2], context.Canceled) ||
		!s.dialect.isDuplicate(results[3]) {
		t.Errorf("results %v", results)
	}
	for key, want := range map[string]int64{"first": 1, "failed": 0, "left": 0, "last": 1} {
		if l, err := s.LockoutByKey(t.Context(), key); err != nil || l.Version != want {
			t.Errorf("%s: version %d, %v; want %d", key, l.Version, err, want)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	u := anyUser("very-private@example.com")
	u.PasswordHash = hub.NewSecret("very-private")
	if err := add(t.Context(), s, u); err != nil {
		t.Fatal(err)
	}
	twin := u
	twin.Email = "also-very-private@example.com"
	norole := anyUser("very-private-too@example.com")
	norole.Role = 0
	for name, err := range map[string]error{"same id": add(t.Context(), s, twin), "same address": add(t.Context(), s, u), "no role": add(t.Context(), s, norole)} {
		if err == nil || bytes.Contains([]byte(err.Error()), []byte("very-private")) || bytes.Contains([]byte(err.Error()), []byte(u.ID)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.UserByEmail(t.Context(), "very-private-not-there"); !errors.Is(err, hub.ErrNotFound) || errors.Is(err, sql.ErrNoRows) {
		t.Errorf("a missing user: %v", err)
	}
}
