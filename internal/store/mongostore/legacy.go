package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// The original system's documents are read as they are. The migration gives them what queries go by: folded names, times
// that are times, addresses in lower case, session ids, versions. It also replaces raw tokens by their hashes.

// adoptLegacy is the first migration.
func (s *Store) adoptLegacy(ctx context.Context) error {
	if err := s.refuseCollisions(ctx); err != nil {
		return err
	}
	unversioned := bson.D{{Key: "version", Value: nil}}
	if err := adopt(ctx, s.users, unversioned, adoptUser); err != nil {
		return err
	}
	if err := adopt(ctx, s.sessions, unversioned, adoptSession); err != nil {
		return err
	}
	if err := adopt(ctx, s.mailTokens, bson.D{{Key: "token", Value: bson.D{{Key: "$regex", Value: `\.`}}}}, adoptMailToken); err != nil {
		return err
	}
	if err := s.buildIndexes(ctx); err != nil {
		return err
	}
	return upsert(ctx, s.meta, guardID, bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "holder", Value: ""}}}})
}

// adopt sets fields of the documents that match, unless somebody changes the document in between: then it does not match
// any more, or is found again by the next migration that is tried.
func adopt(ctx context.Context, in shelf, filter bson.D, fields func(bson.Raw) (bson.D, error)) error {
	cursor, err := in.Find(ctx, filter, options.Find().SetBatchSize(maxBatch))
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close(ctx) }() // everything was read, or an error says more
	var writes []mongo.WriteModel
	flush := func() error {
		if len(writes) == 0 {
			return nil
		}
		_, err := in.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
		writes = writes[:0]
		return err
	}
	for cursor.Next(ctx) {
		set, err := fields(cursor.Current)
		if err != nil {
			return fmt.Errorf("%s %s: %w", in.Name(), textOf(cursor.Current, in.key), err)
		}
		same := append(bson.D{{Key: "_id", Value: ownValue(cursor.Current.Lookup("_id"))}}, filter...)
		writes = append(writes, mongo.NewUpdateOneModel().SetFilter(same).SetUpdate(bson.D{{Key: "$set", Value: set}}))
		if len(writes) == maxBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	return flush()
}

func adoptUser(raw bson.Raw) (bson.D, error) {
	u, err := readUser(raw)
	if err != nil {
		return nil, err
	}
	u.Email = hub.Fold(u.Email)
	return userFields(&u, 1), nil
}

func adoptSession(raw bson.Raw) (bson.D, error) {
	se, err := readSession(raw)
	if err != nil {
		return nil, err
	}
	return sessionFields(&se, 1), nil
}

func adoptMailToken(raw bson.Raw) (bson.D, error) {
	m, err := readMailToken(raw)
	if err != nil {
		return nil, err
	}
	return mailTokenFields(&m), nil
}
