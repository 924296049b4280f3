package mongostore_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/testdb"
)

// empty returns a database in which there is nothing, dropped after the test.
func empty(t *testing.T) (mongostore.Config, *mongo.Database) {
	t.Helper()
	url, name := testdb.MongoDB(t)
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	must(t, "connect", err)
	db := client.Database(name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		must(t, "drop", db.Drop(ctx))
		must(t, "disconnect", client.Disconnect(ctx))
	})
	return mongostore.Config{URL: hub.NewSecret(url), Database: name}, db
}

func TestOpenRefusesOtherSchemas(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	ctx := t.Context()
	refused := func(want string) {
		t.Helper()
		if s, err := mongostore.Open(ctx, c); err == nil {
			_ = s.Close()
			t.Errorf("opened, want an error about %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	refused("migrate it first")
	for _, want := range []mongostore.Migration{{From: 0, To: 2}, {From: 2, To: 2}} {
		if m, err := mongostore.Migrate(ctx, c); err != nil || m != want {
			t.Errorf("migrated %+v, %v, want %+v", m, err, want)
		}
	}
	open(t, c)

	users := db.Collection("users").Indexes()
	must(t, "drop index", users.DropOne(ctx, "users_email_unique"))
	refused("users_email_unique")
	_, err := users.CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetName("users_email_unique")})
	must(t, "create index", err)
	refused("users_email_unique")

	_, err = db.Collection("meta").UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 99}}}})
	must(t, "set version", err)
	refused("use a newer program")
	c.Migrate = true
	refused("use a newer program")
}

func TestMigrateNamesUsersWithOneAddress(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	for id, email := range map[string]string{"id-one": "Ada@example.com", "id-two": "ada@Example.com", "id-three": "eva@example.com"} {
		_, err := db.Collection("users").InsertOne(t.Context(), bson.D{{Key: "userId", Value: id}, {Key: "email", Value: email}, {Key: "role", Value: "user"}})
		must(t, "insert", err)
	}
	_, err := mongostore.Migrate(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "id-one") || !strings.Contains(err.Error(), "id-two") ||
		strings.Contains(err.Error(), "id-three") || strings.Contains(strings.ToLower(err.Error()), "ada@") {
		t.Errorf("error %v, want one that names both ids and no address", err)
	}
}

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

// insertLegacy inserts a user with a refresh token and a verification token as the original system writes them.
func insertLegacy(t *testing.T, db *mongo.Database, id, email string) {
	t.Helper()
	ctx := t.Context()
	_, err := db.Collection("users").InsertOne(ctx, bson.D{
		{Key: "userId", Value: id},
		{Key: "email", Value: email},
		{Key: "passwordHash", Value: "$2b$12$x"},
		{Key: "firstName", Value: "Ada"},
		{Key: "lastName", Value: "Lovelace"},
		{Key: "role", Value: "admin"},
		{Key: "isActive", Value: true},
		{Key: "isEmailVerified", Value: true},
		{Key: "phone", Value: nil},
		{Key: "createdAt", Value: "2025-01-02T03:04:05.678901"},
		{Key: "updatedAt", Value: start()},
		{Key: "deletedAt", Value: nil},
		{Key: "metadata", Value: bson.D{{Key: "n", Value: 1}, {Key: "list", Value: bson.A{"a", 1.5, nil}}}},
	})
	must(t, "insert user", err)
	_, err = db.Collection("refresh_tokens").InsertOne(ctx, bson.D{
		{Key: "tokenId", Value: "rt-" + id},
		{Key: "userId", Value: id},
		{Key: "token", Value: jwt},
		{Key: "expiresAt", Value: time.Now().Add(time.Hour)},
		{Key: "isRevoked", Value: true},
		{Key: "createdAt", Value: start()},
		{Key: "lastUsedAt", Value: start().Add(time.Minute)},
	})
	must(t, "insert refresh token", err)
	_, err = db.Collection("verification_tokens").InsertOne(ctx, bson.D{
		{Key: "tokenId", Value: "vt-" + id},
		{Key: "userId", Value: id},
		{Key: "email", Value: email},
		{Key: "token", Value: jwt},
		{Key: "tokenType", Value: "password_reset"},
		{Key: "expiresAt", Value: time.Now().Add(time.Hour)},
		{Key: "isUsed", Value: true},
		{Key: "createdAt", Value: start()},
	})
	must(t, "insert verification token", err)
}

// wantLegacy reads what insertLegacy inserted.
func wantLegacy(t *testing.T, s *mongostore.Store, id, email string, version int64) {
	t.Helper()
	ctx := t.Context()
	u, err := s.UserByEmail(ctx, email)
	must(t, "read user", err)
	wantSame(t, "user", u, hub.User{
		ID: id, Email: email, PasswordHash: hub.NewSecret("$2b$12$x"), FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleAdmin,
		IsActive: true, IsEmailVerified: true, CreatedAt: time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.UTC), UpdatedAt: start(),
		Metadata: []byte(`{"n":1,"list":["a",1.5,null]}`), Version: version,
	})
	hash := hub.LockoutKey(jwt) // SHA-256 in hexadecimal
	se, owner, err := s.SessionWithUser(ctx, "rt-"+id)
	must(t, "read session", err)
	expires := se.ExpiresAt
	wantSame(t, "session", se, hub.Session{
		ID: "rt-" + id, UserID: id, Token: hub.RefreshToken{ID: "rt-" + id, Hash: hash, IssuedAt: start(), ExpiresAt: expires},
		CreatedAt: start(), LastUsedAt: start().Add(time.Minute), ExpiresAt: expires, EndedAt: start().Add(time.Minute), Version: version,
	})
	wantSame(t, "its user", owner, u)
	m, err := s.MailTokenByID(ctx, "vt-"+id)
	must(t, "read mail token", err)
	if m.Hash != hash || m.Purpose != hub.PurposeReset || !m.UsedAt.Equal(start()) {
		t.Errorf("mail token %+v", m)
	}
}

func TestLegacyDocumentsAreAdopted(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	ctx := t.Context()
	insertLegacy(t, db, "one", "Ada@Example.com")
	for collection, field := range map[string]string{"users": "email", "refresh_tokens": "expiresAt"} { // as the original system made them
		_, err := db.Collection(collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: field, Value: 1}}, Options: options.Index().SetName(field + "_1")})
		must(t, "create index", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := mongostore.Migrate(ctx, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := open(t, c)
	wantLegacy(t, s, "one", "ada@example.com", 1)
	page, err := s.Users(ctx, hub.UserQuery{Search: "ada love", Limit: 1})
	must(t, "search", err)
	if page.Total != 1 {
		t.Errorf("the search finds %d", page.Total)
	}
	raw, err := db.Collection("refresh_tokens").FindOne(ctx, bson.D{{Key: "sessionId", Value: "rt-one"}}).Raw()
	must(t, "read", err)
	if strings.Contains(raw.String(), jwt) {
		t.Error("the raw token is still stored")
	}
	if found, err := s.Verify(ctx); err != nil || len(found) != 0 {
		t.Errorf("verify finds %q, %v", found, err)
	}
}

// TestLegacyDocumentsAreReadAsTheyAre has the original system write while ours runs.
func TestLegacyDocumentsAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s := p.open(t, mongostore.Config{})
	db := p.client.Database(p.nameOf(s))
	ctx := t.Context()
	insertLegacy(t, db, "one", "one@example.com")
	insertLegacy(t, db, "two", "two@example.com")
	wantLegacy(t, s, "one", "one@example.com", 0)
	wantLegacy(t, s, "two", "two@example.com", 0)

	se, u, err := s.SessionWithUser(ctx, "rt-one")
	must(t, "read session", err)
	must(t, "update session", s.UpdateSession(ctx, se, newEvent("")))
	wantError(t, "update session again", s.UpdateSession(ctx, se, newEvent("")), hub.ErrConflict)
	must(t, "add session", s.AddSession(ctx, newSession(u), newEvent("")))
	wantError(t, "update of the user before the login", s.UpdateUser(ctx, u, newEvent("")), hub.ErrConflict)

	two, err := s.UserByID(ctx, "two")
	must(t, "read user", err)
	must(t, "update user", s.UpdateUser(ctx, two, newEvent("")))
	wantError(t, "update user again", s.UpdateUser(ctx, two, newEvent("")), hub.ErrConflict)
	must(t, "purge", s.PurgeUser(ctx, "two", 1, newEvent("")))
}

// TestAListOfSpentTokensIsNotRead has a session as they were before spent tokens were packed.
func TestAListOfSpentTokensIsNotRead(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	insertLegacy(t, db, "one", "ada@example.com")
	spent := bson.A{bson.D{{Key: "tokenId", Value: "a"}, {Key: "token", Value: "b"}, {Key: "spentAt", Value: start()}}}
	_, err := db.Collection("refresh_tokens").UpdateOne(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "spent", Value: spent}}}})
	must(t, "set spent tokens", err)
	c.Migrate = true
	wantLegacy(t, open(t, c), "one", "ada@example.com", 1)
}
