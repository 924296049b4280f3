package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// putUsers puts users, who may trade addresses: whoever has to give one up is parked first, with an address that nobody
// else can have. If the call fails then, the next one finds the version that it wants to put not newer than its own.
func (s *Store) putUsers(ctx context.Context, rule hub.PutRule, records []hub.Record) error {
	if rule == hub.Always { // a tombstone that is replaced must not have a purge ahead
		if _, err := s.recoverFrom(ctx, append(withIDs(s.users, records), hasOutbox()), s.users); err != nil {
			return err
		}
	}
	stored, err := s.storedUsers(ctx, records)
	if err != nil {
		return err
	}
	if err := s.park(ctx, rule, records, stored); err != nil {
		return err
	}
	for some := range chunks(records, maxBatch) {
		err := s.putAll(ctx, s.users, rule, some)
		if errors.Is(err, hub.ErrDuplicateEmail) {
			err = s.putOneByOne(ctx, rule, some)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putOneByOne puts users each by itself after some address was found taken. A user who stays out anyway may collide too;
// that is no error.
func (s *Store) putOneByOne(ctx context.Context, rule hub.PutRule, records []hub.Record) error {
	var failed error
	for i := range records {
		err := s.putAll(ctx, s.users, rule, records[i:i+1])
		if !errors.Is(err, hub.ErrDuplicateEmail) {
			if err != nil {
				return err
			}
			continue
		}
		stored, readErr := s.storedUsers(ctx, records[i:i+1])
		if readErr != nil {
			return readErr
		}
		if d, ok := stored[records[i].User.ID]; !ok || d.yieldsTo(rule, records[i].User) {
			failed = err
		}
	}
	return failed
}

// yieldsTo reports whether u may replace the stored document.
func (d *userDocument) yieldsTo(rule hub.PutRule, u *hub.User) bool {
	return rule == hub.Always || d.purgedAt.IsZero() && d.user.Version <= u.Version
}

// withIDs matches the documents of records.
func withIDs(in shelf, records []hub.Record) bson.D {
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = text(records[i].Key().ID)
	}
	return bson.D{{Key: in.key, Value: bson.D{{Key: "$in", Value: ids}}}}
}

func hasOutbox() bson.E {
	return bson.E{Key: "outboxSince", Value: bson.D{{Key: "$gt", Value: dawn()}}}
}

// storedUsers returns what is stored of the users, by id: id, address, version, and whether they were purged.
func (s *Store) storedUsers(ctx context.Context, records []hub.Record) (map[string]*userDocument, error) {
	stored := make(map[string]*userDocument, len(records))
	for some := range chunks(records, maxBatch) {
		all, err := findAll(ctx, s, "look for users", s.users.Collection, withIDs(s.users, some),
			options.Find().SetProjection(up("userId", "email", "version", "purgedAt")), readUserDocument)
		if err != nil {
			return nil, err
		}
		for i := range all {
			stored[all[i].user.ID] = &all[i]
		}
	}
	return stored, nil
}

// park takes the addresses from those users who are about to get another, if somebody else of the call wants theirs.
func (s *Store) park(ctx context.Context, rule hub.PutRule, records []hub.Record, stored map[string]*userDocument) error {
	wantedBy := make(map[string]string, len(records))
	for i := range records {
		wantedBy[records[i].User.Email] = records[i].User.ID
	}
	var writes []mongo.WriteModel
	for i := range records {
		u := records[i].User
		d := stored[u.ID]
		if d == nil || d.user.Email == u.Email || !d.yieldsTo(rule, u) {
			continue
		}
		if by, wanted := wantedBy[d.user.Email]; !wanted || by == u.ID {
			continue
		}
		writes = append(writes, mongo.NewUpdateOneModel().
			SetFilter(bson.D{{Key: "userId", Value: text(u.ID)}, {Key: "email", Value: d.user.Email}, versionIs(d.user.Version)}).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "email", Value: "parked:" + text(u.ID)}}}}))
	}
	if len(writes) == 0 {
		return nil
	}
	_, err := s.bulk(ctx, "park addresses", s.users, writes, false)
	return err
}

// putTombstones puts tombstones: whatever version of the user is stored, it is purged.
func (s *Store) putTombstones(ctx context.Context, rule hub.PutRule, records []hub.Record) error {
	stored, err := s.storedUsers(ctx, records)
	if err != nil {
		return err
	}
	var absent, present []hub.Record
	for _, r := range records {
		if stored[r.Tombstone.UserID] == nil {
			absent = append(absent, r)
		} else {
			present = append(present, r)
		}
	}
	taken, err := s.insertTombstones(ctx, absent)
	if err != nil {
		return err
	}
	for _, r := range append(present, taken...) {
		if err := s.putTombstone(ctx, rule, r.Tombstone); err != nil {
			return err
		}
	}
	return nil
}

// insertTombstones inserts tombstones of users of whom nothing is stored, and returns those of whom there is. Mails to
// them may have come before.
func (s *Store) insertTombstones(ctx context.Context, records []hub.Record) (taken []hub.Record, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	taken, err = s.putMany(ctx, s.users, records, func(r *hub.Record) mongo.WriteModel {
		return mongo.NewInsertOneModel().SetDocument(tombstoneFields(r.Tombstone))
	})
	// An address that begins with "purged:" and ends with the id is the tombstone's own: the user is there.
	if errors.Is(err, hub.ErrDuplicateEmail) {
		return records, nil
	}
	if err != nil {
		return nil, err
	}
	theirs := withIDs(s.users, records)
	for _, in := range []shelf{s.sessions, s.mailTokens, s.mails} {
		err := s.doMany(ctx, "put tombstones", len(records), func(ctx context.Context) error {
			_, err := in.DeleteMany(ctx, theirs)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// putTombstone purges a user of whom something is stored, or replaces an earlier tombstone.
func (s *Store) putTombstone(ctx context.Context, rule hub.PutRule, t *hub.Tombstone) error {
	const what = "put tombstone"
	for range maxTries {
		var raw bson.Raw
		err := s.findOne(ctx, what, s.users.Collection, bson.D{{Key: "userId", Value: text(t.UserID)}}, func(document bson.Raw) error {
			raw = document
			return nil
		})
		if errors.Is(err, hub.ErrNotFound) { // it was there just now
			taken, err := s.insertTombstones(ctx, []hub.Record{{Tombstone: t}})
			if err != nil || len(taken) == 0 {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		d, err := readUserDocument(raw)
		if err != nil {
			return err
		}
		if !d.purgedAt.IsZero() && rule == hub.UnlessOlder && d.user.Version > t.Version {
			return nil
		}
		set, unset := burial(raw, t)
		c := change{
			what: what, in: s.users, id: t.UserID, filter: bson.D{versionIs(d.user.Version)}, set: set, unset: unset, unmarked: true,
		}
		if d.purgedAt.IsZero() {
			c.out = []entry{newEntry(entryPurge, t.UserID, bson.D{{Key: "email", Value: d.user.Email}, {Key: "keep", Value: true}})}
		}
		if err := s.apply(ctx, c); !errors.Is(err, hub.ErrConflict) {
			return err
		}
	}
	return hub.ErrUnavailable
}
