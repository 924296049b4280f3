package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func statsTests() []test {
	return []test{{"StatsCount", statsCount}}
}

func statsCount(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	stats, err := s.Stats(ctx, now)
	must(t, "stats of an empty store", err)
	wantSame(t, "stats of an empty store", stats, hub.Stats{})

	u := addUser(t, s, newUser("1@example.com"))
	addUser(t, s, newUser("2@example.com", inactive))
	addUser(t, s, newUser("3@example.com", inactive, unverified))
	addUser(t, s, newUser("4@example.com", withRole(hub.RoleSuperAdmin), unverified))
	addUser(t, s, newUser("5@example.com", deletedAt(now)))
	addUser(t, s, newUser("6@example.com", withRole(hub.RoleAdmin), deletedAt(now)))
	for _, change := range []func(*hub.Session){
		func(*hub.Session) {},
		func(se *hub.Session) { se.ExpiresAt = now.Add(time.Millisecond) },
		func(se *hub.Session) { se.ExpiresAt = now },
		func(se *hub.Session) { se.Token.ExpiresAt = now },
		func(se *hub.Session) { se.End(now) },
	} {
		addSession(t, s, newSession(u, change))
	}
	for i, state := range []hub.MailState{hub.MailQueued, hub.MailQueued, hub.MailSent, hub.MailDead} {
		m := newMail("")
		m.State, m.Attempts = state, i
		must(t, "add mail", s.AddMail(ctx, m, newEvent("")))
	}

	stats, err = s.Stats(ctx, now)
	must(t, "stats", err)
	slices.SortFunc(stats.Users, func(a, b hub.UserCount) int { return int(a.Role) - int(b.Role) })
	wantSame(t, "stats", stats, hub.Stats{
		Users:   []hub.UserCount{{Role: hub.RoleUser, Active: 1, Inactive: 2, Verified: 2}, {Role: hub.RoleSuperAdmin, Active: 1}},
		Deleted: 2, Sessions: 2,
		Mails: map[hub.MailState]int{hub.MailQueued: 2, hub.MailSent: 1, hub.MailDead: 1},
	})
}
