package ratelimit

import (
	"context"
	"time"
)

// Window is the span in which no more than the limit is admitted, wherever it begins.
const Window = time.Minute

// Limiter counts what it admits by key.
type Limiter interface {
	// Take asks to admit one more for the key at the time now. What is refused is not counted. A limit of zero or less
	// admits all and counts nothing. The limit may be another at each call, and holds at once. An error decides nothing:
	// to take it for leave would be to have no limit.
	//
	// Times with a monotonic reading, as time.Now gives, keep the limit when the clock is set; when other times step
	// back, what was counted counts on as if no time had passed.
	Take(ctx context.Context, key string, limit int, now time.Time) (Decision, error)
}

// Decision is the answer to [Limiter.Take].
type Decision struct {
	Allowed    bool
	Limit      int           // as asked; zero or less: there is none
	Remaining  int           // how many more would be admitted now
	Reset      time.Duration // until some of what is used comes back
	RetryAfter time.Duration // until one more would be admitted; 0 if this one was
}
