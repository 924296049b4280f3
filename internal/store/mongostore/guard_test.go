package mongostore_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

// holdLease writes the lease as a process would that is about to change that version of the user.
func holdLease(t *testing.T, db *mongo.Database, u hub.User, until time.Time) {
	t.Helper()
	_, err := db.Collection("meta").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "guards"}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "holder", Value: hub.NewID()}, {Key: "userId", Value: u.ID}, {Key: "version", Value: u.Version}, {Key: "until", Value: until},
	}}})
	must(t, "hold the lease", err)
}

func addAdmins(t *testing.T, s *mongostore.Store, n int) []hub.User {
	t.Helper()
	admins := make([]hub.User, n)
	for i := range admins {
		admins[i] = newUser(hub.NewID() + "@example.com")
		admins[i].Role = hub.RoleSuperAdmin
		must(t, "add user", s.AddUser(t.Context(), admins[i], newEvent("")))
	}
	return admins
}

func TestAnExpiredLeaseIsTakenAndItsHolderFenced(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s := p.open(t, mongostore.Config{})
	db := p.client.Database(p.nameOf(s))
	admins := addAdmins(t, s, 3)
	holdLease(t, db, admins[0], time.Now().Add(-time.Millisecond))

	demoted := admins[1]
	demoted.Role = hub.RoleUser
	must(t, "demote", s.UpdateUser(t.Context(), demoted, newEvent("")))
	target, err := s.UserByID(t.Context(), admins[0].ID)
	must(t, "read", err)
	if target.Version != 2 || !target.GuardsSystem() {
		t.Errorf("the former holder's target has version %d: its write would still match", target.Version)
	}
	late := admins[0]
	late.Role = hub.RoleUser
	wantError(t, "the former holder's write", s.UpdateUser(t.Context(), late, newEvent("")), hub.ErrConflict)
	late.Version = 2
	must(t, "the next try", s.UpdateUser(t.Context(), late, newEvent("")))
	last := admins[2]
	last.IsActive = false
	wantError(t, "the last one", s.UpdateUser(t.Context(), last, newEvent("")), hub.ErrLastSuperAdmin)
}

func TestALeaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s := p.open(t, mongostore.Config{})
	db := p.client.Database(p.nameOf(s))
	admins := addAdmins(t, s, 3)
	holdLease(t, db, admins[0], time.Now().Add(time.Hour))

	demoted := admins[1]
	demoted.Role = hub.RoleUser
	hasty, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, "while it is held", s.UpdateUser(hasty, demoted, newEvent("")), hub.ErrUnavailable)

	other := newUser("a@example.com")
	must(t, "others need no lease", s.AddUser(t.Context(), other, newEvent("")))
	must(t, "others need no lease", s.UpdateUser(t.Context(), other, newEvent("")))
	admins[2].FirstName = "Grace"
	must(t, "nor does who stays", s.UpdateUser(t.Context(), admins[2], newEvent("")))

	holdLease(t, db, admins[0], time.Now().Add(100*time.Millisecond))
	must(t, "when its time is over", s.UpdateUser(t.Context(), demoted, newEvent("")))
	_, err := db.Collection("meta").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "guards"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: ""}}}})
	must(t, "release", err)
}
