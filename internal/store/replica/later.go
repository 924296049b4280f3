package replica

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/a64core/hub"
)

// Some of what a change asks for can be done a moment after it was answered, for many changes at once: the marks say that
// it is still to be done, so that nothing is lost if it never is.

const (
	laterBatch = 500
	laterDelay = 5 * time.Millisecond
)

// inBatches gives what comes in to do, in batches, until ctx ends.
func inBatches[T any](ctx context.Context, in <-chan []T, do func(context.Context, []T)) error {
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-delay.C:
		}
		var batch []T
		select {
		case <-ctx.Done():
			return nil
		case batch = <-in:
		}
		for more := true; more && len(batch) < laterBatch; {
			select {
			case next := <-in:
				batch = append(batch, next...)
			default:
				more = false
			}
		}
		do(ctx, batch)
		delay.Reset(laterDelay)
	}
}

// settle has the marks of what was copied removed, a moment later and with those of others. Whatever gets lost on the way is
// copied once more, which changes nothing.
func (s *Store) settle(ctx context.Context, marks []hub.Mark) {
	if s.running.Load() {
		select {
		case s.settled <- marks:
		default: // so many that the worker is as good
		}
		return
	}
	s.unmark(ctx, marks)
}

func (s *Store) unmark(ctx context.Context, marks []hub.Mark) {
	if err := s.primary.Unmark(ctx, marks...); err != nil && ctx.Err() == nil {
		s.log.LogAttrs(ctx, slog.LevelDebug, "copies could not be acknowledged", slog.Any("error", err))
	}
}

// postpone has events and mails copied a moment later, and returns the other records: those decide what a token or a
// password is worth, and must not be older on the secondary than what a client was told.
func (s *Store) postpone(records []hub.Record) []hub.Record {
	if !s.running.Load() {
		return records
	}
	var now, later []hub.Record
	for _, r := range records {
		if r.Event != nil || r.Mail != nil {
			later = append(later, r)
		} else {
			now = append(now, r)
		}
	}
	if len(later) > 0 {
		select {
		case s.postponed <- later:
		default: // so many that the worker is as good
		}
	}
	return now
}

// copyPostponed copies a batch of what was postponed.
func (s *Store) copyPostponed(ctx context.Context, records []hub.Record) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	second, err := s.Secondary()
	if err != nil || s.second.isOut() {
		s.trust.miss(time.Now())
		return
	}
	for some := range slices.Chunk(records, laterBatch) {
		s.copyNow(ctx, second, some)
	}
}
