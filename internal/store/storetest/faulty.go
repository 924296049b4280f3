package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/a64core/hub"
)

// Faulty is a store that fails on cue. It is safe for concurrent use.
type Faulty struct {
	store hub.Store

	mu     sync.Mutex
	faults map[string][]fault // by method, the next first
}

var _ hub.Store = (*Faulty)(nil)

type fault struct {
	err   error
	after bool
	calls int // how many calls fail by it
}

// NewFaulty returns a store that does what store does until told to fail.
func NewFaulty(store hub.Store) *Faulty {
	return &Faulty{store: store, faults: make(map[string][]fault)}
}

// FailNext makes the next n calls of the method with that name fail with err, behind those that fail already. With
// after, the call is made and its answer lost: what it changed is changed, and the caller sees err.
func (f *Faulty) FailNext(method string, n int, err error, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[method] = append(f.faults[method], fault{err, after, n})
}

// Heal takes back all failures that did not happen yet.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.faults)
}

// Unspent returns how many of the failures asked for did not happen yet. A test that expects failures wants zero at its
// end; a misspelt method shows here.
func (f *Faulty) Unspent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, faults := range f.faults {
		for _, fault := range faults {
			n += fault.calls
		}
	}
	return n
}

// take returns the failure of this call of the method, if it is to fail.
func (f *Faulty) take(method string) (fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	faults := f.faults[method]
	if len(faults) == 0 {
		return fault{}, false
	}
	failure := faults[0]
	if faults[0].calls--; faults[0].calls == 0 {
		f.faults[method] = faults[1:]
	}
	return failure, true
}

func (f *Faulty) do(method string, call func() error) error {
	failure, fails := f.take(method)
	if fails && !failure.after {
		return failure.err
	}
	err := call()
	if fails {
		return failure.err
	}
	return err
}

func ask[T any](f *Faulty, method string, call func() (T, error)) (T, error) {
	var answer T
	err := f.do(method, func() (err error) {
		answer, err = call()
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// AddUser implements hub.UserStore.
func (f *Faulty) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return f.do("AddUser", func() error { return f.store.AddUser(ctx, u, e, mails...) })
}

// UserByID implements hub.UserStore.
func (f *Faulty) UserByID(ctx context.Context, id string) (hub.User, error) {
	return ask(f, "UserByID", func() (hub.User, error) { return f.store.UserByID(ctx, id) })
}

// UserByEmail implements hub.UserStore.
func (f *Faulty) UserByEmail(ctx context.Context, email string) (hub.User, error) {
	return ask(f, "UserByEmail", func() (hub.User, error) { return f.store.UserByEmail(ctx, email) })
}

// UpdateUser implements hub.UserStore.
func (f *Faulty) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return f.do("UpdateUser", func() error { return f.store.UpdateUser(ctx, u, e, mails...) })
}

// Users implements hub.UserStore.
func (f *Faulty) Users(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	return ask(f, "Users", func() (hub.UserPage, error) { return f.store.Users(ctx, q) })
}

// PurgeableUsers implements hub.UserStore.
func (f *Faulty) PurgeableUsers(ctx context.Context, deletedBefore, unverifiedBefore time.Time, limit int) ([]hub.User, error) {
	return ask(f, "PurgeableUsers", func() ([]hub.User, error) {
		return f.store.PurgeableUsers(ctx, deletedBefore, unverifiedBefore, limit)
	})
}

// PurgeUser implements hub.UserStore.
func (f *Faulty) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	return f.do("PurgeUser", func() error { return f.store.PurgeUser(ctx, id, version, e) })
}

// AddSession implements hub.SessionStore.
func (f *Faulty) AddSession(ctx context.Context, se hub.Session, e hub.Event) error {
	return f.do("AddSession", func() error { return f.store.AddSession(ctx, se, e) })
}

// SessionWithUser implements hub.SessionStore.
func (f *Faulty) SessionWithUser(ctx context.Context, id string) (hub.Session, hub.User, error) {
	var u hub.User
	se, err := ask(f, "SessionWithUser", func() (se hub.Session, err error) {
		se, u, err = f.store.SessionWithUser(ctx, id)
		return se, err
	})
	if err != nil {
		return hub.Session{}, hub.User{}, err
	}
	return se, u, nil
}

// SessionsByUser implements hub.SessionStore.
func (f *Faulty) SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) ([]hub.Session, error) {
	return ask(f, "SessionsByUser", func() ([]hub.Session, error) { return f.store.SessionsByUser(ctx, userID, now, limit) })
}

// UpdateSession implements hub.SessionStore.
func (f *Faulty) UpdateSession(ctx context.Context, se hub.Session, e hub.Event) error {
	return f.do("UpdateSession", func() error { return f.store.UpdateSession(ctx, se, e) })
}

// AddMailToken implements hub.MailTokenStore.
func (f *Faulty) AddMailToken(ctx context.Context, m hub.MailToken) error {
	return f.do("AddMailToken", func() error { return f.store.AddMailToken(ctx, m) })
}

// MailTokenByID implements hub.MailTokenStore.
func (f *Faulty) MailTokenByID(ctx context.Context, id string) (hub.MailToken, error) {
	return ask(f, "MailTokenByID", func() (hub.MailToken, error) { return f.store.MailTokenByID(ctx, id) })
}

// SpendMailToken implements hub.MailTokenStore.
func (f *Faulty) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return f.do("SpendMailToken", func() error { return f.store.SpendMailToken(ctx, tokenID, usedAt, u, e, mails...) })
}

// LockoutByKey implements hub.LockoutStore.
func (f *Faulty) LockoutByKey(ctx context.Context, key string) (hub.Lockout, error) {
	return ask(f, "LockoutByKey", func() (hub.Lockout, error) { return f.store.LockoutByKey(ctx, key) })
}

// PutLockout implements hub.LockoutStore.
func (f *Faulty) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	return f.do("PutLockout", func() error { return f.store.PutLockout(ctx, l, e, mails...) })
}

// AddMail implements hub.MailStore.
func (f *Faulty) AddMail(ctx context.Context, m hub.Mail, e hub.Event) error {
	return f.do("AddMail", func() error { return f.store.AddMail(ctx, m, e) })
}

// DueMails implements hub.MailStore.
func (f *Faulty) DueMails(ctx context.Context, now time.Time, limit int) ([]hub.Mail, error) {
	return ask(f, "DueMails", func() ([]hub.Mail, error) { return f.store.DueMails(ctx, now, limit) })
}

// UpdateMail implements hub.MailStore.
func (f *Faulty) UpdateMail(ctx context.Context, m hub.Mail) error {
	return f.do("UpdateMail", func() error { return f.store.UpdateMail(ctx, m) })
}

// AddEvent implements hub.EventStore.
func (f *Faulty) AddEvent(ctx context.Context, e hub.Event) error {
	return f.do("AddEvent", func() error { return f.store.AddEvent(ctx, e) })
}

// Events implements hub.EventStore.
func (f *Faulty) Events(ctx context.Context, q hub.EventQuery) ([]hub.Event, error) {
	return ask(f, "Events", func() ([]hub.Event, error) { return f.store.Events(ctx, q) })
}

// Stats implements hub.Store.
func (f *Faulty) Stats(ctx context.Context, now time.Time) (hub.Stats, error) {
	return ask(f, "Stats", func() (hub.Stats, error) { return f.store.Stats(ctx, now) })
}

// Sweep implements hub.Store.
func (f *Faulty) Sweep(ctx context.Context, now time.Time, keep hub.Retention, limit int) (int, error) {
	return ask(f, "Sweep", func() (int, error) { return f.store.Sweep(ctx, now, keep, limit) })
}

// Ping implements hub.Store.
func (f *Faulty) Ping(ctx context.Context) error {
	return f.do("Ping", func() error { return f.store.Ping(ctx) })
}

// Close implements hub.Store.
func (f *Faulty) Close() error { return f.do("Close", func() error { return f.store.Close() }) }
