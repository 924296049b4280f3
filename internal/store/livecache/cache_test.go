package livecache_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/livecache"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
)

// counting counts the reads that reach the store.
type counting struct {
	hub.Store
	mu    sync.Mutex
	reads int
	hold  func() // called between a read and its return
}

func (c *counting) SessionWithUser(ctx context.Context, id string) (hub.Session, hub.User, error) {
	s, u, err := c.Store.SessionWithUser(ctx, id)
	c.mu.Lock()
	c.reads++
	hold := c.hold
	c.mu.Unlock()
	if hold != nil {
		hold()
	}
	return s, u, err
}

func open(t *testing.T) *counting {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &counting{Store: s}
}

// signIn adds a user with a session.
func signIn(t *testing.T, store hub.Store, email string) (hub.User, hub.Session) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	u := hub.User{
		ID: hub.NewID(), Email: email, FirstName: "Ada", LastName: "L", Role: hub.RoleUser, IsActive: true,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := store.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserRegistered, u.ID, now)); err != nil {
		t.Fatal(err)
	}
	s := hub.Session{
		ID: hub.NewID(), UserID: u.ID, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour),
		Token: hub.RefreshToken{ID: hub.NewID(), IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
	}
	if err := store.AddSession(t.Context(), s, hub.NewEvent(t.Context(), hub.EventSessionStarted, u.ID, now)); err != nil {
		t.Fatal(err)
	}
	return u, s
}

func deactivate(t *testing.T, store hub.Store, id string) {
	t.Helper()
	_, err := hub.EditUser(t.Context(), store, id, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		u.IsActive = false
		return hub.NewEvent(t.Context(), hub.EventUserDeactivated, u.ID, time.Now()), nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStoreBehindTheCacheIsStillAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store { return livecache.New(open(t), time.Second).Store() })
}

func TestAnAnswerIsRememberedUntilItAgesOrChanges(t *testing.T) {
	t.Parallel()
	store := open(t)
	cache := livecache.New(store, time.Hour)
	u, s := signIn(t, cache.Store(), "a@example.com")
	ask := func() hub.User {
		t.Helper()
		got, err := cache.Actor(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.User
	}
	for range 10 {
		ask()
	}
	if store.reads != 1 {
		t.Errorf("%d reads for ten questions, want 1", store.reads)
	}
	deactivate(t, cache.Store(), u.ID)
	if ask().IsActive {
		t.Error("the answer is from before the change")
	}
	aged := livecache.New(store, time.Nanosecond)
	store.reads = 0
	for range 3 {
		if _, err := aged.Actor(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	if store.reads != 3 {
		t.Errorf("%d reads for three questions at answers that age at once, want 3", store.reads)
	}
}

func TestAReadThatRacesWithAChangeIsNotRemembered(t *testing.T) {
	t.Parallel()
	store := open(t)
	cache := livecache.New(store, time.Hour)
	u, s := signIn(t, cache.Store(), "a@example.com")
	store.hold = func() { // the row was read; now it changes, before the reader can note what it read
		store.hold = nil
		deactivate(t, cache.Store(), u.ID)
	}
	if _, err := cache.Actor(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	got, err := cache.Actor(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.User.IsActive {
		t.Error("the cache remembers what was read before the change")
	}
}

func TestNoReaderSeesTheStateBeforeAReturnedChange(t *testing.T) {
	t.Parallel()
	cache := livecache.New(open(t), time.Hour)
	u, s := signIn(t, cache.Store(), "a@example.com")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = cache.Actor(t.Context(), s.ID) // keeps the cache filled
				}
			}
		})
	}
	for want := range int64(200) {
		stored, err := hub.EditUser(t.Context(), cache.Store(), u.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
			u.SessionEpoch = want
			return hub.NewEvent(t.Context(), hub.EventUserUpdated, u.ID, time.Now()), nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := cache.Actor(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.User.Version < stored.Version {
			t.Fatalf("version %d after a change to %d returned", got.User.Version, stored.Version)
		}
	}
	close(stop)
	readers.Wait()
}

func TestAFloodOfSessionsDoesNotGrowTheCacheWithoutBound(t *testing.T) {
	t.Parallel()
	cache := livecache.New(anybody{}, time.Hour)
	for range 80_000 {
		if _, err := cache.Actor(t.Context(), hub.NewID()); err != nil {
			t.Fatal(err)
		}
	}
	if n := cache.Len(); n > 64*1024 {
		t.Errorf("%d answers remembered", n)
	}
}

// What is not asked for any more must go with its age, however many sessions there were: memory follows the traffic of a moment, not
// the number of users.
func TestAnAgedAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := livecache.New(anybody{}, time.Second)
		read := func(n int) {
			for range n {
				if _, err := cache.Actor(t.Context(), hub.NewID()); err != nil {
					t.Fatal(err)
				}
			}
		}
		const a, few = 10_000, 2_000 // few, and yet some for each shard
		read(a)
		for range 3 {
			<-time.After(time.Second)
			read(few)
		}
		if n := cache.Len(); n > 2*few {
			t.Errorf("%d answers are remembered, of which %d hold", n, few)
		}
	})
}

// anybody is a store in which every session exists.
type anybody struct{ hub.Store }

func (anybody) SessionWithUser(_ context.Context, id string) (hub.Session, hub.User, error) {
	return hub.Session{ID: id}, hub.User{ID: id}, nil
}
