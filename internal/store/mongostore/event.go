package mongostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

func eventFields(e *hub.Event) bson.D {
	names := make([]string, 0, len(e.Detail))
	for name := range e.Detail {
		names = append(names, name)
	}
	slices.Sort(names)
	detail := make(bson.A, len(names)) // a list, since not every text may be the name of a field
	for i, name := range names {
		detail[i] = bson.D{{Key: "name", Value: text(name)}, {Key: "value", Value: text(e.Detail[name])}}
	}
	return bson.D{
		{Key: "_id", Value: text(e.ID)},
		{Key: "kind", Value: text(string(e.Kind))},
		{Key: "at", Value: at(e.At)},
		{Key: "actorId", Value: text(e.ActorID)},
		{Key: "targetId", Value: text(e.TargetID)},
		{Key: "sessionId", Value: text(e.SessionID)},
		{Key: "emailKey", Value: text(e.EmailKey)},
		{Key: "ip", Value: text(e.IP)},
		{Key: "userAgent", Value: text(e.UserAgent)},
		{Key: "requestId", Value: text(e.RequestID)},
		{Key: "detail", Value: detail},
	}
}

func readEvent(raw bson.Raw) (e hub.Event, err error) {
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "_id":
			e.ID = r.text(v)
		case "kind":
			e.Kind = hub.EventKind(r.text(v))
		case "at":
			e.At = r.instant(v)
		case "actorId":
			e.ActorID = r.text(v)
		case "targetId":
			e.TargetID = r.text(v)
		case "sessionId":
			e.SessionID = r.text(v)
		case "emailKey":
			e.EmailKey = r.text(v)
		case "ip":
			e.IP = r.text(v)
		case "userAgent":
			e.UserAgent = r.text(v)
		case "requestId":
			e.RequestID = r.text(v)
		case "detail":
			e.Detail = r.detail(v)
		}
	})
	if err != nil {
		return hub.Event{}, fmt.Errorf("event cannot be read: %w", err)
	}
	return e, nil
}

func (r *reader) detail(v bson.RawValue) map[string]string {
	values := r.list(v)
	if len(values) == 0 {
		return nil
	}
	detail := make(map[string]string, len(values))
	for _, one := range values {
		var name, value string
		r.document(one, func(r *reader, field string, v bson.RawValue) {
			switch field {
			case "name":
				name = r.text(v)
			case "value":
				value = r.text(v)
			}
		})
		detail[name] = value
	}
	return detail
}

// AddEvent implements hub.EventStore.
func (s *Store) AddEvent(ctx context.Context, e hub.Event) error {
	return s.apply(ctx, change{
		what: "add event", in: s.events, id: e.ID, set: eventFields(&e), isNew: true, taken: errStoredAlready, ids: []string{text(e.ID)},
	})
}

// Events implements hub.EventStore.
func (s *Store) Events(ctx context.Context, q hub.EventQuery) ([]hub.Event, error) {
	const what = "list events"
	if q.Limit < 1 {
		return nil, errors.New(what + ": the limit is below 1")
	}
	if err := s.flusher.wait(ctx, what); err != nil {
		return nil, err
	}
	if q.UserID == "" {
		return s.eventsBy(ctx, bson.D{}, q.Limit)
	}
	// Two ranges of two indexes, of which the newest are taken together.
	done, err := s.eventsBy(ctx, bson.D{{Key: "actorId", Value: text(q.UserID)}}, q.Limit)
	if err != nil {
		return nil, err
	}
	suffered, err := s.eventsBy(ctx, bson.D{{Key: "targetId", Value: text(q.UserID)}}, q.Limit)
	if err != nil {
		return nil, err
	}
	all := append(done, suffered...)
	slices.SortFunc(all, func(a, b hub.Event) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	all = slices.CompactFunc(all, func(a, b hub.Event) bool { return a.ID == b.ID })
	return all[:min(q.Limit, len(all))], nil
}

func (s *Store) eventsBy(ctx context.Context, filter bson.D, limit int) ([]hub.Event, error) {
	newestFirst := bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}
	return findAll(ctx, s, "list events", s.events.Collection, filter, options.Find().SetSort(newestFirst).SetLimit(int64(limit)), readEvent)
}
