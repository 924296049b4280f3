package mongostore

import (
	"context"
	"sync"
)

// turnstile lets one at a time pass of those who want the same. FerretDB keeps unique indexes by exclusion constraints,
// under which simultaneous insertions of one value wait for each other until PostgreSQL breaks the deadlocks one by one,
// and whoever tries again joins the next. Within one process they take turns instead.
type turnstile struct {
	mu     sync.Mutex
	inside map[string]chan struct{} // closed when its holder leaves
}

func newTurnstile() *turnstile { return &turnstile{inside: make(map[string]chan struct{})} }

// enter waits until nobody else with the key is inside. Whoever entered must call leave.
func (t *turnstile) enter(ctx context.Context, key string) (leave func(), err error) {
	for {
		t.mu.Lock()
		other, taken := t.inside[key]
		if !taken {
			mine := make(chan struct{})
			t.inside[key] = mine
			t.mu.Unlock()
			return func() { t.leave(key, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *turnstile) leave(key string, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.inside, key)
	close(mine)
}
