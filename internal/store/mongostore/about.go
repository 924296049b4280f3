package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

const engine = "mongodb"

// About implements hub.Database.
func (s *Store) About(ctx context.Context) (hub.About, error) {
	about := hub.About{Engine: engine, Place: s.place}
	var err error
	if about.Schema, err = s.SchemaVersion(ctx); err != nil {
		return hub.About{}, err
	}
	err = s.do(ctx, "ask for the server's version", func(ctx context.Context) error {
		raw, err := s.db.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
		if err != nil {
			return err
		}
		about.Product = "MongoDB " + textOf(raw, "version")
		if ferret, err := raw.LookupErr("ferretdb", "version"); err == nil {
			about.Product = "FerretDB " + ferret.StringValue()
		}
		return nil
	})
	if err != nil {
		return hub.About{}, err
	}
	err = s.do(ctx, "ask for the database's size", func(ctx context.Context) error {
		raw, err := s.db.RunCommand(ctx, bson.D{{Key: "dbStats", Value: 1}}).Raw()
		if err != nil {
			return err
		}
		about.Bytes = 0
		return readFields(raw, func(r *reader, name string, v bson.RawValue) {
			if name == "storageSize" || name == "indexSize" {
				about.Bytes += r.number(v)
			}
		})
	})
	return about, err
}
