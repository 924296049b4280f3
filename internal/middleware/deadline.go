package middleware

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

// deadline is a context that ends at a time, with the cause ErrUnavailable, so that a slow database ends in an answer. Unlike
// those of package context it is not tied to its parent and sets no timer before somebody wants to know when it ends: what is
// answered from memory never does.
type deadline struct {
	context.Context // its parent
	at              time.Time
	timed           atomic.Pointer[timed] // nil: nobody has asked yet
}

type timed struct {
	context.Context
	cancel context.CancelFunc
}

// start returns what the deadline is once somebody asks.
func (d *deadline) start() *timed {
	if t := d.timed.Load(); t != nil {
		return t
	}
	ctx, cancel := context.WithDeadlineCause(d.Context, d.at, hub.ErrUnavailable)
	if t := (&timed{ctx, cancel}); d.timed.CompareAndSwap(nil, t) {
		return t
	}
	cancel() // somebody else was first
	return d.timed.Load()
}

// end ends the context early, if anybody noticed that it began. Who asks later is told by the parent, which net/http ends.
func (d *deadline) end() {
	if t := d.timed.Load(); t != nil {
		t.cancel()
	}
}

// Deadline implements [context.Context], as do the others.
func (d *deadline) Deadline() (time.Time, bool) { return d.start().Deadline() }

func (d *deadline) Done() <-chan struct{} { return d.start().Done() }

func (d *deadline) Err() error { return d.start().Err() }

// Value also finds what [context.Cause] looks for.
func (d *deadline) Value(key any) any {
	if t := d.timed.Load(); t != nil {
		return t.Value(key)
	}
	return d.Context.Value(key)
}
