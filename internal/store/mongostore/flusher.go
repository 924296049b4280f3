package mongostore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/a64core/hub"
)

const (
	// lingerTime is how long the flusher waits for company, unless somebody waits for it.
	lingerTime = 10 * time.Millisecond
	// maxBatch is how many deliveries are taken at once, and maxWaiting how many may wait. What exceeds that is left in its
	// outbox, for Recover.
	maxBatch   = 500
	maxWaiting = 20_000
	// flushPause is the pause after a failure. If maxFailures follow each other while the database answers otherwise, it is
	// what is flushed that it cannot bear.
	flushPause  = 200 * time.Millisecond
	maxFailures = 25
	// recoverEvery is how often what others left is looked for: with leftAfter, within half a minute of their death.
	recoverEvery = 15 * time.Second
)

// delivery is what one step left in the outbox of a document.
type delivery struct {
	in      shelf
	id      string
	entries []entry
}

// flusher stores the events and mails of many steps together, takes them out of their outboxes, and removes marks. Marks
// go behind whatever was handed over before them, so that an event is there before its mark is removed.
type flusher struct {
	store *Store

	mu         sync.Mutex
	deliveries []delivery
	marks      []hub.Mark
	handed     int           // deliveries and marks, ever
	settled    int           // of those, carried out or given up
	progress   chan struct{} // closed when settled grows

	work     chan struct{} // there may be something to do
	hurry    chan struct{} // somebody waits
	failures int           // of run, one after the other

	quit  chan struct{} // closed by close
	ended chan struct{} // closed when run returns
}

func startFlusher(s *Store) *flusher {
	f := &flusher{
		store: s, progress: make(chan struct{}), work: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go f.run()
	return f
}

// take accepts a delivery.
func (f *flusher) take(d delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.deliveries) >= maxWaiting {
		return
	}
	f.deliveries = append(f.deliveries, d)
	f.handed++
	poke(f.work)
}

// unmark accepts marks to remove. It reports false if there are too many waiting.
func (f *flusher) unmark(marks []hub.Mark) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.marks) >= maxWaiting {
		return false
	}
	f.marks = append(f.marks, marks...)
	f.handed += len(marks)
	poke(f.work)
	return true
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait returns when everything is settled that was handed over before. ErrUnavailable if that takes too long.
func (f *flusher) wait(ctx context.Context, what string) error {
	return do(ctx, what, callTimeout, func(ctx context.Context) error {
		f.mu.Lock()
		handed := f.handed
		f.mu.Unlock()
		for {
			f.mu.Lock()
			settled, progress := f.settled, f.progress
			f.mu.Unlock()
			if settled >= handed {
				return nil
			}
			poke(f.hurry)
			select {
			case <-progress:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// close carries out what waits and ends the flusher. While there is no database it gives up at the first failure.
func (f *flusher) close() {
	close(f.quit)
	<-f.ended
}

func (f *flusher) run() {
	defer close(f.ended)
	recovery := time.NewTicker(recoverEvery)
	defer recovery.Stop()
	for {
		select {
		case <-f.work:
			f.linger()
		case <-recovery.C:
			_, _ = f.store.Recover(context.Background()) // what fails is still there the next time
			continue
		case <-f.quit:
			f.flush()
			return
		}
		if !f.flush() {
			if !f.rest() {
				return
			}
			poke(f.work)
		}
	}
}

// linger waits for company.
func (f *flusher) linger() {
	t := time.NewTimer(lingerTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.hurry:
	case <-f.quit:
	}
}

// rest waits after a failure, and reports whether to go on.
func (f *flusher) rest() bool {
	t := time.NewTimer(flushPause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.quit:
		return false
	}
}

// flush settles what waits, batch by batch, and reports whether that worked.
func (f *flusher) flush() bool {
	for {
		f.mu.Lock()
		deliveries := f.deliveries[:min(len(f.deliveries), maxBatch)]
		marks := f.marks[:min(len(f.marks), maxBatch)]
		if len(deliveries) < len(f.deliveries) {
			marks = nil // they may be of what still waits
		}
		f.mu.Unlock()
		if len(deliveries)+len(marks) == 0 {
			return true
		}
		err := f.store.settle(context.Background(), deliveries, marks)
		if errors.Is(err, hub.ErrUnavailable) && !f.isHopeless() {
			return false
		}
		// Any other error will not go away by itself: what it is about stays in its outbox, where Verify finds it.
		f.failures = 0
		f.mu.Lock()
		f.deliveries, f.marks = f.deliveries[len(deliveries):], f.marks[len(marks):]
		f.settled += len(deliveries) + len(marks)
		close(f.progress)
		f.progress = make(chan struct{})
		f.mu.Unlock()
	}
}

// isHopeless counts a failure and reports whether there were too many of them.
func (f *flusher) isHopeless() bool {
	f.failures++
	return f.failures >= maxFailures && f.store.Ping(context.Background()) == nil
}
