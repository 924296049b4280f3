package mongostore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

// stalled opens a store whose steps are never followed by what is in their outboxes, and another on the same database.
func stalled(t *testing.T, p *pool) (dead, alive *mongostore.Store, db *mongo.Database) {
	t.Helper()
	dead = p.open(t, mongostore.Config{})
	dead.Stall()
	name := p.nameOf(dead)
	return dead, open(t, mongostore.Config{URL: hub.NewSecret(p.url), Database: name}), p.client.Database(name)
}

// age makes all outboxes look as if their owners had died.
func age(t *testing.T, db *mongo.Database) (n int64) {
	t.Helper()
	for _, collection := range []string{"users", "refresh_tokens", "mails", "lockouts"} {
		result, err := db.Collection(collection).UpdateMany(t.Context(), bson.D{{Key: "outboxSince", Value: bson.D{{Key: "$ne", Value: nil}}}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "outboxSince", Value: time.Now().Add(-11 * time.Second)}}}})
		must(t, "age", err)
		n += result.ModifiedCount
	}
	return n
}

func outboxes(t *testing.T, db *mongo.Database) (n int64) {
	t.Helper()
	for _, collection := range []string{"users", "refresh_tokens", "mails", "lockouts"} {
		for _, field := range []string{"outbox", "outboxSince"} {
			some, err := db.Collection(collection).CountDocuments(t.Context(), bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}})
			must(t, "count", err)
			n += some
		}
	}
	return n
}

func recoverTwice(t *testing.T, stores ...*mongostore.Store) {
	t.Helper()
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			if _, err := s.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOutboxesOutliveTheirProcess(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	dead, alive, db := stalled(t, p)
	ctx := t.Context()
	u, mail := newUser("a@example.com"), hub.NewMail(hub.MailReset, "", "b@example.com", start())
	var events []hub.Event
	event := func() hub.Event {
		events = append(events, newEvent("x"))
		return events[len(events)-1]
	}
	must(t, "add user", dead.AddUser(ctx, u, event(), mail))
	se := newSession(u)
	must(t, "add session", dead.AddSession(ctx, se, event()))
	must(t, "update session", dead.UpdateSession(ctx, se, event()))
	m := newMailToken(u)
	must(t, "add mail token", dead.AddMailToken(ctx, m))
	u.Version = 2
	must(t, "spend", dead.SpendMailToken(ctx, m.ID, start(), u, event()))
	e := event()
	must(t, "put lockout", dead.PutLockout(ctx, hub.Lockout{Key: "k"}, &e))
	other := hub.NewMail(hub.MailReset, "", "b@example.com", start())
	must(t, "add mail", dead.AddMail(ctx, other, event()))

	// As if it had died even before it carried out what callers wait for.
	_, err := db.Collection("verification_tokens").UpdateOne(ctx, bson.D{{Key: "tokenId", Value: m.ID}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "usedAt", Value: nil}, {Key: "isUsed", Value: false}}}})
	must(t, "unspend", err)

	if n, err := alive.Recover(ctx); n != 0 || err != nil {
		t.Errorf("%d outboxes were taken from a process that may live, %v", n, err)
	}
	if n := age(t, db); n != 4 {
		t.Fatalf("%d documents have outboxes, want user, session, lockout and mail", n)
	}
	recoverTwice(t, alive, alive)
	got, err := alive.Events(ctx, hub.EventQuery{UserID: "x", Limit: 100})
	must(t, "list events", err)
	if len(got) != len(events) {
		t.Errorf("%d events, want %d", len(got), len(events))
	}
	due, err := alive.DueMails(ctx, start(), 10)
	must(t, "list mails", err)
	if len(due) != 2 {
		t.Errorf("%d mails, want 2", len(due))
	}
	if m, err := alive.MailTokenByID(ctx, m.ID); err != nil || m.UsedAt.IsZero() {
		t.Errorf("the token is not used: %v", err)
	}
	if n := outboxes(t, db); n != 0 {
		t.Errorf("%d outboxes are left", n)
	}
}

func TestALoginOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	dead, alive, db := stalled(t, p)
	ctx := t.Context()
	u := newUser("a@example.com")
	must(t, "add user", dead.AddUser(ctx, u, newEvent(u.ID)))
	se := newSession(u)
	must(t, "add session", dead.AddSession(ctx, se, newEvent(u.ID)))
	_, err := db.Collection("refresh_tokens").DeleteMany(ctx, bson.D{})
	must(t, "delete", err)
	age(t, db)
	recoverTwice(t, alive, alive)
	got, _, err := alive.SessionWithUser(ctx, se.ID)
	must(t, "read session", err)
	wantSame(t, "session", got, se)
}

// TestAPurgeOutlivesItsProcess has a process die after it made the tombstone, while the user's earlier steps are not
// carried out either.
func TestAPurgeOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	dead, alive, db := stalled(t, p)
	ctx := t.Context()
	u := newUser("a@example.com")
	welcome := hub.NewMail(hub.MailVerification, u.ID, u.Email, start())
	must(t, "add user", dead.AddUser(ctx, u, newEvent(u.ID), welcome))
	se := newSession(u)
	must(t, "add session", dead.AddSession(ctx, se, newEvent(u.ID)))
	must(t, "update session", dead.UpdateSession(ctx, se, newEvent(u.ID)))
	session, err := db.Collection("refresh_tokens").FindOne(ctx, bson.D{{Key: "sessionId", Value: se.ID}}).Raw()
	must(t, "read", err)
	must(t, "purge", dead.PurgeUser(ctx, u.ID, 2, newEvent(u.ID)))
	_, err = db.Collection("refresh_tokens").InsertOne(ctx, session) // not deleted yet
	must(t, "insert", err)
	anonymous := hub.NewMail(hub.MailReset, "", u.Email, start())
	must(t, "add mail", dead.AddMail(ctx, anonymous, newEvent("")))

	age(t, db)
	recoverTwice(t, alive, alive)
	for collection, want := range map[string]int64{"users": 0, "refresh_tokens": 0, "mails": 0, "events": 5} {
		n, err := db.Collection(collection).CountDocuments(ctx, bson.D{})
		must(t, "count", err)
		if n != want {
			t.Errorf("%s: %d documents, want %d", collection, n, want)
		}
	}
}

// TestALateInsertionIsTakenBack has a process insert what belongs to a user who was purged after its step.
func TestALateInsertionIsTakenBack(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	for _, marks := range []bool{false, true} {
		t.Run(fmt.Sprintf("marks=%v", marks), func(t *testing.T) {
			t.Parallel()
			slow := p.open(t, mongostore.Config{Marks: marks})
			name := p.nameOf(slow)
			other := open(t, mongostore.Config{URL: hub.NewSecret(p.url), Database: name, Marks: marks})
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					u := newUser(fmt.Sprintf("%d@example.com", i))
					if err := slow.AddUser(t.Context(), u, newEvent(u.ID), hub.NewMail(hub.MailReset, u.ID, u.Email, start())); err != nil {
						t.Error(err)
					}
					if err := other.PurgeUser(t.Context(), u.ID, 1, newEvent(u.ID)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for _, s := range []*mongostore.Store{slow, other} {
				if due, err := s.DueMails(t.Context(), start(), 100); err != nil || s == other && len(due) != 0 {
					t.Errorf("%d mails of users who are gone, %v", len(due), err)
				}
			}
			events, err := other.Events(t.Context(), hub.EventQuery{Limit: 100})
			must(t, "list events", err)
			if len(events) != 40 {
				t.Errorf("%d events, want 40", len(events))
			}
		})
	}
}
