package replica_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
)

// openSQLite opens a new database in a file, which is closed with the test unless something else closes it before.
func openSQLite(t testing.TB, marks bool) *sqlstore.Store {
	t.Helper()
	return openIn(t, t.TempDir(), marks)
}

func openIn(t testing.TB, dir string, marks bool) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(dir, "hub.db"), Migrate: true, Marks: marks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // often closed before
	return s
}

func opened(db hub.Database) func(context.Context) (hub.Database, error) {
	return func(context.Context) (hub.Database, error) { return db, nil }
}

// newPair makes a store of the two. It does not run; Drain copies what is left.
func newPair(t testing.TB, primary, secondary hub.Database) *replica.Store {
	t.Helper()
	s, err := replica.New(t.Context(), replica.Config{
		Primary: primary, OpenSecondary: opened(secondary), Log: slog.New(slog.DiscardHandler), Deadline: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// longAgo is before anything in a test expires.
func longAgo() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// start is the time at which the tests of storetest begin, and sweep: what had expired by then is on its way out.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

// compare returns what differs between the databases, in records of every kind.
func compare(t testing.TB, source, target hub.Database) []replica.Difference {
	t.Helper()
	return compareAt(t, source, target, longAgo())
}

func compareAt(t testing.TB, source, target hub.Database, live time.Time) []replica.Difference {
	t.Helper()
	var found []replica.Difference
	c := replica.Comparison{Source: source, Target: target, Kinds: hub.RecordKinds(), Live: live, Found: func(d replica.Difference) error {
		found = append(found, d)
		return nil
	}}
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatalf("compare: %v", err)
	}
	return found
}

// wantEqual reports what differs after all was copied.
func wantEqual(t testing.TB, s *replica.Store) {
	t.Helper()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatalf("copy the rest: %v", err)
	}
	second, err := s.Secondary()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range compareAt(t, s.Primary(), second, start()) {
		t.Errorf("%s %s: missing in %q, fields %v", d.Key.Kind, d.Key.ID, d.Missing, d.Fields)
	}
}

// TestStore runs the definition of a store on a pair, and compares both sides after each of its tests.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store {
		return openPair(t, func(t *testing.T) (hub.Database, hub.Database) { return openSQLite(t, true), openSQLite(t, false) })
	})
}

// alive is a test whose context outlives it, for its cleanup.
type alive struct{ testing.TB }

func (alive) Context() context.Context { return context.Background() }

// without is a pair that does not tell of replication, in its Stats and Events, as the definition of a store has it.
type without struct{ *replica.Store }

func (w without) Events(ctx context.Context, q hub.EventQuery) ([]hub.Event, error) {
	events, err := w.Store.Events(ctx, q)
	return slices.DeleteFunc(events, func(e hub.Event) bool { return e.TargetID == hub.ReplicationID }), err
}

func (w without) Stats(ctx context.Context, now time.Time) (hub.Stats, error) {
	stats, err := w.Store.Stats(ctx, now)
	stats.Replication = nil
	return stats, err
}
