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
	watchInterval = time.Second // also what a probe may take
	// trustedLag is how long a change may wait for its copy while the secondary still counts as complete: at any moment some
	// are between the two databases.
	trustedLag = 2 * time.Second
	// degradedLag is how far the secondary may be behind before operators are told.
	degradedLag = 10 * time.Second
	// probesToBeAway is how many probes in a row must fail.
	probesToBeAway = 2
	// measureTimeout is what counting the marks may take. There may be millions after a long absence of the secondary.
	measureTimeout = 30 * time.Second
)

// side is one of the two databases, and whether it answers.
type side struct {
	away   atomic.Bool
	failed int // probes since the last that was answered; used by look alone
}

// probed notes how a probe went, and reports whether the side is away now and whether that is news. One probe that fails
// may only have been slow.
func (s *side) probed(err error) (away, changed bool) {
	if err == nil {
		s.failed = 0
		return false, s.away.Swap(false)
	}
	s.failed++
	if s.failed < probesToBeAway {
		return s.away.Load(), false
	}
	return true, !s.away.Swap(true)
}

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
	var group sync.WaitGroup
	group.Go(func() { s.lookAtPrimary(ctx) })
	group.Go(func() { s.lookAtSecondary(ctx) })
	group.Wait()
}

func (s *Store) lookAtPrimary(ctx context.Context) {
	probe, cancel := context.WithTimeout(ctx, watchInterval)
	defer cancel()
	err := s.primary.Ping(probe)
	if ctx.Err() != nil {
		return
	}
	away, changed := s.first.probed(err)
	switch {
	case err != nil && !away:
		s.suspect()
	case changed && away:
		s.log.LogAttrs(ctx, slog.LevelError, "the primary database is away: changes are refused",
			slog.Bool("reads_from_secondary", s.trust.holds()), slog.Any("error", err))
	case changed:
		s.log.LogAttrs(ctx, slog.LevelInfo, "the primary database is back")
	}
}

func (s *Store) lookAtSecondary(ctx context.Context) {
	err := s.probeSecondary(ctx)
	if ctx.Err() != nil {
		return
	}
	away, changed := s.second.probed(err)
	if err != nil {
		s.trust.miss(time.Now())
	}
	switch {
	case err != nil && !away:
		s.suspect()
	case changed && away:
		s.log.LogAttrs(ctx, slog.LevelError, "the secondary database is away: changes wait to be copied", slog.Any("error", err))
		s.recordFailure(ctx, err)
	case changed:
		s.log.LogAttrs(ctx, slog.LevelInfo, "the secondary database is back")
	}
}

// probeSecondary asks the secondary whether it answers, and opens it if it was away when the store began.
func (s *Store) probeSecondary(ctx context.Context) error {
	second, err := s.Secondary()
	if err != nil {
		return s.open(ctx) // has deadlines of its own
	}
	probe, cancel := context.WithTimeout(ctx, watchInterval)
	defer cancel()
	return second.Ping(probe)
}

// measure counts what is to be copied, each second or as often as that can be counted, until ctx ends.
func (s *Store) measure(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		s.weigh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Store) weigh(ctx context.Context) {
	if s.first.away.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	asked := time.Now()
	b, err := s.primary.Backlog(ctx)
	if err != nil {
		return // the primary is looked at by others
	}
	s.backlog.Store(&b)
	s.trust.weigh(b, asked)
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
