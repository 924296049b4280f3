package mongostore_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
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

// pool keeps migrated databases, since making one takes longer than most tests.
type pool struct {
	url    string
	client *mongo.Client

	mu    sync.Mutex
	free  []string
	names map[*mongostore.Store]string
}

func newPool(t testing.TB) *pool {
	t.Helper()
	url, _ := testdb.MongoDB(t)
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	p := &pool{url: url, client: client, names: make(map[*mongostore.Store]string)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, name := range p.free {
			if err := client.Database(name).Drop(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := client.Disconnect(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// take returns the name of an empty database, which is given back after the test.
func (p *pool) take(t testing.TB) string {
	t.Helper()
	name := p.reuse()
	if name == "" {
		_, name = testdb.MongoDB(t)
		if _, err := mongostore.Migrate(t.Context(), mongostore.Config{URL: hub.NewSecret(p.url), Database: name}); err != nil {
			t.Fatal(err)
		}
		p.dropTTL(t, name)
	}
	t.Cleanup(func() {
		p.empty(t, name)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, name)
	})
	return name
}

func (p *pool) reuse() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return ""
	}
	name := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return name
}

// dropTTL drops the indexes by which servers delete expired documents: the tests' clock stands in the past.
func (p *pool) dropTTL(t testing.TB, name string) {
	t.Helper()
	for collection, index := range map[string]string{"refresh_tokens": "refresh_tokens_expire", "verification_tokens": "verification_tokens_expire"} {
		if err := p.client.Database(name).Collection(collection).Indexes().DropOne(t.Context(), index); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pool) empty(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, collection := range []string{"users", "refresh_tokens", "verification_tokens", "lockouts", "mails", "events"} {
		if _, err := p.client.Database(name).Collection(collection).DeleteMany(ctx, bson.D{}); err != nil {
			t.Error(err)
		}
	}
}

// open opens an empty database and closes it after the test.
func (p *pool) open(t testing.TB, c mongostore.Config) *mongostore.Store {
	t.Helper()
	c.URL, c.Database = hub.NewSecret(p.url), p.take(t)
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
