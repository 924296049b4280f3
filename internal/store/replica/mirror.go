package replica

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/a64core/hub"
)

// mirror gives the secondary the state that a change led to. The change is made and marked already: whatever goes wrong
// here, the worker copies it later. The client's leaving must not make that necessary, so its context only lends its values.
func (s *Store) mirror(ctx context.Context, records ...hub.Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.deadline)
	defer cancel()
	s.mirrorWithin(ctx, records)
}

// mirrorStored is mirror where the change does not tell the whole state of one of the records, which is read.
func (s *Store) mirrorStored(ctx context.Context, records []hub.Record, key hub.RecordKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.deadline)
	defer cancel()
	found, err := s.primary.Lookup(ctx, key)
	if err != nil || len(found) == 0 {
		s.trust.miss(time.Now())
		return
	}
	s.mirrorWithin(ctx, append(records, found...))
}

func (s *Store) mirrorWithin(ctx context.Context, records []hub.Record) {
	second, err := s.Secondary()
	if err != nil || s.second.isOut() {
		s.trust.miss(time.Now())
		return
	}
	err = second.Put(ctx, hub.UnlessOlder, records...)
	switch {
	case err == nil:
		s.second.succeed()
		s.settle(ctx, marksOf(records))
	case errors.Is(err, hub.ErrDuplicateEmail), errors.Is(err, hub.ErrOrphan):
		s.trust.miss(time.Now()) // it waits for another record, which the worker looks for
	default:
		s.copyFailed(ctx, err)
	}
}

func marksOf(records []hub.Record) []hub.Mark {
	marks := make([]hub.Mark, len(records))
	for i, r := range records {
		marks[i] = r.Mark()
	}
	return marks
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
	if err := s.primary.Unmark(ctx, marks...); err != nil {
		s.log.LogAttrs(ctx, slog.LevelDebug, "a copy could not be acknowledged", slog.Any("error", err))
	}
}

const (
	settleBatch = 500
	settleDelay = 5 * time.Millisecond
)

// unmarkSettled removes marks in batches until ctx ends.
func (s *Store) unmarkSettled(ctx context.Context) error {
	delay := time.NewTimer(0)
	defer delay.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-delay.C:
		}
		var marks []hub.Mark
		select {
		case <-ctx.Done():
			return nil
		case marks = <-s.settled:
		}
		for more := true; more && len(marks) < settleBatch; {
			select {
			case next := <-s.settled:
				marks = append(marks, next...)
			default:
				more = false
			}
		}
		if err := s.primary.Unmark(ctx, marks...); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelDebug, "copies could not be acknowledged", slog.Any("error", err))
		}
		delay.Reset(settleDelay)
	}
}
