package replica_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func someTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

// later is after anything in these tests began, and before any of it expires.
func later() time.Time { return time.Now().Add(1000 * time.Hour).UTC().Truncate(time.Millisecond) }

func someUser(n int) hub.User {
	return hub.User{
		ID: fmt.Sprintf("user-%06d", n), Email: fmt.Sprintf("user%d@example.com", n), PasswordHash: hub.NewSecret("hash"),
		FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleUser, IsActive: true, CreatedAt: someTime(), UpdatedAt: someTime(), Version: 1,
	}
}

func someSession(n int, u hub.User) hub.Session {
	return hub.Session{
		ID: fmt.Sprintf("session-%06d", n), UserID: u.ID,
		Token:     hub.RefreshToken{ID: fmt.Sprintf("token-%06d", n), Hash: "ff", IssuedAt: someTime(), ExpiresAt: later()},
		CreatedAt: someTime(), LastUsedAt: someTime(), ExpiresAt: later(), Version: 1,
	}
}

func users(all ...hub.User) []hub.Record {
	records := make([]hub.Record, len(all))
	for i := range all {
		records[i] = hub.Record{User: &all[i]}
	}
	return records
}

func sessions(all ...hub.Session) []hub.Record {
	records := make([]hub.Record, len(all))
	for i := range all {
		records[i] = hub.Record{Session: &all[i]}
	}
	return records
}

func fill(t *testing.T, db hub.Database, records ...hub.Record) {
	t.Helper()
	for some := range slices.Chunk(records, 500) {
		if err := db.Put(t.Context(), hub.Always, some...); err != nil {
			t.Fatalf("fill: %v", err)
		}
	}
}

// comparison returns one over two databases that hold the same records.
func comparison(t *testing.T, records ...hub.Record) (c replica.Comparison, source, target *sqlstore.Store) {
	t.Helper()
	source, target = openSQLite(t, true), openSQLite(t, false)
	fill(t, source, records...)
	fill(t, target, records...)
	return replica.Comparison{Source: source, Target: target, Kinds: hub.RecordKinds(), Rule: hub.UnlessOlder}, source, target
}

// run runs the comparison and returns what it found.
func run(t *testing.T, c replica.Comparison) (replica.Result, []replica.Difference) {
	t.Helper()
	var found []replica.Difference
	c.Found = func(d replica.Difference) error {
		found = append(found, d)
		return nil
	}
	r, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, found
}

func want(t *testing.T, found []replica.Difference, differences ...replica.Difference) {
	t.Helper()
	if diff := cmp.Diff(differences, found); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func userKey(n int) hub.RecordKey { return hub.RecordKey{Kind: hub.RecordUser, ID: someUser(n).ID} }

func TestComparisonNamesRowsAndFields(t *testing.T) {
	t.Parallel()
	c, source, target := comparison(t, users(someUser(1), someUser(2))...)
	changed := someUser(1)
	changed.FirstName, changed.KeptSession, changed.Version = "Augusta", "x", 2
	fill(t, target, users(changed)...)
	fill(t, source, users(someUser(3))...)
	fill(t, target, users(someUser(4))...)
	r, found := run(t, c)
	want(
		t, found,
		replica.Difference{Key: userKey(1), Fields: []string{"firstName", "keptSession", "version"}, Ahead: true},
		replica.Difference{Key: userKey(3), Missing: replica.Target},
		replica.Difference{Key: userKey(4), Missing: replica.Source},
	)
	if r.Differ != 3 || r.Extra != 1 || r.Ahead != 1 || r.Pending != 0 || r.Clean() || r.Compared[hub.RecordUser] != 3 {
		t.Errorf("counted %+v", r)
	}
}

func TestWhatWaitsToBeCopiedIsNoDrift(t *testing.T) {
	t.Parallel()
	u, gone := someUser(1), someUser(2)
	c, source, _ := comparison(t, append(users(u, gone), sessions(someSession(1, gone))...)...)
	u.FirstName = "Augusta"
	if err := source.UpdateUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserUpdated, u.ID, someTime())); err != nil {
		t.Fatal(err)
	}
	if err := source.PurgeUser(t.Context(), gone.ID, 1, hub.NewEvent(t.Context(), hub.EventUserPurged, gone.ID, someTime())); err != nil {
		t.Fatal(err)
	}
	r, found := run(t, c)
	want(t, found)
	if r.Pending < 4 || !r.Clean() { // the user, the purged one, their session, the tombstone, and events
		t.Errorf("counted %+v", r)
	}
}

func TestMailsOfAUserWhoWaitsToBePurgedAreNoDrift(t *testing.T) {
	t.Parallel()
	gone := someUser(1)
	mail := hub.NewMail(hub.MailReset, gone.ID, gone.Email, someTime())
	anonymous := hub.NewMail(hub.MailReset, "", gone.Email, someTime())
	c, source, _ := comparison(t, append(users(gone), hub.Record{Mail: &mail}, hub.Record{Mail: &anonymous})...)
	if err := source.PurgeUser(t.Context(), gone.ID, 1, hub.NewEvent(t.Context(), hub.EventUserPurged, gone.ID, someTime())); err != nil {
		t.Fatal(err)
	}
	c.Kinds = []hub.RecordKind{hub.RecordMail}
	r, found := run(t, c)
	want(t, found)
	if r.Pending != 2 {
		t.Errorf("counted %+v", r)
	}
}

// A user whose address another one has in the target may be in a bucket that comes long before.
func TestBucketsHaveNoGaps(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1000, 1001, 2000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			source, target := openSQLite(t, false), openSQLite(t, false)
			c := replica.Comparison{Source: source, Target: target, Kinds: []hub.RecordKind{hub.RecordUser}, Rule: hub.UnlessOlder}
			all := make([]hub.User, n)
			for i := range all {
				all[i] = someUser(2 * i)
			}
			fill(t, source, users(all...)...)
			var extra []hub.User // more than two buckets of them between two of the source's, and some at either end
			for i := range 2500 {
				u := someUser(100_000 + i)
				u.ID = fmt.Sprintf("user-000001-%06d", i)
				extra = append(extra, u)
			}
			before, behind := someUser(200_000), someUser(200_001)
			before.ID = "a"
			fill(t, target, users(append(extra, before, behind)...)...)
			r, _ := run(t, c)
			if r.Differ != n+2502 || r.Extra != 2502 || r.Compared[hub.RecordUser] != n {
				t.Errorf("compared: %+v", r)
			}
			c.Erase = true
			if o, err := c.Converge(t.Context(), nil); err != nil || !o.Clean() || o.Written != n || o.Removed != 2502 {
				t.Errorf("mended: %+v, %v", o, err)
			}
			if n > 0 {
				changed := all[n-1]
				changed.LastName = "Byron"
				fill(t, target, users(changed)...)
				_, found := run(t, c)
				want(t, found, replica.Difference{Key: hub.RecordKey{Kind: hub.RecordUser, ID: changed.ID}, Fields: []string{"lastName"}})
			}
		})
	}
}

// restless changes a record in both databases each time that it is looked at, as a busy hub does.
type restless struct {
	hub.Database
	change func()
}

func (r *restless) Lookup(ctx context.Context, keys ...hub.RecordKey) ([]hub.Record, error) {
	found, err := r.Database.Lookup(ctx, keys...)
	r.change()
	return found, err
}

func TestWhatChangesDuringTheComparisonIsNoDrift(t *testing.T) {
	t.Parallel()
	u := someUser(1)
	c, source, target := comparison(t, users(u, someUser(2))...)
	c.Source = &restless{source, func() {
		u.Version++
		fill(t, source, users(u)...)
		fill(t, target, users(u)...)
	}}
	u.Version++
	fill(t, target, users(u)...)
	drift := someUser(2)
	drift.FirstName = "Augusta"
	fill(t, target, users(drift)...)
	r, found := run(t, c)
	want(t, found, replica.Difference{Key: userKey(2), Fields: []string{"firstName"}})
	if r.Pending != 1 {
		t.Errorf("counted %+v", r)
	}
}
