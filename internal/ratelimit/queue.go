package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
)

// queue is where the attempts of this process stand that want to begin on one key.
type queue struct {
	first   chan struct{} // held by whoever is first; the others wait for it in order
	decided chan struct{} // holds one if something was decided since the first last looked
	members int           // guarded by Guard.mu
}

func (g *Guard) join(key string) *queue {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.queues[key]
	if q == nil {
		q = &queue{first: make(chan struct{}, 1), decided: make(chan struct{}, 1)}
		if g.queues == nil {
			g.queues = make(map[string]*queue)
		}
		g.queues[key] = q
	}
	q.members++
	return q
}

func (g *Guard) leave(key string, q *queue) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if q.members--; q.members == 0 {
		delete(g.queues, key)
	}
}

// notify tells the queue of the key, if there is one, that asking again may be worthwhile.
func (g *Guard) notify(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if q := g.queues[key]; q != nil {
		select {
		case q.decided <- struct{}{}:
		default:
		}
	}
}

// wait returns when something was decided here, or might have been on another instance.
func (q *queue) wait(ctx context.Context) error {
	poll := time.NewTimer(lockoutPoll)
	defer poll.Stop()
	select {
	case <-q.decided:
		return nil
	case <-poll.C:
		return nil
	case <-ctx.Done():
		return waited(ctx)
	}
}

// waited returns the answer to those who waited in vain.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return hub.NewError(hub.CodeOverloaded).After(time.Second).Because(errors.New("no attempt at this address was decided in time"))
	}
	return fmt.Errorf("wait for attempts at this address: %w", ctx.Err())
}
