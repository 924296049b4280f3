package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/a64core/hub"
)

const (
	workInterval = 250 * time.Millisecond
	workBatch    = 500
	batchTimeout = time.Minute
	// listAllInterval is how long a mark of the future may be left alone.
	listAllInterval = 5 * time.Second
	// stuckPause is how long the worker leaves alone what it could not copy.
	stuckPause = time.Minute
	// maxStuck is how many records may be refused in one batch until it is thought to be the database's fault.
	maxStuck = 3
)

// work copies what requests left marked, until ctx ends. Several processes may do so at once: they only do some of it twice.
func (s *Store) work(ctx context.Context) error {
	tick := time.NewTicker(workInterval)
	defer tick.Stop()
	for {
		more, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelDebug, "nothing could be copied", slog.Any("error", err))
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// round copies a batch and reports whether more is due. A batch that could not be copied in time is followed by smaller ones.
func (s *Store) round(ctx context.Context) (more bool, err error) {
	if s.first.away.Load() || s.second.away.Load() || s.secondary.Load() == nil {
		return false, nil
	}
	marks, err := s.dueMarks(ctx)
	if err != nil {
		return false, err
	}
	marks = marks[:min(len(marks), s.batch)]
	begun := time.Now()
	copied, err := s.copyMarked(ctx, marks)
	took := time.Since(begun)
	switch {
	case err != nil:
		s.batch = max(1, s.batch/4)
		return false, err
	case copied > 0:
		more = len(marks) == s.batch
		s.batch = min(workBatch, 2*s.batch)
		s.trial(ctx, took < s.deadline)
	case len(marks) == 0:
		s.trial(ctx, s.second.isRefusing() && s.answersQuickly(ctx))
	}
	return more, nil
}

// trial ends the secondary's being out, if it has shown that it takes copies as quickly as requests need.
func (s *Store) trial(ctx context.Context, passed bool) {
	if passed && s.second.isRefusing() {
		s.secondaryIn(ctx, true)
		clear(s.stuck)
	}
}

// answersQuickly reports whether the secondary, to which nothing is to be copied, answers so fast that the statements of a
// copy would find time.
func (s *Store) answersQuickly(ctx context.Context) bool {
	second, err := s.Secondary()
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, s.deadline/5)
	defer cancel()
	return second.Ping(ctx) == nil
}

// dueMarks lists marks that no request is busy with any more: those that are older than a change may wait for its copy.
// Marks of the future, which somebody's wrong clock has set, would have to wait until then; so now and then all are due.
func (s *Store) dueMarks(ctx context.Context) ([]hub.Mark, error) {
	before := time.Now().Add(-2 * s.deadline)
	if time.Since(s.listedAll) > listAllInterval {
		before, s.listedAll = endOfTime(), time.Now()
	}
	return s.marks(ctx, before)
}

// endOfTime is later than any mark.
func endOfTime() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// marks lists a batch of marks, without what is stuck.
func (s *Store) marks(ctx context.Context, before time.Time) ([]hub.Mark, error) {
	for key, since := range s.stuck {
		if time.Since(since) > stuckPause {
			delete(s.stuck, key)
		}
	}
	marks, err := s.primary.Marks(ctx, before, workBatch+len(s.stuck))
	if err != nil {
		return nil, fmt.Errorf("list what is to be copied: %w", err)
	}
	return slices.DeleteFunc(marks, func(m hub.Mark) bool {
		_, isStuck := s.stuck[m.Key]
		return isStuck
	}), nil
}

// Drain copies all that is marked, and returns an error that names what could not be copied. It is for commands and tests:
// a server has Run.
func (s *Store) Drain(ctx context.Context) error {
	var last hub.Mark
	for {
		marks, err := s.marks(ctx, endOfTime())
		if err != nil {
			return err
		}
		if len(marks) == 0 {
			break
		}
		if marks[0] == last {
			return fmt.Errorf("%s %s was copied and stays marked", last.Key.Kind, last.Key.ID)
		}
		last = marks[0]
		if _, err := s.copyMarked(ctx, marks); err != nil {
			return err
		}
	}
	if n := len(s.stuck); n > 0 {
		return fmt.Errorf("%d records could not be copied", n)
	}
	return nil
}

// copyMarked copies the present state of what is marked, removes the marks of what was copied, and returns how many marks
// that were.
func (s *Store) copyMarked(ctx context.Context, marks []hub.Mark) (n int, err error) {
	if len(marks) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	second, err := s.Secondary()
	if err != nil {
		return 0, err
	}
	keys := make([]hub.RecordKey, len(marks))
	for i, m := range marks {
		keys[i] = m.Key
	}
	records, err := s.primary.Lookup(ctx, keys...)
	if err != nil {
		return 0, fmt.Errorf("read what is to be copied: %w", err)
	}
	stored := make(map[hub.RecordKey]bool, len(records))
	for _, r := range records {
		stored[r.Key()] = true
	}
	var done []hub.Mark
	for _, m := range marks {
		if !stored[m.Key] { // swept or purged since, which the other side learns by its own clock or from a tombstone
			done = append(done, m)
		}
	}
	inOrder(records)
	s.refusals = 0
	copied, putErr := s.put(ctx, second, records)
	switch {
	case putErr == nil:
		s.second.note()
	case ctx.Err() == nil:
		s.secondaryRefuses(ctx, putErr)
		s.second.suspect()
	}
	done = append(done, marksOf(copied)...)
	if err := s.primary.Unmark(ctx, done...); err != nil {
		return 0, errors.Join(putErr, fmt.Errorf("acknowledge copies: %w", err))
	}
	return len(done), putErr
}

// inOrder sorts records so that what others refer to comes first.
func inOrder(records []hub.Record) {
	kinds := hub.RecordKinds()
	slices.SortStableFunc(records, func(a, b hub.Record) int {
		return cmp.Compare(slices.Index(kinds, a.Key().Kind), slices.Index(kinds, b.Key().Kind))
	})
}

// put puts records and returns those that need no more copying. Where one is refused, the batch is halved until it is found.
func (s *Store) put(ctx context.Context, second hub.Database, records []hub.Record) ([]hub.Record, error) {
	if len(records) == 0 {
		return nil, nil
	}
	err := second.Put(ctx, hub.UnlessOlder, records...)
	switch {
	case err == nil:
		return records, nil
	case ctx.Err() != nil, isAway(err):
		return nil, fmt.Errorf("copy: %w", err)
	case len(records) == 1:
		return s.resolve(ctx, second, records[0], err)
	}
	half := len(records) / 2
	copied, err := s.put(ctx, second, records[:half])
	if err != nil {
		return copied, err
	}
	rest, err := s.put(ctx, second, records[half:])
	return append(slices.Clone(copied), rest...), err
}

// resolve puts a record that was refused, together with what it waits for.
func (s *Store) resolve(ctx context.Context, second hub.Database, r hub.Record, refusal error) ([]hub.Record, error) {
	copied, err := route{s.primary, second, hub.UnlessOlder}.resolve(ctx, r, refusal)
	if err == nil || isAway(err) || ctx.Err() != nil {
		return copied, err
	}
	key := r.Key()
	s.stuck[key] = time.Now()
	if !s.second.isRefusing() { // else it was said why
		if s.refusals++; s.refusals > maxStuck && !errors.Is(err, hub.ErrDuplicateEmail) && !errors.Is(err, hub.ErrOrphan) {
			return nil, err
		}
		s.log.LogAttrs(ctx, slog.LevelError, "a record cannot be copied to the secondary database, trying again in a minute",
			slog.String("kind", string(key.Kind)), slog.String("id", key.ID), slog.Any("error", err))
		s.recordFailure(ctx, fmt.Errorf("%s %s: %w", key.Kind, key.ID, err))
	}
	return nil, nil
}
