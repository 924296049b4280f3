package mongostore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/storetest"
	"github.com/a64core/hub/internal/store/testdb"
)

func TestStore(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	storetest.Run(t, func(t *testing.T) hub.Store { return p.open(t, mongostore.Config{}) })
}

// TestMarkingStore shows that a store that keeps marks is a store like any other.
func TestMarkingStore(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	storetest.Run(t, func(t *testing.T) hub.Store { return p.open(t, mongostore.Config{Marks: true}) })
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	storetest.RunDatabase(t, func(t *testing.T, marks bool) hub.Database {
		return withoutTTL{p.open(t, mongostore.Config{Marks: marks})}
	})
}

// withoutTTL does not miss the indexes that the pool has dropped.
type withoutTTL struct{ *mongostore.Store }

func (w withoutTTL) Verify(ctx context.Context) ([]string, error) {
	findings, err := w.Store.Verify(ctx)
	return slices.DeleteFunc(findings, func(finding string) bool { return strings.Contains(finding, "_expire") }), err
}

// pool lends databases, and knows which of them a store has.
type pool struct {
	*testdb.Pool
	url    string
	client *mongo.Client

	mu    sync.Mutex
	names map[*mongostore.Store]string
}

func newPool(t testing.TB) *pool {
	t.Helper()
	url := testdb.MongoDBServer(t)
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	migrate := func(ctx context.Context, database string) error {
		_, err := mongostore.Migrate(ctx, mongostore.Config{URL: hub.NewSecret(url), Database: database})
		return err
	}
	p := &pool{Pool: testdb.NewMongoDBPool(t, migrate), url: url, client: client, names: make(map[*mongostore.Store]string)}
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), client.Disconnect(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return p
}

// open opens an empty database and closes it after the test.
func (p *pool) open(t testing.TB, c mongostore.Config) *mongostore.Store {
	t.Helper()
	c.URL, c.Database = hub.NewSecret(p.url), p.Take(t)
	s := open(t, c)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[s] = c.Database
	return s
}

// nameOf returns the name of the database that was opened as s.
func (p *pool) nameOf(s *mongostore.Store) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[s]
}

func open(t testing.TB, c mongostore.Config) *mongostore.Store {
	t.Helper()
	s, err := mongostore.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
