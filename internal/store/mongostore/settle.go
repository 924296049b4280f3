package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// settle carries out the entries of deliveries, takes them out of their outboxes, and removes marks.
func (s *Store) settle(ctx context.Context, deliveries []delivery, marks []hub.Mark) error {
	if err := s.storeRecords(ctx, deliveries, marks); err != nil {
		return err
	}
	refused, err := s.carryOutRest(ctx, deliveries)
	if err != nil {
		return err
	}
	if err := s.empty(ctx, deliveries); err != nil {
		return err
	}
	if err := s.removeMarks(ctx, marks); err != nil {
		return err
	}
	return refused
}

// carryOutRest carries out what is neither event nor mail. What the database refuses for good, the first such error is
// refused, keeps nobody else waiting.
func (s *Store) carryOutRest(ctx context.Context, deliveries []delivery) (refused, err error) {
	for i := range deliveries {
		for j := range deliveries[i].entries {
			e := &deliveries[i].entries[j]
			if e.done || e.isRecord() {
				continue
			}
			err := s.do(ctx, "carry out an outbox", func(ctx context.Context) error { return s.carryOut(ctx, e) })
			switch {
			case err == nil:
				e.done = true
			case errors.Is(err, hub.ErrUnavailable):
				return refused, err
			case refused == nil:
				refused = err
			}
		}
	}
	return refused, nil
}

// storeRecords inserts all events and mails, each sort by one call. An event whose mark is to be removed in the same batch
// is stored without it.
func (s *Store) storeRecords(ctx context.Context, deliveries []delivery, marks []hub.Mark) error {
	unmarked := make(map[string]bool)
	for _, m := range marks {
		if m.Key.Kind == hub.RecordEvent {
			unmarked[m.Key.ID] = true
		}
	}
	for kind, in := range map[entryKind]shelf{entryEvent: s.events, entryMail: s.mails} {
		var entries []*entry
		var documents []any
		for i := range deliveries {
			for j := range deliveries[i].entries {
				e := &deliveries[i].entries[j]
				if e.Kind != kind || e.done {
					continue
				}
				entries = append(entries, e)
				documents = append(documents, e.stored(kind == entryEvent && unmarked[e.id()]))
			}
		}
		var refused map[int]bool
		err := s.do(ctx, "store records", func(ctx context.Context) (err error) {
			refused, err = insertAllOnce(ctx, in, documents)
			return err
		})
		if err != nil {
			return err
		}
		for i, e := range entries {
			e.done = !refused[i]
		}
	}
	return nil
}

// stored returns the document to insert.
func (e *entry) stored(unmarked bool) any {
	if !unmarked || e.document == nil {
		return e.Body
	}
	return e.document
}

// outboxOf is what of one document's outbox was carried out.
type outboxOf struct {
	in      shelf
	id      string
	entries []entry
}

// gather joins deliveries of the same document, since they stand in the same outbox.
func gather(deliveries []delivery) []*outboxOf {
	type key struct{ collection, id string }
	var all []*outboxOf
	by := make(map[key]*outboxOf)
	for _, d := range deliveries {
		k := key{d.in.Name(), d.id}
		o := by[k]
		if o == nil {
			o = &outboxOf{in: d.in, id: d.id}
			by[k] = o
			all = append(all, o)
		}
		for _, e := range d.entries {
			if e.done {
				o.entries = append(o.entries, e)
			}
		}
	}
	return slices.DeleteFunc(all, func(o *outboxOf) bool { return len(o.entries) == 0 })
}

// empty takes what was carried out from its outboxes.
func (s *Store) empty(ctx context.Context, deliveries []delivery) error {
	for _, in := range []shelf{s.sessions, s.lockouts, s.users, s.mails} {
		var all []*outboxOf
		for _, o := range gather(deliveries) {
			if o.in.Name() == in.Name() {
				all = append(all, o)
			}
		}
		if len(all) == 0 {
			continue
		}
		if err := s.emptyAll(ctx, in, all); err != nil {
			return err
		}
	}
	return nil
}

// emptyAll empties the outboxes that hold just what was carried out, which is most of them. If there are others, it takes
// the entries out of all of them one by one, and looks whether the users are still there.
func (s *Store) emptyAll(ctx context.Context, in shelf, all []*outboxOf) error {
	writes := make([]mongo.WriteModel, len(all))
	for i, o := range all {
		filter := bson.D{{Key: in.key, Value: text(o.id)}, {Key: "outbox", Value: bson.D{{Key: "$size", Value: len(o.entries)}}}}
		for i := range o.entries {
			filter = append(filter, bson.E{Key: fmt.Sprintf("outbox.%d.name", i), Value: o.entries[i].Name})
		}
		if in.Name() == s.users.Name() {
			filter = append(filter, isUser())
		}
		writes[i] = mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(noOutbox())
	}
	matched, err := s.bulk(ctx, "empty outboxes", in, writes, false)
	if err != nil || matched == len(all) {
		return err
	}
	return s.takeOut(ctx, in, all)
}

func noOutbox() bson.D {
	return bson.D{{Key: "$unset", Value: bson.D{{Key: "outbox", Value: ""}, {Key: "outboxSince", Value: ""}}}}
}

// takeOut takes the entries out one by one, and the outboxes that are empty then.
func (s *Store) takeOut(ctx context.Context, in shelf, all []*outboxOf) error {
	writes := make([]mongo.WriteModel, 0, 2*len(all))
	for _, o := range all {
		pull := bson.D{{Key: "$pull", Value: bson.D{{Key: "outbox", Value: bson.D{{Key: "name", Value: bson.D{{Key: "$in", Value: names(o.entries)}}}}}}}}
		writes = append(writes,
			mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: in.key, Value: text(o.id)}}).SetUpdate(pull),
			mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: in.key, Value: text(o.id)}, {Key: "outbox", Value: bson.D{{Key: "$size", Value: 0}}}}).SetUpdate(noOutbox()))
	}
	if _, err := s.bulk(ctx, "empty outboxes", in, writes, true); err != nil || in.Name() != s.users.Name() {
		return err
	}
	return s.takeBack(ctx, all)
}

// bulk makes many writes by one call and returns how many matched.
func (s *Store) bulk(ctx context.Context, what string, in shelf, writes []mongo.WriteModel, ordered bool) (matched int, err error) {
	err = s.do(ctx, what, func(ctx context.Context) error {
		result, err := in.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(ordered))
		if err == nil {
			matched = int(result.MatchedCount)
		}
		return err
	})
	return matched, err
}

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
