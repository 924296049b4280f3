package mongostore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// settlement is one round of the flusher, or of a recovery.
type settlement struct {
	*Store
	deliveries []delivery
	marks      map[hub.RecordKey]hub.Mark // that are still to be removed
	refused    error                      // the first error about what will not be carried out
}

// settle carries out the entries of deliveries, takes them out of their outboxes, and removes marks. Where a mark is on a
// document that is written anyway, it goes with that write.
func (s *Store) settle(ctx context.Context, deliveries []delivery, marks []hub.Mark) error {
	x := settlement{Store: s, deliveries: deliveries, marks: make(map[hub.RecordKey]hub.Mark, len(marks))}
	for _, m := range marks {
		if x.marks[m.Key].Version <= m.Version { // who copied the later version has no use for the earlier mark
			x.marks[m.Key] = m
		}
	}
	if err := x.storeRecords(ctx); err != nil {
		return err
	}
	if err := x.carryOutRest(ctx); err != nil {
		return err
	}
	if err := x.emptyOutboxes(ctx); err != nil {
		return err
	}
	if err := s.removeMarks(ctx, slices.Collect(maps.Values(x.marks))); err != nil {
		return err
	}
	return x.refused
}

// refuse remembers the first error about something that the database refuses for good. That keeps nobody else waiting.
func (x *settlement) refuse(err error) {
	if x.refused == nil {
		x.refused = err
	}
}

// carryOutRest carries out what is neither event nor mail.
func (x *settlement) carryOutRest(ctx context.Context) error {
	for i := range x.deliveries {
		for j := range x.deliveries[i].entries {
			e := &x.deliveries[i].entries[j]
			if e.done || e.isRecord() {
				continue
			}
			err := x.do(ctx, "carry out an outbox", func(ctx context.Context) error { return x.carryOut(ctx, e) })
			switch {
			case err == nil:
				e.done = true
			case errors.Is(err, hub.ErrUnavailable):
				return err
			default:
				x.refuse(err)
			}
		}
	}
	return nil
}

// storeRecords inserts all events and mails, each sort by one call.
func (x *settlement) storeRecords(ctx context.Context) error {
	for kind, in := range map[entryKind]shelf{entryEvent: x.events, entryMail: x.mails} {
		var entries []*entry
		var documents []any
		for i := range x.deliveries {
			for j := range x.deliveries[i].entries {
				e := &x.deliveries[i].entries[j]
				if e.Kind != kind || e.done {
					continue
				}
				entries = append(entries, e)
				documents = append(documents, x.toStore(e))
			}
		}
		var was inserted
		err := x.doMany(ctx, "store records", len(documents), func(ctx context.Context) (err error) {
			was, err = insertAllOnce(ctx, in, documents)
			return err
		})
		if err != nil {
			return err
		}
		for i, e := range entries {
			if was.refused[i] {
				x.refuse(fmt.Errorf("the server refuses the %s", e.Name))
				continue
			}
			e.done = true
			if !was.there[i] && e.Kind == entryEvent {
				delete(x.marks, e.key())
			}
		}
	}
	return nil
}

// toStore returns the document to insert: without a mark, if that is to be removed in this round.
func (x *settlement) toStore(e *entry) any {
	if _, unmarked := x.marks[e.key()]; unmarked && e.Kind == entryEvent && e.document != nil {
		return e.document
	}
	return e.Body
}

// key names the event of an entry.
func (e *entry) key() hub.RecordKey { return hub.RecordKey{Kind: hub.RecordEvent, ID: e.id()} }

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

// emptyOutboxes takes what was carried out from its outboxes.
func (x *settlement) emptyOutboxes(ctx context.Context) error {
	all := gather(x.deliveries)
	for _, in := range x.owners() {
		var some []*outboxOf
		for _, o := range all {
			if o.in.Name() == in.Name() {
				some = append(some, o)
			}
		}
		if len(some) == 0 {
			continue
		}
		if err := x.emptyAll(ctx, in, some); err != nil {
			return err
		}
	}
	return nil
}

// emptyAll empties the outboxes that hold just what was carried out, which is most of them, and removes their marks. If
// there are others, it takes the entries out of all of them one by one, and looks whether the users are still there.
func (x *settlement) emptyAll(ctx context.Context, in shelf, all []*outboxOf) error {
	writes := make([]mongo.WriteModel, len(all))
	kind := x.kind(in)
	var unmarked []hub.RecordKey
	for i, o := range all {
		filter := o.filter()
		if in.Name() == x.users.Name() {
			filter = append(filter, isUser())
		}
		update := noOutbox()
		if m, ok := x.marks[hub.RecordKey{Kind: kind, ID: o.id}]; ok {
			filter = append(filter, versionIs(m.Version))
			update = append(update, bson.E{Key: "pendingSince", Value: ""})
			unmarked = append(unmarked, m.Key)
		}
		writes[i] = mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(bson.D{{Key: "$unset", Value: update}})
	}
	matched, err := x.bulk(ctx, "empty outboxes", in, writes, false)
	if err != nil {
		return err
	}
	if matched < len(all) {
		return x.takeOut(ctx, in, all)
	}
	for _, key := range unmarked {
		delete(x.marks, key)
	}
	return nil
}

// filter matches the document if its outbox holds just these entries.
func (o *outboxOf) filter() bson.D {
	filter := bson.D{{Key: o.in.key, Value: text(o.id)}, {Key: "outbox", Value: bson.D{{Key: "$size", Value: len(o.entries)}}}}
	for i := range o.entries {
		filter = append(filter, bson.E{Key: fmt.Sprintf("outbox.%d.name", i), Value: o.entries[i].Name})
	}
	return filter
}

func noOutbox() bson.D { return bson.D{{Key: "outbox", Value: ""}, {Key: "outboxSince", Value: ""}} }

// takeOut takes the entries out one by one, and the outboxes that are empty then.
func (s *Store) takeOut(ctx context.Context, in shelf, all []*outboxOf) error {
	writes := make([]mongo.WriteModel, 0, 2*len(all))
	for _, o := range all {
		pull := bson.D{{Key: "$pull", Value: bson.D{{Key: "outbox", Value: bson.D{{Key: "name", Value: bson.D{{Key: "$in", Value: names(o.entries)}}}}}}}}
		writes = append(writes,
			mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: in.key, Value: text(o.id)}}).SetUpdate(pull),
			mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: in.key, Value: text(o.id)}, {Key: "outbox", Value: bson.D{{Key: "$size", Value: 0}}}}).SetUpdate(bson.D{{Key: "$unset", Value: noOutbox()}}))
	}
	if _, err := s.bulk(ctx, "empty outboxes", in, writes, true); err != nil || in.Name() != s.users.Name() {
		return err
	}
	return s.takeBack(ctx, all)
}

// bulk makes many writes by one call and returns how many matched.
func (s *Store) bulk(ctx context.Context, what string, in shelf, writes []mongo.WriteModel, ordered bool) (matched int, err error) {
	err = s.doMany(ctx, what, len(writes), func(ctx context.Context) error {
		result, err := in.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(ordered))
		if err == nil {
			matched = int(result.MatchedCount)
		}
		return err
	})
	return matched, err
}
