package storetest

import (
	"testing"

	"github.com/a64core/hub"
)

func emailTests() []test {
	return []test{
		{"AnAddressIsUsedOnce", addressIsUsedOnce},
		{"AddressesDifferByEveryByte", addressesDifferByByte},
		{"AnAddressGivenUpIsFree", addressGivenUpIsFree},
	}
}

func addressIsUsedOnce(t *testing.T, s hub.Store) {
	ctx := t.Context()
	addUser(t, s, newUser("taken@example.com"))
	addUser(t, s, newUser("deleted@example.com", deletedAt(start())))
	mover := addUser(t, s, newUser("mover@example.com"))
	token := addMailToken(t, s, mover)
	for _, email := range []string{"taken@example.com", "deleted@example.com"} {
		second := newUser(email)
		wantError(t, "add with "+email, s.AddUser(ctx, second, newEvent(second.ID)), hub.ErrDuplicateEmail)
		_, err := s.UserByID(ctx, second.ID)
		wantError(t, "the refused user", err, hub.ErrNotFound)

		moved := mover
		moved.Email = email
		wantError(t, "update to "+email, s.UpdateUser(ctx, moved, newEvent(mover.ID)), hub.ErrDuplicateEmail)
		wantError(t, "spend token for "+email, s.SpendMailToken(ctx, token.ID, start(), moved, newEvent(mover.ID)), hub.ErrDuplicateEmail)
	}
	wantSame(t, "user whose changes were refused", storedUser(t, s, mover.ID), mover)
	stored, err := s.MailTokenByID(ctx, token.ID)
	must(t, "read mail token", err)
	wantSame(t, "token whose use was refused", stored, token)
	must(t, "update that keeps the address", s.UpdateUser(ctx, mover, newEvent(mover.ID)))
}

func addressesDifferByByte(t *testing.T, s hub.Store) {
	users := make(map[string]hub.User)
	for _, email := range []string{
		"jose@example.com", "josé@example.com", "jose\u0301@example.com", "JOSE@example.com", "jose@example.com ", "ｊose@example.com", "strasse@example.com", "straße@example.com",
	} {
		users[email] = addUser(t, s, newUser(email))
	}
	for email, want := range users {
		got, err := s.UserByEmail(t.Context(), email)
		must(t, "read user by e-mail", err)
		if got.ID != want.ID {
			t.Errorf("the user with %q was found as the one with %q", got.Email, email)
		}
	}
}

func addressGivenUpIsFree(t *testing.T, s hub.Store) {
	ctx := t.Context()
	mover := addUser(t, s, newUser("former@example.com"))
	mover.Email = "latter@example.com"
	must(t, "update user", s.UpdateUser(ctx, mover, newEvent(mover.ID)))
	addUser(t, s, newUser("former@example.com"))

	must(t, "purge user", s.PurgeUser(ctx, mover.ID, 2, newEvent(mover.ID)))
	addUser(t, s, newUser("latter@example.com"))
}
