package mongostore

import (
	"context"
	"sync"
)

// turnstile lets one at a time pass of those who want the same. FerretDB keeps unique indexes by exclusion constraints,
// under which simultaneous insertions of one value wait for each other until PostgreSQL breaks the deadlocks one by one,
// and whoever tries again joins the next. Within one process they take turns instead. What one finds taken counts for all
// who were waiting when that one entered: many would not get their turn in time.
type turnstile struct {
	mu     sync.Mutex
	inside map[string]*turn
}

// turn is that of one who is inside.
type turn struct {
	over  chan struct{} // closed when they leave
	taken bool          // the value is stored: by them, or they found it; set before they leave
}

func newTurnstile() *turnstile { return &turnstile{inside: make(map[string]*turn)} }

// enter waits until nobody else with the key is inside. Whoever entered must call leave, and say whether the value is stored
// now. Whoever learns that it was stored while they waited does not enter: then leave is nil.
func (t *turnstile) enter(ctx context.Context, key string) (leave func(taken bool), err error) {
	for waited := false; ; waited = true {
		t.mu.Lock()
		other := t.inside[key]
		if other == nil {
			mine := &turn{over: make(chan struct{})}
			t.inside[key] = mine
			t.mu.Unlock()
			return func(taken bool) { t.leave(key, mine, taken) }, nil
		}
		t.mu.Unlock()
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if waited && other.taken { // who entered before we came may have seen what is no longer so
			return nil, nil
		}
	}
}

func (t *turnstile) leave(key string, mine *turn, taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.inside, key)
	mine.taken = taken
	close(mine.over)
}
