package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/a64core/hub"
)

const (
	maxLockoutWait = 10 * time.Second       // for others' attempts to be decided
	lockoutPoll    = 100 * time.Millisecond // how often to look for decisions of other instances
	decideTimeout  = 5 * time.Second        // to store a decision
	maxRounds      = 100                    // of read and write; in each lost one somebody else's was won
)

// LockoutStore is what a Guard keeps its counts in.
type LockoutStore interface {
	hub.LockoutStore
	AddEvent(ctx context.Context, e hub.Event) error
}

// Guard lets passwords be guessed as often as the policy allows and no more, however many guesses come at once and on
// however many instances (CVE-2024-4629 is what happens otherwise). It counts by address, whether an account has it or
// not. Safe for concurrent use.
type Guard struct {
	Store  LockoutStore
	Policy hub.LockoutPolicy
	Now    func() time.Time

	mu     sync.Mutex
	queues map[string]*queue // by key; only those somebody stands in
}

// Attempt is leave to check one password. Exactly one of its methods must be called; further calls do nothing.
type Attempt struct {
	guard   *Guard
	key     string
	decided bool
}

// Begin asks for leave to check a password for the canonical address. When the failures left are all being used by
// undecided attempts it waits for those, first come, first served. ACCOUNT_LOCKED with the time left if the address is
// locked; OVERLOADED if no decision came within 10 s or the deadline of ctx.
func (g *Guard) Begin(ctx context.Context, email string) (*Attempt, error) {
	key := hub.LockoutKey(email)
	attempt := &Attempt{guard: g, key: key}
	if g.isOff() {
		return attempt, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxLockoutWait)
	defer cancel()
	q := g.join(key)
	defer g.leave(key, q)
	// Whoever is first in the queue asks the store; a hundred at once would only spoil each other's writes.
	select {
	case q.first <- struct{}{}:
		defer func() { <-q.first }()
	case <-ctx.Done():
		return nil, waited(ctx)
	}
	for {
		verdict, err := g.ask(ctx, key)
		if err != nil {
			return nil, err
		}
		if verdict == hub.LockoutProceed {
			return attempt, nil
		}
		if err := q.wait(ctx); err != nil {
			return nil, err
		}
	}
}

func (g *Guard) isOff() bool { return g.Policy.MaxFailures <= 0 }

// ask tries to take a place. It returns LockoutProceed, LockoutWait, or ACCOUNT_LOCKED as an error.
func (g *Guard) ask(ctx context.Context, key string) (verdict hub.LockoutVerdict, err error) {
	err = g.edit(ctx, key, func(l *hub.Lockout) (bool, *hub.Event, []hub.Mail, error) {
		now := g.Now()
		verdict = l.Begin(g.Policy, now)
		if verdict == hub.LockoutLocked {
			return false, nil, nil, hub.NewError(hub.CodeAccountLocked).After(wholeSeconds(l.LockedUntil.Sub(now)))
		}
		return verdict == hub.LockoutProceed, nil, nil, nil
	})
	return verdict, err
}

// wholeSeconds rounds up: whoever waits that long is not refused again.
func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// Succeed says that the password was right: the failures of the address are forgotten.
func (a *Attempt) Succeed(ctx context.Context) error {
	return a.decide(ctx, func(l *hub.Lockout) (*hub.Event, []hub.Mail) {
		l.Succeed()
		return nil, nil
	})
}

// Fail says that the password was wrong, and reports whether that locked the address. With the count it stores the event
// e; or, if the address was locked by it, onLock and the mails.
func (a *Attempt) Fail(ctx context.Context, e, onLock hub.Event, mails func() []hub.Mail) (locked bool, err error) {
	if a.guard.isOff() {
		if a.decided {
			return false, nil
		}
		a.decided = true
		ctx, cancel := lasting(ctx)
		defer cancel()
		if err := a.guard.Store.AddEvent(ctx, e); err != nil {
			return false, fmt.Errorf("record failed password check: %w", err)
		}
		return false, nil
	}
	err = a.decide(ctx, func(l *hub.Lockout) (*hub.Event, []hub.Mail) {
		locked = l.Fail(a.guard.Policy, a.guard.Now())
		if locked {
			return &onLock, mails()
		}
		return &e, nil
	})
	return locked && err == nil, err
}

// Abandon says that the password was not checked, or that it says nothing: it counts neither way.
func (a *Attempt) Abandon(ctx context.Context) error {
	return a.decide(ctx, func(l *hub.Lockout) (*hub.Event, []hub.Mail) {
		l.Abandon()
		return nil, nil
	})
}

func (a *Attempt) decide(ctx context.Context, change func(*hub.Lockout) (*hub.Event, []hub.Mail)) error {
	if a.decided || a.guard.isOff() {
		return nil
	}
	a.decided = true
	defer a.guard.notify(a.key)
	ctx, cancel := lasting(ctx)
	defer cancel()
	return a.guard.edit(ctx, a.key, func(l *hub.Lockout) (bool, *hub.Event, []hub.Mail, error) {
		e, mails := change(l)
		return true, e, mails, nil
	})
}

// lasting returns a context that outlives the request. A guesser who hangs up before the verdict would otherwise have
// guessed for nothing, and the place stay taken until it is given up for dead.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), decideTimeout)
}

// Clear forgets the failures and the lock of the canonical address, as after a password reset. Checks that are under way
// keep their places: what they find still counts.
func (g *Guard) Clear(ctx context.Context, email string) error {
	if g.isOff() {
		return nil
	}
	key := hub.LockoutKey(email)
	defer g.notify(key)
	return g.edit(ctx, key, func(l *hub.Lockout) (bool, *hub.Event, []hub.Mail, error) {
		changed := l.Failures > 0 || !l.LockedUntil.IsZero()
		l.Failures, l.LastFailureAt, l.LockedUntil = 0, time.Time{}, time.Time{}
		return changed, nil, nil, nil
	})
}

// edit reads the lockout, lets change decide, and stores the outcome if there is any; when somebody else was faster it
// does so again with what they left.
func (g *Guard) edit(ctx context.Context, key string, change func(*hub.Lockout) (changed bool, e *hub.Event, mails []hub.Mail, err error)) error {
	for range maxRounds {
		l, err := g.Store.LockoutByKey(ctx, key)
		if err != nil {
			return fmt.Errorf("read lockout: %w", err)
		}
		changed, e, mails, err := change(&l)
		if err != nil || !changed {
			return err
		}
		err = g.Store.PutLockout(ctx, l, e, mails...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, hub.ErrConflict) {
			return fmt.Errorf("write lockout: %w", err)
		}
	}
	return fmt.Errorf("write lockout: gave up after %d rounds: %w", maxRounds, hub.ErrUnavailable)
}
