package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// entryKind says what an entry of an outbox wants done.
type entryKind string

const (
	entryEvent   entryKind = "event"   // insert into events
	entryMail    entryKind = "mail"    // insert into mails
	entrySession entryKind = "session" // insert into refresh_tokens
	entrySpent   entryKind = "spent"   // mark a mail token as used
	entryPurge   entryKind = "purge"   // delete what belonged to a user
)

// entry is one thing that belongs to a step besides the document that it changed.
type entry struct {
	Kind entryKind `bson:"kind"`
	Name string    `bson:"name"` // kind and id, so that it is unique within an outbox
	Body bson.Raw  `bson:"body"`

	document bson.D // of which Body is made
	done     bool
}

func newEntry(kind entryKind, id string, document bson.D) entry {
	return entry{Kind: kind, Name: string(kind) + ":" + text(id), document: document}
}

// id returns the id of what is inserted, marked or purged.
func (e *entry) id() string { return strings.TrimPrefix(e.Name, string(e.Kind)+":") }

// isRecord reports whether the entry is an event or a mail: nobody but the methods that list those will miss it.
func (e *entry) isRecord() bool { return e.Kind == entryEvent || e.Kind == entryMail }

// records returns the entries for an event, mails or both.
func records(e *hub.Event, mails []hub.Mail) []entry {
	entries := make([]entry, 0, 1+len(mails))
	if e != nil {
		entries = append(entries, newEntry(entryEvent, e.ID, eventFields(e)))
	}
	for i := range mails {
		entries = append(entries, newEntry(entryMail, mails[i].ID, mailFields(&mails[i], 1)))
	}
	return entries
}

// recordIDs returns the ids of the events and mails among the entries.
func recordIDs(entries []entry) []string {
	var ids []string
	for i := range entries {
		if entries[i].isRecord() {
			ids = append(ids, entries[i].id())
		}
	}
	return ids
}

// seal makes the bodies, marked if the store keeps marks.
func (s *Store) seal(entries []entry) error {
	now := time.Now()
	for i := range entries {
		e := &entries[i]
		document := e.document
		if s.marks && e.Kind != entryPurge && e.Kind != entrySpent {
			document = append(document, bson.E{Key: "pendingSince", Value: at(now)})
		}
		body, err := bson.Marshal(document)
		if err != nil {
			return fmt.Errorf("encode %s: %w", e.Kind, err)
		}
		e.Body = body
	}
	return nil
}

// carryOut does what one entry wants, or finds that it is done.
func (s *Store) carryOut(ctx context.Context, e *entry) error {
	switch e.Kind {
	case entryEvent:
		return insertOnce(ctx, s.events, e)
	case entryMail:
		return insertOnce(ctx, s.mails, e)
	case entrySession:
		return insertOnce(ctx, s.sessions, e)
	case entrySpent:
		return s.markSpent(ctx, e)
	case entryPurge:
		return s.deleteBelongings(ctx, e.id(), textOf(e.Body, "email"))
	}
	return fmt.Errorf("the outbox wants %q, which this program does not know: use a newer one", e.Kind)
}

// insertOnce inserts a document unless it is there. A server may report a collision with any unique index of several, so
// the id is looked up.
func insertOnce(ctx context.Context, in shelf, e *entry) error {
	_, err := in.InsertOne(ctx, e.Body)
	if !isDuplicate(err) {
		return err
	}
	if in.FindOne(ctx, bson.D{{Key: in.key, Value: e.id()}}).Err() == nil {
		return nil
	}
	return err
}

// inserted says of documents, by their places, what came of inserting them.
type inserted struct {
	there   map[int]bool // stored already
	refused map[int]bool // by the server, for good
}

// insertAllOnce inserts documents unless they are there.
func insertAllOnce(ctx context.Context, in shelf, documents []any) (inserted, error) {
	was := inserted{make(map[int]bool), make(map[int]bool)}
	if len(documents) == 0 {
		return was, nil
	}
	_, err := in.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return was, err
	}
	for _, e := range bulk.WriteErrors {
		switch {
		case e.Code == codeDuplicateKey:
			was.there[e.Index] = true
		case slices.Contains(unavailableCodes(), e.Code):
			return was, err
		default:
			was.refused[e.Index] = true
		}
	}
	return was, nil
}

// markSpent marks a mail token as used. One that is gone has expired.
func (s *Store) markSpent(ctx context.Context, e *entry) error {
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "isUsed", Value: true}, {Key: "usedAt", Value: e.Body.Lookup("usedAt")}}}}
	if s.marks {
		update = append(update, bson.E{Key: "$min", Value: bson.D{{Key: "pendingSince", Value: at(time.Now())}}})
	}
	_, err := s.mailTokens.UpdateOne(ctx, bson.D{{Key: s.mailTokens.key, Value: e.id()}, {Key: "usedAt", Value: nil}}, update)
	return err
}

// textOf returns the text in a field, "" if there is none.
func textOf(raw bson.Raw, field string) string {
	s, _ := raw.Lookup(field).StringValueOK()
	return s
}

// readOutbox reads the entries of a document's outbox.
func readOutbox(raw bson.Raw) ([]entry, error) {
	v := raw.Lookup("outbox")
	if v.IsZero() {
		return nil, nil
	}
	var entries []entry
	if err := v.Unmarshal(&entries); err != nil {
		return nil, errors.New("an outbox cannot be read")
	}
	return entries, nil
}

// names returns the names of entries.
func names(entries []entry) []string {
	all := make([]string, len(entries))
	for i := range entries {
		all[i] = entries[i].Name
	}
	return all
}
