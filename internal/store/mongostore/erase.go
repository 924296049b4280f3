package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// Erase implements hub.Database. A user goes before what belongs to it, so that nothing new comes meanwhile; erasing the
// same key again removes what a failure left.
func (s *Store) Erase(ctx context.Context, keys ...hub.RecordKey) error {
	const what = "erase records"
	if err := s.flusher.wait(ctx, what); err != nil {
		return err
	}
	for _, kind := range hub.RecordKinds() {
		in, _ := s.shelf(kind)
		for ids := range chunks(idsOf(keys, kind), maxBatch) {
			var err error
			switch kind {
			case hub.RecordUser:
				err = s.eraseUsers(ctx, ids)
			case hub.RecordTombstone:
				err = s.doMany(ctx, "erase tombstones", len(ids), func(ctx context.Context) error {
					_, err := in.DeleteMany(ctx, bson.D{{Key: in.key, Value: bson.D{{Key: "$in", Value: ids}}}, isTombstone()})
					return err
				})
			default:
				err = s.deleteIDs(ctx, in, ids)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	return nil
}

func (s *Store) eraseUsers(ctx context.Context, ids []string) error {
	filter := bson.D{{Key: "userId", Value: bson.D{{Key: "$in", Value: ids}}}, isUser()}
	emails := make(map[string]string)
	_, err := findAll(ctx, s, "look for users", s.users.Collection, filter, options.Find().SetProjection(up("userId", "email")),
		func(raw bson.Raw) (string, error) {
			emails[textOf(raw, "userId")] = textOf(raw, "email")
			return "", nil
		})
	if err != nil {
		return err
	}
	err = s.doMany(ctx, "erase users", len(ids), func(ctx context.Context) error {
		_, err := s.users.DeleteMany(ctx, filter)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := s.do(ctx, "erase what belongs to a user", func(ctx context.Context) error { return s.deleteBelongings(ctx, id, emails[id]) })
		if err != nil {
			return err
		}
	}
	return nil
}
