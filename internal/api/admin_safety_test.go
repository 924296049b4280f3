package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/profile"
	"github.com/a64core/hub/internal/users"
)

// superAdmins counts the active super_admins.
func superAdmins(t *testing.T, h *hubtest.Hub) int {
	t.Helper()
	active := true
	found, err := h.Store.Users(t.Context(), hub.UserQuery{Role: hub.RoleSuperAdmin, IsActive: &active, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return found.Total
}

func TestR21_TheLastSuperAdminStays(t *testing.T) { // RBA-06
	t.Parallel()
	h := hubtest.Start(t)
	first, second := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleSuperAdmin)
	for _, role := range hub.Roles() { // nobody changes the own role, whether another is left or not
		onUser(t, h, "PATCH", first.ID, "/role", first.AccessToken, object{"role": role.String()}).Want(t, http.StatusForbidden, "FORBIDDEN")
	}
	onUser(t, h, "POST", first.ID, "/deactivate", first.AccessToken, nil).Want(t, http.StatusForbidden, "FORBIDDEN")
	onUser(t, h, "POST", second.ID, "/deactivate", first.AccessToken, nil).Want(t, http.StatusOK)
	for _, id := range []string{"me", first.ID} { // an inactive one does not count
		onUser(t, h, "DELETE", id, "", first.AccessToken, nil).Want(t, http.StatusConflict, "CONFLICT")
	}
	h.Me(t, first.AccessToken).Want(t, http.StatusOK) // no session ended with what was not done
	onUser(t, h, "POST", second.ID, "/activate", first.AccessToken, nil).Want(t, http.StatusOK)
	onUser(t, h, "DELETE", "me", "", first.AccessToken, nil).Want(t, http.StatusNoContent)
	second.Tokens = h.Login(t, second.Email, hubtest.Password)
	onUser(t, h, "DELETE", "me", "", second.AccessToken, nil).Want(t, http.StatusConflict, "CONFLICT")
}

func TestR21_NoRaceLeavesNoSuperAdmin(t *testing.T) { // RBA-06
	t.Parallel()
	const rounds, people = 8, 4
	for name, end := range map[string]func(h *hubtest.Hub, by, whom hubtest.Person) hubtest.Answer{
		"demoting each other": func(h *hubtest.Hub, by, whom hubtest.Person) hubtest.Answer {
			return onUser(t, h, "PATCH", whom.ID, "/role", by.AccessToken, `{"role":"user"}`)
		},
		"deactivating each other": func(h *hubtest.Hub, by, whom hubtest.Person) hubtest.Answer {
			return onUser(t, h, "POST", whom.ID, "/deactivate", by.AccessToken, nil)
		},
		"deleting each other": func(h *hubtest.Hub, by, whom hubtest.Person) hubtest.Answer {
			return onUser(t, h, "DELETE", whom.ID, "", by.AccessToken, nil)
		},
		"deleting themselves": func(h *hubtest.Hub, by, _ hubtest.Person) hubtest.Answer {
			return onUser(t, h, "DELETE", "me", "", by.AccessToken, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hubtest.Start(t)
			keeper := h.SignUp(t, hub.RoleSuperAdmin)
			for range rounds {
				var ring []hubtest.Person
				for range people {
					ring = append(ring, h.SignUp(t, hub.RoleSuperAdmin))
				}
				h.Edit(t, keeper.ID, func(u *hub.User) { u.Role = hub.RoleUser })
				var group sync.WaitGroup
				for i, by := range ring {
					group.Go(func() {
						a := end(h, by, ring[(i+1)%people])
						// 401 and 403: somebody was faster with the one who asks; 404: with the one asked for.
						if !slices.Contains([]int{200, 204, 401, 403, 404, 409}, a.Status) {
							t.Errorf("%d %s", a.Status, a.Body)
						}
					})
				}
				group.Wait()
				left := superAdmins(t, h)
				if left == 0 {
					t.Fatal("no active super_admin is left")
				}
				if name == "deleting themselves" && left != 1 {
					t.Errorf("%d super_admins are left, want 1: each of the others may go", left)
				}
				h.Edit(t, keeper.ID, func(u *hub.User) { u.Role = hub.RoleSuperAdmin })
				for _, p := range ring {
					h.Edit(t, p.ID, func(u *hub.User) { u.Role = hub.RoleUser })
				}
			}
		})
	}
}

func TestR04_ADemotedAdminChangesNothingMore(t *testing.T) { // RBA-28
	t.Parallel()
	h := hubtest.Start(t)
	root, target := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	for range 20 {
		admin := h.SignUp(t, hub.RoleAdmin)
		demoted := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			defer close(demoted)
			onUser(t, h, "PATCH", admin.ID, "/role", root.AccessToken, `{"role":"user"}`).Want(t, http.StatusOK)
		})
		for i := range 4 {
			group.Go(func() {
				for n := 0; ; n++ {
					late := false
					select {
					case <-demoted:
						late = true
					default:
					}
					a := onUser(t, h, "PATCH", target.ID, "", admin.AccessToken, object{"firstName": fmt.Sprintf("%d %d", i, n)})
					switch {
					case a.Status == http.StatusForbidden:
						if late {
							return
						}
					case a.Status != http.StatusOK, late:
						t.Errorf("after the demotion %v: %d %s", late, a.Status, a.Body)
						return
					}
				}
			})
		}
		group.Wait()
	}
}

func TestR29_AdministrationLeavesATrail(t *testing.T) { // RBA-24
	t.Parallel()
	h := hubtest.Start(t)
	root, p := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	type fact struct {
		Kind             hub.EventKind
		Actor, Target    string
		From, To         string
		IP, RequestID    string
		Session          string
		At               time.Time
		UserAgentIsKnown bool
	}
	session := fmt.Sprint(claimsOf(t, root.AccessToken)["sid"])
	for _, action := range []struct {
		method, action string
		body           any
		kind           hub.EventKind
		from, to       string
	}{
		{"PATCH", "/role", `{"role":"moderator"}`, hub.EventRoleChanged, "user", "moderator"},
		{"PATCH", "", `{"firstName":"Eve"}`, hub.EventUserUpdated, "", ""},
		{"POST", "/deactivate", nil, hub.EventUserDeactivated, "", ""},
		{"POST", "/activate", nil, hub.EventUserActivated, "", ""},
		{"DELETE", "/sessions", nil, hub.EventSessionsEnded, "", ""},
		{"DELETE", "", nil, hub.EventUserDeleted, "", ""},
		{"POST", "/restore", nil, hub.EventUserRestored, "", ""},
	} {
		h.Clock.Step(time.Second)
		before := events(t, h, p.ID)
		a := onUser(t, h, action.method, p.ID, action.action, root.AccessToken, action.body)
		if a.Status >= 300 {
			t.Fatalf("%s: %d %s", action.kind, a.Status, a.Body)
		}
		after := events(t, h, p.ID)
		if len(after) != len(before)+1 {
			t.Fatalf("%s: %d events, want one", action.kind, len(after)-len(before))
		}
		e := after[0]
		want := fact{action.kind, root.ID, p.ID, action.from, action.to, "127.0.0.1", a.Header.Get("X-Request-Id"), session, h.Clock.Now(), true}
		got := fact{e.Kind, e.ActorID, e.TargetID, e.Detail["from"], e.Detail["to"], e.IP, e.RequestID, e.SessionID, e.At, e.UserAgent != ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", action.kind, diff)
		}
		if e.At.Location() != time.UTC {
			t.Errorf("%s: time in %s", action.kind, e.At.Location())
		}
	}
}

// events returns the events that concern the user, newest first.
func events(t *testing.T, h *hubtest.Hub, id string) []hub.Event {
	t.Helper()
	found, err := h.Store.Events(t.Context(), hub.EventQuery{UserID: id, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestR35_NobodyIsThereBeforeTheOperatorSaysSo(t *testing.T) { // RBA-25, RBA-26
	t.Parallel()
	h := hubtest.Start(t)
	if stats, err := h.Store.Stats(t.Context(), h.Clock.Now()); err != nil || len(stats.Users) != 0 {
		t.Errorf("a fresh hub has users: %+v, %v", stats.Users, err)
	}
	for _, email := range []string{"admin@a64core.com", "root@a64core.com", "admin@example.com", "admin@localhost.localdomain"} {
		for _, pw := range []string{"admin", "password", "Admin123!", "changeme", "a64core"} {
			if a := h.TryLogin(t, email, pw); a.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d", email, a.Status)
			}
		}
	}
	ctx := users.AsSystem(t.Context())
	first := users.New{
		Profile:  profile.Profile{Email: "Root@Example.com", FirstName: "Ada", LastName: "Lovelace"},
		Password: hub.NewSecret(hubtest.Password), Role: hub.RoleSuperAdmin,
	}
	made, err := h.App.Users.Create(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	first.Password = hub.NewSecret("Another-Horse-8-Battery")
	if _, err := h.App.Users.Create(ctx, first); !hub.IsCode(err, hub.CodeDuplicateEmail) {
		t.Errorf("created twice: %v", err)
	}
	send(t, h, "/auth/register", "", registration("root@example.com").with(object{"password": "Another-Horse-8-Battery"})).
		Want(t, http.StatusConflict, "REGISTRATION_REJECTED")
	h.TryLogin(t, "root@example.com", "Another-Horse-8-Battery").Want(t, http.StatusUnauthorized, "INVALID_CREDENTIALS")
	tokens := h.Login(t, "root@example.com", hubtest.Password)
	if got := h.Me(t, tokens.AccessToken).JSON(t); got["userId"] != made.ID || got["role"] != "super_admin" {
		t.Errorf("the first super_admin is %v", got)
	}
}

func TestR22_WhoMayNotLookLearnsNothingOfIDs(t *testing.T) { // RBA-10
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	asking, equal, higher, gone := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	h.Edit(t, gone.ID, func(u *hub.User) { u.DeletedAt = h.Clock.Now() })
	for _, o := range d.walk(t, h) {
		answers := map[string]hubtest.Answer{}
		for who, id := range map[string]string{"an equal": equal.ID, "a super_admin": higher.ID, "a deleted one": gone.ID, "nobody": hub.NewID()} {
			if o.at(id, "") == o.Path {
				continue
			}
			a := h.Do(t, hubtest.Request{Method: o.Method, Path: o.at(id, hub.NewID()), Token: asking.AccessToken, Body: o.body(asking).with(object{"metadata": absent{}})})
			var body object
			a.Into(t, &body)
			a.Body = []byte(body.with(object{"instance": o.Path}).json(t)) // which repeats the id that was asked for
			answers[who] = a
		}
		alike(t, o.ID, answers)
	}
}
