package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// takeBack deletes the sessions and mails that were inserted for users who were purged meanwhile, maybe after the purge
// had looked for them. Tombstones that nobody needs go too.
func (s *Store) takeBack(ctx context.Context, all []*outboxOf) error {
	var ids bson.A
	for _, o := range all {
		ids = append(ids, o.id)
	}
	live := make(map[string]bool)
	users, err := findAll(ctx, s, "look for purged users", s.users.Collection,
		bson.D{{Key: "userId", Value: bson.D{{Key: "$in", Value: ids}}}, {Key: "purgedAt", Value: nil}},
		options.Find().SetProjection(bson.D{{Key: "userId", Value: 1}}),
		func(raw bson.Raw) (string, error) { return textOf(raw, "userId"), nil })
	if err != nil {
		return err
	}
	for _, id := range users {
		live[id] = true
	}
	for _, o := range all {
		if live[o.id] {
			continue
		}
		if err := s.takeBackOf(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) takeBackOf(ctx context.Context, o *outboxOf) error {
	purged := false
	for i := range o.entries {
		var in shelf
		switch o.entries[i].Kind {
		case entryPurge:
			kept, _ := o.entries[i].Body.Lookup("keep").BooleanOK()
			purged = !kept
			continue
		case entryMail:
			in = s.mails
		case entrySession:
			in = s.sessions
		default:
			continue
		}
		err := s.do(ctx, "take back", func(ctx context.Context) error {
			_, err := in.DeleteOne(ctx, bson.D{{Key: in.key, Value: o.entries[i].id()}})
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.marks || !purged { // one that came by Put keeps late copies out
		return nil
	}
	return s.do(ctx, "forget a tombstone", func(ctx context.Context) error {
		_, err := s.users.DeleteOne(ctx, bson.D{
			{Key: "userId", Value: o.id}, isTombstone(), {Key: "outboxSince", Value: nil}, {Key: "pendingSince", Value: nil},
		})
		return err
	})
}
