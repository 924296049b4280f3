package mongostore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// A mark is the field pendingSince of the document itself, which the change that sets it writes too. A sparse index in
// each collection finds the marks.

// Marks implements hub.Database.
func (s *Store) Marks(ctx context.Context, before time.Time, limit int) ([]hub.Mark, error) {
	const what = "list marks"
	if err := s.flusher.wait(ctx, what); err != nil || limit < 1 { // to MongoDB, 0 is no limit
		return nil, err
	}
	filter := bson.D{{Key: "pendingSince", Value: bson.D{{Key: "$lt", Value: at(before)}}}}
	var marks []hub.Mark
	for _, in := range s.shelves() {
		some, err := findAll(ctx, s, what, in.Collection, filter, options.Find().SetSort(up("pendingSince")).SetLimit(int64(limit)).
			SetProjection(up(in.key, "version", "pendingUntil", "purgedAt", "usedAt", "isUsed", "pendingSince")), func(raw bson.Raw) (hub.Mark, error) { return s.readMark(in, raw) })
		if err != nil {
			return nil, err
		}
		marks = append(marks, some...)
	}
	slices.SortStableFunc(marks, func(a, b hub.Mark) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Key.ID, b.Key.ID)) })
	return marks[:min(limit, len(marks))], nil
}

// readMark reads the mark of a document.
func (s *Store) readMark(in shelf, raw bson.Raw) (hub.Mark, error) {
	m := hub.Mark{Key: hub.RecordKey{Kind: s.kind(in)}, Version: 1} // events have no version
	purged, used := false, false
	var until time.Time
	err := readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case in.key:
			m.Key.ID = r.text(v)
		case "version":
			m.Version = r.number(v)
		case "pendingUntil":
			until = r.instant(v)
		case "purgedAt":
			purged = !r.instant(v).IsZero()
		case "usedAt":
			used = used || !r.instant(v).IsZero()
		case "isUsed":
			used = used || r.flag(v)
		case "pendingSince":
			m.Since = r.instant(v)
		}
	})
	switch {
	case m.Key.Kind == hub.RecordUser && purged:
		m.Key.Kind = hub.RecordTombstone
	case m.Key.Kind == hub.RecordMailToken && used:
		m.Version = 2
	case m.Key.Kind == hub.RecordLockout:
		m.Version = (&hub.Lockout{PendingUntil: until, Version: m.Version}).Stamp()
	}
	return m, err
}

// kind returns the kind of records in a collection; that of users may also be tombstones.
func (s *Store) kind(in shelf) hub.RecordKind {
	for _, kind := range []hub.RecordKind{hub.RecordUser, hub.RecordSession, hub.RecordMailToken, hub.RecordLockout, hub.RecordMail, hub.RecordEvent} {
		if of, _ := s.shelf(kind); of.Name() == in.Name() {
			return kind
		}
	}
	return ""
}

// Unmark implements hub.Database. The flusher removes the marks, behind what it was given before: a lost removal only has
// the same version copied once more.
func (s *Store) Unmark(ctx context.Context, marks ...hub.Mark) error {
	const what = "remove marks"
	if err := ctx.Err(); err != nil {
		return wrap(ctx, what, err)
	}
	if len(marks) == 0 || s.flusher.unmark(marks) {
		return nil
	}
	if err := s.flusher.wait(ctx, what); err != nil {
		return err
	}
	return s.removeMarks(ctx, marks)
}

// removeMarks removes each mark that stands for the version it names.
func (s *Store) removeMarks(ctx context.Context, marks []hub.Mark) error {
	writes := make(map[string][]mongo.WriteModel)
	for i := range marks {
		in, ok := s.shelf(marks[i].Key.Kind)
		if !ok {
			continue
		}
		writes[in.Name()] = append(writes[in.Name()], mongo.NewUpdateOneModel().SetFilter(markFilter(in, &marks[i])).
			SetUpdate(bson.D{{Key: "$unset", Value: bson.D{{Key: "pendingSince", Value: ""}}}}))
	}
	for _, in := range s.shelves() {
		if len(writes[in.Name()]) == 0 {
			continue
		}
		if _, err := s.bulk(ctx, "remove marks", in, writes[in.Name()], false); err != nil {
			return err
		}
	}
	return nil
}

// markFilter matches the record that has the mark, in the version that it stands for.
func markFilter(in shelf, m *hub.Mark) bson.D {
	filter := bson.D{{Key: in.key, Value: text(m.Key.ID)}}
	switch m.Key.Kind {
	case hub.RecordEvent:
		return filter
	case hub.RecordMailToken:
		used := bson.D{{Key: "usedAt", Value: bson.D{{Key: "$ne", Value: nil}}}}
		if m.Version == 1 {
			used[0].Value = nil
		}
		return append(filter, used...)
	case hub.RecordLockout:
		until, version := hub.SplitLockoutStamp(m.Version)
		pending := bson.E{Key: "pendingUntil", Value: at(until)}
		if until.UnixMilli() == 0 {
			pending.Value = nil
		}
		return append(filter, pending, versionIs(version))
	case hub.RecordTombstone:
		filter = append(filter, isTombstone())
	case hub.RecordUser:
		filter = append(filter, isUser())
	}
	return append(filter, versionIs(m.Version))
}

// isUser and isTombstone tell the documents of users apart.
func isUser() bson.E { return bson.E{Key: "purgedAt", Value: nil} }

func isTombstone() bson.E {
	return bson.E{Key: "purgedAt", Value: bson.D{{Key: "$gt", Value: dawn()}}}
}

// isPurged reports whether a document is a tombstone.
func isPurged(raw bson.Raw) bool {
	_, ok := raw.Lookup("purgedAt").TimeOK()
	return ok
}

// Backlog implements hub.Database.
func (s *Store) Backlog(ctx context.Context) (hub.Backlog, error) {
	const what = "count marks"
	if err := s.flusher.wait(ctx, what); err != nil {
		return hub.Backlog{}, err
	}
	var b hub.Backlog
	err := do(ctx, what, scanTimeout, func(ctx context.Context) error {
		b = hub.Backlog{}
		for _, in := range s.shelves() {
			n, err := count(ctx, in, bson.D{{Key: "pendingSince", Value: bson.D{{Key: "$gt", Value: dawn()}}}})
			if err != nil {
				return err
			}
			b.Pending += n
		}
		return nil
	})
	if err != nil || b.Pending == 0 {
		return b, err
	}
	oldest, err := s.Marks(ctx, time.Now().AddDate(100, 0, 0), 1)
	if len(oldest) > 0 {
		b.Oldest = oldest[0].Since
	}
	return b, err
}
