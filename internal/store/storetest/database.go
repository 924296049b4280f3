package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// RunDatabase tests what a database offers beyond a store: everything that copying its content takes. Each call of open
// returns another database, empty, that keeps marks if asked to, and is closed when its test ends.
func RunDatabase(t *testing.T, open func(t *testing.T, marks bool) hub.Database) {
	t.Helper()
	for _, tt := range databaseTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, open)
		})
	}
}

type databaseTest struct {
	name string
	run  func(*testing.T, func(*testing.T, bool) hub.Database)
}

func databaseTests() []databaseTest {
	return slices.Concat(markTests(), putTests(), []databaseTest{
		{"RecordsTravelUnchanged", recordsTravel},
		{"LookupFindsWhatIsThere", lookupFinds},
		{"ScanGoesByID", scanGoesByID},
		{"ScanLeavesOutWhatASweepForgets", scanLeavesOut},
		{"ASnapshotHoldsWhatWasAcknowledged", snapshotHolds},
		{"EraseLeavesNothing", eraseLeavesNothing},
		{"AboutTellsWhatItIs", aboutTells},
		{"ItRemembersThatItIsUnfinished", unfinishedIsRemembered},
		{"AnIntactDatabaseVerifies", intactVerifies},
	})
}

// everything fills s with records of every kind but tombstones, and returns them as they are stored.
func everything(t *testing.T, s hub.Database) []hub.Record {
	t.Helper()
	ctx := t.Context()
	full, bare := addUser(t, s, newUser("full@example.com", deletedAt(start()))), addUser(t, s, bareUser("bare@example.com"))
	login := addUser(t, s, newUser("login@example.com"))
	addSession(t, s, newSession(login))
	ended := addSession(t, s, newSession(login))
	ended.End(start())
	must(t, "update session", s.UpdateSession(ctx, ended, newEvent(login.ID)))
	unused := addMailToken(t, s, bare)
	spent := addMailToken(t, s, full)
	must(t, "spend mail token", s.SpendMailToken(ctx, spent.ID, start(), full, newEvent(full.ID), newMail(full.ID)))
	sent := newMail("")
	must(t, "add mail", s.AddMail(ctx, sent, newEvent("")))
	sent.State, sent.Version = hub.MailSent, 1
	must(t, "update mail", s.UpdateMail(ctx, sent))
	e := newEvent("")
	locked := hub.Lockout{Key: hub.LockoutKey("a@example.com"), Failures: 3, PendingUntil: start().Add(time.Minute), LastFailureAt: start()}
	must(t, "put lockout", s.PutLockout(ctx, locked, &e))
	must(t, "put lockout", s.PutLockout(ctx, hub.Lockout{Key: "bare"}, nil))
	must(t, "add event", s.AddEvent(ctx, hub.Event{ID: hub.NewID(), Kind: hub.EventLoginFailed, At: start()}))
	_ = unused
	return scanAll(t, s)
}

// scanner is a database or a view of one.
type scanner interface {
	Scan(ctx context.Context, q hub.ScanQuery) ([]hub.Record, error)
}

// scanAll returns all records, kind by kind.
func scanAll(t *testing.T, s scanner) []hub.Record {
	t.Helper()
	var all []hub.Record
	for _, kind := range hub.RecordKinds() {
		for q := (hub.ScanQuery{Kind: kind, Limit: 3}); ; {
			records, err := s.Scan(t.Context(), q)
			must(t, "scan", err)
			all = append(all, records...)
			if len(records) < q.Limit {
				break
			}
			q.After = records[len(records)-1].Key().ID
		}
	}
	return all
}

func lookup(t *testing.T, s hub.Database, keys ...hub.RecordKey) []hub.Record {
	t.Helper()
	found, err := s.Lookup(t.Context(), keys...)
	must(t, "look up", err)
	sortRecords(found)
	return found
}

func sortRecords(records []hub.Record) {
	slices.SortFunc(records, func(a, b hub.Record) int {
		return cmp.Or(cmp.Compare(a.Key().Kind, b.Key().Kind), cmp.Compare(a.Key().ID, b.Key().ID))
	})
}

func keysOf(records []hub.Record) []hub.RecordKey {
	keys := make([]hub.RecordKey, len(records))
	for i, r := range records {
		keys[i] = r.Key()
	}
	return keys
}

func recordsTravel(t *testing.T, open func(*testing.T, bool) hub.Database) {
	from, to := open(t, false), open(t, true)
	records := everything(t, from)
	records = append(records, hub.Record{Tombstone: &hub.Tombstone{UserID: hub.NewID(), Version: 5, PurgedAt: start()}})
	must(t, "put", to.Put(t.Context(), hub.UnlessOlder, records...))
	must(t, "put again", to.Put(t.Context(), hub.UnlessOlder, records...))
	got := scanAll(t, to)
	sortRecords(got)
	sortRecords(records)
	wantSame(t, "copied records", got, records)
	for _, r := range records {
		if r.User != nil {
			wantSame(t, "a copied user, as it is used", storedUser(t, to, r.User.ID), *r.User)
		}
		if n, err := to.Count(t.Context(), r.Key().Kind); err != nil || n < 1 {
			t.Errorf("%d records of the kind %s, %v", n, r.Key().Kind, err)
		}
	}
	if b, err := to.Backlog(t.Context()); err != nil || b.Pending != 0 {
		t.Errorf("what was put is marked: %+v, %v", b, err)
	}
}

func lookupFinds(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, false)
	all := everything(t, s)
	sortRecords(all)
	keys := append(keysOf(all), hub.RecordKey{Kind: hub.RecordUser, ID: hub.NewID()}, hub.RecordKey{Kind: hub.RecordTombstone, ID: all[0].Key().ID})
	wantSame(t, "records by key", lookup(t, s, keys...), all)
	if got := lookup(t, s); len(got) != 0 {
		t.Errorf("no keys find %d records", len(got))
	}

	var many []hub.RecordKey
	for i := range 700 {
		u := addUser(t, s, newUser(fmt.Sprintf("%d@example.com", i)))
		many = append(many, hub.RecordKey{Kind: hub.RecordUser, ID: u.ID})
	}
	if got := lookup(t, s, many...); len(got) != len(many) {
		t.Errorf("%d of %d found", len(got), len(many))
	}
}

func scanGoesByID(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	var want []string
	for i := range 7 {
		u := addUser(t, s, newUser(fmt.Sprintf("%d@example.com", i), func(u *hub.User) {
			u.ID = []string{"b", "a", "c", "A", "a-", "a0", "B"}[i] // the order is that of bytes
		}))
		want = append(want, u.ID)
	}
	slices.Sort(want)
	for _, tt := range []struct {
		after, upTo string
		limit       int
		want        []string
	}{
		{"", "", 10, want},
		{"", "", 3, want[:3]},
		{want[2], "", 10, want[3:]},
		{want[1], want[4], 10, want[2:5]},
		{want[1], want[4], 2, want[2:4]},
		{want[6], "", 10, nil},
	} {
		records, err := s.Scan(ctx, hub.ScanQuery{Kind: hub.RecordUser, After: tt.after, UpTo: tt.upTo, Limit: tt.limit})
		must(t, "scan", err)
		var got []string
		for _, r := range records {
			got = append(got, r.User.ID)
		}
		wantSame(t, fmt.Sprintf("users after %q up to %q", tt.after, tt.upTo), got, tt.want)
	}
	for _, bad := range []hub.ScanQuery{{Kind: "nonsense", Limit: 1}, {Kind: hub.RecordUser}} {
		if _, err := s.Scan(ctx, bad); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

// scanLeavesOut compares what a scan leaves out with what a sweep takes.
func scanLeavesOut(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s, now := t.Context(), open(t, false), start()
	keep := hub.Retention{Mails: time.Hour, Events: time.Hour}
	u := addUser(t, s, newUser("a@example.com"))
	for _, expires := range []time.Time{now, now.Add(time.Millisecond)} {
		later := expires.Add(time.Hour)
		addSession(t, s, newSession(u, func(se *hub.Session) { se.ExpiresAt = expires }))
		addSession(t, s, newSession(u, func(se *hub.Session) { se.Token.ExpiresAt, se.ExpiresAt = expires, later }))
		m := newMailToken(u)
		m.ExpiresAt = expires
		must(t, "add mail token", s.AddMailToken(ctx, m))
		must(t, "put lockout", s.PutLockout(ctx, hub.Lockout{Key: fmt.Sprint(expires.UnixMilli()), LockedUntil: expires}, nil))
		for _, state := range []hub.MailState{hub.MailQueued, hub.MailSent, hub.MailDropped, hub.MailDead} {
			mail, e := newMail(""), newEvent("")
			mail.State, mail.UpdatedAt = state, expires.Add(-keep.Mails-time.Millisecond)
			e.At = expires.Add(-keep.Events - time.Millisecond)
			must(t, "add mail", s.AddMail(ctx, mail, e))
		}
		must(t, "put tombstone", s.Put(ctx, hub.UnlessOlder, hub.Record{Tombstone: &hub.Tombstone{
			UserID: hub.NewID(), Version: 2, PurgedAt: expires.Add(-hub.TombstoneLife),
		}}))
	}
	var live []hub.Record
	for _, kind := range hub.RecordKinds() {
		records, err := s.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 100, Live: now, Keep: keep})
		must(t, "scan", err)
		live = append(live, records...)
	}
	sweep(t, s, keep, 100)
	left := scanAll(t, s)
	sortRecords(live)
	sortRecords(left)
	wantSame(t, "what is live and what a sweep leaves", keysOf(live), keysOf(left))
}

func eraseLeavesNothing(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, true)
	records := everything(t, s)
	marked, err := s.Marks(ctx, start().AddDate(100, 0, 0), 1000)
	must(t, "list marks", err)
	must(t, "unmark", s.Unmark(ctx, marked...))
	must(t, "erase", s.Erase(ctx, keysOf(records)...))
	if left := scanAll(t, s); len(left) != 0 {
		t.Errorf("%d records are left: %v", len(left), keysOf(left))
	}
	b, err := s.Backlog(ctx)
	must(t, "backlog", err)
	if b.Pending != 0 {
		t.Errorf("%d marks were set", b.Pending)
	}
	must(t, "put what was erased", s.Put(ctx, hub.UnlessOlder, records...))
}

func aboutTells(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, false)
	a, err := s.About(t.Context())
	must(t, "about", err)
	if p := s.Pool(); p.Engine != a.Engine || p.InUse < 0 || p.Idle < 1 || p.InUse+p.Idle > p.Max {
		t.Errorf("after a call, the pool is %+v", p)
	}
	if a.Engine == "" || a.Product == "" || a.Place == "" || a.Schema < 1 {
		t.Errorf("about: %+v", a)
	}
}

func unfinishedIsRemembered(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, false)
	for _, want := range []bool{false, true, true, false, false, true} { // also what was noted before is noted again
		must(t, "set unfinished", s.SetUnfinished(t.Context(), want))
		got, err := s.Unfinished(t.Context())
		must(t, "unfinished", err)
		wantSame(t, "unfinished", got, want)
	}
	findings, err := s.Verify(t.Context())
	must(t, "verify", err)
	wantSame(t, "findings", findings, []string(nil))
}

func intactVerifies(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, true)
	everything(t, s)
	gone := addUser(t, s, newUser("gone@example.com"))
	must(t, "purge", s.PurgeUser(t.Context(), gone.ID, gone.Version, newEvent(gone.ID)))
	findings, err := s.Verify(t.Context())
	must(t, "verify", err)
	wantSame(t, "findings", findings, []string(nil))
}

// snapshotHolds takes a snapshot and changes the database behind it.
func snapshotHolds(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, true)
	before := everything(t, s)
	view, err := s.Snapshot(t.Context())
	must(t, "take a snapshot", err)
	defer func() { must(t, "close the snapshot", view.Close()) }()
	later := addUser(t, s, newUser("later@example.com"))
	late := addMailToken(t, s, later)
	seen := make(map[hub.RecordKey]hub.Record)
	for _, r := range scanAll(t, view) {
		seen[r.Key()] = r
	}
	for _, want := range before {
		wantSame(t, "the view of "+string(want.Key().Kind), seen[want.Key()], want)
	}
	if !view.AtOneMoment() {
		return
	}
	if len(seen) != len(before) {
		t.Errorf("%d records in the view, %d before it", len(seen), len(before))
	}
	for _, key := range []hub.RecordKey{{Kind: hub.RecordUser, ID: later.ID}, {Kind: hub.RecordMailToken, ID: late.ID}} {
		if _, ok := seen[key]; ok {
			t.Errorf("the view shows a %s from after it", key.Kind)
		}
	}
}
