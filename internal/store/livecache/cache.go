package livecache

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

const (
	shards         = 64
	generationSize = 512 // entries; if more are read in a moment, each of their sessions costs one more read now and then
	stripes        = 4096
)

// Cache answers whom a session belongs to from memory while an answer is young and nothing changed.
type Cache struct {
	store  hub.Store
	maxAge time.Duration
	seed   maphash.Seed
	shards [shards]shard

	// Changes are numbered. An answer read while the number stood at n holds until its user's stripe has seen a change
	// later than n; users that share a stripe only cost each other a read.
	changes    atomic.Uint64
	lastChange [stripes]atomic.Uint64
}

// shard keeps two generations of entries. A new one begins when all of the one before have aged, or when it is full, and takes
// its place; that of the one before is given up. So memory follows what is asked for in a moment, and no entry is looked for.
type shard struct {
	mu         sync.RWMutex
	young, old map[string]*entry
	born       time.Time // when the young generation began
}

// find returns what is remembered, if anything is.
func (s *shard) find(id string) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.young[id]; e != nil {
		return e
	}
	return s.old[id]
}

func (s *shard) keep(id string, e *entry, maxAge time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= generationSize || e.readAt.Sub(s.born) >= maxAge {
		s.old, s.young, s.born = s.young, make(map[string]*entry), e.readAt
	}
	s.young[id] = e
}

type entry struct {
	actor  hub.Actor
	asOf   uint64    // the number of the last change before the read began
	readAt time.Time // with its monotonic reading
}

// New returns a cache around store that believes an answer for maxAge at most. Zero switches it off.
func New(store hub.Store, maxAge time.Duration) *Cache {
	return &Cache{store: store, maxAge: maxAge, seed: maphash.MakeSeed()}
}

// Store returns the store that changes must go through.
func (c *Cache) Store() hub.Store { return &writer{c.store, c} }

// Actor returns a session and its user as the store had them at most maxAge ago, and never as they were before a change
// through Store returned. What it returns is shared: callers do not write into it. ErrNotFound.
func (c *Cache) Actor(ctx context.Context, sessionID string) (*hub.Actor, error) {
	sh := &c.shards[maphash.String(c.seed, sessionID)%shards]
	e := sh.find(sessionID)
	if e != nil && c.holds(e) {
		return &e.actor, nil
	}

	e = &entry{asOf: c.changes.Load(), readAt: time.Now()}
	var err error
	if e.actor.Session, e.actor.User, err = c.store.SessionWithUser(ctx, sessionID); err != nil {
		return nil, err
	}
	if c.maxAge > 0 {
		sh.keep(sessionID, e, c.maxAge)
	}
	return &e.actor, nil
}

// Len returns how many answers are remembered, whether or not they still hold.
func (c *Cache) Len() int {
	n := 0
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.RLock()
		n += len(sh.young) + len(sh.old)
		sh.mu.RUnlock()
	}
	return n
}

func (c *Cache) holds(e *entry) bool {
	return c.stripe(e.actor.User.ID).Load() <= e.asOf && time.Since(e.readAt) < c.maxAge
}

func (c *Cache) stripe(userID string) *atomic.Uint64 {
	return &c.lastChange[maphash.String(c.seed, userID)%stripes]
}

// forget makes every answer about the user worthless whose read began before now.
func (c *Cache) forget(userID string) {
	n := c.changes.Add(1)
	stripe := c.stripe(userID)
	for {
		last := stripe.Load()
		if last >= n || stripe.CompareAndSwap(last, n) {
			return
		}
	}
}

// writer is the store with every change of a user or session also told to the cache: whether or not the call
// succeeded, since a call that failed in doubt may have changed something all the same.
type writer struct {
	hub.Store
	cache *Cache
}

func (w *writer) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	defer w.cache.forget(u.ID)
	return w.Store.UpdateUser(ctx, u, e, mails...)
}

func (w *writer) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	defer w.cache.forget(id)
	return w.Store.PurgeUser(ctx, id, version, e)
}

func (w *writer) AddSession(ctx context.Context, s hub.Session, e hub.Event) error {
	defer w.cache.forget(s.UserID)
	return w.Store.AddSession(ctx, s, e)
}

func (w *writer) UpdateSession(ctx context.Context, s hub.Session, e hub.Event) error {
	defer w.cache.forget(s.UserID)
	return w.Store.UpdateSession(ctx, s, e)
}

func (w *writer) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	defer w.cache.forget(u.ID)
	return w.Store.SpendMailToken(ctx, tokenID, usedAt, u, e, mails...)
}
