package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// tombstoneFields are what a tombstone has besides its outbox and mark. deletedAt is no time, so that neither a query for
// deleted users finds it nor one for the others.
func tombstoneFields(t *hub.Tombstone) bson.D {
	return bson.D{
		{Key: "userId", Value: text(t.UserID)},
		{Key: "email", Value: "purged:" + text(t.UserID)}, // unique, and the address is free
		{Key: "deletedAt", Value: true},
		{Key: "purgedAt", Value: at(t.PurgedAt)},
		{Key: "version", Value: t.Version},
	}
}

// PurgeUser implements hub.UserStore. The user's document becomes a tombstone; everything else is deleted after that.
func (s *Store) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	const what = "purge user"
	var raw bson.Raw
	err := s.findOne(ctx, what, s.users.Collection, bson.D{{Key: "userId", Value: text(id)}, versionIs(version), {Key: "purgedAt", Value: nil}},
		func(document bson.Raw) error { raw = document; return nil })
	if errors.Is(err, hub.ErrNotFound) {
		return fmt.Errorf("%s: %w", what, hub.ErrConflict)
	}
	if err != nil {
		return err
	}
	purgedAt := e.At
	if purgedAt.IsZero() {
		purgedAt = time.Now()
	}
	set, unset := burial(raw, &hub.Tombstone{UserID: id, Version: version + 1, PurgedAt: purgedAt})
	return s.apply(ctx, change{
		what: what, in: s.users, id: id, filter: bson.D{versionIs(version), {Key: "purgedAt", Value: nil}}, set: set, unset: unset,
		out: append(records(&e, nil), newEntry(entryPurge, id, bson.D{{Key: "email", Value: textOf(raw, "email")}})),
	})
}

// burial returns what turns the user's document into the tombstone. Every other field goes, whoever wrote it.
func burial(user bson.Raw, t *hub.Tombstone) (set, unset bson.D) {
	set = tombstoneFields(t)
	kept := []string{"_id", "outbox", "outboxSince", "pendingSince"}
	for _, field := range set {
		kept = append(kept, field.Key)
	}
	elements, _ := user.Elements() // the server sent it: it is well formed
	for _, e := range elements {
		if !slices.Contains(kept, e.Key()) {
			unset = append(unset, bson.E{Key: e.Key(), Value: ""})
		}
	}
	return set, unset
}

// deleteBelongings deletes what belonged to a user who was purged, and the mails to their former address that name nobody.
// The events of what is deleted are stored first.
func (s *Store) deleteBelongings(ctx context.Context, id, email string) error {
	if err := s.recoverAndDelete(ctx, bson.D{{Key: "userId", Value: id}}, s.sessions, s.mailTokens, s.mails); err != nil || email == "" {
		return err
	}
	return s.recoverAndDelete(ctx, bson.D{{Key: "userId", Value: ""}, {Key: "to", Value: email}}, s.mails)
}

// recoverAndDelete deletes the documents that match, once what is in their outboxes is carried out.
func (s *Store) recoverAndDelete(ctx context.Context, filter bson.D, shelves ...shelf) error {
	_, err := s.recoverFrom(ctx, append(slices.Clip(filter), hasOutbox()), shelves...)
	if errors.Is(err, hub.ErrUnavailable) { // what is refused for good does not keep a user from being forgotten
		return err
	}
	for _, in := range shelves {
		if _, err := in.DeleteMany(ctx, filter); err != nil {
			return err
		}
	}
	return nil
}
