package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func userTests() []test {
	return []test{
		{"UsersRoundTrip", usersRoundTrip},
		{"TimesAreUTCCutToMilliseconds", timesAreCut},
		{"MetadataIsKeptAsItIs", metadataIsKept},
		{"TextsAreKeptAsTheyAre", textsAreKept},
		{"LongValuesAreNeverCut", longValuesAreNeverCut},
		{"AnAddedUserHasVersionOne", addedUserHasVersionOne},
		{"UpdateUserReplacesEveryField", updateUserReplaces},
		{"UpdateUserWantsTheStoredVersion", updateUserWantsVersion},
		{"UnknownUsersAreNotFound", unknownUsers},
		{"AnIDIsUsedOnce", idIsUsedOnce},
	}
}

func usersRoundTrip(t *testing.T, s hub.Store) {
	for name, u := range map[string]hub.User{
		"full": newUser("full@example.com", deletedAt(start())),
		"bare": bareUser("bare@example.com"),
	} {
		addUser(t, s, u)
		wantSame(t, name+" user by id", storedUser(t, s, u.ID), u)
		byEmail, err := s.UserByEmail(t.Context(), u.Email)
		must(t, "read user by e-mail", err)
		wantSame(t, name+" user by e-mail", byEmail, u)
	}
	for _, r := range hub.Roles() {
		u := addUser(t, s, newUser(r.String()+"@example.com", withRole(r)))
		if got := storedUser(t, s, u.ID).Role; got != r {
			t.Errorf("role %v came back as %v", r, got)
		}
	}
}

func timesAreCut(t *testing.T, s hub.Store) {
	zone := time.FixedZone("far east", 9*60*60)
	precise := time.Date(2026, 3, 29, 2, 30, 0, 123_999_999, zone) // within the hour that summer time leaves out
	kept := precise.UTC().Truncate(time.Millisecond)
	for _, at := range []time.Time{precise, time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 1, time.UTC)} {
		u := newUser(fmt.Sprint(at.Year())+"@example.com", addedAt(at), deletedAt(at))
		u.LastLoginAt, u.UpdatedAt, u.MailedAt = at, at, []time.Time{at}
		addUser(t, s, u)
		got, want := storedUser(t, s, u.ID), at.UTC().Truncate(time.Millisecond)
		for name, stored := range map[string]time.Time{
			"LastLoginAt": got.LastLoginAt, "CreatedAt": got.CreatedAt, "UpdatedAt": got.UpdatedAt, "DeletedAt": got.DeletedAt, "MailedAt": got.MailedAt[0],
		} {
			if stored != want { // not Equal: the location counts
				t.Errorf("%s: %v came back as %v, want %v", name, at, stored, want)
			}
		}
	}

	u := addUser(t, s, newUser("sessions@example.com"))
	se := addSession(t, s, newSession(u, func(se *hub.Session) {
		se.CreatedAt, se.LastUsedAt, se.ExpiresAt, se.EndedAt = precise, precise, precise, precise
		se.Token.IssuedAt, se.Token.ExpiresAt, se.Spent[0].SpentAt = precise, precise, precise
	}))
	got := storedSession(t, s, se.ID)
	for i, stored := range []time.Time{got.CreatedAt, got.LastUsedAt, got.ExpiresAt, got.EndedAt, got.Token.IssuedAt, got.Token.ExpiresAt, got.Spent[0].SpentAt} {
		if stored != kept {
			t.Errorf("time %d of a session came back as %v, want %v", i, stored, kept)
		}
	}
	if got := storedUser(t, s, u.ID).LastLoginAt; got != kept {
		t.Errorf("LastLoginAt is %v, want the session's start %v", got, kept)
	}
}

func metadataIsKept(t *testing.T, s hub.Store) {
	for name, metadata := range map[string]string{
		"empty":   `{}`,
		"order":   `{"z": 1, "a": 1.50, "m": {"$set": "a.b"}}`,
		"escapes": `{"a":"\u00fc\\\"'; DROP TABLE users; --"}`,
		"16 KiB":  `{"a":"` + strings.Repeat("ü", 8<<10) + `"}`,
	} {
		u := addUser(t, s, newUser(name, func(u *hub.User) { u.Metadata = []byte(metadata) }))
		if got := storedUser(t, s, u.ID).Metadata; string(got) != metadata {
			t.Errorf("%s: metadata of %d bytes came back as %d other bytes", name, len(metadata), len(got))
		}
	}
	u := addUser(t, s, newUser("none", func(u *hub.User) { u.Metadata = nil }))
	if got := storedUser(t, s, u.ID).Metadata; got != nil {
		t.Errorf("absent metadata came back as %q", got)
	}
	u.Metadata = []byte(`{}`)
	must(t, "update user", s.UpdateUser(t.Context(), u, newEvent(u.ID)))
	if got := storedUser(t, s, u.ID).Metadata; string(got) != `{}` {
		t.Errorf("empty metadata came back as %q", got)
	}
}

func textsAreKept(t *testing.T, s hub.Store) {
	for i, text := range []string{
		"Zoë", "Zoe\u0308", "ﬁ", "İI", "ß", "日本語", strings.Repeat("\U0001F600", 100), "' OR '1'='1", `\`, `\'; DROP TABLE users; -- `,
		"%", "_", "$where", "a.b", " spaced ", "trailing ", "\u202e", "\U0010FFFF", "NULL", "null", "0", "",
	} {
		u := addUser(t, s, newUser(fmt.Sprintf("%d@example.com", i), withName(text, text), func(u *hub.User) { u.Phone, u.KeptSession = text, text }))
		wantSame(t, fmt.Sprintf("texts %q", text), storedUser(t, s, u.ID), u)
	}
}

func longValuesAreNeverCut(t *testing.T, s hub.Store) {
	long := strings.Repeat("ä", 10_000)
	for name, change := range map[string]func(*hub.User){
		"first name": func(u *hub.User) { u.FirstName = long },
		"last name":  func(u *hub.User) { u.LastName = long },
		"e-mail":     func(u *hub.User) { u.Email = long },
		"hash":       func(u *hub.User) { u.PasswordHash = hub.NewSecret(long) },
		"phone":      func(u *hub.User) { u.Phone = long },
		"avatar":     func(u *hub.User) { u.Avatar = long },
		"timezone":   func(u *hub.User) { u.Timezone = long },
		"locale":     func(u *hub.User) { u.Locale = long },
	} {
		u := newUser(name+"@example.com", change)
		if err := s.AddUser(t.Context(), u, newEvent(u.ID)); err == nil {
			wantSame(t, "user with a long "+name, storedUser(t, s, u.ID), u)
		}
	}
	u := addUser(t, s, newUser("a@example.com"))
	se := newSession(u, func(se *hub.Session) { se.UserAgent = long })
	if err := s.AddSession(t.Context(), se, newEvent(u.ID)); err == nil {
		wantSame(t, "session with a long user agent", storedSession(t, s, se.ID), se)
	}
	e := newEvent(u.ID)
	e.ID, e.UserAgent = hub.NewID(), long
	if err := s.AddEvent(t.Context(), e); err == nil {
		events, err := s.Events(t.Context(), hub.EventQuery{UserID: e.ActorID, Limit: 1})
		must(t, "list events", err)
		wantSame(t, "event with a long user agent", events, []hub.Event{e})
	}
}

func addedUserHasVersionOne(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com", func(u *hub.User) { u.Version = 0 }))
	if got := storedUser(t, s, u.ID).Version; got != 1 {
		t.Errorf("version %d, want 1", got)
	}
}

func updateUserReplaces(t *testing.T, s hub.Store) {
	u := addUser(t, s, bareUser("bare@example.com"))
	for _, next := range []hub.User{newUser("full@example.com", deletedAt(start())), bareUser("bare@example.com")} {
		next.ID, next.Version = u.ID, storedUser(t, s, u.ID).Version
		must(t, "update user", s.UpdateUser(t.Context(), next, newEvent(u.ID)))
		next.Version++
		wantSame(t, "updated user", storedUser(t, s, u.ID), next)
	}
}

func updateUserWantsVersion(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	before := storedUser(t, s, u.ID)
	for _, version := range []int64{0, 2, -1} {
		stale := newUser("b@example.com")
		stale.ID, stale.Version = u.ID, version
		wantError(t, fmt.Sprintf("update of version %d", version), s.UpdateUser(t.Context(), stale, newEvent(u.ID)), hub.ErrConflict)
	}
	wantSame(t, "user after stale updates", storedUser(t, s, u.ID), before)

	wantError(t, "update of an unknown user", s.UpdateUser(t.Context(), newUser("c@example.com"), newEvent("")), hub.ErrConflict)
	if _, err := s.UserByEmail(t.Context(), "c@example.com"); err == nil {
		t.Error("an update added a user")
	}
}

func unknownUsers(t *testing.T, s hub.Store) {
	addUser(t, s, newUser("a@example.com"))
	for _, key := range []string{hub.NewID(), "", "%", "' OR 1=1", "a@example.co"} {
		_, err := s.UserByID(t.Context(), key)
		wantError(t, "UserByID", err, hub.ErrNotFound)
		_, err = s.UserByEmail(t.Context(), key)
		wantError(t, "UserByEmail", err, hub.ErrNotFound)
	}
}

func idIsUsedOnce(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	other := newUser("b@example.com")
	other.ID = u.ID
	if err := s.AddUser(t.Context(), other, newEvent(u.ID)); err == nil {
		t.Error("a second user has the id of the first")
	}
	wantSame(t, "the first user", storedUser(t, s, u.ID), u)
}
