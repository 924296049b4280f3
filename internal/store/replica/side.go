package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

const (
	watchInterval = time.Second
	// probeTimeout is how long a side may take to answer a probe. On a busy machine an answer may take its second.
	probeTimeout = 2 * time.Second
	// trustedLag is how long a change may wait for its copy while the secondary still counts as complete: at any moment some
	// are between the two databases.
	trustedLag = 2 * time.Second
	// trustedAge is how long it may be since the backlog was looked at while the primary answers.
	trustedAge = 5 * time.Second
	// degradedLag is how far the secondary may be behind before operators are told.
	degradedLag = 10 * time.Second
)

// side is one of the two databases, and whether it answers.
type side struct {
	away      atomic.Bool
	answered  *atomic.Int64 // when a call last succeeded, in nanoseconds
	suspected chan struct{} // holds one: somebody could not reach the side
}

func newSide() side { return side{answered: new(atomic.Int64), suspected: make(chan struct{}, 1)} }

// note notes that a call succeeded.
func (s *side) note() { s.answered.Store(time.Now().UnixNano()) }

// answeredSince reports whether a call succeeded after that time. A probe that was late then says nothing.
func (s *side) answeredSince(t time.Time) bool { return s.answered.Load() > t.UnixNano() }

// suspect has the side looked at soon.
func (s *side) suspect() {
	select {
	case s.suspected <- struct{}{}:
	default: // somebody asked already
	}
}

// trust knows whether the secondary has everything.
type trust struct {
	mu       sync.Mutex
	caughtUp bool
	missed   time.Time // the last time that a copy of this process failed
	weighed  time.Time // the last look at the backlog
}

// miss notes that a copy failed.
func (t *trust) miss(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.caughtUp, t.missed = false, now
}

// weigh looks at what the primary said, beginning at the time asked, is still to be copied. A mark of the future is that of
// a process whose clock is wrong: nobody knows how long it has been there.
func (t *trust) weigh(b hub.Backlog, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.weighed = asked
	if t.missed.After(asked) {
		return // the answer is older than the failure
	}
	t.caughtUp = b.Pending == 0 || (b.Oldest.After(t.missed) && asked.Sub(b.Oldest).Abs() < trustedLag)
}

// age notes that the primary answers at that time. Then what was seen in its backlog holds only for a while.
func (t *trust) age(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.weighed) > trustedAge {
		t.caughtUp = false
	}
}

func (t *trust) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.caughtUp
}

// watch looks each second, and whenever somebody has a suspicion. Each side is looked at by itself: one that is slow to
// say no must not hide what becomes of the other.
func watch(ctx context.Context, suspected <-chan struct{}, look func(context.Context)) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-suspected:
		}
	}
}

func (s *Store) lookAtPrimary(ctx context.Context) {
	probe, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	asked := time.Now()
	err := s.primary.Ping(probe)
	if err != nil && (ctx.Err() != nil || s.first.answeredSince(asked)) {
		return
	}
	if err == nil {
		s.trust.age(asked)
	}
	switch away := err != nil; {
	case s.first.away.Swap(away) == away:
	case away:
		s.log.LogAttrs(ctx, slog.LevelError, "the primary database is away: changes are refused",
			slog.Bool("reads_from_secondary", s.trust.holds()), slog.Any("error", err))
	default:
		s.log.LogAttrs(ctx, slog.LevelInfo, "the primary database is back")
	}
}

// lookAtBacklog looks at what is still to be copied. That may take its time: the more there is, the longer.
func (s *Store) lookAtBacklog(ctx context.Context) {
	if s.first.away.Load() {
		return
	}
	asked := time.Now()
	b, err := s.primary.Backlog(ctx)
	if err != nil {
		return // if the primary is away, its own watch tells
	}
	s.backlog.Store(&b)
	s.trust.weigh(b, asked)
	s.tellLag(ctx, b, asked)
}

// lagInterval is how often the log tells that the secondary is behind.
const lagInterval = time.Minute

// tellLag logs how far the secondary is behind while that is more than it should be, and once when it is not any more.
func (s *Store) tellLag(ctx context.Context, b hub.Backlog, now time.Time) {
	lag := b.Lag(now)
	isBehind, wasBehind := lag > degradedLag, !s.lagTold.IsZero()
	switch {
	case isBehind && now.Sub(s.lagTold) >= lagInterval:
		s.lagTold = now
		s.log.LogAttrs(ctx, slog.LevelWarn, "the secondary database is behind",
			slog.Int("pending", b.Pending), slog.Duration("lag", lag.Truncate(time.Millisecond)))
	case !isBehind && wasBehind:
		s.lagTold = time.Time{}
		s.log.LogAttrs(ctx, slog.LevelInfo, "the secondary database has caught up", slog.Int("pending", b.Pending))
	}
}

// now is the time as databases keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// State says how the two databases are.
type State struct {
	PrimaryAway   bool
	SecondaryAway bool
	CaughtUp      bool        // the secondary can stand in for the primary
	Backlog       hub.Backlog // at the last look at the primary
}

// Behind reports whether the secondary lags more than it should.
func (st State) Behind(now time.Time) bool {
	return st.SecondaryAway || st.Backlog.Lag(now) > degradedLag
}

// State returns what was seen at the last look, a second ago at most while Run runs.
func (s *Store) State() State {
	st := State{PrimaryAway: s.first.away.Load(), SecondaryAway: s.second.isOut(), CaughtUp: s.trust.holds()}
	if b := s.backlog.Load(); b != nil {
		st.Backlog = *b
	}
	return st
}

// IsNearlyCaughtUp reports whether no more is to be copied at the time now than may be between two databases at any moment.
func IsNearlyCaughtUp(b hub.Backlog, now time.Time) bool {
	return b.Pending == 0 || b.Lag(now) < trustedLag
}
