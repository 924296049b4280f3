package testdb

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// Pool lends databases on one server to tests in turns: to create one with all its tables and indexes takes longer than
// most tests.
type Pool struct {
	server  poolServer
	migrate func(ctx context.Context, database string) error // brings the schema up to date

	mu   sync.Mutex
	all  []string
	free []string // empty ones
}

// poolServer is a server with databases of a pool.
type poolServer interface {
	create(ctx context.Context, database string) error
	// settle prepares a database for tests, once it was migrated.
	settle(ctx context.Context, database string) error
	// empty leaves what migrations made.
	empty(ctx context.Context, database string) error
	drop(ctx context.Context, database string) error
	close(ctx context.Context) error
}

// poolTimeout bounds what is done to one database of a pool.
const poolTimeout = time.Minute

// Take returns the name of a database that is migrated and empty. It goes back after the test.
func (p *Pool) Take(t testing.TB) string {
	t.Helper()
	name := p.reuse()
	if name == "" {
		ctx, cancel := context.WithTimeout(t.Context(), poolTimeout)
		defer cancel()
		var err error
		if name, err = p.add(ctx); err != nil {
			t.Fatalf("make a database: %v", err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), poolTimeout)
		defer cancel()
		if err := p.server.empty(ctx, name); err != nil {
			t.Errorf("empty a database: %v", err)
			return // nobody else may have it
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, name)
	})
	return name
}

func (p *Pool) reuse() (name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		name, p.free = p.free[n-1], p.free[:n-1]
	}
	return name
}

func (p *Pool) add(ctx context.Context) (string, error) {
	name := uniqueName()
	p.mu.Lock()
	p.all = append(p.all, name)
	p.mu.Unlock()
	if err := p.server.create(ctx, name); err != nil {
		return "", err
	}
	if err := p.migrate(ctx, name); err != nil {
		return "", err
	}
	return name, p.server.settle(ctx, name)
}

// Close drops the databases. No test may have one.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	within := func(do func(context.Context) error) {
		ctx, cancel := context.WithTimeout(context.Background(), poolTimeout)
		defer cancel()
		errs = append(errs, do(ctx))
	}
	for _, name := range p.all {
		within(func(ctx context.Context) error { return p.server.drop(ctx, name) })
	}
	within(p.server.close)
	p.all, p.free = nil, nil
	return errors.Join(errs...)
}
