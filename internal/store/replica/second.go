package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/a64core/hub"
)

// secondSide is the secondary, and whether requests should try to copy to it. It may be away; or it answers, but refuses
// copies or takes too long for them: because it is full, read-only, far away, or the user's rights are gone. Then requests
// do not try, and the worker does until it succeeds as quickly as a request would need.
type secondSide struct {
	side

	mu       sync.Mutex
	refusing bool
	failures int       // copies of requests in a row that failed
	reason   string    // why it is out, as it was logged
	refused  time.Time // when it began to refuse
}

// maxFailures is how many copies of requests may fail in a row until others no longer try. One is nothing: there may have
// been a collision, or a moment without a processor.
const maxFailures = 3

// minOut is how long it counts as refusing at least: a disk that is nearly full has a place for one copy, and not for the next.
const minOut = 2 * time.Second

// isOut reports whether requests should leave copying to the worker.
func (s *secondSide) isOut() bool { return s.away.Load() || s.isRefusing() }

func (s *secondSide) isRefusing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing
}

// fail notes that a copy failed, and reports whether it is one too many.
func (s *secondSide) fail() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures++
	return s.failures >= maxFailures
}

// succeed notes that a copy of a request arrived.
func (s *secondSide) succeed() {
	s.note()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = 0
}

// out notes why the side is out, and reports whether that is news: it was not, or it answers now but with a refusal that
// takes somebody to do something, such as a wrong password.
func (s *secondSide) out(err error, refusing bool) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := "away"
	if !isAway(err) {
		reason = err.Error()
	}
	news = s.reason == "" || s.reason != reason && !isAway(err)
	if news {
		s.reason = reason
	}
	if refusing {
		if !s.refusing {
			s.refused = time.Now()
		}
		s.refusing = true
	} else {
		s.away.Store(true)
	}
	return news
}

// in notes that the side answers, and with takes that it takes copies. It reports whether the side is not out any more.
func (s *secondSide) in(takes bool) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away.Store(false)
	if takes && time.Since(s.refused) > minOut {
		s.refusing, s.failures = false, 0
	}
	if s.refusing || s.reason == "" {
		return false
	}
	s.reason, s.failures = "", 0
	return true
}

func (s *Store) lookAtSecondary(ctx context.Context) {
	probe, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	asked := time.Now()
	second, err := s.Secondary()
	switch {
	case err == nil:
		err = second.Ping(probe)
	case s.running.Load():
		err = s.open(ctx) // has deadlines of its own
	}
	switch {
	case err == nil:
		s.secondaryIn(ctx, false)
	case ctx.Err() == nil && !s.second.answeredSince(asked):
		s.secondaryAway(ctx, err)
	}
}

// secondaryAway notes that the secondary does not answer.
func (s *Store) secondaryAway(ctx context.Context, err error) {
	s.trust.miss(time.Now())
	if s.second.out(err, false) {
		s.log.LogAttrs(ctx, slog.LevelError, "the secondary database is away: changes wait to be copied", slog.Any("error", err))
		s.recordFailure(ctx, err)
	}
}

// secondaryRefuses notes that the secondary does not take what it should, or too slowly.
func (s *Store) secondaryRefuses(ctx context.Context, err error) {
	s.trust.miss(time.Now())
	if s.second.out(err, true) {
		s.log.LogAttrs(ctx, slog.LevelError, "the secondary database takes no changes: they wait to be copied", slog.Any("error", err))
		s.recordFailure(ctx, err)
	}
}

// secondaryIn notes that the secondary answers, and perhaps that it takes copies.
func (s *Store) secondaryIn(ctx context.Context, takes bool) {
	if s.second.in(takes) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "the secondary database is back")
	}
}

// copyFailed notes that the copy of a request failed. The worker makes it later.
func (s *Store) copyFailed(ctx context.Context, err error) {
	s.trust.miss(time.Now())
	if s.second.fail() {
		s.secondaryRefuses(ctx, err)
	}
	s.second.suspect()
}

// recordFailure keeps the reason in the audit trail, where "store status" finds it whichever process met it.
func (s *Store) recordFailure(ctx context.Context, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	e := hub.NewEvent(context.Background(), hub.EventReplicationFailed, hub.ReplicationID, now()).With("error", err.Error())
	if err := s.primary.AddEvent(ctx, e); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the failure could not be kept in the audit trail", slog.Any("error", err))
	}
}
