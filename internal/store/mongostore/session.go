package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/spent"
)

// sessionFields returns the document of se, stored as the given version.
func sessionFields(se *hub.Session, version int64) bson.D {
	return bson.D{
		{Key: "sessionId", Value: text(se.ID)},
		{Key: "userId", Value: text(se.UserID)},
		{Key: "epoch", Value: se.Epoch},
		{Key: "tokenId", Value: text(se.Token.ID)},
		{Key: "token", Value: text(se.Token.Hash)},
		{Key: "issuedAt", Value: at(se.Token.IssuedAt)},
		{Key: "expiresAt", Value: at(se.Token.ExpiresAt)},
		{Key: "spent", Value: bson.Binary{Data: spent.Pack(se.Spent)}},
		{Key: "createdAt", Value: at(se.CreatedAt)},
		{Key: "lastUsedAt", Value: orNull(se.LastUsedAt)},
		{Key: "sessionExpiresAt", Value: at(se.ExpiresAt)},
		{Key: "isRevoked", Value: !se.EndedAt.IsZero()},
		{Key: "endedAt", Value: orNull(se.EndedAt)},
		{Key: "ip", Value: text(se.IP)},
		{Key: "userAgent", Value: text(se.UserAgent)},
		{Key: "version", Value: version},
	}
}

// readSession reads a session as we write it, or a refresh token of the original system, which makes a session of its own:
// without an id but the token's, without versions, and ended by a flag without a time.
func readSession(raw bson.Raw) (se hub.Session, err error) {
	revoked := false
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "sessionId":
			se.ID = r.text(v)
		case "userId":
			se.UserID = r.text(v)
		case "epoch":
			se.Epoch = r.number(v)
		case "spent":
			se.Spent = r.spent(v)
		case "createdAt":
			se.CreatedAt = r.instant(v)
		case "lastUsedAt":
			se.LastUsedAt = r.instant(v)
		case "sessionExpiresAt":
			se.ExpiresAt = r.instant(v)
		case "isRevoked":
			revoked = r.flag(v)
		case "endedAt":
			se.EndedAt = r.instant(v)
		case "ip":
			se.IP = r.text(v)
		case "userAgent":
			se.UserAgent = r.text(v)
		case "version":
			se.Version = r.number(v)
		default:
			r.refreshToken(&se.Token, name, v)
		}
	})
	if err != nil {
		return hub.Session{}, fmt.Errorf("session cannot be read: %w", err)
	}
	if se.Version == 0 {
		completeLegacy(&se, revoked)
	}
	return se, nil
}

// completeLegacy fills in what the original system did not write.
func completeLegacy(se *hub.Session, revoked bool) {
	if se.ID == "" {
		se.ID = se.Token.ID
	}
	if se.Token.IssuedAt.IsZero() {
		se.Token.IssuedAt = se.CreatedAt
	}
	if se.ExpiresAt.IsZero() {
		se.ExpiresAt = se.Token.ExpiresAt
	}
	if revoked && se.EndedAt.IsZero() {
		se.EndedAt = se.LastUsedAt
		if se.EndedAt.IsZero() {
			se.EndedAt = se.CreatedAt
		}
	}
}

// refreshToken reads one field of a refresh token.
func (r *reader) refreshToken(t *hub.RefreshToken, name string, v bson.RawValue) {
	switch name {
	case "tokenId":
		t.ID = r.text(v)
	case "token":
		t.Hash = r.hash(v)
	case "issuedAt":
		t.IssuedAt = r.instant(v)
	case "expiresAt":
		t.ExpiresAt = r.instant(v)
	}
}

// spent reads what package spent packed. The list of tokens that was here before was of use for seconds only.
func (r *reader) spent(v bson.RawValue) []hub.SpentToken {
	if v.Type == bson.TypeArray {
		return nil
	}
	_, packed, ok := v.BinaryOK()
	if !ok {
		r.fail(v, "bytes")
		return nil
	}
	tokens, err := spent.Unpack(packed)
	if err != nil && r.err == nil {
		r.err = err
	}
	return tokens
}

// AddSession implements hub.SessionStore. The login is a change of the user; the session waits in the user's outbox.
func (s *Store) AddSession(ctx context.Context, se hub.Session, e hub.Event) error {
	epoch := bson.E{Key: "sessionEpoch", Value: se.Epoch}
	if se.Epoch == 0 { // a user of the original system has none
		epoch.Value = bson.D{{Key: "$in", Value: bson.A{0, nil}}}
	}
	return s.apply(ctx, change{
		what: "add session", in: s.users, id: se.UserID,
		filter: bson.D{epoch, {Key: "isActive", Value: true}, {Key: "deletedAt", Value: nil}},
		set:    bson.D{{Key: "lastLoginAt", Value: at(se.CreatedAt)}},
		// Raised, so that nobody who read the user before writes the earlier login back.
		inc: bson.D{{Key: "version", Value: int64(1)}},
		out: append(records(&e, nil), newEntry(entrySession, se.ID, sessionFields(&se, 1))),
	})
}

// SessionWithUser implements hub.SessionStore. A token of the original system is found by its own id.
func (s *Store) SessionWithUser(ctx context.Context, id string) (hub.Session, hub.User, error) {
	se, u, err := s.sessionWithUser(ctx, bson.D{{Key: "sessionId", Value: text(id)}})
	if errors.Is(err, hub.ErrNotFound) {
		return s.sessionWithUser(ctx, legacySession(id))
	}
	return se, u, err
}

func legacySession(id string) bson.D {
	return bson.D{{Key: "tokenId", Value: text(id)}, {Key: "sessionId", Value: nil}}
}

func (s *Store) sessionWithUser(ctx context.Context, filter bson.D) (se hub.Session, u hub.User, err error) {
	pipeline := bson.A{
		bson.D{{Key: "$match", Value: filter}},
		bson.D{{Key: "$lookup", Value: bson.D{
			{Key: "from", Value: s.users.Name()}, {Key: "localField", Value: "userId"}, {Key: "foreignField", Value: "userId"}, {Key: "as", Value: "user"},
		}}},
	}
	err = s.do(ctx, "read session", func(ctx context.Context) error {
		cursor, err := s.sessions.Aggregate(ctx, pipeline)
		if err != nil {
			return err
		}
		found, err := collect(ctx, cursor, func(raw bson.Raw) (bool, error) {
			se, u, err = readSessionWithUser(raw)
			return true, err
		})
		if err == nil && len(found) == 0 {
			return hub.ErrNotFound
		}
		return err
	})
	if err != nil {
		return hub.Session{}, hub.User{}, err
	}
	return se, u, nil
}

func readSessionWithUser(raw bson.Raw) (se hub.Session, u hub.User, err error) {
	array, ok := raw.Lookup("user").ArrayOK()
	if !ok {
		return se, u, hub.ErrNotFound
	}
	users, err := array.Values()
	if err != nil || len(users) != 1 {
		return se, u, hub.ErrNotFound
	}
	if u, err = readUser(users[0].Document()); err != nil {
		return se, u, err
	}
	se, err = readSession(raw)
	return se, u, err
}

// SessionsByUser implements hub.SessionStore.
func (s *Store) SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) ([]hub.Session, error) {
	if limit < 1 { // to MongoDB, 0 is no limit
		return nil, wrap(ctx, "list sessions", ctx.Err())
	}
	filter := append(bson.D{{Key: "userId", Value: text(userID)}}, liveSessions(now)...)
	newestFirst := bson.D{{Key: "createdAt", Value: -1}, {Key: "sessionId", Value: -1}}
	return findAll(ctx, s, "list sessions", s.sessions.Collection, filter, options.Find().SetSort(newestFirst).SetLimit(int64(limit)), readSession)
}

// liveSessions matches sessions that were not ended and have not expired. A missing end of the session is the token's.
func liveSessions(now time.Time) bson.D {
	return bson.D{
		{Key: "endedAt", Value: nil},
		{Key: "isRevoked", Value: bson.D{{Key: "$ne", Value: true}}},
		{Key: "expiresAt", Value: bson.D{{Key: "$gt", Value: at(now)}}},
		{Key: "sessionExpiresAt", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$lte", Value: at(now)}}}}},
	}
}

// UpdateSession implements hub.SessionStore.
func (s *Store) UpdateSession(ctx context.Context, se hub.Session, e hub.Event) error {
	c := change{
		what: "update session", in: s.sessions, id: se.ID,
		filter: bson.D{versionIs(se.Version)}, set: sessionFields(&se, se.Version+1), out: records(&e, nil),
	}
	err := s.apply(ctx, c)
	if se.Version != 0 || !errors.Is(err, hub.ErrConflict) {
		return err
	}
	c.filter, c.byFilter = append(legacySession(se.ID), versionIs(0)), true
	return s.apply(ctx, c)
}
