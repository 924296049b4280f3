package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/a64core/hub"
)

// How long the driver waits for a server and for a connection. Both leave a call time to say that there is none.
const (
	selectionTimeout = 2 * time.Second
	connectTimeout   = 2 * time.Second
	explainTimeout   = time.Second
)

// maxPoolSize is how many connections there may be to one server (the specification's 10 to 50).
const maxPoolSize = 50

// Config says which database to open, and how.
type Config struct {
	URL      hub.Secret // mongodb:// or mongodb+srv://
	Database string     // name of the database on the server
	Migrate  bool       // bring the schema up to date; otherwise Open refuses any other than the present one
	Marks    bool       // mark every change as not yet copied; see hub.Database
}

// Store is a hub.Database on one MongoDB database.
type Store struct {
	client *mongo.Client
	db     *mongo.Database
	place  string
	marks  bool

	users, sessions, mailTokens, lockouts, mails, events shelf
	meta                                                 *mongo.Collection

	pool      *poolCount
	recent    *recentIDs
	addresses *turnstile // of users being added
	flusher   *flusher
}

var _ hub.Database = (*Store)(nil)

// shelf is where records of one kind are kept.
type shelf struct {
	*mongo.Collection
	key string // the field that holds the id
}

// Open opens the database. It refuses one whose schema is newer than this program, one that is older unless c.Migrate is
// set, and one without the index that keeps e-mail addresses unique. ErrUnavailable.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := connect(c)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, c); err != nil {
		return nil, errors.Join(explain(ctx, c, err), s.disconnect())
	}
	s.flusher = startFlusher(s)
	// A failure is no reason to stay closed: it is tried again every minute, the sweep reports it, and Verify.
	_, _ = s.Recover(ctx)
	return s, nil
}

// explain tells a server that is away from one that does not let us in. When many connections are refused at once, the
// driver says of most only that others were; so one is made alone.
func explain(ctx context.Context, c Config, err error) error {
	if !errors.Is(err, hub.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	client, connectErr := mongo.Connect(clientOptions(c).SetMinPoolSize(0).SetServerSelectionTimeout(explainTimeout))
	if connectErr != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	pingErr := client.Ping(bounded, nil)
	_ = client.Disconnect(context.WithoutCancel(ctx)) // nothing is under way
	if isRejected(pingErr) {
		return fmt.Errorf("open database: %w", errRejected)
	}
	return err
}

func (s *Store) prepare(ctx context.Context, c Config) error {
	if c.Migrate {
		if _, err := s.migrate(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if err := s.check(ctx); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}

// connect makes a store that has not looked at its database yet and whose flusher does not run.
func connect(c Config) (*Store, error) {
	if c.Database == "" {
		return nil, errors.New("open database: it has no name")
	}
	pool := new(poolCount)
	o := clientOptions(c).SetPoolMonitor(&event.PoolMonitor{Event: pool.note})
	client, err := mongo.Connect(o)
	if err != nil { // its text may repeat the URL, and so a password
		return nil, errors.New("open database: the URL is not one of MongoDB, or names an option that is unknown")
	}
	db := client.Database(c.Database)
	return &Store{
		client: client, db: db, marks: c.Marks, place: strings.Join(o.Hosts, ",") + "/" + c.Database,
		users:      shelf{db.Collection("users"), "userId"},
		sessions:   shelf{db.Collection("refresh_tokens"), "sessionId"},
		mailTokens: shelf{db.Collection("verification_tokens"), "tokenId"},
		lockouts:   shelf{db.Collection("lockouts"), "_id"},
		mails:      shelf{db.Collection("mails"), "_id"},
		events:     shelf{db.Collection("events"), "_id"},
		meta:       db.Collection("meta"),
		pool:       pool,
		recent:     newRecentIDs(),
		addresses:  newTurnstile(),
	}, nil
}

// clientOptions are those of the URL, but for what must not depend on it. Retryable writes stay as it says: the driver leaves
// them out where the server has none, and nothing here needs them.
func clientOptions(c Config) *options.ClientOptions {
	journaled := true
	return options.Client().ApplyURI(c.URL.Reveal()).
		SetAppName("a64core").
		SetMinPoolSize(10).SetMaxPoolSize(maxPoolSize).
		SetServerSelectionTimeout(selectionTimeout).SetConnectTimeout(connectTimeout).
		SetReadPreference(readpref.Primary()).
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journaled})
}

// shelf returns where records of the kind are kept. Tombstones stand where the users were.
func (s *Store) shelf(kind hub.RecordKind) (shelf, bool) {
	switch kind {
	case hub.RecordUser, hub.RecordTombstone:
		return s.users, true
	case hub.RecordSession:
		return s.sessions, true
	case hub.RecordMailToken:
		return s.mailTokens, true
	case hub.RecordLockout:
		return s.lockouts, true
	case hub.RecordMail:
		return s.mails, true
	case hub.RecordEvent:
		return s.events, true
	}
	return shelf{}, false
}

// Close carries out what is under way and closes the connections. What cannot be carried out stays in its outbox.
func (s *Store) Close() error {
	s.flusher.close()
	return s.disconnect()
}

func (s *Store) disconnect() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("close connections: %w", err)
	}
	return nil
}

// Ping reports whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, "ping", func(ctx context.Context) error {
		o := options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})
		err := s.users.FindOne(ctx, bson.D{}, o).Err()
		if errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		return err
	})
}

// findOne reads the only document that matches. ErrNotFound if there is none.
func (s *Store) findOne(ctx context.Context, what string, in *mongo.Collection, filter bson.D, read func(bson.Raw) error) error {
	return s.do(ctx, what, func(ctx context.Context) error {
		raw, err := in.FindOne(ctx, filter).Raw()
		if err != nil {
			return err
		}
		return read(raw)
	})
}

// findAll reads all documents that match.
func findAll[T any](ctx context.Context, s *Store, what string, in *mongo.Collection, filter bson.D, o *options.FindOptionsBuilder, read func(bson.Raw) (T, error)) ([]T, error) {
	var all []T
	err := s.do(ctx, what, func(ctx context.Context) error {
		cursor, err := in.Find(ctx, filter, o)
		if err != nil {
			return err
		}
		all, err = collect(ctx, cursor, read)
		return err
	})
	return all, err
}

// collect reads all documents of a cursor and closes it. What read says is not found is left out.
func collect[T any](ctx context.Context, cursor *mongo.Cursor, read func(bson.Raw) (T, error)) (all []T, err error) {
	defer func() { _ = cursor.Close(ctx) }() // everything was read, or an error says more
	for cursor.Next(ctx) {
		one, err := read(cursor.Current)
		if errors.Is(err, hub.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, cursor.Err()
}
