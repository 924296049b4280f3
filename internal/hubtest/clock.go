package hubtest

import (
	"sync"
	"time"
)

// Clock is the hub's clock. It runs only when it is stepped.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the hub's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Step moves the hub's time by d, which may be negative.
func (c *Clock) Step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
