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

// maxSpentTokens bounds the list of a user's latest used tokens. Each use needs the version before it, so that the list
// only has to reach as far back as somebody may have read a token that is not marked yet.
const maxSpentTokens = 16

func mailTokenFields(m *hub.MailToken) bson.D {
	return bson.D{
		{Key: "tokenId", Value: text(m.ID)},
		{Key: "userId", Value: text(m.UserID)},
		{Key: "email", Value: text(m.Email)},
		{Key: "token", Value: text(m.Hash)},
		{Key: "tokenType", Value: text(string(m.Purpose))},
		{Key: "expiresAt", Value: at(m.ExpiresAt)},
		{Key: "isUsed", Value: !m.UsedAt.IsZero()},
		{Key: "createdAt", Value: at(m.CreatedAt)},
		{Key: "usedAt", Value: orNull(m.UsedAt)},
	}
}

func readMailToken(raw bson.Raw) (m hub.MailToken, err error) {
	used := false
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "tokenId":
			m.ID = r.text(v)
		case "userId":
			m.UserID = r.text(v)
		case "email":
			m.Email = r.text(v)
		case "token":
			m.Hash = r.hash(v)
		case "tokenType":
			m.Purpose = hub.MailTokenPurpose(r.text(v))
		case "expiresAt":
			m.ExpiresAt = r.instant(v)
		case "isUsed":
			used = r.flag(v)
		case "createdAt":
			m.CreatedAt = r.instant(v)
		case "usedAt":
			m.UsedAt = r.instant(v)
		}
	})
	if err != nil {
		return hub.MailToken{}, fmt.Errorf("mail token cannot be read: %w", err)
	}
	if used && m.UsedAt.IsZero() { // the original system did not always say when
		m.UsedAt = m.CreatedAt
	}
	return m, nil
}

// AddMailToken implements hub.MailTokenStore. ErrConflict if the user is gone. The user is looked at before and after: a
// purge in between finds the token, or this finds that there was a purge.
func (s *Store) AddMailToken(ctx context.Context, m hub.MailToken) error {
	const what = "add mail token"
	if err := s.wantUser(ctx, what, m.UserID); err != nil {
		return err
	}
	document := mailTokenFields(&m)
	if s.marks {
		document = append(document, bson.E{Key: "pendingSince", Value: at(time.Now())})
	}
	err := s.do(ctx, what, func(ctx context.Context) error {
		_, err := s.mailTokens.InsertOne(ctx, document)
		return err
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	err = s.wantUser(ctx, what, m.UserID)
	if !errors.Is(err, hub.ErrConflict) {
		return nil // the token is stored; nobody has to know that the user could not be looked at
	}
	return errors.Join(err, s.do(ctx, "take back a mail token", func(ctx context.Context) error {
		_, err := s.mailTokens.DeleteOne(ctx, bson.D{{Key: "tokenId", Value: text(m.ID)}})
		return err
	}))
}

// wantUser returns ErrConflict if the user is not stored.
func (s *Store) wantUser(ctx context.Context, what, id string) error {
	err := s.do(ctx, what, func(ctx context.Context) error {
		filter := bson.D{{Key: "userId", Value: text(id)}, {Key: "purgedAt", Value: nil}}
		return s.users.FindOne(ctx, filter, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	})
	if errors.Is(err, hub.ErrNotFound) {
		return fmt.Errorf("%s: %w", what, hub.ErrConflict)
	}
	return err
}

// MailTokenByID implements hub.MailTokenStore.
func (s *Store) MailTokenByID(ctx context.Context, id string) (m hub.MailToken, err error) {
	err = s.findOne(ctx, "read mail token", s.mailTokens.Collection, bson.D{{Key: "tokenId", Value: text(id)}}, func(raw bson.Raw) error {
		m, err = readMailToken(raw)
		return err
	})
	return m, err
}

// SpendMailToken implements hub.MailTokenStore. That the token is used stands in the user's document first: the list of
// used tokens keeps a second use out until the token itself is marked.
func (s *Store) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	const what = "spend mail token"
	m, err := s.MailTokenByID(ctx, tokenID)
	if errors.Is(err, hub.ErrNotFound) || err == nil && !m.UsedAt.IsZero() {
		return fmt.Errorf("%s: %w", what, hub.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	c := userChange(what, s.users, &u, append(records(&e, mails),
		newEntry(entrySpent, tokenID, bson.D{{Key: "usedAt", Value: at(usedAt)}})))
	c.filter = append(c.filter, bson.E{Key: "spentMailTokens", Value: bson.D{{Key: "$ne", Value: text(tokenID)}}})
	c.push = bson.D{{Key: "spentMailTokens", Value: bson.D{{Key: "$each", Value: []string{text(tokenID)}}, {Key: "$slice", Value: -maxSpentTokens}}}}
	return s.changeUser(ctx, c, &u)
}
