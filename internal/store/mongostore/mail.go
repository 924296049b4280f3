package mongostore

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// mailFields returns the document of m, stored as the given version.
func mailFields(m *hub.Mail, version int64) bson.D {
	return bson.D{
		{Key: "_id", Value: text(m.ID)},
		{Key: "kind", Value: text(string(m.Kind))},
		{Key: "to", Value: text(m.To)},
		{Key: "userId", Value: text(m.UserID)},
		{Key: "state", Value: text(string(m.State))},
		{Key: "attempts", Value: int64(m.Attempts)},
		{Key: "dueAt", Value: at(m.DueAt)},
		{Key: "lastError", Value: text(m.LastError)},
		{Key: "createdAt", Value: at(m.CreatedAt)},
		{Key: "updatedAt", Value: at(m.UpdatedAt)},
		{Key: "version", Value: version},
	}
}

func readMail(raw bson.Raw) (m hub.Mail, err error) {
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "_id":
			m.ID = r.text(v)
		case "kind":
			m.Kind = hub.MailKind(r.text(v))
		case "to":
			m.To = r.text(v)
		case "userId":
			m.UserID = r.text(v)
		case "state":
			m.State = hub.MailState(r.text(v))
		case "attempts":
			m.Attempts = int(r.number(v))
		case "dueAt":
			m.DueAt = r.instant(v)
		case "lastError":
			m.LastError = r.text(v)
		case "createdAt":
			m.CreatedAt = r.instant(v)
		case "updatedAt":
			m.UpdatedAt = r.instant(v)
		case "version":
			m.Version = r.number(v)
		}
	})
	if err != nil {
		return hub.Mail{}, fmt.Errorf("mail cannot be read: %w", err)
	}
	return m, nil
}

// AddMail implements hub.MailStore. The event waits in the mail's own outbox.
func (s *Store) AddMail(ctx context.Context, m hub.Mail, e hub.Event) error {
	return s.apply(ctx, change{
		what: "add mail", in: s.mails, id: m.ID, set: mailFields(&m, 1), isNew: true, taken: errStoredAlready, out: records(&e, nil),
		ids: []string{text(m.ID)},
	})
}

// DueMails implements hub.MailStore.
func (s *Store) DueMails(ctx context.Context, now time.Time, limit int) ([]hub.Mail, error) {
	const what = "list due mails"
	if err := s.flusher.wait(ctx, what); err != nil || limit < 1 { // to MongoDB, 0 is no limit
		return nil, err
	}
	longestDueFirst := bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}
	return findAll(ctx, s, what, s.mails.Collection,
		bson.D{{Key: "state", Value: string(hub.MailQueued)}, {Key: "dueAt", Value: bson.D{{Key: "$lte", Value: at(now)}}}},
		options.Find().SetSort(longestDueFirst).SetLimit(int64(limit)), readMail)
}

// UpdateMail implements hub.MailStore.
func (s *Store) UpdateMail(ctx context.Context, m hub.Mail) error {
	return s.apply(ctx, change{
		what: "update mail", in: s.mails, id: m.ID, filter: bson.D{versionIs(m.Version)}, set: mailFields(&m, m.Version+1)[1:],
	})
}
