package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/hubtest"
)

// TestEveryOperationAnswersAsDocumented calls each operation of a running hub at least once with success, and compares
// status and body with what the document says of them.
func TestEveryOperationAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, mod, ada, bob := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleModerator), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)

	call := func(op, path, token string, body any) map[string]any {
		t.Helper()
		return d.call(t, h, op, path, token, body)
	}
	call("home", "/", "", nil)
	call("health", "/api/health", "", nil)
	call("ready", "/api/ready", "", nil)

	call("register", "/api/v1/auth/register", "", hubtest.Registration("eve@example.com"))
	first := call("login", "/api/v1/auth/login", "", map[string]any{"email": bob.Email, "password": hubtest.Password})
	call("refresh", "/api/v1/auth/refresh", "", map[string]any{"refreshToken": bob.RefreshToken})
	call("me", "/api/v1/auth/me", ada.AccessToken, nil)
	call("verifyEmail", "/api/v1/auth/verify-email", "", map[string]any{"token": h.LinkTo(t, ada.Email)})
	call("sendVerificationEmail", "/api/v1/auth/send-verification-email", bob.AccessToken, nil)
	call("requestPasswordReset", "/api/v1/auth/request-password-reset", "", map[string]any{"email": "eve@example.com"})
	call("resetPassword", "/api/v1/auth/reset-password", "", map[string]any{"token": h.LinkTo(t, "eve@example.com"), "newPassword": "Another-Horse-8-Battery"})
	call("changeEmail", "/api/v1/auth/change-email", bob.AccessToken, map[string]any{"currentPassword": hubtest.Password, "newEmail": "bob@example.com"})
	call("changePassword", "/api/v1/auth/change-password", ada.AccessToken, map[string]any{"currentPassword": hubtest.Password, "newPassword": "Another-Horse-8-Battery"})

	listed := call("listOwnSessions", "/api/v1/auth/sessions", bob.AccessToken, nil)["data"].([]any)
	for _, s := range listed {
		if s := s.(map[string]any); s["current"] != true {
			call("endOwnSession", "/api/v1/auth/sessions/"+s["sessionId"].(string), bob.AccessToken, nil)
		}
	}
	h.Me(t, first["accessToken"].(string)).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")

	const users = "/api/v1/users"
	call("viewOwnUser", users+"/me", ada.AccessToken, nil)
	call("updateOwnUser", users+"/me", ada.AccessToken, map[string]any{"phone": "+4930123456", "locale": "en-GB"})
	if got := call("updateOwnUser", users+"/me", ada.AccessToken, map[string]any{"phone": nil}); got["phone"] != nil || got["locale"] != "en-GB" {
		t.Errorf("LIF-07: phone is %v, locale is %v", got["phone"], got["locale"])
	}
	call("viewUser", users+"/"+ada.ID, mod.AccessToken, nil)
	if got := call("updateUser", users+"/"+ada.ID, root.AccessToken, map[string]any{"metadata": map[string]any{"team": "north"}}); fmt.Sprint(got["metadata"]) != "map[team:north]" {
		t.Errorf("metadata is %v", got["metadata"])
	}
	if got := call("me", "/api/v1/auth/me", ada.AccessToken, nil); got["metadata"] != nil {
		t.Errorf("metadata is shown to a user")
	}
	made := call("createUser", users, root.AccessToken, hubtest.Registration("new@example.com"))
	if made["role"] != "user" || made["isEmailVerified"] != false {
		t.Errorf("made %v", made)
	}
	call("changeRole", users+"/"+ada.ID+"/role", root.AccessToken, map[string]any{"role": "guest"})
	call("deactivateUser", users+"/"+bob.ID+"/deactivate", mod.AccessToken, nil)
	call("activateUser", users+"/"+bob.ID+"/activate", mod.AccessToken, nil)
	call("listUserSessions", users+"/"+mod.ID+"/sessions", root.AccessToken, nil)
	call("endUserSessions", users+"/"+mod.ID+"/sessions", root.AccessToken, nil)
	call("deleteUser", users+"/"+bob.ID, root.AccessToken, nil)
	call("restoreUser", users+"/"+bob.ID+"/restore", root.AccessToken, nil)
	call("systemStats", "/api/v1/system/stats", root.AccessToken, nil)
	call("listUsers", users+"?perPage=2&sort=email", root.AccessToken, nil)
	gone := h.SignUp(t, hub.RoleUser)
	call("deleteOwnUser", users+"/me", gone.AccessToken, nil)
	call("logout", "/api/v1/auth/logout", root.AccessToken, nil)

	for id := range d.operations {
		if !d.called[id] {
			t.Errorf("%s was not called", id)
		}
	}
	if strings.Contains(h.Log.String(), "the document does not name") {
		t.Error("a code was answered that the document does not name")
	}
}

func TestListIsPagedWithoutGapsOrRepeats(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	for range 6 {
		h.SignUp(t, hub.RoleUser)
	}
	for _, start := range []string{"/api/v1/users?perPage=3", "/api/v1/users?perPage=2&sort=email", "/api/v1/users?perPage=3&sort=lastName&isActive=true"} {
		for _, byCursor := range []bool{false, true} {
			seen := map[string]bool{}
			for next := start; next != ""; {
				var page api.UserPage
				h.Do(t, hubtest.Request{Method: "GET", Path: next, Token: root.AccessToken}).Want(t, http.StatusOK).Into(t, &page)
				for _, u := range page.Data {
					if seen[u.UserID] {
						t.Errorf("%s: %s is there twice", start, u.Email)
					}
					seen[u.UserID] = true
				}
				if page.Meta.Total != 7 {
					t.Errorf("%s: total %d", start, page.Meta.Total)
				}
				next = ""
				switch {
				case byCursor && page.Meta.NextCursor != nil:
					next = start + "&cursor=" + *page.Meta.NextCursor
				case !byCursor && page.Links.Next != nil:
					next = *page.Links.Next
				}
			}
			if len(seen) != 7 {
				t.Errorf("%s, by cursor %v: %d users", start, byCursor, len(seen))
			}
		}
	}
	h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/users?page=9223372036854775807&perPage=100", Token: root.AccessToken}).Want(t, http.StatusOK)
}

func TestLogoutNeverEndsMoreThanItWasAskedTo(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	ada, bob := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	other := h.Login(t, ada.Email, hubtest.Password)
	logout := func(body any) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/logout", Token: ada.AccessToken, Body: body})
	}
	for _, body := range []string{`{"refreshToken":""}`, `{"refreshToken":7}`, `{"refreshToken":["x"]}`, `{"refresh_token":"x"}`} { // SES-14
		logout(body).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
	}
	logout(`{"refreshToken":"garbage"}`).Want(t, http.StatusOK)
	logout(map[string]any{"refreshToken": bob.RefreshToken}).Want(t, http.StatusOK) // SES-15
	for _, token := range []string{ada.AccessToken, other.AccessToken, bob.AccessToken} {
		h.Me(t, token).Want(t, http.StatusOK)
	}
	logout(map[string]any{"refreshToken": other.RefreshToken}).Want(t, http.StatusOK) // SES-12
	h.Me(t, other.AccessToken).Want(t, http.StatusUnauthorized)
	h.Me(t, ada.AccessToken).Want(t, http.StatusOK)
	logout(`{"refreshToken":null}`).Want(t, http.StatusOK) // SES-13
	h.Me(t, ada.AccessToken).Want(t, http.StatusUnauthorized)
	logout(nil).Want(t, http.StatusUnauthorized) // SES-16
}

func TestDeniedAccessIsRecorded(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	ada, bob := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	for _, path := range []string{"/api/v1/users", "/api/v1/users/" + bob.ID, "/api/v1/users/" + hub.NewID(), "/api/v1/users/x"} {
		h.Do(t, hubtest.Request{Method: "GET", Path: path, Token: ada.AccessToken}).Want(t, http.StatusForbidden, "FORBIDDEN")
	}
	h.Do(t, hubtest.Request{Method: "PATCH", Path: "/api/v1/users/me", Token: ada.AccessToken, Body: `{"metadata":{}}`}).Want(t, http.StatusForbidden)
	events, err := h.Store.Events(t.Context(), hub.EventQuery{UserID: ada.ID, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	denied := 0
	for _, e := range events {
		if e.Kind == hub.EventAccessDenied && e.ActorID == ada.ID {
			denied++
		}
	}
	if denied != 5 {
		t.Errorf("%d refusals recorded, want 5", denied)
	}
}

// document is what a client knows of the hub.
type document struct {
	root       map[string]any
	operations map[string]operation
	called     map[string]bool
}

type operation struct {
	method    string
	responses map[string]any
}

func readDocument(t *testing.T, h *hubtest.Hub) *document {
	t.Helper()
	text, err := h.App.API.OpenAPIJSON()
	if err != nil {
		t.Fatal(err)
	}
	d := &document{operations: map[string]operation{}, called: map[string]bool{}}
	if err := json.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	for _, item := range d.root["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			o := o.(map[string]any)
			d.operations[o["operationId"].(string)] = operation{strings.ToUpper(method), o["responses"].(map[string]any)}
		}
	}
	return d
}

// call calls an operation, which must succeed, and returns its answer.
func (d *document) call(t *testing.T, h *hubtest.Hub, id, path, token string, body any) map[string]any {
	t.Helper()
	o := d.operations[id]
	a := h.Do(t, hubtest.Request{Method: o.method, Path: path, Token: token, Body: body})
	d.called[id] = true
	response, ok := o.responses[fmt.Sprint(a.Status)].(map[string]any)
	if !ok || a.Status >= 300 {
		t.Fatalf("%s: status %d: %s", id, a.Status, a.Body)
	}
	content, ok := response["content"].(map[string]any)
	if !ok {
		if len(a.Body) > 0 {
			t.Errorf("%s: a body that is not documented: %s", id, a.Body)
		}
		return nil
	}
	answer := a.JSON(t)
	schema := content["application/json"].(map[string]any)["schema"].(map[string]any)
	d.compare(t, id, schema, answer)
	return answer
}

// compare checks a value against the part of JSON Schema that the document uses.
func (d *document) compare(t *testing.T, at string, schema map[string]any, value any) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		schema = d.root["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any)
	}
	kind := map[bool]string{true: "null"}[value == nil]
	switch v := value.(type) {
	case string:
		kind = "string"
		if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
			t.Errorf("%s: %q is not among the documented values", at, v)
		}
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
	case []any:
		kind = "array"
		for _, item := range v {
			d.compare(t, at+"[]", schema["items"].(map[string]any), item)
		}
	case map[string]any:
		kind = "object"
		d.compareObject(t, at, schema, v)
	}
	types, many := schema["type"].([]any)
	if !many {
		types = []any{schema["type"]}
	}
	if !slices.Contains(types, any(kind)) && (kind != "number" || !slices.Contains(types, "integer")) {
		t.Errorf("%s is %s, documented as %v", at, kind, types)
	}
}

func (d *document) compareObject(t *testing.T, at string, schema, object map[string]any) {
	t.Helper()
	properties, ok := schema["properties"].(map[string]any)
	if !ok { // any member
		return
	}
	for name, member := range object {
		if known, ok := properties[name].(map[string]any); ok {
			d.compare(t, at+"."+name, known, member)
		} else {
			t.Errorf("%s.%s is not documented", at, name)
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := object[name.(string)]; !ok {
			t.Errorf("%s.%s is missing", at, name)
		}
	}
}
