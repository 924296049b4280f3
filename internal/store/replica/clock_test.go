package replica_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// TestMarksOfAWrongClockAreCopied lets a host whose clock is ten minutes off die with changes that it did not copy: another
// one copies them all the same, and does not take the secondary for complete before.
func TestMarksOfAWrongClockAreCopied(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": -10 * time.Minute, "ahead": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			primary, secondary := openIn(t, dir, true), openSQLite(t, false)
			u := hub.User{ID: hub.NewID(), Email: "ada@example.com", Role: hub.RoleUser, CreatedAt: longAgo(), UpdatedAt: longAgo(), Version: 1}
			if err := primary.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, longAgo())); err != nil {
				t.Fatal(err)
			}
			shiftMarks(t, dir, off)
			s, err := replica.New(t.Context(), replica.Config{
				Primary: primary, OpenSecondary: opened(secondary), Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.State().CaughtUp {
				t.Error("the secondary counts as complete, though a change was never copied to it")
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			timeout := time.NewTimer(20 * time.Second)
			defer timeout.Stop()
			for !s.State().CaughtUp {
				select {
				case <-tick.C:
				case <-timeout.C:
					t.Fatalf("still to be copied: %+v", s.State())
				}
			}
			for _, d := range compare(t, primary, secondary) {
				t.Errorf("%+v", d)
			}
		})
	}
}

// shiftMarks sets the marks as a clock would that is so much off.
func shiftMarks(t *testing.T, dir string, off time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int64
	if _, err := db.Exec("UPDATE marks SET since = since + ?", off.Milliseconds()); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("SELECT COUNT(*) FROM marks").Scan(&n); err != nil || n == 0 {
		t.Fatalf("%d marks, %v", n, err)
	}
}
