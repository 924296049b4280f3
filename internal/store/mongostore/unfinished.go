package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// unfinishedID is that of a document in meta, which is there as long as the database is unfinished.
const unfinishedID = "unfinished"

// SetUnfinished implements hub.Database.
func (s *Store) SetUnfinished(ctx context.Context, unfinished bool) error {
	return s.do(ctx, "note whether the database is whole", func(ctx context.Context) error {
		if unfinished {
			return upsert(ctx, s.meta, unfinishedID, bson.D{{Key: "$set", Value: bson.D{{Key: "unfinished", Value: true}}}})
		}
		_, err := s.meta.DeleteOne(ctx, bson.D{{Key: "_id", Value: unfinishedID}})
		return err
	})
}

// Unfinished implements hub.Database.
func (s *Store) Unfinished(ctx context.Context) (bool, error) {
	err := s.findOne(ctx, "ask whether the database is whole", s.meta, bson.D{{Key: "_id", Value: unfinishedID}}, func(bson.Raw) error { return nil })
	if errors.Is(err, hub.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
