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

func TestMendingMakesTheTargetLikeTheSource(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rule  hub.PutRule
		erase bool
		want  []replica.Difference
	}{
		{"unless newer", hub.UnlessOlder, false, []replica.Difference{
			{Key: userKey(1), Fields: []string{"firstName", "version"}, Ahead: true}, {Key: userKey(5), Missing: replica.Source},
		}},
		{"extra rows too", hub.UnlessOlder, true, []replica.Difference{{Key: userKey(1), Fields: []string{"firstName", "version"}, Ahead: true}}},
		{"newer rows too", hub.Always, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, source, target := comparison(t, users(someUser(1), someUser(2))...)
			ahead, changed := someUser(1), someUser(2)
			ahead.FirstName, ahead.Version = "Augusta", 7
			changed.FirstName = "Augusta"
			fill(t, target, users(ahead, changed, someUser(5))...)
			fill(t, source, users(someUser(3))...)
			c.Rule, c.Erase = tt.rule, tt.erase
			o, err := c.Converge(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, found := run(t, c)
			want(t, found, tt.want...)
			if o.Clean() != (len(tt.want) == 0) || o.Left.Differ != len(tt.want) || o.Written != 4-min(2, len(tt.want)) && o.Written < 2 {
				t.Errorf("did %+v", o)
			}
		})
	}
}

// A user whose address another one has in the target may be in a bucket that comes long before.
func TestAddressesThatWereTradedAcrossBucketsAreMended(t *testing.T) {
	t.Parallel()
	const n = 2100
	all := make([]hub.User, n)
	for i := range all {
		all[i] = someUser(i)
	}
	c, source, target := comparison(t, users(all...)...)
	first, last := someUser(0), someUser(n-1)
	first.Email, last.Email, first.Version, last.Version = last.Email, first.Email, 2, 2
	fill(t, source, users(first, last)...)
	thief, victim := someUser(n), someUser(1)
	thief.Email, victim.Email, victim.Version = "wanted@example.com", "wanted@example.com", 2
	fill(t, target, users(thief)...)
	fill(t, source, users(victim)...)
	o, err := c.Converge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Left.Differ != 2 || o.Left.Extra != 1 || o.Written != 1 { // both by one step
		t.Errorf("did %+v", o)
	}
	var reasons []string
	c.Found = func(d replica.Difference) error {
		reasons = append(reasons, d.Reason)
		return nil
	}
	if _, err := c.Converge(t.Context(), nil); err != nil || len(reasons) != 2 || reasons[0] == "" {
		t.Errorf("reasons %q, %v", reasons, err)
	}
	c.Erase = true
	if o, err := c.Converge(t.Context(), nil); err != nil || !o.Clean() || o.Removed != 1 || o.Written != 1 {
		t.Errorf("with erasing: %+v, %v", o, err)
	}
}

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

// lateCopy puts something into both databases at the moment between two questions of a comparison.
type lateCopy struct {
	hub.Database
	between func()
}

func (l *lateCopy) Lookup(ctx context.Context, keys ...hub.RecordKey) ([]hub.Record, error) {
	found, err := l.Database.Lookup(ctx, keys...)
	if l.between != nil {
		l.between()
		l.between = nil
	}
	return found, err
}

func TestErasingSparesWhatWasJustCopied(t *testing.T) {
	t.Parallel()
	c, source, target := comparison(t, users(someUser(1))...)
	fill(t, target, users(someUser(2))...)
	c.Source = &lateCopy{source, func() { fill(t, source, users(someUser(2))...) }}
	c.Erase, c.Mend = true, true
	r, _ := run(t, c)
	if r.Differ != 0 {
		t.Errorf("did %+v", r)
	}
	want(t, compare(t, source, target))
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

func TestSettleKeepsTheMarksOfWhatIsNotCopied(t *testing.T) {
	t.Parallel()
	source, target := openIn(t, memoryDir(t), true), openSQLite(t, false)
	for n := range 600 {
		if err := source.AddUser(t.Context(), someUser(n), hub.NewEvent(t.Context(), hub.EventUserCreated, someUser(n).ID, someTime())); err != nil {
			t.Fatal(err)
		}
	}
	if err := source.PurgeUser(t.Context(), someUser(7).ID, 1, hub.NewEvent(t.Context(), hub.EventUserPurged, someUser(7).ID, time.Now())); err != nil {
		t.Fatal(err)
	}
	c := replica.Comparison{Source: source, Target: target, Kinds: hub.RecordKinds(), Rule: hub.UnlessOlder}
	if o, err := c.Converge(t.Context(), nil); err != nil || !o.Clean() {
		t.Fatalf("copy: %+v, %v", o, err)
	}
	older := someUser(3)
	older.FirstName = "Augusta"
	fill(t, target, users(older)...)
	if err := replica.Settle(t.Context(), source, target); err != nil {
		t.Fatal(err)
	}
	marks, err := source.Marks(t.Context(), later(), 10_000)
	if err != nil || len(marks) != 1 || marks[0].Key != userKey(3) {
		t.Errorf("%d marks stay: %v, %v", len(marks), marks, err)
	}
}

func TestTombstonesThatDifferAreMended(t *testing.T) {
	t.Parallel()
	stone := hub.Tombstone{UserID: "user-1", Version: 3, PurgedAt: later().Truncate(time.Second)}
	other := stone
	other.Version = 2
	c, _, target := comparison(t, hub.Record{Tombstone: &stone})
	if err := target.Erase(t.Context(), hub.RecordKey{Kind: hub.RecordTombstone, ID: stone.UserID}); err != nil {
		t.Fatal(err)
	}
	fill(t, target, hub.Record{Tombstone: &other})
	if o, err := c.Converge(t.Context(), nil); err != nil || !o.Clean() {
		t.Errorf("did %+v, %v", o, err)
	}
}

func TestAnInterruptedComparisonSaysSo(t *testing.T) {
	t.Parallel()
	c, _, _ := comparison(t, users(someUser(1))...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Converge(ctx, nil); err == nil {
		t.Error("it succeeds")
	}
}
