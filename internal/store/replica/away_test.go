package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/storetest"
)

// pair is a running store over two databases that fail on cue.
type pair struct {
	*replica.Store
	primary, secondary *storetest.FaultyDatabase
}

const forLong = 1_000_000 // calls

// startPair runs a store on two SQLite databases until the test ends.
func startPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{
		primary:   storetest.NewFaultyDatabase(openSQLite(t, true)),
		secondary: storetest.NewFaultyDatabase(openSQLite(t, false)),
	}
	p.Store = newPair(t, p.primary, p.secondary)
	runStore(t, p.Store)
	return p
}

// runStore runs the store until the test ends.
func runStore(t *testing.T, s *replica.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
}

// loseAll makes every method fail of those that a pair calls on a database.
func loseAll(db *storetest.FaultyDatabase) {
	for _, method := range []string{
		"Ping", "Backlog", "Marks", "Unmark", "Lookup", "Put", "AddUser", "UpdateUser", "PurgeUser", "UserByID", "UserByEmail", "Users", "SessionWithUser",
		"SessionsByUser", "AddSession", "UpdateSession", "PutLockout", "LockoutByKey", "AddEvent", "Events", "Stats", "DueMails", "AddMail",
	} {
		db.FailNext(method, forLong, fmt.Errorf("on cue: %w", hub.ErrUnavailable), false)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func (p *pair) caughtUp(t *testing.T) {
	t.Helper()
	eventually(t, "nothing is left to copy", func() bool {
		b, err := p.primary.Backlog(t.Context())
		return err == nil && b.Pending == 0 && p.State().CaughtUp && !p.State().SecondaryAway
	})
}

func newUser(email string) hub.User {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return hub.User{ID: hub.NewID(), Email: email, Role: hub.RoleUser, IsActive: true, CreatedAt: at, UpdatedAt: at, Version: 1}
}

func newSession(u hub.User) hub.Session {
	return hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, CreatedAt: u.CreatedAt, ExpiresAt: u.CreatedAt.Add(time.Hour),
		Token: hub.RefreshToken{ID: hub.NewID(), Hash: "h", IssuedAt: u.CreatedAt, ExpiresAt: u.CreatedAt.Add(time.Hour)}, Version: 1,
	}
}

func newEvent() hub.Event {
	return hub.NewEvent(context.Background(), hub.EventUserUpdated, "", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestASecondaryThatIsAwayHindersNobody is FLT-05 on the level of the store.
func TestASecondaryThatIsAwayHindersNobody(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	before := newUser("before@example.com")
	must(t, "add user", p.AddUser(t.Context(), before, newEvent()))
	p.caughtUp(t)
	loseAll(p.secondary)
	for i := range 20 {
		u := newUser(fmt.Sprintf("%d@example.com", i))
		must(t, "add user", p.AddUser(t.Context(), u, newEvent()))
		must(t, "add session", p.AddSession(t.Context(), newSession(u), newEvent()))
	}
	must(t, "purge user", p.PurgeUser(t.Context(), before.ID, before.Version, newEvent()))
	eventually(t, "the state says so", func() bool {
		state := p.State()
		return state.SecondaryAway && !state.CaughtUp && state.Behind(time.Now()) && state.Backlog.Pending > 60
	})
	stats, err := p.Stats(t.Context(), time.Now())
	must(t, "stats", err)
	if r := stats.Replication; r == nil || r.Pending < 60 || r.Lag <= 0 {
		t.Errorf("replication %+v", r)
	}
	failures, err := p.Events(t.Context(), hub.EventQuery{UserID: hub.ReplicationID, Limit: 10})
	must(t, "list events", err)
	if len(failures) != 1 || failures[0].Kind != hub.EventReplicationFailed || failures[0].Detail["error"] == "" {
		t.Errorf("the audit trail tells of %+v", failures)
	}
	p.secondary.Heal()
	p.caughtUp(t)
	wantEqual(t, p.Store)
}

// TestReadsGoOnWithoutThePrimary is FLT-07 for two databases: what needs no change is answered, everything else refused.
func TestReadsGoOnWithoutThePrimary(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	ctx := t.Context()
	u := newUser("a@example.com")
	se := newSession(u)
	must(t, "add user", p.AddUser(ctx, u, newEvent()))
	must(t, "add session", p.AddSession(ctx, se, newEvent()))
	p.caughtUp(t)
	loseAll(p.primary)
	for range 2 { // before and after it is known to be away
		if _, owner, err := p.SessionWithUser(ctx, se.ID); err != nil || owner.Email != u.Email {
			t.Errorf("read session: %v, %s", err, owner.Email)
		}
		if _, err := p.UserByID(ctx, u.ID); err != nil {
			t.Errorf("read user: %v", err)
		}
		if _, err := p.UserByEmail(ctx, u.Email); err != nil {
			t.Errorf("read user by e-mail: %v", err)
		}
		if page, err := p.Users(ctx, hub.UserQuery{Limit: 10}); err != nil || page.Total != 1 {
			t.Errorf("list users: %v, %d", err, page.Total)
		}
		if sessions, err := p.SessionsByUser(ctx, u.ID, u.CreatedAt, 10); err != nil || len(sessions) != 1 {
			t.Errorf("list sessions: %v, %d", err, len(sessions))
		}
		if events, err := p.Events(ctx, hub.EventQuery{Limit: 10}); err != nil || len(events) != 2 {
			t.Errorf("list events: %v, %d", err, len(events))
		}
		must(t, "ping", p.Ping(ctx))
		known := p.State().PrimaryAway
		for name, err := range map[string]error{
			"add user":     p.AddUser(ctx, newUser("b@example.com"), newEvent()),
			"update user":  p.UpdateUser(ctx, u, newEvent()),
			"put lockout":  p.PutLockout(ctx, hub.Lockout{Key: "k"}, nil),
			"read lockout": second(p.LockoutByKey(ctx, "k")),
			"due mails":    second(p.DueMails(ctx, u.CreatedAt, 1)),
			"sweep":        second(p.Sweep(ctx, u.CreatedAt, hub.Retention{}, 1)),
		} {
			if name == "sweep" && !known {
				continue // it does not fail on cue
			}
			if !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("%s: error %v", name, err)
			}
		}
		eventually(t, "the primary is known to be away", func() bool { return p.State().PrimaryAway })
	}
	stats, err := p.Stats(ctx, u.CreatedAt)
	if err != nil || stats.Replication == nil {
		t.Errorf("stats: %v, %+v", err, stats)
	}
	p.primary.Heal()
	eventually(t, "the primary is back", func() bool { return !p.State().PrimaryAway })
	must(t, "add user", p.AddUser(ctx, newUser("c@example.com"), newEvent()))
	p.caughtUp(t)
	wantEqual(t, p.Store)
}

func second[T any](_ T, err error) error { return err }

// TestNobodyReadsFromASecondaryThatMissedSomething keeps a revoked session revoked (FLT-09): its end never reached the
// secondary before the primary went away.
func TestNobodyReadsFromASecondaryThatMissedSomething(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	ctx := t.Context()
	u := newUser("a@example.com")
	se := newSession(u)
	must(t, "add user", p.AddUser(ctx, u, newEvent()))
	must(t, "add session", p.AddSession(ctx, se, newEvent()))
	p.caughtUp(t)
	p.secondary.FailNext("Put", forLong, errors.New("refused on cue"), false)
	se.End(u.CreatedAt)
	must(t, "end session", p.UpdateSession(ctx, se, newEvent()))
	loseAll(p.primary)
	for range 2 {
		if _, _, err := p.SessionWithUser(ctx, se.ID); !errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("the secondary answered: %v", err)
		}
		if err := p.Ping(ctx); !errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("ping: %v", err)
		}
		eventually(t, "the primary is known to be away", func() bool { return p.State().PrimaryAway })
	}
	p.primary.Heal()
	p.secondary.Heal()
	eventually(t, "the end is known", func() bool {
		stored, _, err := p.secondary.SessionWithUser(ctx, se.ID)
		return err == nil && !stored.EndedAt.IsZero()
	})
}

// TestTheSecondaryMayComeLater starts while the secondary is away.
func TestTheSecondaryMayComeLater(t *testing.T) {
	t.Parallel()
	primary, secondary := openSQLite(t, true), openSQLite(t, false)
	var mu sync.Mutex
	failure := fmt.Errorf("starting: %w", hub.ErrUnavailable)
	s, err := replica.New(t.Context(), replica.Config{Primary: primary, Log: slog.New(slog.DiscardHandler), OpenSecondary: func(context.Context) (hub.Database, error) {
		mu.Lock()
		defer mu.Unlock()
		return secondary, failure
	}})
	must(t, "new", err)
	if _, err := s.Secondary(); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("the secondary: %v", err)
	}
	runStore(t, s)
	must(t, "add user", s.AddUser(t.Context(), newUser("a@example.com"), newEvent()))
	mu.Lock()
	failure = nil
	mu.Unlock()
	eventually(t, "the user is copied", func() bool {
		_, err := secondary.UserByEmail(t.Context(), "a@example.com")
		return err == nil && !s.State().SecondaryAway
	})

	_, err = replica.New(t.Context(), replica.Config{Primary: primary, Log: slog.New(slog.DiscardHandler), OpenSecondary: func(context.Context) (hub.Database, error) {
		return nil, errors.New("wrong password")
	}})
	if err == nil {
		t.Error("a mistake in the settings of the secondary is no error")
	}
}

// TestUsersWhoTradedAddressesAreCopied has three users hand their addresses on while the secondary is away.
func TestUsersWhoTradedAddressesAreCopied(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	ctx := t.Context()
	var users []hub.User
	for i := range 3 {
		users = append(users, newUser(fmt.Sprintf("%d@example.com", i)))
		must(t, "add user", p.AddUser(ctx, users[i], newEvent()))
	}
	purged := newUser("purged@example.com")
	must(t, "add user", p.AddUser(ctx, purged, newEvent()))
	p.caughtUp(t)
	loseAll(p.secondary)
	move := func(u *hub.User, email string) {
		u.Email = email
		must(t, "update user", p.UpdateUser(ctx, *u, newEvent()))
		u.Version++
	}
	move(&users[0], "aside@example.com")
	move(&users[1], "0@example.com")
	move(&users[2], "1@example.com")
	move(&users[0], "2@example.com")
	must(t, "purge user", p.PurgeUser(ctx, purged.ID, purged.Version, newEvent()))
	must(t, "add user", p.AddUser(ctx, newUser("purged@example.com"), newEvent()))
	p.secondary.Heal()
	p.caughtUp(t)
	wantEqual(t, p.Store)
}

// TestWhatCannotBeCopiedHindersNothingElse has the secondary refuse one record for good.
func TestWhatCannotBeCopiedHindersNothingElse(t *testing.T) {
	t.Parallel()
	primary, secondary := openSQLite(t, true), openSQLite(t, false)
	s := newPair(t, primary, &picky{Database: secondary})
	for i := range 5 {
		must(t, "add user", s.AddUser(t.Context(), newUser(fmt.Sprintf("%d@example.com", i)), newEvent()))
	}
	err := s.Drain(t.Context())
	if err == nil {
		t.Error("everything was copied")
	}
	b, err := primary.Backlog(t.Context())
	must(t, "backlog", err)
	if b.Pending != 1 {
		t.Errorf("%d records are marked, want the one that is refused", b.Pending)
	}
	if found := compare(t, primary, secondary); len(found) != 0 { // what waits to be copied is not told
		t.Errorf("%d records differ: %+v", len(found), found)
	}
}

// picky refuses one user.
type picky struct{ hub.Database }

func (p *picky) Put(ctx context.Context, rule hub.PutRule, records ...hub.Record) error {
	for _, r := range records {
		if r.User != nil && r.User.Email == "3@example.com" {
			return errors.New("not this one")
		}
	}
	return p.Database.Put(ctx, rule, records...)
}
