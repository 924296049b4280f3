package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
)

const (
	watchInterval = time.Second // also what a probe may take
	// trustedLag is how long a change may wait for its copy while the secondary still counts as complete: at any moment some
	// are between the two databases.
	trustedLag = 2 * time.Second
	// degradedLag is how far the secondary may be behind before operators are told.
	degradedLag = 10 * time.Second
)

// side is one of the two databases, and whether it answers.
type side struct {
	name string
	away atomic.Bool
}

// set notes whether the side answers and reports whether that is news.
func (s *side) set(away bool) (changed bool) { return s.away.Swap(away) != away }

// trust knows whether the secondary has everything.
type trust struct {
	mu       sync.Mutex
	caughtUp bool
	missed   time.Time // the last time that a copy of this process failed
}

// miss notes that a copy failed.
func (t *trust) miss(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.caughtUp, t.missed = false, now
}

// weigh looks at what the primary said, beginning at the time asked, is still to be copied.
func (t *trust) weigh(b hub.Backlog, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.missed.After(asked) {
		return // the answer is older than the failure
	}
	t.caughtUp = b.Pending == 0 || (b.Oldest.After(t.missed) && b.Lag(asked) < trustedLag)
}

func (t *trust) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.caughtUp
}

// watch looks at both sides each second, and whenever somebody could not reach one.
func (s *Store) watch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.suspected:
		}
	}
}

// suspect has the sides looked at soon.
func (s *Store) suspect() {
	select {
	case s.suspected <- struct{}{}:
	default: // somebody asked already
	}
}

// look asks both sides whether they answer.
func (s *Store) look(ctx context.Context) {
	var group errgroup.Group
	group.Go(func() error {
		s.lookAtPrimary(ctx)
		return nil
	})
	group.Go(func() error {
		s.lookAtSecondary(ctx)
		return nil
	})
	_ = group.Wait() // neither fails
}

func (s *Store) lookAtPrimary(ctx context.Context) {
	probe, cancel := context.WithTimeout(ctx, watchInterval)
	defer cancel()
	asked := time.Now()
	err := s.primary.Ping(probe)
	if err == nil {
		var b hub.Backlog
		if b, err = s.primary.Backlog(probe); err == nil {
			s.backlog.Store(&b)
			s.trust.weigh(b, asked)
		}
	}
	switch away := err != nil && ctx.Err() == nil; {
	case !s.first.set(away):
	case away:
		s.log.LogAttrs(ctx, slog.LevelError, "the primary database is away: changes are refused",
			slog.Bool("reads_from_secondary", s.trust.holds()), slog.Any("error", err))
	default:
		s.log.LogAttrs(ctx, slog.LevelInfo, "the primary database is back")
	}
}

func (s *Store) lookAtSecondary(ctx context.Context) {
	probe, cancel := context.WithTimeout(ctx, watchInterval)
	defer cancel()
	second, err := s.Secondary()
	switch {
	case err == nil:
		err = second.Ping(probe)
	case s.running.Load():
		err = s.open(ctx) // has deadlines of its own
	}
	if err != nil && ctx.Err() == nil {
		s.secondaryFailed(ctx, err)
		return
	}
	if s.second.set(false) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "the secondary database is back")
	}
}

// secondaryFailed notes that the secondary does not answer: changes no longer wait for it.
func (s *Store) secondaryFailed(ctx context.Context, err error) {
	s.trust.miss(time.Now())
	if s.second.set(true) {
		s.log.LogAttrs(ctx, slog.LevelError, "the secondary database is away: changes wait to be copied", slog.Any("error", err))
		s.recordFailure(ctx, err)
	}
}

// recordFailure keeps the reason in the audit trail, where "store status" finds it whichever process met it.
func (s *Store) recordFailure(ctx context.Context, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), watchInterval)
	defer cancel()
	e := hub.NewEvent(context.Background(), hub.EventReplicationFailed, hub.ReplicationID, now()).With("error", err.Error())
	if err := s.primary.AddEvent(ctx, e); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the failure could not be kept in the audit trail", slog.Any("error", err))
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
	st := State{PrimaryAway: s.first.away.Load(), SecondaryAway: s.second.away.Load(), CaughtUp: s.trust.holds()}
	if b := s.backlog.Load(); b != nil {
		st.Backlog = *b
	}
	return st
}

// IsNearlyCaughtUp reports whether no more is to be copied at the time now than may be between two databases at any moment.
func IsNearlyCaughtUp(b hub.Backlog, now time.Time) bool {
	return b.Pending == 0 || b.Lag(now) < trustedLag
}
