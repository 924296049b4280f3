package ratelimit_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/store/sqlstore"
)

const email = "ada@example.com"

var policy = hub.LockoutPolicy{MaxFailures: 5, Duration: 15 * time.Minute}

// clock is a time that tests step.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) Now() time.Time       { return noon.Add(time.Duration(c.nanoseconds.Load())) }
func (c *clock) step(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func newGuard(t *testing.T) (*ratelimit.Guard, *clock) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c := new(clock)
	return &ratelimit.Guard{Store: store, Policy: policy, Now: c.Now}, c
}

func begin(t *testing.T, g *ratelimit.Guard, email string) *ratelimit.Attempt {
	t.Helper()
	a, err := g.Begin(t.Context(), email)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return a
}

// fail fails one attempt and reports whether that locked the address.
func fail(ctx context.Context, g *ratelimit.Guard, a *ratelimit.Attempt) (bool, error) {
	e := hub.NewEvent(ctx, hub.EventLoginFailed, "", g.Now())
	onLock := e
	onLock.ID, onLock.Kind = hub.NewID(), hub.EventLoginLocked
	return a.Fail(ctx, e, onLock, func() []hub.Mail {
		return []hub.Mail{hub.NewMail(hub.MailAccountLocked, "", email, g.Now())}
	})
}

func failTimes(t *testing.T, g *ratelimit.Guard, n int) (locked bool) {
	t.Helper()
	for range n {
		var err error
		if locked, err = fail(t.Context(), g, begin(t, g, email)); err != nil {
			t.Fatalf("Fail: %v", err)
		}
	}
	return locked
}

// wantLocked checks that no attempt may begin for exactly the time left.
func wantLocked(t *testing.T, g *ratelimit.Guard, left time.Duration) {
	t.Helper()
	_, err := g.Begin(t.Context(), email)
	var e *hub.Error
	if !errors.As(err, &e) || e.Code != hub.CodeAccountLocked || e.RetryAfter != left {
		t.Fatalf("Begin: %v (%+v), want locked for %v", err, e, left)
	}
}

func TestLCK01_FiveFailuresLockFor15Minutes(t *testing.T) {
	t.Parallel()
	g, c := newGuard(t)
	if failTimes(t, g, 4) {
		t.Fatal("locked after 4")
	}
	if !failTimes(t, g, 1) {
		t.Fatal("not locked after 5")
	}
	wantLocked(t, g, 15*time.Minute)
	c.step(time.Millisecond)
	wantLocked(t, g, 15*time.Minute) // rounded up
	c.step(15*time.Minute - time.Second)
	wantLocked(t, g, time.Second)
	c.step(time.Second - time.Millisecond)
	begin(t, g, email)

	store := g.Store.(hub.Store)
	events, err := store.Events(t.Context(), hub.EventQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[hub.EventKind]int)
	for _, e := range events {
		kinds[e.Kind]++
	}
	mails, err := store.DueMails(t.Context(), c.Now(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if kinds[hub.EventLoginFailed] != 4 || kinds[hub.EventLoginLocked] != 1 || len(mails) != 1 {
		t.Errorf("events %v and %d mails; want 4 failed, 1 locked, 1 mail", kinds, len(mails))
	}
}

func TestLCK02_SuccessClears(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	for range 3 {
		failTimes(t, g, 4)
		if err := begin(t, g, email).Succeed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLCK05_OfManyWrongAtOnceFiveAreChecked(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	var checked, refused, lockings atomic.Int32
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			a, err := g.Begin(t.Context(), email)
			switch {
			case hub.IsCode(err, hub.CodeAccountLocked):
				refused.Add(1)
				return
			case err != nil:
				t.Errorf("Begin: %v", err)
				return
			}
			checked.Add(1)
			locked, err := fail(t.Context(), g, a)
			if err != nil {
				t.Errorf("Fail: %v", err)
			}
			if locked {
				lockings.Add(1)
			}
		})
	}
	group.Wait()
	if checked.Load() != 5 || refused.Load() != 95 || lockings.Load() != 1 {
		t.Errorf("%d checked, %d refused, %d locked it; want 5, 95, 1", checked.Load(), refused.Load(), lockings.Load())
	}
}

func TestLCK05_TwoInstancesShareTheFailures(t *testing.T) {
	t.Parallel()
	g, c := newGuard(t)
	guards := []*ratelimit.Guard{g, {Store: g.Store, Policy: policy, Now: c.Now}}
	var checked atomic.Int32
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			g := guards[i%2]
			a, err := g.Begin(t.Context(), email)
			if err != nil {
				if !hub.IsCode(err, hub.CodeAccountLocked) {
					t.Errorf("Begin: %v", err)
				}
				return
			}
			checked.Add(1)
			if _, err := fail(t.Context(), g, a); err != nil {
				t.Errorf("Fail: %v", err)
			}
		})
	}
	group.Wait()
	if n := checked.Load(); n != 5 {
		t.Errorf("%d checked, want 5", n)
	}
}

func TestR17_OfManyRightAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	failTimes(t, g, 3)
	var succeeded, checking atomic.Int32
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			a, err := g.Begin(t.Context(), email)
			if err != nil {
				t.Errorf("Begin: %v", err)
				return
			}
			if n := checking.Add(1); n > int32(policy.MaxFailures) {
				t.Errorf("%d are being checked at once", n)
			}
			checking.Add(-1)
			if err := a.Succeed(t.Context()); err != nil {
				t.Errorf("Succeed: %v", err)
				return
			}
			succeeded.Add(1)
		})
	}
	group.Wait()
	if n := succeeded.Load(); n != 100 {
		t.Errorf("%d succeeded, want 100", n)
	}
}

func TestLCK08_TriesDoNotExtendTheLock(t *testing.T) {
	t.Parallel()
	g, c := newGuard(t)
	failTimes(t, g, 5)
	for left := 15 * time.Minute; left > 0; left -= time.Minute {
		wantLocked(t, g, left)
		c.step(time.Minute)
	}
	if err := begin(t, g, email).Succeed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLCK09_FailuresExpire(t *testing.T) {
	t.Parallel()
	g, c := newGuard(t)
	for range 3 {
		if failTimes(t, g, 4) {
			t.Fatal("locked")
		}
		c.step(policy.Duration)
	}
}

func TestLCK10_ClearForgetsFailuresAndLockButNotChecksUnderWay(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	failTimes(t, g, 5)
	if err := g.Clear(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	failTimes(t, g, 3)
	underWay := []*ratelimit.Attempt{begin(t, g, email), begin(t, g, email)}
	if err := g.Clear(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	for _, a := range underWay {
		if _, err := fail(t.Context(), g, a); err != nil {
			t.Fatal(err)
		}
	}
	if failTimes(t, g, 2) || !failTimes(t, g, 1) {
		t.Error("guesses that were under way when the count was cleared do not count")
	}
	if err := g.Clear(t.Context(), "nobody@example.com"); err != nil {
		t.Errorf("Clear of an address never tried: %v", err)
	}
}

func TestLCK11_AddressesDoNotShare(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	failTimes(t, g, 5)
	for _, other := range []string{"ada@example.org", "bob@example.com"} {
		if err := begin(t, g, other).Succeed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantLocked(t, g, policy.Duration)
}

func TestLCK12_ARestartKeepsTheLock(t *testing.T) {
	t.Parallel()
	g, c := newGuard(t)
	failTimes(t, g, 5)
	wantLocked(t, &ratelimit.Guard{Store: g.Store, Policy: policy, Now: c.Now}, policy.Duration)
}

func TestLCK13_AbandonedChecksDoNotCount(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	for range 20 {
		if err := begin(t, g, email).Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	failTimes(t, g, 4)
	a := begin(t, g, email)
	if err := a.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	if locked, err := fail(t.Context(), g, a); locked || err != nil {
		t.Errorf("an attempt was decided twice: %v, %v", locked, err)
	}
	begin(t, g, email)
}

func TestADecisionIsStoredThoughTheRequestIsOver(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	for range 5 {
		ctx, hangUp := context.WithCancel(t.Context())
		a, err := g.Begin(ctx, email)
		if err != nil {
			t.Fatal(err)
		}
		hangUp()
		if _, err := fail(ctx, g, a); err != nil {
			t.Fatalf("Fail: %v", err)
		}
	}
	wantLocked(t, g, policy.Duration)
}

func TestLockoutSwitchedOff(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	g.Policy = hub.LockoutPolicy{}
	if failTimes(t, g, 20) {
		t.Error("locked")
	}
	if err := g.Clear(t.Context(), email); err != nil {
		t.Error(err)
	}
	events, err := g.Store.(hub.Store).Events(t.Context(), hub.EventQuery{Limit: 100})
	if err != nil || len(events) != 20 {
		t.Errorf("%d events, %v; want 20", len(events), err)
	}
	l, err := g.Store.LockoutByKey(t.Context(), hub.LockoutKey(email))
	if err != nil || l.Version != 0 {
		t.Errorf("a count was kept: %+v, %v", l, err)
	}
}

func TestWithoutItsStoreNobodyMayTry(t *testing.T) {
	t.Parallel()
	g, _ := newGuard(t)
	g.Store = brokenStore{g.Store}
	if _, err := g.Begin(t.Context(), email); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("Begin: %v, want ErrUnavailable", err)
	}
	if err := g.Clear(t.Context(), email); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("Clear: %v, want ErrUnavailable", err)
	}
}

// brokenStore answers nothing.
type brokenStore struct{ ratelimit.LockoutStore }

func (brokenStore) LockoutByKey(context.Context, string) (hub.Lockout, error) {
	return hub.Lockout{}, hub.ErrUnavailable
}
