package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/hubtest"
)

// onUser calls an operation on /users/{id}; action is what follows the id.
func onUser(t testing.TB, h *hubtest.Hub, method, id, action, token string, body any) hubtest.Answer {
	t.Helper()
	return h.Do(t, hubtest.Request{Method: method, Path: "/api/v1/users/" + id + action, Token: token, Body: body})
}

func TestR23_ADeletedAccountIsGoneForEverybody(t *testing.T) { // LIF-01, RBA-14, RBA-16, REG-30
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, moderator := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleModerator)
	byAdmin, byOwner := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	verification := h.LinkTo(t, byAdmin.Email)
	onUser(t, h, "DELETE", byAdmin.ID, "", root.AccessToken, nil).Want(t, http.StatusNoContent)
	onUser(t, h, "DELETE", "me", "", byOwner.AccessToken, nil).Want(t, http.StatusNoContent)
	mails := h.Outbox.Count()
	for _, p := range []hubtest.Person{byAdmin, byOwner} {
		for _, o := range d.walk(t, h) {
			if !strings.Contains(o.Path, "{userId}") || o.ID == "restoreUser" {
				continue
			}
			call := hubtest.Request{Method: o.Method, Path: o.at(p.ID, ""), Token: root.AccessToken, Body: o.body(root)}
			if a := h.Do(t, call); a.Status != http.StatusNotFound || a.Code() != "USER_NOT_FOUND" {
				t.Errorf("%s for root: %d %s", o.ID, a.Status, a.Code())
			}
			call.Token = moderator.AccessToken
			h.Do(t, call).Want(t, http.StatusForbidden, "FORBIDDEN")
		}
		for _, u := range page(t, h, root.AccessToken, "/api/v1/users?perPage=100").Data {
			if u.UserID == p.ID {
				t.Error("a deleted account is listed")
			}
		}
		h.Me(t, p.AccessToken).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
		h.Refresh(t, p.RefreshToken).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
		h.TryLogin(t, p.Email, hubtest.Password).Want(t, http.StatusUnauthorized, "INVALID_CREDENTIALS")
		send(t, h, "/auth/register", "", registration(p.Email)).Want(t, http.StatusConflict, "REGISTRATION_REJECTED")
		send(t, h, "/users", root.AccessToken, registration(p.Email)).Want(t, http.StatusConflict, "DUPLICATE_EMAIL")
		send(t, h, "/auth/request-password-reset", "", object{"email": p.Email}).Want(t, http.StatusOK)
		if u := h.Stored(t, p.ID); !u.IsDeleted() {
			t.Error("the row is not kept")
		}
	}
	send(t, h, "/auth/verify-email", "", object{"token": verification}).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	h.Deliver(t)
	if got := h.Outbox.Count(); got != mails {
		t.Errorf("%d mails about deleted accounts", got-mails)
	}
}

func TestR23_DeletedAccountsAreKeptNinetyDays(t *testing.T) { // LIF-10
	t.Parallel()
	const day = 24 * time.Hour
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	restored, purged := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	for _, p := range []hubtest.Person{root, restored, purged} {
		h.Edit(t, p.ID, func(u *hub.User) { u.IsEmailVerified = true })
	}
	for _, p := range []hubtest.Person{restored, purged} {
		onUser(t, h, "DELETE", p.ID, "", root.AccessToken, nil).Want(t, http.StatusNoContent)
	}
	purge := func() int {
		n, err := h.App.Users.Purge(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	h.Clock.Step(89 * day)
	if n := purge(); n != 0 {
		t.Errorf("%d accounts purged after 89 days", n)
	}
	token := h.Login(t, root.Email, hubtest.Password).AccessToken
	got := onUser(t, h, "POST", restored.ID, "/restore", token, nil).Want(t, http.StatusOK).JSON(t)
	if got["userId"] != restored.ID || got["isActive"] != true {
		t.Errorf("restored: %v", got)
	}
	h.Login(t, restored.Email, hubtest.Password)
	h.Me(t, restored.AccessToken).Want(t, http.StatusUnauthorized)
	h.Clock.Step(2 * day)
	token = h.Login(t, root.Email, hubtest.Password).AccessToken
	onUser(t, h, "POST", purged.ID, "/restore", token, nil).Want(t, http.StatusNotFound, "USER_NOT_FOUND") // by the clock, before the sweep
	if n := purge(); n != 1 {
		t.Errorf("%d accounts purged after 91 days, want 1", n)
	}
	if _, err := h.Store.UserByID(t.Context(), purged.ID); err == nil {
		t.Error("the account is still there")
	}
	if id := h.Register(t, purged.Email); id == purged.ID {
		t.Error("an id was given again")
	}
	h.Login(t, restored.Email, hubtest.Password)
}

func TestR23_UnverifiedAccountsAreKeptThirtyDays(t *testing.T) { // LIF-11
	t.Parallel()
	const day = 24 * time.Hour
	h := hubtest.Start(t)
	old := map[string]string{}
	for name, change := range map[string]func(*hub.User){
		"user": func(*hub.User) {}, "guest": func(u *hub.User) { u.Role = hub.RoleGuest }, "admin": func(u *hub.User) { u.Role = hub.RoleAdmin },
		"moderator": func(u *hub.User) { u.Role = hub.RoleModerator }, "verified": func(u *hub.User) { u.IsEmailVerified = true },
	} {
		old[name] = h.Register(t, name+"@example.com")
		h.Edit(t, old[name], change)
	}
	h.Clock.Step(2 * day)
	old["younger"] = h.Register(t, "younger@example.com")
	h.Clock.Step(29 * day)
	if n, err := h.App.Users.Purge(t.Context(), 100); n != 2 || err != nil {
		t.Errorf("%d accounts purged, %v; want 2", n, err)
	}
	var kept []string
	for name, id := range old {
		if _, err := h.Store.UserByID(t.Context(), id); err == nil {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	if diff := cmp.Diff([]string{"admin", "moderator", "verified", "younger"}, kept); diff != "" {
		t.Errorf("kept: -want +got\n%s", diff)
	}
}

func TestR36_NoUpdateIsLost(t *testing.T) { // LIF-08
	t.Parallel()
	const parallel, rounds = 100, 50
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	patch := func(group *sync.WaitGroup, field, value string) {
		group.Go(func() {
			if a := onUser(t, h, "PATCH", "me", "", p.AccessToken, object{field: value}); a.Status != http.StatusOK || a.JSON(t)[field] != value {
				t.Errorf("PATCH %s: %d %s", field, a.Status, a.Body)
			}
		})
	}
	check := func(first, last string) {
		t.Helper()
		if u := h.Stored(t, p.ID); u.FirstName != first || u.LastName != last {
			t.Fatalf("stored %q %q, want %q %q", u.FirstName, u.LastName, first, last)
		}
	}
	for n := range rounds {
		var group sync.WaitGroup
		first, last := fmt.Sprintf("First %d", n), fmt.Sprintf("Last %d", n)
		patch(&group, "firstName", first)
		patch(&group, "lastName", last)
		group.Wait()
		check(first, last)
	}
	before := h.Stored(t, p.ID).Version
	var group sync.WaitGroup
	for n := range parallel {
		patch(&group, []string{"firstName", "lastName"}[n%2], "Together")
	}
	group.Wait()
	check("Together", "Together")
	if got := h.Stored(t, p.ID).Version - before; got != parallel {
		t.Errorf("%d changes stored, want %d", got, parallel)
	}
}

func TestR23_DeletionWinsEveryRace(t *testing.T) { // LIF-14
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	for n := range 50 {
		id := h.Register(t, fmt.Sprintf("race-%d@example.com", n))
		var group sync.WaitGroup
		for _, call := range []struct {
			method, action string
			body           any
			want           []int
		}{
			{"POST", "/deactivate", nil, []int{200, 404}},
			{"DELETE", "", nil, []int{204}},
			{"PATCH", "", `{"firstName":"Eve"}`, []int{200, 404}},
			{"PATCH", "/role", `{"role":"moderator"}`, []int{200, 404}},
			{"POST", "/activate", nil, []int{200, 404}},
		} {
			group.Go(func() {
				if a := onUser(t, h, call.method, id, call.action, root.AccessToken, call.body); !slices.Contains(call.want, a.Status) {
					t.Errorf("%s %s: %d %s", call.method, call.action, a.Status, a.Body)
				}
			})
		}
		group.Wait()
		onUser(t, h, "GET", id, "", root.AccessToken, nil).Want(t, http.StatusNotFound, "USER_NOT_FOUND")
		if u := h.Stored(t, id); !u.IsDeleted() {
			t.Fatal("not deleted")
		}
	}
}

func TestR40_TimesOfAnAccount(t *testing.T) { // LIF-07, LIF-09, LIF-13
	t.Parallel()
	h := hubtest.Start(t)
	root, p := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	created := h.Clock.Now()
	var last api.User
	for _, change := range []struct {
		method, action string
		body           any
		changes        bool
	}{
		{"PATCH", "", `{}`, false},
		{"PATCH", "", `{"phone":"+4930123456"}`, true},
		{"PATCH", "", `{"phone":null}`, true},
		{"PATCH", "/role", `{"role":"user"}`, false},
		{"PATCH", "/role", `{"role":"moderator"}`, true},
		{"POST", "/activate", nil, false},
		{"POST", "/deactivate", nil, true},
		{"POST", "/deactivate", nil, false},
		{"POST", "/activate", nil, true},
	} {
		h.Clock.Step(time.Minute)
		before := h.Stored(t, p.ID)
		var got api.User
		onUser(t, h, change.method, p.ID, change.action, root.AccessToken, change.body).Want(t, http.StatusOK).Into(t, &got)
		after := h.Stored(t, p.ID)
		what := fmt.Sprint(change.method, " ", change.action, " ", change.body)
		if !change.changes {
			if diff := cmp.Diff(before, after, cmpopts.EquateComparable(hub.Secret{})); diff != "" {
				t.Errorf("%s changed the account: %s", what, diff)
			}
		} else if want := h.Clock.Now().Format("2006-01-02T15:04:05.000Z"); got.UpdatedAt != want {
			t.Errorf("%s: updatedAt %s, want %s", what, got.UpdatedAt, want)
		}
		if got.CreatedAt != created.Format("2006-01-02T15:04:05.000Z") || got.UpdatedAt < last.UpdatedAt {
			t.Errorf("%s: createdAt %s, updatedAt %s after %s", what, got.CreatedAt, got.UpdatedAt, last.UpdatedAt)
		}
		last = got
	}
	h.Clock.Step(time.Minute)
	h.Login(t, p.Email, hubtest.Password)
	if u := h.Stored(t, p.ID); u.UpdatedAt.Format("2006-01-02T15:04:05.000Z") != last.UpdatedAt || !u.LastLoginAt.Equal(h.Clock.Now()) {
		t.Errorf("after a login: updatedAt %v, lastLoginAt %v", u.UpdatedAt, u.LastLoginAt)
	}
}
