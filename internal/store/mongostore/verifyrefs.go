package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// reference says of a document that it refers to another: a session or a mail token to its user, a user to a mail token.
// References are followed in batches, so that verifying takes no more memory if there are more users.
type reference struct {
	kind  hub.RecordKind
	id    string
	to    string
	epoch int64 // of a session

	purpose hub.MailTokenPurpose // of the mail token that a user names
}

// refer notes what a record refers to.
func (v *verifier) refer(r *hub.Record) {
	id := r.Key().ID
	switch {
	case r.Session != nil:
		v.references = append(v.references, reference{kind: hub.RecordSession, id: id, to: r.Session.UserID, epoch: r.Session.Epoch})
	case r.MailToken != nil:
		v.references = append(v.references, reference{kind: hub.RecordMailToken, id: id, to: r.MailToken.UserID})
	case r.User != nil:
		for _, purpose := range []hub.MailTokenPurpose{hub.PurposeVerification, hub.PurposeReset, hub.PurposeEmailChange} {
			if token := *r.User.MailTokens.Of(purpose); token != "" {
				v.references = append(v.references, reference{kind: hub.RecordUser, id: id, to: token, purpose: purpose})
			}
		}
	}
}

// follow looks at what the references noted so far lead to. They are of one kind.
func (v *verifier) follow(ctx context.Context, kind hub.RecordKind) error {
	references := v.references
	v.references = v.references[:0]
	if len(references) == 0 {
		return nil
	}
	ids := make([]string, len(references))
	for i, r := range references {
		ids[i] = text(r.to)
	}
	if kind == hub.RecordUser {
		return v.followTokens(ctx, references, ids)
	}
	return v.followOwners(ctx, references, ids)
}

// followTokens looks at the mail tokens that users name. One that is gone has expired.
func (v *verifier) followTokens(ctx context.Context, references []reference, ids []string) error {
	found, err := findAll(ctx, v.store, "look for mail tokens", v.store.mailTokens.Collection,
		bson.D{{Key: v.store.mailTokens.key, Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetProjection(up("tokenId", "userId", "tokenType")), readMailToken)
	if err != nil {
		return err
	}
	tokens := make(map[string]hub.MailToken, len(found))
	for _, t := range found {
		tokens[t.ID] = t
	}
	for _, r := range references {
		if t, ok := tokens[r.to]; ok && (t.UserID != r.id || t.Purpose != r.purpose) {
			v.found.add("user %s: names a mail token of another user, or of another purpose", r.id)
		}
	}
	return nil
}

// followOwners looks at the users to whom sessions or mail tokens belong.
func (v *verifier) followOwners(ctx context.Context, references []reference, ids []string) error {
	found, err := findAll(ctx, v.store, "look for users", v.store.users.Collection,
		bson.D{{Key: "userId", Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetProjection(up("userId", "purgedAt", "sessionEpoch")), readUserDocument)
	if err != nil {
		return err
	}
	owners := make(map[string]*userDocument, len(found))
	for i := range found {
		owners[found[i].user.ID] = &found[i]
	}
	for _, r := range references {
		switch owner := owners[r.to]; {
		case owner == nil || !owner.purgedAt.IsZero():
			if err := v.orphan(ctx, r); err != nil {
				return err
			}
		case r.epoch > owner.user.SessionEpoch:
			v.found.add("session %s: begun in an epoch that its user has not reached", r.id)
		}
	}
	return nil
}

// orphan reports what has no user, unless it is gone as well by now: then the user was purged in between.
func (v *verifier) orphan(ctx context.Context, r reference) error {
	in, _ := v.store.shelf(r.kind)
	filter := bson.D{{Key: in.key, Value: text(r.id)}}
	if r.kind == hub.RecordSession {
		filter = bson.D{{Key: "$or", Value: bson.A{filter, legacySession(r.id)}}}
	}
	err := v.store.findOne(ctx, "look again", in.Collection, filter, func(bson.Raw) error { return nil })
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	v.found.add(string(r.kind)+" %s: its user does not exist", r.id)
	return nil
}
