package redislimit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/redisurl"
)

// Timeout is how long a request waits for Redis before its limit is decided in this process.
const Timeout = 50 * time.Millisecond

const maxFailures = 3 // in a row, after which Redis is away: one slow answer is no outage

// Options is what a Server needs.
type Options struct {
	URL    redisurl.URL
	Secret hub.Secret // shared by the instances that share limits; names in Redis are hashed with it
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	Timeout    time.Duration // 0: Timeout; for tests on machines that are busy
	GivenTimes bool          // windows go by the times given to Take, not by the clock of Redis; for tests
}

// Server is the connection to Redis that limiters share. Until [Server.Probe] or [Server.Run] has found Redis well, every
// process decides alone. Safe for concurrent use.
type Server struct {
	client  redis.UniversalClient
	counter *counter
	log     *slog.Logger
	now     func() time.Time
	timeout time.Duration

	failures     atomic.Int64 // in a row
	decidedAlone atomic.Int64
	missed       atomic.Pointer[time.Time] // when Redis may last have missed a request; nil: never
	present      atomic.Bool               // it is there, as far as is known

	mu      sync.Mutex // guards what follows, and changes of present
	known   bool       // it has been found well or away
	since   time.Time
	reason  string
	outages int64
}

// Open returns a Server without connecting. The caller closes it.
func Open(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	client := newClient(o.URL)
	return &Server{
		client: client, counter: newCounter(client, o.Secret, o.GivenTimes), log: o.Log, now: o.Now, timeout: o.Timeout,
	}
}

// Close closes all connections. Run must have returned; limits are then decided in this process.
func (s *Server) Close() error { return s.client.Close() }

// State is how Redis is doing.
type State struct {
	Away         bool
	Since        time.Time // when it went away, or came back; zero if it was never away
	Reason       string    // why it is away, without secrets; else empty
	Outages      int64     // how often it has gone away
	DecidedAlone int64     // decisions that this process made without it
}

// State returns how Redis is doing. A Redis that nobody has looked for yet is not away.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{
		Away: s.known && !s.present.Load(), Since: s.since, Reason: s.reason,
		Outages: s.outages, DecidedAlone: s.decidedAlone.Load(),
	}
}

// mode says who decides.
type mode int

const (
	alone  mode = iota // this process
	both               // this process and Redis, which does not know all that was admitted in the last minute
	shared             // Redis
)

func (s *Server) mode() mode {
	missed := s.missed.Load()
	switch {
	case !s.present.Load():
		return alone
	case missed != nil && s.now().Sub(*missed) < ratelimit.Window:
		return both
	default:
		return shared
	}
}

// take asks Redis within the time that a request may wait, and notes whether it decided. A client that hangs up meanwhile is
// counted all the same, and is no failure of Redis.
func (s *Server) take(ctx context.Context, key string, limit int, now time.Time) (d ratelimit.Decision, decided bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	d, err := s.counter.take(ctx, key, limit, now)
	if err != nil {
		s.failed(err)
		return d, false
	}
	if s.failures.Load() != 0 { // hardly ever, so that requests do not fight for the cache line
		s.failures.Store(0)
	}
	return d, true
}

// failed notes that Redis did not decide.
func (s *Server) failed(err error) {
	now := s.now()
	s.missed.Store(&now)
	if s.failures.Add(1) >= maxFailures {
		s.goAway(err)
	}
}

// goAway says that Redis is away, once.
func (s *Server) goAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known && !s.present.Load() {
		return
	}
	s.present.Store(false)
	s.known, s.since, s.reason = true, s.now(), reason(err)
	s.outages++
	s.log.LogAttrs(context.Background(), slog.LevelError, "Redis is away: each instance limits for itself", slog.String("reason", s.reason))
}

// comeBack says that Redis is well, once.
func (s *Server) comeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.present.Load() {
		return
	}
	if s.known {
		now := s.now()
		s.missed.Store(&now)
		s.since, s.reason = now, ""
		s.log.LogAttrs(context.Background(), slog.LevelInfo, "Redis is back: instances share limits")
	}
	s.failures.Store(0)
	s.known = true
	s.present.Store(true)
}
