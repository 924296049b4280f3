package replica

import (
	"context"
	"errors"
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
	if records = s.postpone(records); len(records) > 0 {
		s.copyNow(ctx, second, records)
	}
}

// copyNow puts records of changes that were just made, and leaves them to the worker if that fails.
func (s *Store) copyNow(ctx context.Context, second hub.Database, records []hub.Record) {
	err := second.Put(ctx, hub.UnlessOlder, records...)
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
