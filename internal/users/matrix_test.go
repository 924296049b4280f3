package users_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// matrix is the permission matrix of the specification, row by row as it stands there: the status for nobody, guest,
// user, moderator, admin and super_admin. A dash says that there is no such target (nobody ranks below a guest, or above
// a super_admin).
var matrix = []struct {
	method, path string // {id} is the target
	body         any
	target       string
	want         [6]int
}{
	{"GET", "/auth/me", nil, "self", [6]int{401, 200, 200, 200, 200, 200}},
	{"POST", "/auth/logout", nil, "self", [6]int{401, 200, 200, 200, 200, 200}},
	{"GET", "/auth/sessions", nil, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"POST", "/auth/send-verification-email", nil, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"POST", "/auth/change-email", changeEmail, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"POST", "/auth/change-password", changePassword, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"DELETE", "/auth/sessions/{sessionId}", nil, "absent", [6]int{401, 403, 404, 404, 404, 404}},
	{"POST", "/users", createUser, "self", [6]int{401, 403, 403, 403, 201, 201}},
	{"POST", "/users", createAdmin, "self", [6]int{401, 403, 403, 403, 403, 201}},
	{"GET", "/users", nil, "self", [6]int{401, 403, 403, 403, 200, 200}},
	{"GET", "/system/stats", nil, "self", [6]int{401, 403, 403, 403, 200, 200}},
	{"GET", "/users/me", nil, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"PATCH", "/users/me", `{"firstName":"Eve"}`, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"DELETE", "/users/me", nil, "self", [6]int{401, 403, 204, 204, 204, 204}},

	{"GET", "/users/{id}", nil, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"GET", "/users/{id}", nil, "lower", [6]int{401, 403, 403, 200, 200, 200}},
	{"GET", "/users/{id}", nil, "equal", [6]int{401, 403, 403, 403, 200, 200}},
	{"GET", "/users/{id}", nil, "higher", [6]int{401, 403, 403, 403, 200, 200}},
	{"GET", "/users/{id}", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"GET", "/users/{id}", nil, "deleted", [6]int{401, 403, 403, 403, 404, 404}},

	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "self", [6]int{401, 403, 200, 200, 200, 200}},
	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "lower", [6]int{401, 403, 403, 403, 200, 200}},
	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "equal", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "higher", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"PATCH", "/users/{id}", `{"firstName":"Eve"}`, "deleted", [6]int{401, 403, 403, 403, 404, 404}},

	{"DELETE", "/users/{id}", nil, "self", [6]int{401, 403, 204, 204, 204, 204}},
	{"DELETE", "/users/{id}", nil, "lower", [6]int{401, 403, 403, 403, 204, 204}},
	{"DELETE", "/users/{id}", nil, "equal", [6]int{401, 403, 403, 403, 403, 204}},
	{"DELETE", "/users/{id}", nil, "higher", [6]int{401, 403, 403, 403, 403, 204}},
	{"DELETE", "/users/{id}", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"DELETE", "/users/{id}", nil, "deleted", [6]int{401, 403, 403, 403, 404, 404}},

	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "self", [6]int{401, 403, 403, 403, 403, 403}},
	{"PATCH", "/users/{id}/role", `{"role":"moderator"}`, "lower", [6]int{401, 403, 403, 403, 200, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"user"}`, "lower", [6]int{401, 403, 403, 403, 200, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "lower", [6]int{401, 403, 403, 403, 200, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"admin"}`, "lower", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"super_admin"}`, "lower", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "equal", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "higher", [6]int{401, 403, 403, 403, 403, 200}},
	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"PATCH", "/users/{id}/role", `{"role":"guest"}`, "deleted", [6]int{401, 403, 403, 403, 404, 404}},

	{"POST", "/users/{id}/activate", nil, "self", [6]int{401, 403, 403, 403, 403, 403}},
	{"POST", "/users/{id}/activate", nil, "lower", [6]int{401, 403, 403, 200, 200, 200}},
	{"POST", "/users/{id}/activate", nil, "equal", [6]int{401, 403, 403, 403, 403, 200}},
	{"POST", "/users/{id}/activate", nil, "higher", [6]int{401, 403, 403, 403, 403, 200}},
	{"POST", "/users/{id}/activate", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"POST", "/users/{id}/activate", nil, "deleted", [6]int{401, 403, 403, 403, 404, 404}},
	{"POST", "/users/{id}/deactivate", nil, "self", [6]int{401, 403, 403, 403, 403, 403}},
	{"POST", "/users/{id}/deactivate", nil, "lower", [6]int{401, 403, 403, 200, 200, 200}},
	{"POST", "/users/{id}/deactivate", nil, "equal", [6]int{401, 403, 403, 403, 403, 200}},
	{"POST", "/users/{id}/deactivate", nil, "higher", [6]int{401, 403, 403, 403, 403, 200}},
	{"POST", "/users/{id}/deactivate", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"POST", "/users/{id}/deactivate", nil, "deleted", [6]int{401, 403, 403, 403, 404, 404}},

	{"POST", "/users/{id}/restore", nil, "lower", [6]int{401, 403, 403, 403, 404, 404}}, // is not deleted
	{"POST", "/users/{id}/restore", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"POST", "/users/{id}/restore", nil, "deleted", [6]int{401, 403, 403, 403, 200, 200}},

	{"GET", "/users/{id}/sessions", nil, "self", [6]int{401, 403, 403, 403, 403, 200}},
	{"GET", "/users/{id}/sessions", nil, "lower", [6]int{401, 403, 403, 403, 200, 200}},
	{"GET", "/users/{id}/sessions", nil, "equal", [6]int{401, 403, 403, 403, 403, 200}},
	{"GET", "/users/{id}/sessions", nil, "higher", [6]int{401, 403, 403, 403, 403, 200}},
	{"GET", "/users/{id}/sessions", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
	{"DELETE", "/users/{id}/sessions", nil, "self", [6]int{401, 403, 403, 403, 403, 204}},
	{"DELETE", "/users/{id}/sessions", nil, "lower", [6]int{401, 403, 403, 403, 204, 204}},
	{"DELETE", "/users/{id}/sessions", nil, "equal", [6]int{401, 403, 403, 403, 403, 204}},
	{"DELETE", "/users/{id}/sessions", nil, "higher", [6]int{401, 403, 403, 403, 403, 204}},
	{"DELETE", "/users/{id}/sessions", nil, "absent", [6]int{401, 403, 403, 403, 404, 404}},
}

// Bodies of the matrix; {unique} becomes an address that nobody has.
const (
	changeEmail    = `{"currentPassword":"` + hubtest.Password + `","newEmail":"{unique}"}`
	changePassword = `{"currentPassword":"` + hubtest.Password + `","newPassword":"Another-Horse-8-Battery"}`
	createUser     = `{"email":"{unique}","password":"` + hubtest.Password + `","firstName":"Eve","lastName":"Moore","role":"user"}`
	createAdmin    = `{"email":"{unique}","password":"` + hubtest.Password + `","firstName":"Eve","lastName":"Moore","role":"admin"}`
)

func TestR20_TheMatrixNamesEveryOperationThatNeedsARole(t *testing.T) {
	t.Parallel()
	rows := make(map[string]bool)
	for _, row := range matrix {
		rows[row.method+" /api/v1"+strings.Replace(row.path, "{id}", "{userId}", 1)] = true
	}
	for _, o := range hubtest.Start(t).App.API.Operations() {
		if o.Access.Least() != 0 && !rows[o.Method+" "+o.Path] {
			t.Errorf("%s %s is not in the matrix", o.Method, o.Path)
		}
	}
}

func TestR20_R22_TheMatrixHoldsOnEveryRoute(t *testing.T) { // RBA-01 to RBA-05, RBA-09, RBA-10, RBA-14, RBA-15, RBA-17
	t.Parallel()
	h := hubtest.Start(t)
	h.SignUp(t, hub.RoleSuperAdmin) // so that no super_admin of the table is the last
	for _, row := range matrix {
		t.Run(fmt.Sprintf("%s %s %v %s", row.method, row.path, row.body, row.target), func(t *testing.T) {
			for i, want := range row.want {
				actor := hub.Role(i) // 0: nobody
				for _, target := range targets(row.target, actor) {
					got := try(t, h, row.method, row.path, row.body, actor, row.target, target)
					if got != want {
						t.Errorf("%s to %s %s: %d, want %d", actor, row.target, target, got, want)
					}
				}
			}
		})
	}
}

// targets returns the roles that the target may have.
func targets(kind string, actor hub.Role) (roles []hub.Role) {
	switch kind {
	case "self", "absent":
		return []hub.Role{actor}
	case "deleted":
		return []hub.Role{hub.RoleGuest}
	case "equal":
		if actor == 0 {
			return []hub.Role{hub.RoleUser}
		}
		return []hub.Role{actor}
	}
	for _, r := range hub.Roles() {
		if (kind == "lower" && (r < actor || actor == 0)) || (kind == "higher" && (r > actor || actor == 0)) {
			roles = append(roles, r)
		}
	}
	return roles
}

// try sends one request and checks that a refused one changed nothing.
func try(t *testing.T, h *hubtest.Hub, method, path string, body any, actor hub.Role, kind string, target hub.Role) int {
	t.Helper()
	var asking hubtest.Person
	if actor != 0 {
		asking = h.SignUp(t, actor)
	}
	id := asking.ID
	switch {
	case kind == "absent", kind == "self" && actor == 0:
		kind, id = "absent", hub.NewID()
	case kind != "self":
		id = h.Register(t, fmt.Sprintf("target-%s@example.com", hub.NewID()))
		h.Edit(t, id, func(u *hub.User) {
			u.Role = target
			if kind == "deleted" {
				u.DeletedAt = h.Clock.Now()
			}
		})
	}
	var before hub.User
	if kind != "absent" {
		before = h.Stored(t, id)
	}
	if text, ok := body.(string); ok {
		body = strings.Replace(text, "{unique}", hub.NewID()+"@example.com", 1)
	}
	a := h.Do(t, hubtest.Request{Method: method, Path: "/api/v1" + strings.NewReplacer("{id}", id, "{sessionId}", id).Replace(path), Token: asking.AccessToken, Body: body})
	if a.Status >= 300 && kind != "absent" {
		if diff := cmp.Diff(before, h.Stored(t, id), cmp.Comparer(func(a, b hub.Secret) bool { return a == b })); diff != "" {
			t.Errorf("refused with %d, but changed the user:\n%s", a.Status, diff)
		}
	}
	if a.Status == http.StatusUnauthorized && a.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
	return a.Status
}
