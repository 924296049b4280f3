package mongostore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

func newUser(email string) hub.User {
	return hub.User{
		ID: hub.NewID(), Email: email, PasswordHash: hub.NewSecret("top secret hash"), FirstName: "Ada", LastName: "Lovelace",
		Role: hub.RoleUser, IsActive: true, CreatedAt: start(), UpdatedAt: start(), Version: 1,
	}
}

func newEvent(target string) hub.Event {
	return hub.NewEvent(context.Background(), hub.EventUserUpdated, target, start())
}

func newSession(u hub.User) hub.Session {
	return hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, CreatedAt: start(), ExpiresAt: start().Add(time.Hour), Version: 1,
		Token: hub.RefreshToken{ID: hub.NewID(), Hash: "h", IssuedAt: start(), ExpiresAt: start().Add(time.Hour)},
	}
}

func newMailToken(u hub.User) hub.MailToken {
	return hub.MailToken{ID: hub.NewID(), UserID: u.ID, Email: u.Email, Purpose: hub.PurposeReset, Hash: "h", CreatedAt: start(), ExpiresAt: start().Add(time.Hour)}
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func wantSame(t testing.TB, what string, got, want any) {
	t.Helper()
	secrets := cmp.Comparer(func(a, b hub.Secret) bool { return a.Reveal() == b.Reveal() })
	if diff := cmp.Diff(want, got, secrets, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// everything is one record of each kind but tombstones.
func everything(email string) []hub.Record {
	u := newUser(email)
	se, m, mail, e := newSession(u), newMailToken(u), hub.NewMail(hub.MailReset, u.ID, u.Email, start()), newEvent(u.ID)
	return []hub.Record{
		{User: &u},
		{Session: &se},
		{MailToken: &m},
		{Lockout: &hub.Lockout{Key: hub.LockoutKey(email), Failures: 1, LastFailureAt: start(), Version: 3}},
		{Mail: &mail},
		{Event: &e},
	}
}

func keysOf(records []hub.Record) []hub.RecordKey {
	keys := make([]hub.RecordKey, len(records))
	for i := range records {
		keys[i] = records[i].Key()
	}
	return keys
}

// stored looks the records up and returns those that are there, in the same order.
func stored(t testing.TB, s *mongostore.Store, records []hub.Record) []hub.Record {
	t.Helper()
	found, err := s.Lookup(t.Context(), keysOf(records)...)
	must(t, "look up", err)
	var all []hub.Record
	for i := range records {
		for _, f := range found {
			if f.Key() == records[i].Key() {
				all = append(all, f)
			}
		}
	}
	return all
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	for _, tt := range []struct {
		name  string
		marks bool
		run   func(*testing.T, *mongostore.Store, *pool)
	}{
		{"MarksFollowEveryChange", true, marksFollow},
		{"ALaterChangeKeepsItsMark", true, laterChangeKeepsMark},
		{"WithoutMarksThereAreNone", false, noMarks},
		{"RecordsRoundTrip", true, recordsRoundTrip},
		{"OlderRecordsStayOut", false, olderStayOut},
		{"AlwaysReplaces", false, alwaysReplaces},
		{"UsersTradeAddresses", false, usersTrade},
		{"ATakenAddressIsRefused", false, takenAddress},
		{"OrphansAreRefused", false, orphansRefused},
		{"ATombstoneBeatsEverything", false, tombstoneWins},
		{"ATombstoneIsKeptWhileItMatters", true, tombstoneIsKept},
		{"ScanPagesByID", false, scanPages},
		{"EraseForgets", true, eraseForgets},
		{"AboutAndVerify", false, aboutAndVerify},
		{"ManyRecordsAreQuick", false, manyRecords},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, p.open(t, mongostore.Config{Marks: tt.marks}), p)
		})
	}
}

// marked returns the keys and versions of all marks, sorted.
func marked(t testing.TB, s *mongostore.Store) []string {
	t.Helper()
	marks, err := s.Marks(t.Context(), time.Now().Add(time.Hour), 1000)
	must(t, "list marks", err)
	var all []string
	for _, m := range marks {
		if since := time.Since(m.Since); since < -time.Second || since > time.Minute {
			t.Errorf("a mark was set %v ago", since)
		}
		all = append(all, fmt.Sprintf("%s %s %d", m.Key.Kind, m.Key.ID, m.Version))
	}
	slices.Sort(all)
	b, err := s.Backlog(t.Context())
	must(t, "backlog", err)
	if b.Pending != len(marks) || b.Oldest.IsZero() != (len(marks) == 0) {
		t.Errorf("backlog %+v with %d marks", b, len(marks))
	}
	return all
}

func wantMarks(t testing.TB, s *mongostore.Store, want ...string) {
	t.Helper()
	slices.Sort(want)
	wantSame(t, "marks", marked(t, s), want)
}

func unmarkAll(t testing.TB, s *mongostore.Store) {
	t.Helper()
	marks, err := s.Marks(t.Context(), time.Now().Add(time.Hour), 1000)
	must(t, "list marks", err)
	must(t, "unmark", s.Unmark(t.Context(), marks...))
	wantMarks(t, s)
}

func marksFollow(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	u, e, mail := newUser("a@example.com"), newEvent("x"), hub.NewMail(hub.MailReset, "", "b@example.com", start())
	must(t, "add user", s.AddUser(ctx, u, e, mail))
	wantMarks(t, s, "user "+u.ID+" 1", "event "+e.ID+" 1", "mail "+mail.ID+" 1")
	unmarkAll(t, s)

	se, login := newSession(u), newEvent("x")
	must(t, "add session", s.AddSession(ctx, se, login))
	wantMarks(t, s, "user "+u.ID+" 2", "session "+se.ID+" 1", "event "+login.ID+" 1")
	unmarkAll(t, s)

	refresh := newEvent("x")
	must(t, "update session", s.UpdateSession(ctx, se, refresh))
	m := newMailToken(u)
	must(t, "add mail token", s.AddMailToken(ctx, m))
	wantMarks(t, s, "session "+se.ID+" 2", "event "+refresh.ID+" 1", "mail_token "+m.ID+" 1")
	unmarkAll(t, s)

	spend := newEvent("x")
	u.Version = 2
	must(t, "spend", s.SpendMailToken(ctx, m.ID, start(), u, spend))
	must(t, "update mail", s.UpdateMail(ctx, mail))
	must(t, "put lockout", s.PutLockout(ctx, hub.Lockout{Key: "k"}, nil))
	wantMarks(t, s, "user "+u.ID+" 3", "event "+spend.ID+" 1", "mail_token "+m.ID+" 2", "mail "+mail.ID+" 2", "lockout k 1")
	unmarkAll(t, s)

	purge := newEvent("x")
	must(t, "purge", s.PurgeUser(ctx, u.ID, 3, purge))
	wantMarks(t, s, "tombstone "+u.ID+" 4", "event "+purge.ID+" 1")
	unmarkAll(t, s)
}

func laterChangeKeepsMark(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	u := newUser("a@example.com")
	must(t, "add user", s.AddUser(ctx, u, newEvent(u.ID)))
	first, err := s.Marks(ctx, time.Now().Add(time.Hour), 10)
	must(t, "list marks", err)
	must(t, "update", s.UpdateUser(ctx, u, newEvent(u.ID)))
	must(t, "unmark", s.Unmark(ctx, first...))
	marks, err := s.Marks(ctx, time.Now().Add(time.Hour), 10)
	must(t, "list marks", err)
	i := slices.IndexFunc(marks, func(m hub.Mark) bool { return m.Key.Kind == hub.RecordUser })
	if i < 0 || marks[i].Version != 2 {
		t.Fatalf("marks %+v, want one of the user's version 2", marks)
	}
	j := slices.IndexFunc(first, func(m hub.Mark) bool { return m.Key.Kind == hub.RecordUser })
	if !marks[i].Since.Equal(first[j].Since) {
		t.Errorf("the mark is of %v, want the time of the oldest change %v", marks[i].Since, first[j].Since)
	}
	if early, err := s.Marks(ctx, first[j].Since, 10); err != nil || len(early) != 0 {
		t.Errorf("marks before the first: %+v, %v", early, err)
	}
}

func noMarks(t *testing.T, s *mongostore.Store, _ *pool) {
	u := newUser("a@example.com")
	must(t, "add user", s.AddUser(t.Context(), u, newEvent(u.ID), hub.NewMail(hub.MailReset, "", "b@example.com", start())))
	must(t, "put", s.Put(t.Context(), hub.UnlessOlder, everything("b@example.com")...))
	wantMarks(t, s)
}

func recordsRoundTrip(t *testing.T, s *mongostore.Store, _ *pool) {
	for _, rule := range []hub.PutRule{hub.UnlessOlder, hub.Always} {
		records := everything(fmt.Sprint(rule) + "@example.com")
		for range 2 { // again changes nothing
			must(t, "put", s.Put(t.Context(), rule, records...))
			wantSame(t, "records", stored(t, s, records), records)
		}
	}
	wantMarks(t, s)
}

func olderStayOut(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	records := everything("a@example.com")
	records[0].User.Version, records[1].Session.Version, records[4].Mail.Version = 5, 5, 5
	records[2].MailToken.UsedAt = start()
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))

	older := everything("b@example.com")
	older[0].User.ID, older[0].User.Version = records[0].User.ID, 4
	older[1].Session.ID, older[1].Session.UserID = records[1].Session.ID, records[0].User.ID
	older[2].MailToken.ID, older[2].MailToken.UserID = records[2].MailToken.ID, records[0].User.ID
	older[3].Lockout.Key, older[3].Lockout.Version = records[3].Lockout.Key, 2
	older[4].Mail.ID = records[4].Mail.ID
	older[5].Event.ID = records[5].Event.ID
	must(t, "put older", s.Put(ctx, hub.UnlessOlder, older...))
	wantSame(t, "records", stored(t, s, records), records)

	same := *records[0].User
	same.FirstName = "Grace"
	must(t, "put the same version", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &same}))
	wantSame(t, "the user", stored(t, s, []hub.Record{{User: &same}}), []hub.Record{{User: &same}})
}

func alwaysReplaces(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	records := everything("a@example.com")
	records[0].User.Version = 5
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
	older := *records[0].User
	older.Version, older.FirstName = 2, "Grace"
	must(t, "put older", s.Put(ctx, hub.Always, hub.Record{User: &older}))
	wantSame(t, "the user", stored(t, s, records[:1]), []hub.Record{{User: &older}})

	must(t, "purge", s.PurgeUser(ctx, older.ID, 2, newEvent(older.ID)))
	must(t, "put tombstone", s.Put(ctx, hub.UnlessOlder, hub.Record{Tombstone: &hub.Tombstone{UserID: older.ID, Version: 3, PurgedAt: start()}}))
	must(t, "bring back", s.Put(ctx, hub.Always, records...))
	wantSame(t, "records", stored(t, s, records), records)
}

func usersTrade(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	a, b, c := newUser("a@example.com"), newUser("b@example.com"), newUser("c@example.com")
	must(t, "put", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &a}, hub.Record{User: &b}, hub.Record{User: &c}))
	a.Email, b.Email, c.Email = b.Email, c.Email, a.Email
	a.Version, b.Version, c.Version = 2, 2, 2
	traded := []hub.Record{{User: &a}, {User: &b}, {User: &c}}
	must(t, "trade", s.Put(ctx, hub.UnlessOlder, traded...))
	wantSame(t, "users", stored(t, s, traded), traded)
}

func takenAddress(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	a, b := newUser("a@example.com"), newUser("b@example.com")
	must(t, "put", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &a}, hub.Record{User: &b}))
	thief := newUser(a.Email)
	wantError(t, "a new user", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &thief}), hub.ErrDuplicateEmail)
	mover := b
	mover.Email, mover.Version = a.Email, 2
	other := newUser("other@example.com")
	wantError(t, "a moving user", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &mover}, hub.Record{User: &other}), hub.ErrDuplicateEmail)
	mover.Version = 0
	must(t, "an older copy of a moving user", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &mover}))
	want := []hub.Record{{User: &a}, {User: &b}}
	wantSame(t, "users", stored(t, s, want), want)
}

func orphansRefused(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	records := everything("a@example.com")
	wantError(t, "session", s.Put(ctx, hub.UnlessOlder, records[1]), hub.ErrOrphan)
	wantError(t, "mail token", s.Put(ctx, hub.UnlessOlder, records[2]), hub.ErrOrphan)
	must(t, "mail and event", s.Put(ctx, hub.UnlessOlder, records[4:]...))
	wantSame(t, "records", stored(t, s, records), records[4:])
}

func tombstoneWins(t *testing.T, s *mongostore.Store, p *pool) {
	ctx := t.Context()
	records := everything("a@example.com")
	anonymous := hub.NewMail(hub.MailReset, "", "a@example.com", start())
	u := records[0].User
	u.Version = 7
	must(t, "put", s.Put(ctx, hub.UnlessOlder, append(records, hub.Record{Mail: &anonymous})...))
	late := *u
	late.ID, late.Email = hub.NewID(), "late@example.com"
	stones := []hub.Record{
		{Tombstone: &hub.Tombstone{UserID: u.ID, Version: 3, PurgedAt: start()}}, // beats a later version too
		{Tombstone: &hub.Tombstone{UserID: late.ID, Version: 3, PurgedAt: start()}},
	}
	for range 2 {
		must(t, "put tombstones", s.Put(ctx, hub.UnlessOlder, stones...))
		wantSame(t, "tombstones", stored(t, s, stones), stones)
		must(t, "put copies that are late", s.Put(ctx, hub.UnlessOlder, append(records, hub.Record{User: &late})...))
	}
	left := []hub.Record{records[3], records[5]} // lockout and event
	wantSame(t, "what is left", stored(t, s, append(records, hub.Record{User: &late}, hub.Record{Mail: &anonymous})), left)
	_, err := s.UserByEmail(ctx, u.Email)
	wantError(t, "read the user", err, hub.ErrNotFound)

	var raw bson.M
	must(t, "read the document", p.client.Database(p.nameOf(s)).Collection("users").FindOne(ctx, bson.D{{Key: "userId", Value: u.ID}}).Decode(&raw))
	for name := range raw {
		if !slices.Contains([]string{"_id", "userId", "email", "deletedAt", "purgedAt", "version", "outbox", "outboxSince"}, name) {
			t.Errorf("the tombstone still has %s", name)
		}
	}
}

func tombstoneIsKept(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	u := newUser("a@example.com")
	must(t, "add user", s.AddUser(ctx, u, newEvent(u.ID)))
	e := newEvent(u.ID)
	must(t, "purge", s.PurgeUser(ctx, u.ID, 1, e))
	stone := []hub.Record{{Tombstone: &hub.Tombstone{UserID: u.ID, Version: 2, PurgedAt: e.At}}}
	old := e.At.Add(hub.TombstoneLife + time.Millisecond)
	sweep := func(now time.Time) {
		_, err := s.Sweep(ctx, now, hub.Retention{}, 10)
		must(t, "sweep", err)
	}
	sweep(old)
	wantSame(t, "a marked tombstone", stored(t, s, stone), stone)
	unmarkAll(t, s)
	sweep(e.At.Add(hub.TombstoneLife))
	wantSame(t, "a young tombstone", stored(t, s, stone), stone)
	sweep(old)
	wantSame(t, "an old tombstone", stored(t, s, stone), []hub.Record(nil))
}

func scanPages(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	want := make(map[hub.RecordKind][]string)
	for i := range 7 {
		records := everything(fmt.Sprintf("%d@example.com", i))
		records = append(records, hub.Record{Tombstone: &hub.Tombstone{UserID: hub.NewID(), Version: 2, PurgedAt: start()}})
		must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
		for _, r := range records {
			want[r.Key().Kind] = append(want[r.Key().Kind], r.Key().ID)
		}
	}
	for _, kind := range hub.RecordKinds() {
		slices.Sort(want[kind])
		var got []string
		q := hub.ScanQuery{Kind: kind, Limit: 3}
		for {
			page, err := s.Scan(ctx, q)
			must(t, "scan", err)
			for _, r := range page {
				got = append(got, r.Key().ID)
			}
			if len(page) < q.Limit {
				break
			}
			q.After = page[len(page)-1].Key().ID
		}
		wantSame(t, string(kind), got, want[kind])
		part, err := s.Scan(ctx, hub.ScanQuery{Kind: kind, After: want[kind][1], UpTo: want[kind][3], Limit: 10})
		must(t, "scan a part", err)
		if len(part) != 2 {
			t.Errorf("%s: %d of a part, want 2", kind, len(part))
		}
		late := start().Add(100 * 24 * time.Hour)
		live, err := s.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 10, Live: late, Keep: hub.Retention{Events: time.Hour}})
		must(t, "scan what is live", err)
		if kept := kind == hub.RecordUser || kind == hub.RecordMail; (len(live) == 7) != kept || (len(live) == 0) == kept {
			t.Errorf("%s: %d are live", kind, len(live))
		}
		if live, err := s.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 10, Live: start()}); err != nil || len(live) != 7 {
			t.Errorf("%s: %d are live at first, %v", kind, len(live), err)
		}
	}
}

func eraseForgets(t *testing.T, s *mongostore.Store, _ *pool) {
	ctx := t.Context()
	records, others := everything("a@example.com"), everything("b@example.com")
	must(t, "put", s.Put(ctx, hub.UnlessOlder, append(records, others...)...))
	must(t, "erase the user", s.Erase(ctx, records[0].Key()))
	wantSame(t, "records", stored(t, s, records), []hub.Record{records[3], records[5]})
	must(t, "erase the rest", s.Erase(ctx, keysOf(records)...))
	wantSame(t, "records", stored(t, s, records), []hub.Record(nil))
	wantSame(t, "others", stored(t, s, others), others)
	wantMarks(t, s)
	must(t, "put again", s.Put(ctx, hub.UnlessOlder, records...))
	wantSame(t, "records", stored(t, s, records), records)

	stone := hub.Record{Tombstone: &hub.Tombstone{UserID: hub.NewID(), Version: 2, PurgedAt: start()}}
	must(t, "put", s.Put(ctx, hub.UnlessOlder, stone))
	must(t, "erase", s.Erase(ctx, hub.RecordKey{Kind: hub.RecordUser, ID: stone.Tombstone.UserID}))
	wantSame(t, "a tombstone is no user", stored(t, s, []hub.Record{stone}), []hub.Record{stone})
	must(t, "erase", s.Erase(ctx, stone.Key()))
	wantSame(t, "the tombstone", stored(t, s, []hub.Record{stone}), []hub.Record(nil))
}

func aboutAndVerify(t *testing.T, s *mongostore.Store, p *pool) {
	ctx := t.Context()
	records := everything("a@example.com")
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
	about, err := s.About(ctx)
	must(t, "about", err)
	if about.Engine != "mongodb" || about.Product == "" || about.Place == "" || about.Schema < 1 {
		t.Errorf("about %+v", about)
	}
	ttl := []string{ // the pool dropped them
		"refresh_tokens: the index refresh_tokens_expire is missing, or is not as it should be",
		"verification_tokens: the index verification_tokens_expire is missing, or is not as it should be",
	}
	found, err := s.Verify(ctx)
	must(t, "verify", err)
	wantSame(t, "findings", found, ttl)

	db := p.client.Database(p.nameOf(s))
	u := records[0].User
	for _, d := range []struct {
		collection string
		document   bson.D
	}{
		{"users", bson.D{{Key: "userId", Value: "bad"}, {Key: "email", Value: "Bad@example.com"}, {Key: "role", Value: "user"}, {Key: "version", Value: 1}, {Key: "metadata", Value: "[]"}}},
		{"users", bson.D{{Key: "userId", Value: "worse"}, {Key: "email", Value: "w"}, {Key: "role", Value: "secret value"}}},
		{"refresh_tokens", bson.D{{Key: "sessionId", Value: "s1"}, {Key: "tokenId", Value: "t1"}, {Key: "userId", Value: "nobody"}, {Key: "version", Value: 1}}},
		{"refresh_tokens", bson.D{{Key: "sessionId", Value: "s2"}, {Key: "tokenId", Value: "t2"}, {Key: "userId", Value: u.ID}, {Key: "version", Value: 1}, {Key: "epoch", Value: 9}}},
		{"mails", bson.D{{Key: "_id", Value: "m1"}, {Key: "state", Value: "lost"}}},
		{"lockouts", bson.D{{Key: "_id", Value: "l1"}, {Key: "failures", Value: -1}, {Key: "version", Value: 1}}},
		{"events", bson.D{{Key: "_id", Value: "e1"}, {Key: "at", Value: "yesterday"}}},
	} {
		_, err := db.Collection(d.collection).InsertOne(ctx, d.document)
		must(t, "insert", err)
	}
	found, err = s.Verify(ctx)
	must(t, "verify", err)
	slices.Sort(found)
	want := append([]string{
		"event e1: cannot be read", "lockout l1: counts below zero", "mail m1: is in no state that is known",
		"session s1: its user does not exist", "session s2: begun in an epoch that its user has not reached",
		"user bad: cannot be found by name", "user bad: metadata is not a JSON object", "user bad: the address is not canonical",
		"user worse: cannot be read",
	}, ttl...)
	slices.Sort(want)
	wantSame(t, "findings", found, want)
}

func manyRecords(t *testing.T, s *mongostore.Store, _ *pool) {
	var records []hub.Record
	for i := range 500 {
		records = append(records, everything(fmt.Sprintf("%d@example.com", i))...)
	}
	began := time.Now()
	must(t, "put", s.Put(t.Context(), hub.UnlessOlder, records...))
	first := time.Since(began)
	must(t, "put again", s.Put(t.Context(), hub.UnlessOlder, records...))
	t.Logf("%d records: %v, again %v", len(records), first, time.Since(began)-first)
	if n := len(stored(t, s, records)); n != len(records) {
		t.Errorf("%d of %d are stored", n, len(records))
	}
}
