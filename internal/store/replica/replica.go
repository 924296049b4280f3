package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
)

// Config says what a replicated store is made of.
type Config struct {
	// Primary is a database that was opened to keep marks.
	Primary hub.Database
	// OpenSecondary opens the other. It may fail with hub.ErrUnavailable: then it is tried again until it succeeds.
	OpenSecondary func(context.Context) (hub.Database, error)
	Log           *slog.Logger

	// Deadline is how long a change waits for the secondary. Zero means a quarter of a second.
	Deadline time.Duration
}

// Store is a hub.Store on two databases.
type Store struct {
	primary       hub.Database
	openSecondary func(context.Context) (hub.Database, error)
	deadline      time.Duration
	log           *slog.Logger

	first     side
	second    secondSide
	opening   sync.Mutex
	secondary atomic.Pointer[hub.Database] // nil until it was opened

	trust     trust
	backlog   atomic.Pointer[hub.Backlog] // at the last look
	lagTold   time.Time                   // when the log last told that the secondary is behind; used by lookAtBacklog alone
	settled   chan []hub.Mark             // of what was copied in requests
	postponed chan []hub.Record           // by requests
	running   atomic.Bool
	stuck     map[hub.RecordKey]time.Time // what could not be copied, and when; used by the worker alone
	refusals  int                         // of records, in the present batch
	listedAll time.Time                   // when all marks were due
	batch     int                         // how many records the worker copies at once
}

var _ hub.Store = (*Store)(nil)

// New returns a store on the two databases, which it closes when it is closed. The secondary may be away; anything else
// that is wrong with it is an error.
func New(ctx context.Context, c Config) (*Store, error) {
	s := &Store{
		primary: c.Primary, openSecondary: c.OpenSecondary, deadline: c.Deadline, log: c.Log,
		first: newSide(), second: secondSide{side: newSide()},
		settled: make(chan []hub.Mark, 1024), postponed: make(chan []hub.Record, 1024),
		stuck: make(map[hub.RecordKey]time.Time), batch: workBatch,
	}
	if s.deadline == 0 {
		s.deadline = 250 * time.Millisecond
	}
	err := s.open(ctx)
	if errors.Is(err, hub.ErrUnavailable) {
		s.secondaryAway(ctx, err)
		s.lookAtBacklog(ctx)
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the secondary database: %w", err)
	}
	s.lookAtPrimary(ctx)
	s.lookAtBacklog(ctx)
	s.lookAtSecondary(ctx)
	return s, nil
}

// open opens the secondary, if it is not open.
func (s *Store) open(ctx context.Context) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.secondary.Load() != nil {
		return nil
	}
	db, err := s.openSecondary(ctx)
	if err != nil {
		return err
	}
	s.secondary.Store(&db)
	return nil
}

// Run keeps both sides equal and watches whether they answer, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	s.running.Store(true)
	defer s.running.Store(false)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return watch(ctx, s.first.suspected, s.lookAtPrimary) })
	group.Go(func() error { return watch(ctx, s.second.suspected, s.lookAtSecondary) })
	group.Go(func() error { return watch(ctx, nil, s.lookAtBacklog) })
	group.Go(func() error { return inBatches(ctx, s.settled, s.unmark) })
	group.Go(func() error { return inBatches(ctx, s.postponed, s.copyPostponed) })
	group.Go(func() error { return s.work(ctx) })
	return group.Wait()
}

// Close closes both databases.
func (s *Store) Close() error {
	err := s.primary.Close()
	if second := s.secondary.Load(); second != nil {
		err = errors.Join(err, (*second).Close())
	}
	return err
}

// Pools returns the connections to both databases, of the secondary as far as it was opened.
func (s *Store) Pools() []hub.Pool {
	pools := []hub.Pool{s.primary.Pool()}
	if second := s.secondary.Load(); second != nil {
		pools = append(pools, (*second).Pool())
	}
	return pools
}

// Primary returns the database that decides.
func (s *Store) Primary() hub.Database { return s.primary }

// Secondary returns the other database. ErrUnavailable if it could not be opened yet.
func (s *Store) Secondary() (hub.Database, error) {
	if second := s.secondary.Load(); second != nil {
		return *second, nil
	}
	return nil, fmt.Errorf("the secondary database was not opened yet: %w", hub.ErrUnavailable)
}
