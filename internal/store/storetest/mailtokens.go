package storetest

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func mailTokenTests() []test {
	return []test{
		{"MailTokensRoundTrip", mailTokensRoundTrip},
		{"SpendingChangesTokenAndUser", spendingChangesBoth},
		{"SpendingChangesBothOrNeither", spendingChangesNeither},
	}
}

func mailTokensRoundTrip(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	for _, purpose := range []hub.MailTokenPurpose{hub.PurposeVerification, hub.PurposeReset, hub.PurposeEmailChange} {
		m := newMailToken(u)
		m.Purpose, m.Email = purpose, "other@example.com"
		must(t, "add mail token", s.AddMailToken(t.Context(), m))
		got, err := s.MailTokenByID(t.Context(), m.ID)
		must(t, "read mail token", err)
		wantSame(t, "mail token", got, m)
	}
	for _, id := range []string{hub.NewID(), ""} {
		_, err := s.MailTokenByID(t.Context(), id)
		wantError(t, "MailTokenByID", err, hub.ErrNotFound)
	}
}

func spendingChangesBoth(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	m := addMailToken(t, s, u)
	used := start().Add(time.Minute)
	u.PasswordHash, u.Email = hub.NewSecret("new"), "b@example.com"
	must(t, "spend", s.SpendMailToken(t.Context(), m.ID, used, u, newEvent(u.ID)))
	u.Version++
	wantSame(t, "the user", storedUser(t, s, u.ID), u)
	m.UsedAt = used
	got, err := s.MailTokenByID(t.Context(), m.ID)
	must(t, "read mail token", err)
	wantSame(t, "the token", got, m)
}

func spendingChangesNeither(t *testing.T, s hub.Store) {
	ctx := t.Context()
	u := addUser(t, s, newUser("a@example.com"))
	spent, unused := addMailToken(t, s, u), addMailToken(t, s, u)
	must(t, "spend", s.SpendMailToken(ctx, spent.ID, start(), u, newEvent(u.ID)))
	u.Version++
	changed := u
	changed.FirstName = "Grace"
	stale := changed
	stale.Version--
	wantError(t, "spend again", s.SpendMailToken(ctx, spent.ID, start(), changed, newEvent(u.ID)), hub.ErrConflict)
	wantError(t, "spend an unknown token", s.SpendMailToken(ctx, hub.NewID(), start(), changed, newEvent(u.ID)), hub.ErrConflict)
	wantError(t, "spend for a stale user", s.SpendMailToken(ctx, unused.ID, start(), stale, newEvent(u.ID)), hub.ErrConflict)
	wantSame(t, "the user", storedUser(t, s, u.ID), u)
	got, err := s.MailTokenByID(ctx, unused.ID)
	must(t, "read mail token", err)
	wantSame(t, "the unused token", got, unused)
	must(t, "spend it after all", s.SpendMailToken(ctx, unused.ID, start(), changed, newEvent(u.ID)))
}
