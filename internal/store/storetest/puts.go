package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func putTests() []databaseTest {
	return []databaseTest{
		{"PutKeepsOlderVersionsOut", putKeepsOlderOut},
		{"PutAlwaysReplaces", putAlwaysReplaces},
		{"PutReplacesAnEqualVersion", putReplacesEqual},
		{"PutUsesAMailTokenOnce", putUsesTokenOnce},
		{"PutKnowsWhenALockoutIsAnother", putKnowsLockout},
		{"PutReplacesALockoutAtAnyMillisecond", putReplacesLockout},
		{"PutRefusesATakenAddress", putRefusesTaken},
		{"UsersTradeAddresses", usersTrade},
		{"PutWantsTheUser", putWantsUser},
		{"NothingComesBackFromAPurge", nothingComesBack},
		{"APurgeBeatsASimultaneousCopy", purgeBeatsCopy},
		{"SimultaneousCopiesLeaveTheNewest", copiesLeaveNewest},
		{"ThousandsArePutAtOnce", thousandsArePut},
	}
}

func putUser(t *testing.T, s hub.Database, u hub.User) {
	t.Helper()
	must(t, "put user", s.Put(t.Context(), hub.UnlessOlder, hub.Record{User: &u}))
}

func putKeepsOlderOut(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	u := newUser("a@example.com", func(u *hub.User) { u.Version = 5 })
	putUser(t, s, u)
	older := u
	older.Version, older.FirstName, older.Email = 4, "Older", "older@example.com"
	putUser(t, s, older)
	must(t, "put with others", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &older}, hub.Record{User: new(newUser("b@example.com"))}))
	wantSame(t, "the user", storedUser(t, s, u.ID), u)
	newer := u
	newer.Version, newer.FirstName, newer.Email = 9, "Newer", "newer@example.com"
	putUser(t, s, newer)
	wantSame(t, "the user", storedUser(t, s, u.ID), newer)

	se := newSession(u, func(se *hub.Session) { se.Version = 3 })
	must(t, "put session", s.Put(ctx, hub.UnlessOlder, hub.Record{Session: &se}))
	stale := se
	stale.Version, stale.IP = 2, "stale"
	must(t, "put session", s.Put(ctx, hub.UnlessOlder, hub.Record{Session: &stale}))
	wantSame(t, "the session", storedSession(t, s, se.ID), se)
}

func putAlwaysReplaces(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, false)
	u := newUser("a@example.com", func(u *hub.User) { u.Version = 5 })
	putUser(t, s, u)
	u.Version, u.FirstName = 3, "Right"
	must(t, "put", s.Put(t.Context(), hub.Always, hub.Record{User: &u}))
	wantSame(t, "the user", storedUser(t, s, u.ID), u)
}

func putReplacesEqual(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	everything(t, s)
	for _, r := range scanAll(t, s) {
		changed := r
		switch {
		case r.User != nil:
			changed.User = new(*r.User)
			changed.User.FirstName = "Mended"
		case r.Session != nil:
			changed.Session = new(*r.Session)
			changed.Session.IP = "mended"
		case r.MailToken != nil:
			changed.MailToken = new(*r.MailToken)
			changed.MailToken.Hash = "mended"
		case r.Lockout != nil:
			changed.Lockout = new(*r.Lockout)
			changed.Lockout.Failures = 77
		case r.Mail != nil:
			changed.Mail = new(*r.Mail)
			changed.Mail.LastError = "mended"
		case r.Event != nil:
			changed.Event = new(*r.Event)
			changed.Event.IP = "mended"
		}
		must(t, "put", s.Put(ctx, hub.UnlessOlder, changed))
		wantSame(t, string(r.Key().Kind), lookup(t, s, r.Key()), []hub.Record{changed})
	}
}

func putUsesTokenOnce(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	m := newMailToken(addUser(t, s, newUser("a@example.com")))
	used := m
	used.UsedAt = start()
	for _, put := range []hub.MailToken{m, used, m} {
		must(t, "put", s.Put(ctx, hub.UnlessOlder, hub.Record{MailToken: &put}))
	}
	got, err := s.MailTokenByID(ctx, m.ID)
	must(t, "read mail token", err)
	wantSame(t, "the token", got, used)
}

// putReplacesLockout puts the states of lockouts that are pending until milliseconds that some write with fewer digits.
func putReplacesLockout(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	for _, ms := range []int{0, 1, 20, 100, 120, 123, 999} {
		l := hub.Lockout{Key: fmt.Sprint(ms), Version: 1, Pending: 1, PendingUntil: start().Truncate(time.Second).Add(time.Duration(ms) * time.Millisecond)}
		decided := l
		decided.Version, decided.Pending = 2, 0
		for _, put := range []hub.Lockout{l, decided, l} {
			must(t, "put lockout", s.Put(ctx, hub.UnlessOlder, hub.Record{Lockout: &put}))
		}
		got, err := s.LockoutByKey(ctx, l.Key)
		must(t, "read lockout", err)
		if got.Version != 2 || got.Pending != 0 {
			t.Errorf("pending until %v: version %d is there, want 2", l.PendingUntil, got.Version)
		}
	}
}

// putKnowsLockout puts a lockout that began after an earlier one for the same key was forgotten: its versions are lower.
func putKnowsLockout(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	policy := hub.LockoutPolicy{MaxFailures: 5, Duration: 15 * time.Minute}
	begun := func(version int64, at time.Time) hub.Lockout {
		l := hub.Lockout{Key: "k", Version: version}
		l.Begin(policy, at)
		return l
	}
	earlier := begun(9, start())
	later := begun(1, earlier.ExpiresAt())
	delayed := begun(3, start().Add(-time.Second))
	for _, tt := range []struct{ put, want hub.Lockout }{{earlier, earlier}, {delayed, earlier}, {later, later}} {
		must(t, "put", s.Put(ctx, hub.UnlessOlder, hub.Record{Lockout: &tt.put}))
		got, err := s.LockoutByKey(ctx, "k")
		must(t, "read lockout", err)
		wantSame(t, "the lockout", got, tt.want)
	}
}

func putRefusesTaken(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	holder := addUser(t, s, newUser("taken@example.com"))
	second := newUser("taken@example.com")
	wantError(t, "put a second", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &second}), hub.ErrDuplicateEmail)
	mover := addUser(t, s, newUser("mover@example.com"))
	mover.Email, mover.Version = "taken@example.com", 2
	wantError(t, "put a mover", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &mover}), hub.ErrDuplicateEmail)
	wantSame(t, "the holder", storedUser(t, s, holder.ID), holder)
	if got := storedUser(t, s, mover.ID); got.Email != "mover@example.com" {
		t.Errorf("the mover has the address %s", got.Email)
	}
}

func usersTrade(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	var records []hub.Record
	var users []hub.User
	const n = 3
	for i := range n {
		users = append(users, addUser(t, s, newUser(fmt.Sprintf("%d@example.com", i))))
	}
	for i, u := range users {
		u.Email, u.Version = users[(i+1)%n].Email, 2
		records = append(records, hub.Record{User: &u})
	}
	wantError(t, "one alone", s.Put(ctx, hub.UnlessOlder, records[0]), hub.ErrDuplicateEmail)
	must(t, "all together", s.Put(ctx, hub.UnlessOlder, records...))
	for _, r := range records {
		wantSame(t, "a trader", storedUser(t, s, r.User.ID), *r.User)
	}
}

func putWantsUser(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	nobody := newUser("nobody@example.com")
	se, m := newSession(nobody), newMailToken(nobody)
	for _, r := range []hub.Record{{Session: &se}, {MailToken: &m}} {
		wantError(t, "put for nobody", s.Put(ctx, hub.UnlessOlder, r), hub.ErrOrphan)
		if found := lookup(t, s, r.Key()); len(found) != 0 {
			t.Error("an orphan is stored")
		}
	}
	must(t, "put with the user", s.Put(ctx, hub.UnlessOlder, hub.Record{MailToken: &m}, hub.Record{Session: &se}, hub.Record{User: &nobody}))
	storedSession(t, s, se.ID)
}

func nothingComesBack(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	u := addUser(t, s, newUser("a@example.com"))
	se, m, mail := addSession(t, s, newSession(u)), addMailToken(t, s, u), newMail(u.ID)
	must(t, "add mail", s.AddMail(ctx, mail, newEvent("")))
	stone := hub.Tombstone{UserID: u.ID, Version: 2, PurgedAt: start()}
	for range 2 {
		must(t, "put tombstone", s.Put(ctx, hub.UnlessOlder, hub.Record{Tombstone: &stone}))
		u.Version = 99 // however new it says it is
		for _, r := range []hub.Record{{User: &u}, {Session: &se}, {MailToken: &m}, {Mail: &mail}} {
			if err := s.Put(ctx, hub.UnlessOlder, r); err != nil && !errors.Is(err, hub.ErrOrphan) {
				t.Errorf("put after the purge: %v", err)
			}
			if found := lookup(t, s, r.Key()); len(found) != 0 {
				t.Errorf("%s came back", r.Key().Kind)
			}
		}
	}
	_, err := s.UserByEmail(ctx, u.Email)
	wantError(t, "the user by e-mail", err, hub.ErrNotFound)
	putUser(t, s, newUser("a@example.com")) // the address is free
}

// retried repeats what a database refused for the moment, as everybody who copies does.
func retried(put func() error) error {
	var err error
	for range 20 {
		if err = put(); !errors.Is(err, hub.ErrUnavailable) {
			return err
		}
	}
	return err
}

func purgeBeatsCopy(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	for range 30 {
		u := newUser(hub.NewID() + "@example.com")
		se := newSession(u)
		stone := hub.Tombstone{UserID: u.ID, Version: 2, PurgedAt: start()}
		errs := atOnce(4, func(i int) error {
			return retried(func() error {
				switch i {
				case 0:
					return s.Put(ctx, hub.UnlessOlder, hub.Record{Tombstone: &stone})
				case 1:
					err := s.Put(ctx, hub.UnlessOlder, hub.Record{User: &u}, hub.Record{Session: &se})
					if errors.Is(err, hub.ErrOrphan) {
						return nil
					}
					return err
				}
				return s.Put(ctx, hub.UnlessOlder, hub.Record{User: &u})
			})
		})
		wantErrors(t, errs, 4, nil)
		if found := lookup(t, s, hub.Record{User: &u}.Key(), hub.Record{Session: &se}.Key()); len(found) != 0 {
			t.Fatalf("a copy survived the purge: %v", keysOf(found))
		}
	}
}

func copiesLeaveNewest(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	for range 10 {
		u := newUser(hub.NewID() + "@example.com")
		const versions = 12
		errs := atOnce(versions, func(i int) error {
			state := u
			state.Version, state.FirstName = int64(i+1), fmt.Sprint(i+1)
			return retried(func() error { return s.Put(ctx, hub.UnlessOlder, hub.Record{User: &state}) })
		})
		wantErrors(t, errs, versions, nil)
		if got := storedUser(t, s, u.ID); got.Version != versions || got.FirstName != fmt.Sprint(versions) {
			t.Errorf("version %d, %s is left", got.Version, got.FirstName)
		}
	}
}

func thousandsArePut(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, false)
	const n = 2000
	records := make([]hub.Record, n)
	for i := range records {
		records[i] = hub.Record{User: new(newUser(fmt.Sprintf("%d@example.com", i)))}
	}
	for round := range 2 {
		for from := 0; from < n; from += 500 {
			must(t, "put", s.Put(ctx, hub.UnlessOlder, records[from:from+500]...))
		}
		page, err := s.Users(ctx, hub.UserQuery{Limit: 1})
		must(t, "list users", err)
		if page.Total != n {
			t.Errorf("round %d: %d users, want %d", round, page.Total, n)
		}
	}
}
