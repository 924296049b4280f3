package replica_test

import (
	"context"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

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
