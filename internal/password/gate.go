package password

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// Gate lets a fixed number of callers work at a time. Others wait in the order in which they came, but only so many and
// only so long; the rest are sent away at once, so that a flood neither takes all cores nor piles up (OWASP ASVS 15.1.3,
// 15.2.2). It is safe for concurrent use and starts no goroutines.
type Gate struct {
	// Meter hears what becomes of callers; nil if nobody counts. It is set before the gate is used.
	Meter GateMeter

	workers int
	queue   int
	wait    time.Duration

	mu      sync.Mutex
	running int             // while anybody waits, equal to workers
	waiting []chan struct{} // longest first; closing one hands over a place among the running
	average time.Duration   // of the work done lately
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
	return &Gate{workers: workers, queue: queue, wait: wait, average: firstAverage}
}

// Do runs fn in the calling goroutine once there is room. If it returns an error, fn was not run: OVERLOADED, with the
// time after which there should be room, or the error of ctx.
func (g *Gate) Do(ctx context.Context, fn func()) (err error) {
	ctx, span := tracing.Start(ctx, "password.hash")
	defer span.End(&err)
	came := time.Now() // to measure durations, which no stepped clock could
	if err := g.enter(ctx); err != nil {
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
	return g.running, len(g.waiting), g.workers
}

func (g *Gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return abandoned(err)
	}
	turn, ok := g.join()
	if !ok {
		return g.overloaded()
	}
	if turn == nil {
		return nil
	}
	var expired <-chan time.Time
	if g.wait > 0 {
		timer := time.NewTimer(g.wait)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-turn:
		if err := ctx.Err(); err != nil { // at the same moment: who has gone needs no hash
			g.quit(turn)
			return abandoned(err)
		}
		return nil
	case <-ctx.Done():
		g.quit(turn)
		return abandoned(ctx.Err())
	case <-expired:
		g.quit(turn)
		return g.overloaded()
	}
}

// join takes a place among the running, and returns no channel, or else one among the waiting, and returns the channel
// that is closed when the caller's turn comes. It reports false if there is neither.
func (g *Gate) join() (turn chan struct{}, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running < g.workers {
		g.running++
		return nil, true
	}
	if len(g.waiting) >= g.queue {
		return nil, false
	}
	turn = make(chan struct{})
	g.waiting = append(g.waiting, turn)
	return turn, true
}

// quit gives up a place among the waiting, or the one among the running if the turn came meanwhile.
func (g *Gate) quit(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := slices.Index(g.waiting, turn); at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
		return
	}
	g.handOver()
}

func (g *Gate) leave(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.average += (took - g.average) / averageOver
	g.handOver()
}

// handOver passes a place among the running to whoever has waited longest. The lock is held.
func (g *Gate) handOver() {
	if len(g.waiting) == 0 {
		g.running--
		return
	}
	close(g.waiting[0])
	g.waiting = slices.Delete(g.waiting, 0, 1)
}

// overloaded returns the error for a caller who finds no room. Its RetryAfter is when those now running and waiting will
// be through, in whole seconds and at least one.
func (g *Gate) overloaded() error {
	if g.Meter != nil {
		g.Meter.TurnedAway()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rounds := (g.running + len(g.waiting) + g.workers - 1) / g.workers
	after := (time.Duration(rounds)*g.average + time.Second - 1).Truncate(time.Second)
	return hub.NewError(hub.CodeOverloaded).After(max(after, time.Second))
}

func abandoned(err error) error { return fmt.Errorf("wait to hash a password: %w", err) }
