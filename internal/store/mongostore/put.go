package mongostore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// minDivided is from how many records on it is worth looking which of them are stored.
const minDivided = 8

// putRounds is how often a record is put again that met another under its id which was not there a moment before.
const putRounds = 3

// Put implements hub.Database. Kind by kind, in an order in which what others refer to comes first.
func (s *Store) Put(ctx context.Context, rule hub.PutRule, records ...hub.Record) error {
	const what = "put records"
	if err := ctx.Err(); err != nil {
		return wrap(ctx, what, err)
	}
	if rule != hub.UnlessOlder && rule != hub.Always {
		return errors.New(what + ": no such rule")
	}
	by := make(map[hub.RecordKind][]hub.Record)
	for _, r := range records {
		by[r.Key().Kind] = append(by[r.Key().Kind], r)
	}
	for _, kind := range hub.RecordKinds() {
		size := maxBatch
		if kind == hub.RecordUser { // all of them, since they may trade addresses
			size = len(records)
		}
		for some := range chunks(by[kind], size) {
			if err := s.putKind(ctx, kind, rule, some); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	return nil
}

// chunks cuts a list into pieces of a bounded length.
func chunks[T any](all []T, size int) iter.Seq[[]T] {
	if len(all) == 0 {
		return func(func([]T) bool) {}
	}
	return slices.Chunk(all, size)
}

func (s *Store) putKind(ctx context.Context, kind hub.RecordKind, rule hub.PutRule, records []hub.Record) error {
	switch kind {
	case hub.RecordTombstone:
		return s.putTombstones(ctx, rule, records)
	case hub.RecordUser:
		return s.putUsers(ctx, rule, records)
	case hub.RecordSession, hub.RecordMailToken, hub.RecordMail:
		return s.putBelongings(ctx, kind, rule, records)
	case hub.RecordLockout, hub.RecordEvent:
	}
	in, _ := s.shelf(kind)
	return s.putAll(ctx, in, rule, records)
}

// owner returns the id of the user that the record belongs to, and whether it needs one.
func owner(r *hub.Record) (id string, needed bool) {
	switch {
	case r.Session != nil:
		return r.Session.UserID, true
	case r.MailToken != nil:
		return r.MailToken.UserID, true
	case r.Mail != nil:
		return r.Mail.UserID, false
	}
	return "", false
}

// putBelongings puts what belongs to users. The users are looked at before and after: a purge in between finds the
// records, or this finds that there was a purge.
func (s *Store) putBelongings(ctx context.Context, kind hub.RecordKind, rule hub.PutRule, records []hub.Record) error {
	in, _ := s.shelf(kind)
	states, err := s.userStates(ctx, records)
	if err != nil {
		return err
	}
	var welcome []hub.Record
	orphans := false
	for i := range records {
		id, needed := owner(&records[i])
		switch state := states[id]; {
		case state == userPurged && (rule == hub.UnlessOlder || !needed):
		case state != userStored && needed:
			orphans = true
		default:
			welcome = append(welcome, records[i])
		}
	}
	if err := s.putAll(ctx, in, rule, welcome); err != nil {
		return err
	}
	if states, err = s.userStates(ctx, welcome); err != nil {
		return err
	}
	var late []string
	for i := range welcome {
		if id, needed := owner(&welcome[i]); states[id] == userPurged || needed && states[id] == userAbsent {
			late = append(late, text(welcome[i].Key().ID))
		}
	}
	if err := s.deleteIDs(ctx, in, late); err != nil {
		return err
	}
	if orphans {
		return hub.ErrOrphan
	}
	return nil
}

// userState says what is stored under the id of a user.
type userState uint8

const (
	userAbsent userState = iota
	userStored
	userPurged
)

// userStates looks the owners of records up.
func (s *Store) userStates(ctx context.Context, records []hub.Record) (map[string]userState, error) {
	states := make(map[string]userState)
	var ids []string
	for i := range records {
		id, _ := owner(&records[i])
		if _, ok := states[id]; !ok && id != "" {
			states[id] = userAbsent
			ids = append(ids, text(id))
		}
	}
	if len(ids) == 0 {
		return states, nil
	}
	_, err := findAll(ctx, s, "look for users", s.users.Collection, bson.D{{Key: "userId", Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetProjection(up("userId", "purgedAt")), func(raw bson.Raw) (string, error) {
			id := textOf(raw, "userId")
			states[id] = userStored
			if isPurged(raw) {
				states[id] = userPurged
			}
			return id, nil
		})
	return states, err
}

func (s *Store) deleteIDs(ctx context.Context, in shelf, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.doMany(ctx, "delete", len(ids), func(ctx context.Context) error {
		_, err := in.DeleteMany(ctx, bson.D{{Key: in.key, Value: bson.D{{Key: "$in", Value: ids}}}})
		return err
	})
}

// putAll puts records of one collection. Each is updated if what is stored may be replaced, and inserted if nothing is
// stored. Where something newer is stored, the insertion finds the id taken, which is as it should be; but somebody may
// also have inserted an older one just now, so it is tried again before that is believed.
func (s *Store) putAll(ctx context.Context, in shelf, rule hub.PutRule, records []hub.Record) error {
	for range putRounds {
		if len(records) == 0 {
			return nil
		}
		known, unknown, err := s.divide(ctx, in, records)
		if err != nil {
			return err
		}
		again, err := s.putMany(ctx, in, unknown, func(r *hub.Record) mongo.WriteModel {
			return mongo.NewInsertOneModel().SetDocument(fields(r))
		})
		if err != nil {
			return err
		}
		taken, err := s.putMany(ctx, in, known, func(r *hub.Record) mongo.WriteModel { return putModel(in, rule, r) })
		if err != nil {
			return err
		}
		records = append(again, taken...)
	}
	return s.wantNewer(ctx, records)
}

// wantNewer reports an error unless each record is kept out by a newer one or by a purge: then it is another unique index
// that does.
func (s *Store) wantNewer(ctx context.Context, records []hub.Record) error {
	if len(records) == 0 {
		return nil
	}
	var keys []hub.RecordKey
	for _, r := range records {
		keys = append(keys, r.Key(), hub.RecordKey{Kind: hub.RecordTombstone, ID: r.Key().ID})
	}
	stored, err := s.Lookup(ctx, keys...)
	if err != nil {
		return err
	}
	newest := make(map[hub.RecordKey]int64, len(stored))
	for _, r := range stored {
		newest[r.Key()] = r.Version()
	}
	for _, r := range records {
		purged := newest[hub.RecordKey{Kind: hub.RecordTombstone, ID: r.Key().ID}] > 0
		if !purged && newest[r.Key()] <= r.Version() {
			return errors.New("a unique index keeps a record out")
		}
	}
	return nil
}

// divide tells which records are stored, in whatever version, and which are not: a plain insertion costs much less than
// one that looks first. Of few records it is not asked.
func (s *Store) divide(ctx context.Context, in shelf, records []hub.Record) (known, unknown []hub.Record, err error) {
	if len(records) < minDivided {
		return records, nil, nil
	}
	ids, err := findAll(ctx, s, "look for records", in.Collection, withIDs(in, records), options.Find().SetProjection(up(in.key)),
		func(raw bson.Raw) (string, error) { return textOf(raw, in.key), nil })
	if err != nil {
		return nil, nil, err
	}
	stored := make(map[string]bool, len(records))
	for _, id := range ids {
		stored[id] = true
	}
	for i := range records {
		id := text(records[i].Key().ID)
		if stored[id] {
			known = append(known, records[i])
			continue
		}
		stored[id] = true // if it comes twice
		unknown = append(unknown, records[i])
	}
	return known, unknown, nil
}

func putModel(in shelf, rule hub.PutRule, r *hub.Record) mongo.WriteModel {
	filter := bson.D{{Key: in.key, Value: text(r.Key().ID)}}
	document := fields(r)
	if in.key == "_id" {
		document = document[1:]
	}
	update := bson.D{{Key: "$set", Value: document}}
	switch {
	case rule == hub.Always && r.User != nil:
		update = append(update, bson.E{Key: "$unset", Value: bson.D{{Key: "purgedAt", Value: ""}}})
	case rule == hub.Always:
	case r.MailToken != nil:
		if r.MailToken.UsedAt.IsZero() {
			filter = append(filter, bson.E{Key: "usedAt", Value: nil})
		}
	case r.Lockout != nil:
		filter = append(filter, bson.E{Key: "$or", Value: notNewerLockout(r.Version())})
	default:
		filter = append(filter, bson.E{Key: "version", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gt", Value: r.Version()}}}}})
		if r.User != nil {
			// Not as null: an upsert would insert what the filter says is equal.
			filter = append(filter, bson.E{Key: "purgedAt", Value: bson.D{{Key: "$not", Value: isTombstone().Value}}})
		}
	}
	return mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(update).SetUpsert(true)
}

// putMany makes a write for each record by one call, and returns the records whose ids are taken.
func (s *Store) putMany(ctx context.Context, in shelf, records []hub.Record, model func(*hub.Record) mongo.WriteModel) (taken []hub.Record, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	writes := make([]mongo.WriteModel, len(records))
	for i := range records {
		writes[i] = model(&records[i])
	}
	err = s.doMany(ctx, "put", len(records), func(ctx context.Context) error {
		places, err := takenPlaces(ctx, in, writes)
		taken = nil
		for _, i := range places {
			taken = append(taken, records[i])
		}
		return err
	})
	return taken, err
}

// takenPlaces makes the writes and returns the places of those whose ids are taken.
func takenPlaces(ctx context.Context, in shelf, writes []mongo.WriteModel) (taken []int, err error) {
	_, err = in.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return nil, err
	}
	for _, e := range bulk.WriteErrors {
		if e.Code != codeDuplicateKey || !e.HasErrorMessage(keyIndex(in)) && !e.HasErrorMessage(tokenIndex) { // a session has two ids
			return nil, err
		}
		taken = append(taken, e.Index)
	}
	return taken, nil
}

// keyIndex returns the name of the unique index on a collection's ids.
func keyIndex(in shelf) string {
	switch in.key {
	case "userId":
		return userIndex
	case "sessionId":
		return sessionIndex
	case "tokenId":
		return mailTokenIndex
	}
	return "_id_"
}
