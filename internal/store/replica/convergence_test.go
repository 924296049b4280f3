package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// errLost is what a caller sees whose call got lost on its way there or back.
var errLost = errors.New("lost")

// network stands between the store and its databases. Calls may get lost, be done with their answers lost, or arrive late:
// after any number of others.
type network struct {
	fate  func() fate
	queue []func() // calls under way
}

// fate is what happens to a call.
type fate int

const (
	arrives fate = iota
	neverArrives
	answerLost
	arrivesLate
	fates
)

// send makes a call as its fate wants.
func (n *network) send(call func() error) error {
	switch n.fate() {
	case neverArrives:
		return errLost
	case answerLost:
		_ = call() // nobody hears how it went
		return errLost
	case arrivesLate:
		n.queue = append(n.queue, func() { _ = call() }) // nobody hears how it went
		return errLost
	}
	return call()
}

// deliver lets a call that is under way arrive.
func (n *network) deliver(i int) {
	call := n.queue[i]
	n.queue = slices.Delete(n.queue, i, i+1)
	call()
}

// farSecondary is reached over the network, for what matters to convergence.
type farSecondary struct {
	hub.Database
	net       *network
	rule      func(hub.PutRule) hub.PutRule // nil: as asked
	forgetful bool                          // tombstones do not stay
}

func (f *farSecondary) Put(_ context.Context, rule hub.PutRule, records ...hub.Record) error {
	if f.rule != nil {
		rule = f.rule(rule)
	}
	records = slices.Clone(records)
	return f.net.send(func() error {
		err := f.Database.Put(context.Background(), rule, records...)
		if !f.forgetful {
			return err
		}
		for _, r := range records {
			if r.Tombstone != nil {
				err = errors.Join(err, f.Database.Erase(context.Background(), r.Key()))
			}
		}
		return err
	})
}

// farPrimary forgets marks over the network.
type farPrimary struct {
	hub.Database
	net    *network
	byName bool // marks are removed by their names, whatever their versions
}

func (f *farPrimary) Unmark(_ context.Context, marks ...hub.Mark) error {
	return f.net.send(func() error {
		if f.byName {
			stand, err := f.Database.Marks(context.Background(), time.Now().Add(time.Hour), 10_000)
			if err != nil {
				return err
			}
			for i, m := range marks {
				for _, other := range stand {
					if other.Key == m.Key {
						marks[i].Version = other.Version
					}
				}
			}
		}
		return f.Database.Unmark(context.Background(), marks...)
	})
}

// world is a replicated store in a bad network, and what its clients know.
type world struct {
	t         *testing.T
	seed      uint64
	random    *rand.Rand
	net       *network
	primary   *sqlstore.Store
	secondary *sqlstore.Store
	open      func() *replica.Store
	store     *replica.Store
	users     []string
	sessions  []string
	tokens    []string
	clock     time.Time
}

func (w *world) must(what string, err error, allowed ...error) {
	if err == nil || slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }) {
		return
	}
	w.t.Fatalf("world %d: %s: %v", w.seed, what, err)
}

func (w *world) event() hub.Event {
	return hub.NewEvent(context.Background(), hub.EventUserUpdated, "", w.clock)
}

func pick(w *world, ids []string) string { return ids[w.random.IntN(len(ids))] }

// email returns one of few addresses, so that users want each other's.
func (w *world) email() string {
	return fmt.Sprintf("%d@example.com", w.random.IntN(4))
}

func (w *world) addUser() {
	u := hub.User{
		ID: hub.NewID(), Email: w.email(), FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleUser, IsActive: true,
		CreatedAt: w.clock, UpdatedAt: w.clock, Version: 1,
	}
	err := w.store.AddUser(context.Background(), u, w.event(), hub.NewMail(hub.MailVerification, u.ID, u.Email, w.clock))
	w.must("add user", err, hub.ErrDuplicateEmail)
	if err == nil {
		w.users = append(w.users, u.ID)
	}
}

func (w *world) someone() (hub.User, bool) {
	if len(w.users) == 0 {
		return hub.User{}, false
	}
	u, err := w.store.UserByID(context.Background(), pick(w, w.users))
	w.must("read user", err, hub.ErrNotFound)
	return u, err == nil
}

func (w *world) updateUser() {
	if u, ok := w.someone(); ok {
		u.Email = w.email()
		u.FirstName = fmt.Sprint(u.Version)
		w.must("update user", w.store.UpdateUser(context.Background(), u, w.event()), hub.ErrDuplicateEmail)
	}
}

func (w *world) purgeUser() {
	if u, ok := w.someone(); ok {
		w.must("purge user", w.store.PurgeUser(context.Background(), u.ID, u.Version, w.event()))
	}
}

func (w *world) addSession() {
	if u, ok := w.someone(); ok {
		se := hub.Session{
			ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, CreatedAt: w.clock, ExpiresAt: w.clock.Add(time.Hour),
			Token: hub.RefreshToken{ID: hub.NewID(), Hash: "h", IssuedAt: w.clock, ExpiresAt: w.clock.Add(time.Hour)}, Version: 1,
		}
		w.must("add session", w.store.AddSession(context.Background(), se, w.event()))
		w.sessions = append(w.sessions, se.ID)
	}
}

func (w *world) updateSession() {
	if len(w.sessions) == 0 {
		return
	}
	se, _, err := w.store.SessionWithUser(context.Background(), pick(w, w.sessions))
	if errors.Is(err, hub.ErrNotFound) {
		return
	}
	w.must("read session", err)
	se.IP = fmt.Sprint(se.Version)
	w.must("update session", w.store.UpdateSession(context.Background(), se, w.event()))
}

func (w *world) addMailToken() {
	if u, ok := w.someone(); ok {
		m := hub.MailToken{
			ID: hub.NewID(), UserID: u.ID, Email: u.Email, Purpose: hub.PurposeReset, Hash: "h", CreatedAt: w.clock, ExpiresAt: w.clock.Add(time.Hour),
		}
		w.must("add mail token", w.store.AddMailToken(context.Background(), m))
		w.tokens = append(w.tokens, m.ID)
	}
}

func (w *world) spendMailToken() {
	if len(w.tokens) == 0 {
		return
	}
	m, err := w.store.MailTokenByID(context.Background(), pick(w, w.tokens))
	if errors.Is(err, hub.ErrNotFound) {
		return
	}
	w.must("read mail token", err)
	u, err := w.store.UserByID(context.Background(), m.UserID)
	w.must("read user", err)
	err = w.store.SpendMailToken(context.Background(), m.ID, w.clock, u, w.event())
	w.must("spend mail token", err, hub.ErrConflict)
}

// fail counts a failed password check for one of two addresses.
func (w *world) fail() {
	l, err := w.store.LockoutByKey(context.Background(), fmt.Sprint(w.random.IntN(2)))
	w.must("read lockout", err)
	if l.Begin(hub.LockoutPolicy{MaxFailures: 5, Duration: time.Minute}, w.clock) != hub.LockoutProceed {
		return
	}
	w.must("put lockout", w.store.PutLockout(context.Background(), l, nil))
}

// wait lets time pass, and both sides forget by it.
func (w *world) wait() {
	w.clock = w.clock.Add(time.Duration(1+w.random.IntN(90)) * time.Second)
	_, err := w.store.Sweep(context.Background(), w.clock, hub.Retention{}, 100)
	w.must("sweep", err)
}

func (w *world) deliver() {
	if n := len(w.net.queue); n > 0 {
		w.net.deliver(w.random.IntN(n))
	}
}

// copyRest is a round of the worker.
func (w *world) copyRest() {
	_ = w.store.Drain(context.Background()) // in this network it may fail
}

// restart lets the process die and another begin. What it had sent stays under way.
func (w *world) restart() { w.store = w.open() }

func (w *world) steps() []func() {
	return []func(){
		w.addUser, w.addUser, w.updateUser, w.updateUser, w.updateUser, w.addSession, w.updateSession, w.updateSession,
		w.addMailToken, w.spendMailToken, w.fail, w.fail, w.wait, w.purgeUser, w.deliver, w.deliver, w.copyRest, w.restart,
	}
}

// end lets everything arrive, in any order, copies what is left in a good network, and returns what differs.
func (w *world) end() []replica.Difference {
	for len(w.net.queue) > 0 {
		w.deliver()
	}
	w.net.fate = func() fate { return arrives }
	w.restart()
	w.must("copy the rest", w.store.Drain(context.Background()))
	_, err := w.store.Sweep(context.Background(), w.clock, hub.Retention{}, 1000)
	w.must("sweep", err)
	var found []replica.Difference
	c := replica.Comparison{
		Source: w.primary, Target: w.secondary, Kinds: hub.RecordKinds(), Live: longAgo(),
		Found: func(d replica.Difference) error {
			found = append(found, d)
			return nil
		},
	}
	_, err = c.Run(context.Background())
	w.must("compare", err)
	return found
}

// rules says which rule of convergence is switched off.
type rules struct{ putOlder, unmarkNewer, forgetTombstones bool }

// live lets a world with that seed pass, and returns what differs between its databases in the end.
func live(t *testing.T, primary, secondary *sqlstore.Store, seed uint64, off rules) []replica.Difference {
	t.Helper()
	w := &world{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), primary: primary, secondary: secondary, net: new(network),
		clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	clear(t, primary)
	clear(t, secondary)
	w.net.fate = func() fate { return fate(w.random.IntN(int(fates))) }
	far := &farSecondary{Database: secondary, net: w.net, forgetful: off.forgetTombstones}
	if off.putOlder {
		far.rule = func(hub.PutRule) hub.PutRule { return hub.Always }
	}
	w.open = func() *replica.Store {
		s, err := replica.New(context.Background(), replica.Config{
			Primary: &farPrimary{Database: primary, net: w.net, byName: off.unmarkNewer}, OpenSecondary: opened(far), Log: slog.New(slog.DiscardHandler),
		})
		w.must("open", err)
		return s
	}
	w.restart()
	steps := w.steps()
	for range 5 + w.random.IntN(36) {
		steps[w.random.IntN(len(steps))]()
	}
	return w.end()
}

// clear empties a database.
func clear(t *testing.T, db hub.Database) {
	t.Helper()
	ctx := context.Background()
	for _, kind := range hub.RecordKinds() {
		records, err := db.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		keys := make([]hub.RecordKey, len(records))
		for i, r := range records {
			keys[i] = r.Key()
		}
		if err := db.Erase(ctx, keys...); err != nil {
			t.Fatal(err)
		}
	}
	marks, err := db.Marks(ctx, time.Now().Add(time.Hour), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Unmark(ctx, marks...); err != nil {
		t.Fatal(err)
	}
}

// TestBothSidesConverge lets changes, lost and late calls, rounds of the worker, sweeps and restarts happen in any order.
func TestBothSidesConverge(t *testing.T) {
	t.Parallel()
	primary, secondary := openIn(t, memoryDir(t), true), openIn(t, memoryDir(t), false)
	for seed := range uint64(worlds) {
		if found := live(t, primary, secondary, seed, rules{}); len(found) > 0 {
			t.Fatalf("world %d: %d records differ: %+v", seed, len(found), found)
		}
	}
}

// TestEachRuleIsNeeded is the test of the test above: without a rule it finds a world in which the sides do not converge.
func TestEachRuleIsNeeded(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]rules{
		"older records replace newer ones":    {putOlder: true},
		"marks of later versions are removed": {unmarkNewer: true},
		"tombstones go when they were put":    {forgetTombstones: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, secondary := openIn(t, memoryDir(t), true), openIn(t, memoryDir(t), false)
			for seed := range uint64(worlds) {
				if len(live(t, primary, secondary, seed, off)) > 0 {
					t.Logf("world %d does not converge", seed)
					return
				}
			}
			t.Error("every world converged")
		})
	}
}

// memoryDir returns a folder that lies in memory where there is one: thousands of worlds write a lot.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "a64core-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
