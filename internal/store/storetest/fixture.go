package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub"
)

// start is the time at which tests begin, with as many digits as a store keeps.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }

// newUser returns a user with the given address in which every field is set, changed by change.
func newUser(email string, change ...func(*hub.User)) hub.User {
	u := hub.User{
		ID: hub.NewID(), Email: email, PasswordHash: hub.NewSecret("$2a$12$" + email),
		FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleUser, IsActive: true, IsEmailVerified: true,
		Phone: "+4930123456", Avatar: "https://example.com/a.png", Timezone: "Europe/Berlin", Locale: "de-DE",
		Metadata:    []byte(`{"b": 1, "a": [true, null, "ü"]}`),
		LastLoginAt: start().Add(-time.Minute), CreatedAt: start().Add(-time.Hour), UpdatedAt: start().Add(-time.Second),
		SessionEpoch: 7, KeptSession: hub.NewID(),
		MailTokens: hub.MailTokenIDs{Verification: hub.NewID(), Reset: hub.NewID(), EmailChange: hub.NewID()},
		MailedAt:   []time.Time{start().Add(-2 * time.Minute), start().Add(-time.Minute)},
		Version:    1,
	}
	for _, c := range change {
		c(&u)
	}
	return u
}

// bareUser returns a user in which nothing is set that may be absent.
func bareUser(email string) hub.User {
	return hub.User{
		ID: hub.NewID(), Email: email, PasswordHash: hub.NewSecret("hash"), FirstName: "A", LastName: "B",
		Role: hub.RoleGuest, CreatedAt: start(), UpdatedAt: start(), Version: 1,
	}
}

func withRole(r hub.Role) func(*hub.User) { return func(u *hub.User) { u.Role = r } }
func withName(first, last string) func(*hub.User) {
	return func(u *hub.User) { u.FirstName, u.LastName = first, last }
}
func addedAt(at time.Time) func(*hub.User)   { return func(u *hub.User) { u.CreatedAt = at } }
func deletedAt(at time.Time) func(*hub.User) { return func(u *hub.User) { u.DeletedAt = at } }
func inactive(u *hub.User)                   { u.IsActive = false }
func unverified(u *hub.User)                 { u.IsEmailVerified = false }

// newToken returns a refresh token in which every field is set.
func newToken(expires time.Time) hub.RefreshToken {
	return hub.RefreshToken{ID: hub.NewID(), Hash: hub.LockoutKey(hub.NewID()), IssuedAt: start(), ExpiresAt: expires}
}

// newSession returns a live session of u in which every field is set but EndedAt.
func newSession(u hub.User, change ...func(*hub.Session)) hub.Session {
	se := hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, Token: newToken(start().Add(24 * time.Hour)),
		CreatedAt: start(), LastUsedAt: start().Add(time.Second), ExpiresAt: start().Add(30 * 24 * time.Hour),
		IP: "2001:db8::1", UserAgent: "Mozilla/5.0 (é)", Version: 1,
	}
	for range 2 {
		se.Spent = append(se.Spent, hub.SpentToken{RefreshToken: newToken(start().Add(time.Hour)), SpentAt: start()})
	}
	for _, c := range change {
		c(&se)
	}
	return se
}

// newMailToken returns an unused mail token of u.
func newMailToken(u hub.User) hub.MailToken {
	return hub.MailToken{
		ID: hub.NewID(), UserID: u.ID, Email: u.Email, Purpose: hub.PurposeReset, Hash: hub.LockoutKey(hub.NewID()),
		CreatedAt: start(), ExpiresAt: start().Add(time.Hour),
	}
}

// newMail returns a queued mail in which every field is set.
func newMail(userID string) hub.Mail {
	m := hub.NewMail(hub.MailReset, userID, "ada@example.com", start())
	m.Attempts, m.LastError, m.UpdatedAt = 3, "421 try later", start().Add(time.Second)
	return m
}

// newEvent returns an event about the user with that id in which every field is set.
func newEvent(targetID string) hub.Event {
	return hub.Event{
		ID: hub.NewID(), Kind: hub.EventUserUpdated, At: start(), ActorID: hub.NewID(), TargetID: targetID, SessionID: hub.NewID(),
		EmailKey: hub.LockoutKey("ada@example.com"), IP: "192.0.2.1", UserAgent: "curl", RequestID: "r-1",
		Detail: map[string]string{"from": "user", "to": "ädmin"},
	}
}

// must ends the test if err is not nil.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// wantError reports an error that is not want.
func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// wantSame reports a difference. Absent slices and maps may be nil or empty.
func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	secrets := cmp.Comparer(func(a, b hub.Secret) bool { return a.Reveal() == b.Reveal() })
	if diff := cmp.Diff(want, got, secrets, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// addUser adds the user, with a session epoch that is the stored one.
func addUser(t *testing.T, s hub.Store, u hub.User) hub.User {
	t.Helper()
	must(t, "add user", s.AddUser(t.Context(), u, newEvent(u.ID)))
	return u
}

// addSession adds the session.
func addSession(t *testing.T, s hub.Store, se hub.Session) hub.Session {
	t.Helper()
	must(t, "add session", s.AddSession(t.Context(), se, newEvent(se.UserID)))
	return se
}

// addMailToken adds a new mail token of u.
func addMailToken(t *testing.T, s hub.Store, u hub.User) hub.MailToken {
	t.Helper()
	m := newMailToken(u)
	must(t, "add mail token", s.AddMailToken(t.Context(), m))
	return m
}

// storedUser returns the user as stored.
func storedUser(t *testing.T, s hub.Store, id string) hub.User {
	t.Helper()
	u, err := s.UserByID(t.Context(), id)
	must(t, "read user", err)
	return u
}

// storedSession returns the session as stored.
func storedSession(t *testing.T, s hub.Store, id string) hub.Session {
	t.Helper()
	se, _, err := s.SessionWithUser(t.Context(), id)
	must(t, "read session", err)
	return se
}

// hasEvent reports whether the event is stored.
func hasEvent(t *testing.T, s hub.Store, e hub.Event) bool {
	t.Helper()
	events, err := s.Events(t.Context(), hub.EventQuery{UserID: e.TargetID, Limit: 1000})
	must(t, "list events", err)
	for _, stored := range events {
		if stored.ID == e.ID {
			return true
		}
	}
	return false
}

// hasMail reports whether the mail is queued.
func hasMail(t *testing.T, s hub.Store, id string) bool {
	t.Helper()
	mails, err := s.DueMails(t.Context(), start().Add(1000*time.Hour), 1000)
	must(t, "list due mails", err)
	for _, m := range mails {
		if m.ID == id {
			return true
		}
	}
	return false
}

// ids returns the ids of users.
func ids(users []hub.User) []string {
	all := make([]string, len(users))
	for i, u := range users {
		all[i] = u.ID
	}
	return all
}
