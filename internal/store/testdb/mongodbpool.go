package testdb

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// NewMongoDBPool returns a pool on the MongoDB server that the environment names. Its databases lack the indexes by which
// the server deletes what has expired: it would do so by its own clock, which is not that of tests.
func NewMongoDBPool(t testing.TB, migrate func(ctx context.Context, database string) error) *Pool {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(MongoDBServer(t)))
	if err != nil {
		t.Fatal("A64_TEST_MONGODB_URL cannot be used") // the error may repeat the password
	}
	return &Pool{server: mongoDBs{client}, migrate: migrate}
}

type mongoDBs struct{ client *mongo.Client }

func (mongoDBs) create(context.Context, string) error { return nil } // it is there when something is written

func (m mongoDBs) settle(ctx context.Context, database string) error {
	return m.each(ctx, database, func(in *mongo.Collection) error {
		indexes, err := in.Indexes().ListSpecifications(ctx)
		if err != nil {
			return err
		}
		for _, i := range indexes {
			if i.ExpireAfterSeconds == nil {
				continue
			}
			if err := in.Indexes().DropOne(ctx, i.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m mongoDBs) empty(ctx context.Context, database string) error {
	return m.each(ctx, database, func(in *mongo.Collection) error {
		if in.Name() == "meta" { // tells the version of the schema
			return nil
		}
		_, err := in.DeleteMany(ctx, bson.D{})
		return err
	})
}

func (m mongoDBs) each(ctx context.Context, database string, do func(*mongo.Collection) error) error {
	db := m.client.Database(database)
	names, err := db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := do(db.Collection(name)); err != nil {
			return err
		}
	}
	return nil
}

func (m mongoDBs) drop(ctx context.Context, database string) error {
	return m.client.Database(database).Drop(ctx)
}

func (m mongoDBs) close(ctx context.Context) error { return m.client.Disconnect(ctx) }
