package storetest

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func purgeTests() []test {
	return []test{
		{"PurgeableUsersByClock", purgeableByClock},
		{"PurgeForgetsAllButEvents", purgeForgets},
		{"PurgeWantsTheStoredVersion", purgeWantsVersion},
	}
}

func purgeableByClock(t *testing.T, s hub.Store) {
	now := start()
	before := now.Add(-time.Millisecond)
	deleted := addUser(t, s, newUser("deleted@example.com", addedAt(before), deletedAt(before)))
	addUser(t, s, newUser("deleted-now@example.com", deletedAt(now)))
	guest := addUser(t, s, newUser("guest@example.com", withRole(hub.RoleGuest), unverified, addedAt(before)))
	user := addUser(t, s, newUser("user@example.com", unverified, inactive, addedAt(before.Add(-time.Hour))))
	addUser(t, s, newUser("new@example.com", unverified, addedAt(now)))
	addUser(t, s, newUser("verified@example.com", addedAt(before)))
	for _, r := range []hub.Role{hub.RoleModerator, hub.RoleAdmin, hub.RoleSuperAdmin} {
		addUser(t, s, newUser(r.String()+"@example.com", withRole(r), unverified, addedAt(before)))
	}
	restorable := newUser("restorable@example.com", unverified, addedAt(before), deletedAt(now))
	addUser(t, s, restorable)

	for _, tt := range []struct {
		name                            string
		deletedBefore, unverifiedBefore time.Time
		limit                           int
		want                            []hub.User
	}{
		{"both", now, now, 10, []hub.User{deleted, user, guest}},
		{"deleted", now, time.Time{}, 10, []hub.User{deleted}},
		{"unverified", time.Time{}, now, 10, []hub.User{user, guest}},
		{"none", time.Time{}, time.Time{}, 10, nil},
		{"too early", before, before.Add(-time.Hour), 10, nil},
		{"none wanted", now, now, 0, nil},
	} {
		got, err := s.PurgeableUsers(t.Context(), tt.deletedBefore, tt.unverifiedBefore, tt.limit)
		must(t, "list purgeable users", err)
		byID := make(map[string]hub.User)
		for _, u := range tt.want {
			byID[u.ID] = u
		}
		gotByID := make(map[string]hub.User)
		for _, u := range got {
			gotByID[u.ID] = u
		}
		wantSame(t, tt.name, gotByID, byID)
	}
	for limit := range 4 {
		got, err := s.PurgeableUsers(t.Context(), now, now, limit)
		must(t, "list purgeable users", err)
		if len(got) != limit {
			t.Errorf("%d users, want %d", len(got), limit)
		}
	}
}

func purgeForgets(t *testing.T, s hub.Store) {
	ctx := t.Context()
	gone, stays := newUser("gone@example.com"), newUser("stays@example.com")
	type belongings struct {
		session   hub.Session
		token     hub.MailToken
		mail      hub.Mail
		anonymous hub.Mail // queued for the address, by somebody who may not learn whose it is
	}
	give := func(u hub.User) belongings {
		addUser(t, s, u)
		b := belongings{addSession(t, s, newSession(u)), addMailToken(t, s, u), newMail(u.ID), newMail("")}
		b.anonymous.To = u.Email
		must(t, "add mail", s.AddMail(ctx, b.mail, newEvent(u.ID)))
		must(t, "add mail", s.AddMail(ctx, b.anonymous, newEvent(u.ID)))
		return b
	}
	lost, kept := give(gone), give(stays)
	before, err := s.Events(ctx, hub.EventQuery{UserID: gone.ID, Limit: 100})
	must(t, "list events", err)

	purged := newEvent(gone.ID)
	must(t, "purge user", s.PurgeUser(ctx, gone.ID, storedUser(t, s, gone.ID).Version, purged))

	_, err = s.UserByID(ctx, gone.ID)
	wantError(t, "read the user", err, hub.ErrNotFound)
	_, err = s.UserByEmail(ctx, gone.Email)
	wantError(t, "read the user by e-mail", err, hub.ErrNotFound)
	_, _, err = s.SessionWithUser(ctx, lost.session.ID)
	wantError(t, "read the session", err, hub.ErrNotFound)
	_, err = s.MailTokenByID(ctx, lost.token.ID)
	wantError(t, "read the mail token", err, hub.ErrNotFound)
	wantError(t, "update the session", s.UpdateSession(ctx, lost.session, newEvent("")), hub.ErrConflict)
	if hasMail(t, s, lost.mail.ID) || hasMail(t, s, lost.anonymous.ID) {
		t.Error("a mail of the user is still queued")
	}
	after, err := s.Events(ctx, hub.EventQuery{UserID: gone.ID, Limit: 100})
	must(t, "list events", err)
	if len(after) != len(before)+1 || !hasEvent(t, s, purged) {
		t.Errorf("%d events about the user, want the %d from before and the purge", len(after), len(before))
	}

	storedSession(t, s, kept.session.ID)
	_, err = s.MailTokenByID(ctx, kept.token.ID)
	must(t, "read another's mail token", err)
	if !hasMail(t, s, kept.mail.ID) || !hasMail(t, s, kept.anonymous.ID) {
		t.Error("another's mail is gone")
	}
	wantError(t, "add a mail token for nobody", s.AddMailToken(ctx, newMailToken(gone)), hub.ErrConflict)
}

func purgeWantsVersion(t *testing.T, s hub.Store) {
	ctx := t.Context()
	u := addUser(t, s, newUser("a@example.com"))
	se := addSession(t, s, newSession(u))
	m := newMail(u.ID)
	must(t, "add mail", s.AddMail(ctx, m, newEvent("")))
	stored := storedUser(t, s, u.ID)

	refused := newEvent(u.ID)
	wantError(t, "purge another version", s.PurgeUser(ctx, u.ID, stored.Version-1, refused), hub.ErrConflict)
	wantError(t, "purge nobody", s.PurgeUser(ctx, hub.NewID(), 1, refused), hub.ErrConflict)
	wantSame(t, "the user", storedUser(t, s, u.ID), stored)
	storedSession(t, s, se.ID)
	if !hasMail(t, s, m.ID) || hasEvent(t, s, refused) {
		t.Error("a refused purge left traces")
	}
	must(t, "purge", s.PurgeUser(ctx, u.ID, stored.Version, refused))
}
