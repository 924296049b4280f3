package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func registration(email string) object { return hubtest.Registration(email) }

// send posts a body to a route under /api/v1.
func send(t testing.TB, h *hubtest.Hub, path, token string, body any) hubtest.Answer {
	t.Helper()
	return h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1" + path, Token: token, Body: body})
}

func TestR14_RegistrationMakesAnOrdinaryAccount(t *testing.T) { // REG-01, REG-18, REG-31
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	const first, last = "<script>alert(1)</script>", "O'Brien & Søn"
	got := send(t, h, "/auth/register", root.AccessToken, registration("Eve@Example.com").with(object{"firstName": first, "lastName": last})).
		Want(t, http.StatusCreated).JSON(t)
	now := h.Clock.Now().Format("2006-01-02T15:04:05.000Z")
	want := map[string]any{
		"userId": got["userId"], "email": "eve@example.com", "firstName": first, "lastName": last, "role": "user", "isActive": true,
		"isEmailVerified": false, "phone": nil, "avatar": nil, "timezone": nil, "locale": nil, "lastLoginAt": nil, "createdAt": now, "updatedAt": now,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !hub.IsID(fmt.Sprint(got["userId"])) {
		t.Errorf("userId is %v", got["userId"])
	}
}

func TestR14_NoUndocumentedFieldIsWritable(t *testing.T) { // REG-02, REG-04, REG-05, INJ-16
	t.Parallel()
	h := hubtest.Start(t)
	root, p := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	before := h.Stored(t, p.ID)
	fields := object{
		"isActive": false, "userId": root.ID, "_id": root.ID, "id": root.ID, "passwordHash": "$2b$12$x", "createdAt": "2000-01-01T00:00:00.000Z",
		"updatedAt": "2000-01-01T00:00:00.000Z", "deletedAt": nil, "lastLoginAt": "2000-01-01T00:00:00.000Z", "version": 1, "sessionEpoch": 0,
		"$set": object{"role": "admin"}, "a.b": 1, "__proto__": object{}, "constructor": object{}, "FirstName": "Eve", "firstname": "Eve",
	}
	for _, route := range []struct {
		method, path, token string
		body                object
		also                object
	}{
		{"POST", "/auth/register", "", registration("eve@example.com").with(object{"firstName": absent{}}), object{"role": "super_admin", "isEmailVerified": true, "metadata": object{}}},
		{"POST", "/users", root.AccessToken, registration("eve@example.com").with(object{"firstName": absent{}}), object{"metadata": object{}}},
		{"PATCH", "/users/me", p.AccessToken, object{}, object{"role": "super_admin", "isEmailVerified": true, "email": "eve@example.com", "password": hubtest.Password}},
		{"PATCH", "/users/" + p.ID, root.AccessToken, object{}, object{"role": "super_admin", "isEmailVerified": true, "email": "eve@example.com", "password": hubtest.Password}},
		{"PATCH", "/users/" + p.ID + "/role", root.AccessToken, object{"role": "admin"}, object{"metadata": object{}, "email": "eve@example.com"}},
	} {
		for name, value := range fields.with(route.also) {
			body := route.body.with(object{name: value})
			a := h.Do(t, hubtest.Request{Method: route.method, Path: "/api/v1" + route.path, Token: route.token, Body: body})
			if a.Status != http.StatusUnprocessableEntity || !slices.Contains(a.Fields(t), "body") {
				t.Errorf("%s %s with %s: %d %s", route.method, route.path, name, a.Status, a.Body)
			}
		}
	}
	if diff := cmp.Diff(before, h.Stored(t, p.ID), cmpopts.EquateComparable(hub.Secret{})); diff != "" {
		t.Errorf("the account changed: %s", diff)
	}
	if _, err := h.Store.UserByEmail(t.Context(), "eve@example.com"); err == nil {
		t.Error("an account was made")
	}
}

func TestR14_OnlyAdminsWriteMetadata(t *testing.T) { // REG-02, INJ-16
	t.Parallel()
	h := hubtest.Start(t)
	admin, p := h.SignUp(t, hub.RoleAdmin), h.SignUp(t, hub.RoleModerator)
	patch := func(token, id, body string) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: http.MethodPatch, Path: "/api/v1/users/" + id, Token: token, Body: body})
	}
	patch(p.AccessToken, "me", `{"metadata":{"role":"admin"}}`).Want(t, http.StatusForbidden, "FORBIDDEN")
	patch(p.AccessToken, "me", `{"metadata":null}`).Want(t, http.StatusForbidden, "FORBIDDEN")
	for _, metadata := range []string{
		`{"$set":{"role":"admin"}}`, `{"a.b":1}`, `{"a":{"__proto__":{}}}`, `{"constructor":1}`, `{"a":[{"$where":"1"}]}`, `{"":1}`,
		`{"a":"` + strings.Repeat("x", 16<<10) + `"}`, `[]`, `"x"`, `1`, `{"a":1e999}`,
	} {
		patch(admin.AccessToken, p.ID, `{"metadata":`+metadata+`}`).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
	}
	if got := h.Stored(t, p.ID).Metadata; got != nil {
		t.Errorf("metadata is %s", got)
	}
	patch(admin.AccessToken, p.ID, `{"metadata":{"team":"north"}}`).Want(t, http.StatusOK)
	patch(admin.AccessToken, p.ID, `{"firstName":"Eve"}`).Want(t, http.StatusOK)
	if got := string(h.Stored(t, p.ID).Metadata); got != `{"team":"north"}` {
		t.Errorf("metadata is %s", got)
	}
	patch(admin.AccessToken, p.ID, `{"metadata":null}`).Want(t, http.StatusOK)
	if got := h.Stored(t, p.ID).Metadata; got != nil {
		t.Errorf("cleared, metadata is %s", got)
	}
}

func TestR11_OneOfManyRegistrationsWins(t *testing.T) { // REG-07, REG-08
	t.Parallel()
	const parallel = 50
	h := hubtest.Start(t)
	for name, spellings := range map[string][]string{
		"the same text":  {"one@example.com"},
		"in other case":  {"two@example.com", "TWO@example.com", "Two@Example.COM", "twO@EXAMPLE.com", " two@example.com "},
		"A- and U-label": {"three@bücher.example", "three@xn--bcher-kva.example", "Three@BÜCHER.example"},
	} {
		var group sync.WaitGroup
		answers := make([]hubtest.Answer, parallel)
		for i := range answers {
			group.Go(func() { answers[i] = send(t, h, "/auth/register", "", registration(spellings[i%len(spellings)])) })
		}
		group.Wait()
		made := 0
		for _, a := range answers {
			switch {
			case a.Status == http.StatusCreated:
				made++
			case a.Status != http.StatusConflict || a.Code() != "REGISTRATION_REJECTED":
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		if made != 1 {
			t.Errorf("%s: %d accounts, want 1", name, made)
		}
	}
	h.Deliver(t)
	if got := h.Outbox.Count(); got != 3 {
		t.Errorf("%d verification mails, want one for each of 3 accounts", got)
	}
}

func TestR10_OneMailboxIsOneAccount(t *testing.T) { // REG-09, REG-10, REG-11, REG-14
	t.Parallel()
	h := hubtest.Start(t)
	id := h.Register(t, "MiXed@Example.COM")
	for _, spelling := range []string{"mixed@example.com", "MIXED@EXAMPLE.COM", " mixed@example.com", "\tmixed@example.com \t", "Mixed@EXAMPLE.com"} {
		got := h.TryLogin(t, spelling, hubtest.Password).Want(t, http.StatusOK).JSON(t)["user"].(map[string]any)
		if got["userId"] != id || got["email"] != "mixed@example.com" {
			t.Errorf("%q is %v", spelling, got)
		}
		send(t, h, "/auth/register", "", registration(spelling)).Want(t, http.StatusConflict, "REGISTRATION_REJECTED")
		send(t, h, "/auth/request-password-reset", "", object{"email": spelling}).Want(t, http.StatusOK)
	}
	h.Deliver(t)
	for _, m := range h.Outbox.To("mixed@example.com") { // EML-17
		if m.To != "mixed@example.com" {
			t.Errorf("mail to %s", m.To)
		}
	}
	if got := h.Outbox.Count(); got != len(h.Outbox.To("mixed@example.com")) {
		t.Errorf("%d mails, not all of them to the stored address", got)
	}
	for _, invisible := range []string{"\u00a0", "\u200b", "\ufeff", "\u2028", "\u202e", "\u00ad", "\n", "\r\n", "\x00", "\u3000"} {
		for _, email := range []string{invisible + "mixed@example.com", "mixed@example.com" + invisible, "mi" + invisible + "xed@example.com", "mixed@exam" + invisible + "ple.com"} {
			send(t, h, "/auth/register", "", registration(email)).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
			h.TryLogin(t, email, hubtest.Password).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
		}
	}
	ids := map[string]bool{}
	for _, email := range []string{"a+1@x.io", "a+2@x.io", "a@x.io", "f.oo@gmail.com", "foo@gmail.com", "o'neill@x.io"} {
		ids[h.Register(t, email)] = true
	}
	if len(ids) != 6 {
		t.Errorf("%d accounts, want 6: tags and dots are significant", len(ids))
	}
}

func TestR10_NoOperationTakesAnAddressThatIsNone(t *testing.T) { // REG-15, REG-16, INJ-07
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	h.Deliver(t)
	mails := h.Outbox.Count()
	for _, email := range []any{
		"a", "a@b", "a@@b.io", "a b@x.io", "A <a@x.io>", "<a@x.io>", "a@x.io,b@x.io", "a@x.io;b@x.io", "a@x..io", "a@-x.io", "a@x-.io", "a@[127.0.0.1]", "a@127.0.0.1",
		`"a b"@x.io`, "(c)a@x.io", "=?utf-8?q?a?=@x.io", strings.Repeat("a", 65) + "@x.io", "a@" + strings.Repeat("x.", 126) + "io", "@x.io", "a@", ".a@x.io", "a.@x.io", "a..b@x.io",
		"ä@x.io", "a@x.io\r\nBcc: e@evil.io", "a@x.io\nTo: e@evil.io", "a@x.io\u2028Bcc: e@evil.io", "a@x.io%0d%0aBcc:e@evil.io", "a@x.io\\", "",
		[]string{"a@x.io", "evil@x.io"},
		object{"$gt": ""},
		1, true, nil,
	} {
		for _, route := range []struct {
			path, field, token string
			body               object
		}{
			{"/auth/register", "email", "", registration("")},
			{"/users", "email", root.AccessToken, registration("")},
			{"/auth/login", "email", "", object{"password": hubtest.Password}},
			{"/auth/request-password-reset", "email", "", object{}},
			{"/auth/change-email", "newEmail", root.AccessToken, object{"currentPassword": hubtest.Password}},
		} {
			a := send(t, h, route.path, route.token, route.body.with(object{route.field: email}))
			if a.Status != http.StatusUnprocessableEntity || !slices.Equal(a.Fields(t), []string{"body." + route.field}) {
				t.Errorf("%s with %.40q: %d %s", route.path, email, a.Status, a.Body)
			}
			if text, ok := email.(string); ok && len(text) > 3 && strings.Contains(string(a.Body), text) {
				t.Errorf("%s repeats the address", route.path)
			}
		}
	}
	h.Deliver(t)
	if got := h.Outbox.Count(); got != mails {
		t.Errorf("%d mails went out", got-mails)
	}
	if stats, err := h.Store.Stats(t.Context(), h.Clock.Now()); err != nil || len(stats.Users) != 1 {
		t.Errorf("accounts were made: %+v, %v", stats.Users, err)
	}
}
