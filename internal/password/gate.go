package password

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// Gate lets a fixed number of callers work at a time. Others wait, but only so many and only so long; the rest are sent away
// at once, so that a flood neither takes all cores nor piles up (OWASP ASVS 15.1.3, 15.2.2). Clients take turns and share the
// places to wait in: see fairQueue. It is safe for concurrent use and starts no goroutines.
type Gate struct {
	// Meter hears what becomes of callers; nil if nobody counts. It is set before the gate is used.
	Meter GateMeter

	workers int
	wait    time.Duration

	mu      sync.Mutex
	running int // while anybody waits, equal to workers
	waiting fairQueue
	average time.Duration // of the work done lately
}

// Client is for whom work is done.
type Client struct {
	Key   string // whoever has the same shares one turn
	Known bool   // has proved who they are; strangers do not stand in their way
}

// GateMeter counts at a gate.
type GateMeter interface {
	Hashing(waited time.Duration) // somebody's turn came
	TurnedAway()                  // for want of room
}

// firstAverage is what work is taken to last until some was done: bcrypt of cost 12 on a core of today.
const firstAverage = 250 * time.Millisecond

// averageOver is how many pieces of work the moving average covers, roughly.
const averageOver = 8

// NewGate returns a gate for the given number of workers, or one for each core Go uses if workers is zero or less. Up to
// queue callers wait, each at most for wait; a wait of zero or less leaves that to their contexts.
func NewGate(workers, queue int, wait time.Duration) *Gate {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &Gate{workers: workers, waiting: fairQueue{room: queue}, wait: wait, average: firstAverage}
}

// Do runs fn for the client, in the calling goroutine, once it is the client's turn. If it returns an error, fn was not run:
// OVERLOADED, with the time after which there should be room, or the error of ctx.
func (g *Gate) Do(ctx context.Context, client Client, fn func()) (err error) {
	ctx, span := tracing.Start(ctx, "password.hash")
	defer span.End(&err)
	came := time.Now() // to measure durations, which no stepped clock could
	if err := g.enter(ctx, client); err != nil {
		return err
	}
	span.Note("admitted")
	begun := time.Now()
	if g.Meter != nil {
		g.Meter.Hashing(begun.Sub(came))
	}
	defer func() { g.leave(time.Since(begun)) }()
	fn()
	return nil
}

// Depth returns how many callers wait.
func (g *Gate) Depth() int {
	_, waiting, _ := g.Use()
	return waiting
}

// Use returns how many callers work and wait, and how many may work at a time.
func (g *Gate) Use() (running, waiting, workers int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.waiting.len(), g.workers
}

func (g *Gate) enter(ctx context.Context, client Client) error {
	if err := ctx.Err(); err != nil {
		return abandoned(err)
	}
	c, ok := g.join(client)
	if !ok {
		return g.overloaded()
	}
	if c == nil {
		return nil
	}
	var expired <-chan time.Time
	if g.wait > 0 {
		timer := time.NewTimer(g.wait)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-c.called:
		if c.away {
			return g.overloaded()
		}
		if err := ctx.Err(); err != nil { // at the same moment: who has gone needs no hash
			g.quit(c)
			return abandoned(err)
		}
		return nil
	case <-ctx.Done():
		g.quit(c)
		return abandoned(ctx.Err())
	case <-expired:
		g.quit(c)
		return g.overloaded()
	}
}

// join takes a place among the running, and returns nobody, or else one among the waiting, perhaps another's, and returns who
// waits there. It reports false if there is neither.
func (g *Gate) join(client Client) (c *caller, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running < g.workers {
		g.running++
		return nil, true
	}
	c = &caller{client: client, called: make(chan struct{})}
	leaves := g.waiting.add(c)
	if leaves == c {
		return nil, false
	}
	if leaves != nil {
		leaves.away = true
		close(leaves.called)
	}
	return c, true
}

// quit gives up the caller's place among the waiting, or the one among the running if their turn came meanwhile.
func (g *Gate) quit(c *caller) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.waiting.remove(c) && !c.away {
		g.handOver()
	}
}

func (g *Gate) leave(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.average += (took - g.average) / averageOver
	g.handOver()
}

// handOver passes a place among the running to whose turn it is. The lock is held.
func (g *Gate) handOver() {
	c := g.waiting.next()
	if c == nil {
		g.running--
		return
	}
	close(c.called)
}

// overloaded returns the error for a caller who finds no room. Its RetryAfter is when those now running and waiting will
// be through, in whole seconds and at least one.
func (g *Gate) overloaded() error {
	if g.Meter != nil {
		g.Meter.TurnedAway()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rounds := (g.running + g.waiting.len() + g.workers - 1) / g.workers
	after := (time.Duration(rounds)*g.average + time.Second - 1).Truncate(time.Second)
	return hub.NewError(hub.CodeOverloaded).After(max(after, time.Second))
}

func abandoned(err error) error { return fmt.Errorf("wait to hash a password: %w", err) }
