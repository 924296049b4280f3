package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

const (
	// leftAfter is how long something stands in an outbox until it counts as left behind. Whoever put it there needs less,
	// and if not, nothing is wrong when two carry it out.
	leftAfter = 10 * time.Second
	// maxRecovered is how many documents of a sort are looked at in one step.
	maxRecovered = 500
)

// Recover carries out what processes that died left in the outboxes of documents, and returns how many documents that
// were. Any number of processes may do so at once. What the database refuses for good stays where it is, and the first
// such error is returned when all else is done. ErrUnavailable.
func (s *Store) Recover(ctx context.Context) (int, error) {
	return s.recoverFrom(ctx, bson.D{{Key: "outboxSince", Value: bson.D{{Key: "$lt", Value: at(time.Now().Add(-leftAfter))}}}},
		s.users, s.sessions, s.lockouts, s.mails)
}

// recoverFrom carries out the outboxes of the documents that match, wherever they are.
func (s *Store) recoverFrom(ctx context.Context, filter bson.D, shelves ...shelf) (int, error) {
	total := 0
	var refused error
	for _, in := range shelves {
		for {
			left, err := findAll(ctx, s, "look for outboxes", in.Collection, filter, options.Find().SetLimit(maxRecovered),
				func(raw bson.Raw) (delivery, error) { return left(in, raw) })
			if err != nil {
				return total, err
			}
			total += len(left)
			err = s.settle(ctx, left, nil)
			if errors.Is(err, hub.ErrUnavailable) {
				return total, err
			}
			if refused == nil {
				refused = err
			}
			if err != nil || len(left) < maxRecovered {
				break
			}
		}
	}
	return total, refused
}

// left reads the outbox of a document. Of a tombstone's, nothing is inserted that a purge deletes. ErrNotFound for what
// nobody can read: it must not keep the others waiting, and Verify finds it.
func left(in shelf, raw bson.Raw) (delivery, error) {
	id := textOf(raw, in.key)
	entries, err := readOutbox(raw)
	if err != nil || id == "" {
		return delivery{}, hub.ErrNotFound
	}
	if isPurged(raw) {
		for i := range entries {
			if k := entries[i].Kind; k == entryMail || k == entrySession {
				entries[i].done = true
			}
		}
	}
	return delivery{in: in, id: id, entries: entries}, nil
}
