package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Names of the unique indexes by which a failed write tells what it collided with.
const (
	emailIndex     = "users_email_unique"
	userIndex      = "users_user_id_unique"
	sessionIndex   = "refresh_tokens_session_id_unique"
	tokenIndex     = "refresh_tokens_token_id_unique"
	mailTokenIndex = "verification_tokens_token_id_unique"
)

// index is an index that the schema has.
type index struct {
	in     shelf
	name   string
	keys   bson.D
	unique bool
	sparse bool
	ttl    bool // documents go when the time in the only key has come
}

func up(fields ...string) bson.D   { return ordered(1, fields) }
func down(fields ...string) bson.D { return ordered(-1, fields) }

func ordered(direction int32, fields []string) bson.D {
	keys := make(bson.D, len(fields))
	for i, f := range fields {
		keys[i] = bson.E{Key: f, Value: direction}
	}
	return keys
}

// indexes are those of the original specification, and what our queries need besides.
func (s *Store) indexes() []index {
	all := []index{
		{in: s.users, name: emailIndex, keys: up("email"), unique: true},
		{in: s.users, name: userIndex, keys: up("userId"), unique: true},
		{in: s.users, name: "users_by_role", keys: up("role")},
		{in: s.users, name: "users_by_active", keys: append(up("isActive"), down("createdAt", "userId")...)},
		{in: s.users, name: "users_by_state", keys: up("role", "isActive", "isEmailVerified")},
		{in: s.users, name: "users_by_created_at", keys: down("createdAt", "userId")},
		{in: s.users, name: "users_by_last_name", keys: up("lastNameFolded", "userId")},
		{in: s.users, name: "users_by_full_name", keys: up("fullNameFolded")},
		{in: s.users, name: "users_by_deleted_at", keys: up("deletedAt")},
		{in: s.users, name: "users_unverified", keys: up("isEmailVerified", "createdAt")},
		{in: s.users, name: "users_by_purged_at", keys: up("purgedAt"), sparse: true},

		{in: s.sessions, name: tokenIndex, keys: up("tokenId"), unique: true},
		// Sparse, because the original system's documents have no session id.
		{in: s.sessions, name: sessionIndex, keys: up("sessionId"), unique: true, sparse: true},
		{in: s.sessions, name: "refresh_tokens_by_user", keys: up("userId")},
		{in: s.sessions, name: "refresh_tokens_expire", keys: up("expiresAt"), ttl: true},
		{in: s.sessions, name: "refresh_tokens_by_session_expires_at", keys: up("sessionExpiresAt")},

		{in: s.mailTokens, name: mailTokenIndex, keys: up("tokenId"), unique: true},
		{in: s.mailTokens, name: "verification_tokens_by_user", keys: up("userId")},
		{in: s.mailTokens, name: "verification_tokens_by_email", keys: up("email")},
		{in: s.mailTokens, name: "verification_tokens_by_type", keys: up("tokenType")},
		{in: s.mailTokens, name: "verification_tokens_expire", keys: up("expiresAt"), ttl: true},

		{in: s.lockouts, name: "lockouts_by_expires_at", keys: up("expiresAt")},

		{in: s.mails, name: "mails_by_due_at", keys: up("state", "dueAt", "_id")},
		{in: s.mails, name: "mails_by_updated_at", keys: up("state", "updatedAt")},
		{in: s.mails, name: "mails_by_user", keys: up("userId", "to")},

		{in: s.events, name: "events_by_time", keys: down("at", "_id")},
		{in: s.events, name: "events_by_actor", keys: append(up("actorId"), down("at", "_id")...)},
		{in: s.events, name: "events_by_target", keys: append(up("targetId"), down("at", "_id")...)},
	}
	for _, in := range s.shelves() {
		all = append(all, index{in: in, name: in.Name() + "_by_pending_since", keys: up("pendingSince"), sparse: true})
	}
	for _, in := range s.owners() {
		all = append(all, index{in: in, name: in.Name() + "_by_outbox_since", keys: up("outboxSince"), sparse: true})
	}
	return all
}

// shelves are all collections of records, and owners those whose documents have outboxes.
func (s *Store) shelves() []shelf {
	return append(s.owners(), s.mailTokens, s.events)
}

func (s *Store) owners() []shelf { return []shelf{s.users, s.sessions, s.lockouts, s.mails} }

func (i *index) model() mongo.IndexModel {
	o := options.Index().SetName(i.name)
	if i.unique {
		o.SetUnique(true)
	}
	if i.sparse {
		o.SetSparse(true)
	}
	if i.ttl {
		o.SetExpireAfterSeconds(0)
	}
	return mongo.IndexModel{Keys: i.keys, Options: o}
}

// storedIndex is an index as the server describes it.
type storedIndex struct {
	Name               string   `bson:"name"`
	Key                bson.Raw `bson:"key"`
	Unique             bool     `bson:"unique"`
	Sparse             bool     `bson:"sparse"`
	ExpireAfterSeconds *float64 `bson:"expireAfterSeconds"`
	Partial            bson.Raw `bson:"partialFilterExpression"`
}

func storedIndexes(ctx context.Context, in shelf) ([]storedIndex, error) {
	cursor, err := in.Indexes().List(ctx)
	if err != nil {
		var e mongo.ServerError
		if errors.As(err, &e) && e.HasErrorCode(26) { // there is no such collection
			return nil, nil
		}
		return nil, err
	}
	var all []storedIndex
	err = cursor.All(ctx, &all)
	return all, err
}

// hasKeys reports whether the stored index is on the same fields in the same order and directions.
func (x *storedIndex) hasKeys(keys bson.D) bool {
	elements, err := x.Key.Elements()
	if err != nil || len(elements) != len(keys) {
		return false
	}
	for i, e := range elements {
		direction, ok := e.Value().AsInt64OK()
		if !ok || e.Key() != keys[i].Key || direction != int64(keys[i].Value.(int32)) {
			return false
		}
	}
	return true
}

// does reports whether the stored index does what i is there for.
func (x *storedIndex) does(i *index) bool {
	return x.hasKeys(i.keys) && x.Unique == i.unique && len(x.Partial) == 0 && (i.sparse || !x.Sparse) &&
		i.ttl == (x.ExpireAfterSeconds != nil && *x.ExpireAfterSeconds == 0)
}

// buildIndexes builds what is missing, collection by collection. An index of another program on the same fields, as the
// original system made them, gives way.
func (s *Store) buildIndexes(ctx context.Context) error {
	all := s.indexes()
	for _, in := range s.shelves() {
		stored, err := storedIndexes(ctx, in)
		if err != nil {
			return err
		}
		var missing []mongo.IndexModel
		for _, i := range all {
			if i.in.Name() != in.Name() || slices.ContainsFunc(stored, func(x storedIndex) bool { return x.Name == i.name && x.does(&i) }) {
				continue
			}
			missing = append(missing, i.model())
			if err := dropSimilar(ctx, in, &i, stored); err != nil {
				return err
			}
		}
		if len(missing) == 0 {
			continue
		}
		if _, err := in.Indexes().CreateMany(ctx, missing); err != nil {
			return s.explainCollision(ctx, in, err)
		}
	}
	return nil
}

// explainCollision says why a unique index cannot be built, without the values.
func (s *Store) explainCollision(ctx context.Context, in shelf, err error) error {
	if !isDuplicate(err) {
		return err
	}
	if in.Name() == s.users.Name() {
		if err := s.refuseCollisions(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: two documents of %s have the same id", errCollision, in.Name())
}

// dropSimilar drops what keeps i from being built: an index of its name, or on its fields.
func dropSimilar(ctx context.Context, in shelf, i *index, stored []storedIndex) error {
	for _, x := range stored {
		if x.Name != i.name && !x.hasKeys(i.keys) {
			continue
		}
		var e mongo.ServerError
		if err := in.Indexes().DropOne(ctx, x.Name); err != nil && !(errors.As(err, &e) && e.HasErrorCode(27)) { // somebody else did
			return err
		}
	}
	return nil
}
