package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// fields returns the document of a record, as the version it says.
func fields(r *hub.Record) bson.D {
	switch {
	case r.User != nil:
		return userFields(r.User, r.User.Version)
	case r.Session != nil:
		return sessionFields(r.Session, r.Session.Version)
	case r.MailToken != nil:
		return mailTokenFields(r.MailToken)
	case r.Lockout != nil:
		return append(bson.D{{Key: "_id", Value: text(r.Lockout.Key)}}, lockoutFields(r.Lockout, r.Lockout.Version)...)
	case r.Mail != nil:
		return mailFields(r.Mail, r.Mail.Version)
	case r.Event != nil:
		return eventFields(r.Event)
	case r.Tombstone != nil:
		return tombstoneFields(r.Tombstone)
	}
	return nil
}

// readRecord returns the function that reads records of a kind. It says ErrNotFound of a document of another kind.
func readRecord(kind hub.RecordKind) func(bson.Raw) (hub.Record, error) {
	switch kind {
	case hub.RecordUser:
		return reads(readUser, func(r *hub.Record, u *hub.User) { r.User = u })
	case hub.RecordTombstone:
		return reads(readTombstone, func(r *hub.Record, t *hub.Tombstone) { r.Tombstone = t })
	case hub.RecordSession:
		return reads(readSession, func(r *hub.Record, se *hub.Session) { r.Session = se })
	case hub.RecordMailToken:
		return reads(readMailToken, func(r *hub.Record, m *hub.MailToken) { r.MailToken = m })
	case hub.RecordLockout:
		return reads(readLockout, func(r *hub.Record, l *hub.Lockout) { r.Lockout = l })
	case hub.RecordMail:
		return reads(readMail, func(r *hub.Record, m *hub.Mail) { r.Mail = m })
	case hub.RecordEvent:
		return reads(readEvent, func(r *hub.Record, e *hub.Event) { r.Event = e })
	}
	return func(bson.Raw) (hub.Record, error) { return hub.Record{}, errors.New("no such kind of records") }
}

func reads[T any](read func(bson.Raw) (T, error), set func(*hub.Record, *T)) func(bson.Raw) (hub.Record, error) {
	return func(raw bson.Raw) (r hub.Record, err error) {
		one, err := read(raw)
		if err == nil {
			set(&r, &one)
		}
		return r, err
	}
}

// Lookup implements hub.Database.
func (s *Store) Lookup(ctx context.Context, keys ...hub.RecordKey) ([]hub.Record, error) {
	const what = "look records up"
	if err := s.flusher.wait(ctx, what); err != nil {
		return nil, err
	}
	var all []hub.Record
	for _, kind := range hub.RecordKinds() {
		in, _ := s.shelf(kind)
		for ids := range chunks(idsOf(keys, kind), maxBatch) {
			filter := bson.D{{Key: in.key, Value: bson.D{{Key: "$in", Value: ids}}}}
			some, err := findAll(ctx, s, what, in.Collection, filter, options.Find(), readRecord(kind))
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
	}
	return all, nil
}

// idsOf returns the ids of one kind among the keys.
func idsOf(keys []hub.RecordKey, kind hub.RecordKind) []string {
	var ids []string
	for _, k := range keys {
		if k.Kind == kind {
			ids = append(ids, text(k.ID))
		}
	}
	return ids
}

// Scan implements hub.Database.
func (s *Store) Scan(ctx context.Context, q hub.ScanQuery) (records []hub.Record, err error) {
	what := "scan"
	in, ok := s.shelf(q.Kind)
	if !ok || q.Limit < 1 {
		return nil, fmt.Errorf("%s: no such kind of records, or a limit below 1", what)
	}
	if err := s.flusher.wait(ctx, what); err != nil {
		return nil, err
	}
	within := bson.D{{Key: "$gt", Value: text(q.After)}} // a text, so that a missing id is not among them
	if q.UpTo != "" {
		within = append(within, bson.E{Key: "$lte", Value: text(q.UpTo)})
	}
	filter := bson.D{{Key: in.key, Value: within}}
	switch q.Kind {
	case hub.RecordUser:
		filter = append(filter, isUser())
	case hub.RecordTombstone:
		filter = append(filter, isTombstone())
	}
	if !q.Live.IsZero() {
		filter = append(filter, bson.E{Key: "$nor", Value: append(bson.A{bson.D{{Key: in.key, Value: ""}}}, s.forgettable(in, q.Live, q.Keep)...)})
	}
	err = do(ctx, what, scanTimeout, func(ctx context.Context) error {
		cursor, err := in.Find(ctx, filter, options.Find().SetSort(up(in.key)).SetLimit(int64(q.Limit)))
		if err != nil {
			return err
		}
		records, err = collect(ctx, cursor, readRecord(q.Kind))
		return err
	})
	return records, err
}

// forgettable are the conditions under which a sweep forgets documents of a collection.
func (s *Store) forgettable(in shelf, now time.Time, keep hub.Retention) bson.A {
	var all bson.A
	for _, d := range append(s.deletions(now, keep), s.tombstoneDeletion(now)) {
		if d.in.Name() == in.Name() {
			all = append(all, d.filter)
		}
	}
	return all
}

// Count implements hub.Database. It asks for what the server knows without looking.
func (s *Store) Count(ctx context.Context, kind hub.RecordKind) (n int, err error) {
	const what = "count records"
	in, ok := s.shelf(kind)
	if !ok {
		return 0, fmt.Errorf("%s: no such kind of records", what)
	}
	if err := s.flusher.wait(ctx, what); err != nil {
		return 0, err
	}
	err = s.do(ctx, what, func(ctx context.Context) error {
		if kind == hub.RecordTombstone { // few among the users
			n, err = count(ctx, in, bson.D{isTombstone()})
			return err
		}
		about, err := in.EstimatedDocumentCount(ctx)
		n = int(about)
		return err
	})
	return n, err
}
