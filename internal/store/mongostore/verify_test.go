package mongostore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

func newUser(email string) hub.User {
	return hub.User{
		ID: hub.NewID(), Email: email, PasswordHash: hub.NewSecret("top secret hash"), FirstName: "Ada", LastName: "Lovelace",
		Role: hub.RoleUser, IsActive: true, CreatedAt: start(), UpdatedAt: start(), Version: 1,
	}
}

func newEvent(target string) hub.Event {
	return hub.NewEvent(context.Background(), hub.EventUserUpdated, target, start())
}

func newSession(u hub.User) hub.Session {
	return hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, CreatedAt: start(), ExpiresAt: start().Add(time.Hour), Version: 1,
		Token: hub.RefreshToken{ID: hub.NewID(), Hash: "h", IssuedAt: start(), ExpiresAt: start().Add(time.Hour)},
	}
}

func newMailToken(u hub.User) hub.MailToken {
	return hub.MailToken{ID: hub.NewID(), UserID: u.ID, Email: u.Email, Purpose: hub.PurposeReset, Hash: "h", CreatedAt: start(), ExpiresAt: start().Add(time.Hour)}
}

func must(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func wantSame(t testing.TB, what string, got, want any) {
	t.Helper()
	secrets := cmp.Comparer(func(a, b hub.Secret) bool { return a.Reveal() == b.Reveal() })
	if diff := cmp.Diff(want, got, secrets, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// everything is one record of each kind but tombstones.
func everything(email string) []hub.Record {
	u := newUser(email)
	se, m, mail, e := newSession(u), newMailToken(u), hub.NewMail(hub.MailReset, u.ID, u.Email, start()), newEvent(u.ID)
	return []hub.Record{
		{User: &u},
		{Session: &se},
		{MailToken: &m},
		{Lockout: &hub.Lockout{Key: hub.LockoutKey(email), Failures: 1, LastFailureAt: start(), Version: 3}},
		{Mail: &mail},
		{Event: &e},
	}
}

func TestAboutAndVerify(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s, ctx := p.open(t, mongostore.Config{}), t.Context()
	records := everything("a@example.com")
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
	about, err := s.About(ctx)
	must(t, "about", err)
	if about.Engine != "mongodb" || about.Product == "" || about.Place == "" || about.Schema < 1 {
		t.Errorf("about %+v", about)
	}
	ttl := []string{ // the pool dropped them
		"refresh_tokens: the index refresh_tokens_expire is missing, or is not as it should be",
		"verification_tokens: the index verification_tokens_expire is missing, or is not as it should be",
	}
	found, err := s.Verify(ctx)
	must(t, "verify", err)
	wantSame(t, "findings", found, ttl)

	db := p.client.Database(p.nameOf(s))
	u := records[0].User
	for _, d := range []struct {
		collection string
		document   bson.D
	}{
		{"users", bson.D{{Key: "userId", Value: "bad"}, {Key: "email", Value: "Bad@example.com"}, {Key: "role", Value: "user"}, {Key: "version", Value: 1}, {Key: "metadata", Value: "[]"}}},
		{"users", bson.D{{Key: "userId", Value: "worse"}, {Key: "email", Value: "w"}, {Key: "role", Value: "secret value"}}},
		{"refresh_tokens", bson.D{{Key: "sessionId", Value: "s1"}, {Key: "tokenId", Value: "t1"}, {Key: "userId", Value: "nobody"}, {Key: "version", Value: 1}}},
		{"refresh_tokens", bson.D{{Key: "sessionId", Value: "s2"}, {Key: "tokenId", Value: "t2"}, {Key: "userId", Value: u.ID}, {Key: "version", Value: 1}, {Key: "epoch", Value: 9}}},
		{"refresh_tokens", bson.D{{Key: "tokenId", Value: "t3"}, {Key: "userId", Value: "nobody"}}}, // of the original system
		{"verification_tokens", bson.D{{Key: "tokenId", Value: "v1"}, {Key: "userId", Value: "nobody"}, {Key: "tokenType", Value: "password_reset"}}},
		{"mails", bson.D{{Key: "_id", Value: "m1"}, {Key: "state", Value: "lost"}}},
		{"lockouts", bson.D{{Key: "_id", Value: "l1"}, {Key: "failures", Value: -1}, {Key: "version", Value: 1}}},
		{"events", bson.D{{Key: "_id", Value: "e1"}, {Key: "at", Value: "yesterday"}}},
	} {
		_, err := db.Collection(d.collection).InsertOne(ctx, d.document)
		must(t, "insert", err)
	}
	thief := newUser("thief@example.com")
	thief.MailTokens.Reset = records[2].MailToken.ID
	must(t, "put", s.Put(ctx, hub.UnlessOlder, hub.Record{User: &thief}))
	found, err = s.Verify(ctx)
	must(t, "verify", err)
	found = slices.DeleteFunc(found, func(f string) bool { return strings.HasPrefix(f, "session without an id: ") }) // the server made one
	slices.Sort(found)
	want := append([]string{
		"event e1: cannot be read", "lockout l1: counts below zero", "mail m1: is in no state that is known",
		"mail_token v1: its user does not exist", "user " + thief.ID + ": names a mail token of another user, or of another purpose",
		"session s1: its user does not exist", "session s2: begun in an epoch that its user has not reached",
		"session t3: its user does not exist", "session t3: its version is below 1",
		"user bad: cannot be found by name", "user bad: metadata is not a JSON object", "user bad: the address is not canonical",
		"user worse: cannot be read",
	}, ttl...)
	slices.Sort(want)
	wantSame(t, "findings", found, want)
}

// TestVerifyFollowsManyReferences is about more than are looked up at once.
func TestVerifyFollowsManyReferences(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s, ctx := p.open(t, mongostore.Config{}), t.Context()
	u := newUser("a@example.com")
	records := []hub.Record{{User: &u}}
	for range 1100 {
		se := newSession(u)
		records = append(records, hub.Record{Session: &se})
	}
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
	before, err := s.Verify(ctx)
	must(t, "verify", err)
	sessions := p.client.Database(p.nameOf(s)).Collection("refresh_tokens")
	_, err = sessions.UpdateMany(ctx, bson.D{{Key: "sessionId", Value: bson.D{{Key: "$in", Value: []string{
		records[1].Session.ID, records[550].Session.ID, records[1100].Session.ID,
	}}}}}, bson.D{{Key: "$set", Value: bson.D{{Key: "userId", Value: "nobody"}}}})
	must(t, "update", err)
	after, err := s.Verify(ctx)
	must(t, "verify", err)
	if n := len(after) - len(before); n != 3 {
		t.Errorf("%d sessions without a user were found instead of 3: %v", n, after)
	}
}
