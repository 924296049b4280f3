package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func sessionTests() []test {
	return []test{
		{"SessionsRoundTrip", sessionsRoundTrip},
		{"UpdateSessionReplacesEveryField", updateSessionReplaces},
		{"UpdateSessionWantsTheStoredVersion", updateSessionWantsVersion},
		{"SessionsBeginOnlyInThePresentEpoch", sessionsBeginInEpoch},
		{"ASessionSetsTheLastLogin", sessionSetsLastLogin},
		{"AnOldCopyDoesNotUndoALogin", oldCopyDoesNotUndoLogin},
		{"SessionsByUser", sessionsByUser},
		{"UnknownSessionsAreNotFound", unknownSessions},
	}
}

func sessionsRoundTrip(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	addUser(t, s, newUser("b@example.com"))
	for name, se := range map[string]hub.Session{
		"full":  newSession(u, func(se *hub.Session) { se.EndedAt = start().Add(time.Minute) }),
		"bare":  {ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch, Token: newToken(start()), CreatedAt: start(), ExpiresAt: start(), Version: 1},
		"unset": newSession(u, func(se *hub.Session) { se.Version = 0 }),
	} {
		addSession(t, s, se)
		stored, owner, err := s.SessionWithUser(t.Context(), se.ID)
		must(t, "read session", err)
		se.Version = 1
		wantSame(t, name+" session", stored, se)
		wantSame(t, "its user", owner, storedUser(t, s, u.ID))
	}
}

func updateSessionReplaces(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	se := addSession(t, s, newSession(u))
	for version, next := range []hub.Session{
		newSession(u, func(se *hub.Session) { se.Epoch, se.EndedAt, se.IP = 99, start(), "other" }),
		{UserID: u.ID, Token: newToken(start()), CreatedAt: start().Add(time.Hour), ExpiresAt: start()},
	} {
		next.ID, next.Version = se.ID, int64(version+1)
		must(t, "update session", s.UpdateSession(t.Context(), next, newEvent(u.ID)))
		next.Version++
		wantSame(t, "updated session", storedSession(t, s, se.ID), next)
	}
}

func updateSessionWantsVersion(t *testing.T, s hub.Store) {
	se := addSession(t, s, newSession(addUser(t, s, newUser("a@example.com"))))
	before := storedSession(t, s, se.ID)
	for _, version := range []int64{0, 2, -1} {
		stale := se
		stale.Version = version
		stale.End(start())
		wantError(t, "stale update", s.UpdateSession(t.Context(), stale, newEvent("")), hub.ErrConflict)
	}
	wantSame(t, "session after stale updates", storedSession(t, s, se.ID), before)
	unknown := se
	unknown.ID = hub.NewID()
	wantError(t, "update of an unknown session", s.UpdateSession(t.Context(), unknown, newEvent("")), hub.ErrConflict)
}

func sessionsBeginInEpoch(t *testing.T, s hub.Store) {
	ctx := t.Context()
	for name, change := range map[string]func(*hub.User){
		"all sessions ended":      func(u *hub.User) { u.EndSessions("") },
		"other sessions ended":    func(u *hub.User) { u.EndSessions("kept") },
		"deactivated":             inactive,
		"deleted":                 deletedAt(start()),
		"deactivated, then ended": func(u *hub.User) { u.IsActive = false; u.EndSessions("") },
	} {
		u := addUser(t, s, newUser(name+"@example.com"))
		login := newSession(u)
		change(&u)
		must(t, "update user", s.UpdateUser(ctx, u, newEvent(u.ID)))
		before, refused := storedUser(t, s, u.ID), newEvent(u.ID)
		wantError(t, name, s.AddSession(ctx, login, refused), hub.ErrConflict)
		_, _, err := s.SessionWithUser(ctx, login.ID)
		wantError(t, name+": the refused session", err, hub.ErrNotFound)
		wantSame(t, name+": the user", storedUser(t, s, u.ID), before)
		if hasEvent(t, s, refused) {
			t.Errorf("%s: a refused session left its event", name)
		}
	}
	nobody := newUser("nobody@example.com")
	wantError(t, "session of nobody", s.AddSession(ctx, newSession(nobody), newEvent("")), hub.ErrConflict)
}

func sessionSetsLastLogin(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	login := start().Add(5 * time.Second)
	addSession(t, s, newSession(u, func(se *hub.Session) { se.CreatedAt = login }))
	want := u
	want.LastLoginAt = login
	got := storedUser(t, s, u.ID)
	want.Version = got.Version // whether a login raises it is the store's affair
	wantSame(t, "user after a login", got, want)
}

func oldCopyDoesNotUndoLogin(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	login := start().Add(5 * time.Second)
	addSession(t, s, newSession(u, func(se *hub.Session) { se.CreatedAt = login }))
	u.FirstName = "Grace"
	if err := s.UpdateUser(t.Context(), u, newEvent(u.ID)); err != nil {
		wantError(t, "update of a copy from before the login", err, hub.ErrConflict)
	}
	if got := storedUser(t, s, u.ID).LastLoginAt; !got.Equal(login) {
		t.Errorf("the last login is %v, want %v", got, login)
	}
}

func sessionsByUser(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	u, other := addUser(t, s, newUser("a@example.com")), addUser(t, s, newUser("b@example.com"))
	begun := func(seconds int) func(*hub.Session) {
		return func(se *hub.Session) { se.CreatedAt = now.Add(time.Duration(seconds) * time.Second) }
	}
	var want []string
	for _, seconds := range []int{3, 1, 2, 2, 0} {
		want = append(want, addSession(t, s, newSession(u, begun(seconds))).ID)
	}
	slices.Sort(want[2:4]) // begun at the same moment: the greater id first
	want = []string{want[0], want[3], want[2], want[1], want[4]}
	addSession(t, s, newSession(u, func(se *hub.Session) { se.EndedAt = now }))
	addSession(t, s, newSession(u, func(se *hub.Session) { se.ExpiresAt = now }))
	addSession(t, s, newSession(u, func(se *hub.Session) { se.Token.ExpiresAt = now }))
	addSession(t, s, newSession(other))
	last := addSession(t, s, newSession(u, begun(-1), func(se *hub.Session) {
		se.ExpiresAt, se.Token.ExpiresAt = now.Add(time.Millisecond), now.Add(time.Millisecond)
	}))
	want = append(want, last.ID)
	ended := storedUser(t, s, u.ID)
	ended.EndSessions("") // those of an earlier epoch are listed all the same
	must(t, "update user", s.UpdateUser(ctx, ended, newEvent(u.ID)))

	for _, limit := range []int{0, 1, 3, len(want), 100} {
		sessions, err := s.SessionsByUser(ctx, u.ID, now, limit)
		must(t, "list sessions", err)
		var got []string
		for _, se := range sessions {
			got = append(got, se.ID)
			wantSame(t, "listed session", se, storedSession(t, s, se.ID))
		}
		wantSame(t, "sessions, newest first", got, want[:min(limit, len(want))])
	}
	sessions, err := s.SessionsByUser(ctx, hub.NewID(), now, 10)
	must(t, "list sessions of nobody", err)
	if len(sessions) != 0 {
		t.Errorf("nobody has %d sessions", len(sessions))
	}
}

func unknownSessions(t *testing.T, s hub.Store) {
	addSession(t, s, newSession(addUser(t, s, newUser("a@example.com"))))
	for _, id := range []string{hub.NewID(), "", "%"} {
		_, _, err := s.SessionWithUser(t.Context(), id)
		wantError(t, "SessionWithUser", err, hub.ErrNotFound)
	}
}
