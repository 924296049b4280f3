package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/hubtest"
)

// described is an operation with what the document says of its body and answers.
type described struct {
	api.Operation
	fields    map[string]map[string]any // schemas of the body's fields by name; nil: no body
	required  []string
	responses map[string]any // by status
}

// walk returns every operation of the hub.
func (d *document) walk(t *testing.T, h *hubtest.Hub) []described {
	t.Helper()
	var all []described
	for _, o := range h.App.API.Operations() {
		described := described{Operation: o, responses: d.operations[o.ID].responses}
		if o.Body {
			operation := d.root["paths"].(map[string]any)[o.Path].(map[string]any)[strings.ToLower(o.Method)].(map[string]any)
			content := d.resolve(operation["requestBody"].(map[string]any))["content"].(map[string]any)["application/json"].(map[string]any)
			schema := d.resolve(content["schema"].(map[string]any))
			described.fields = map[string]map[string]any{}
			for name, field := range schema["properties"].(map[string]any) {
				described.fields[name] = field.(map[string]any)
			}
			required, _ := schema["required"].([]any)
			for _, name := range required {
				described.required = append(described.required, name.(string))
			}
		}
		all = append(all, described)
	}
	if len(all) < 30 {
		t.Fatalf("only %d operations", len(all))
	}
	return all
}

// resolve follows a reference, if it is one.
func (d *document) resolve(o map[string]any) map[string]any {
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	at := any(d.root)
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[step]
	}
	return at.(map[string]any)
}

// body returns a body that the operation takes from the actor: the document's examples, but what must be true of the actor.
func (o *described) body(actor hubtest.Person) object {
	body := object{}
	for name, schema := range o.fields {
		body[name] = schema["example"]
		if examples, ok := schema["examples"].([]any); ok {
			body[name] = examples[0]
		}
		switch name {
		case "email", "newEmail":
			body[name] = "walk-" + hub.NewID() + "@example.com"
			if o.ID == "login" {
				body[name] = actor.Email
			}
		case "password", "currentPassword":
			body[name] = hubtest.Password
		case "refreshToken":
			body[name] = actor.RefreshToken
		}
	}
	return body
}

// at returns the operation's path for a user and a session.
func (o *described) at(userID, sessionID string) string {
	return strings.NewReplacer("{userId}", userID, "{sessionId}", sessionID).Replace(o.Path)
}

// check fails the test unless the document knows the answer: its status, and its body or code.
func (d *document) check(t *testing.T, o *described, what string, a hubtest.Answer) {
	t.Helper()
	response, ok := o.responses[fmt.Sprint(a.Status)].(map[string]any)
	if !ok {
		t.Errorf("%s, %s: status %d is not documented: %s", o.ID, what, a.Status, a.Body)
		return
	}
	content, ok := d.resolve(response)["content"].(map[string]any)
	if !ok {
		if len(a.Body) > 0 {
			t.Errorf("%s, %s: status %d has a body that is not documented: %s", o.ID, what, a.Status, a.Body)
		}
		return
	}
	mediaType, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	documented, ok := content[mediaType].(map[string]any)
	if !ok {
		t.Errorf("%s, %s: status %d with %q", o.ID, what, a.Status, mediaType)
		return
	}
	d.compare(t, o.ID+", "+what, documented["schema"].(map[string]any), a.JSON(t))
	if a.Status < 400 || mediaType != "application/problem+json" {
		return
	}
	if _, ok := documented["examples"].(map[string]any)[a.Code()]; !ok || !slices.Contains(o.Codes, hub.Code(a.Code())) {
		t.Errorf("%s, %s: code %s is not documented", o.ID, what, a.Code())
	}
	if a.Status == http.StatusUnauthorized && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("%s, %s: 401 without WWW-Authenticate", o.ID, what)
	}
	if a.Status == http.StatusTooManyRequests && a.Header.Get("Retry-After") == "" {
		t.Errorf("%s, %s: 429 without Retry-After", o.ID, what)
	}
}

func TestEveryAnswerIsDocumented(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	h.SignUp(t, hub.RoleSuperAdmin)
	t.Run("operations", func(t *testing.T) {
		for _, o := range d.walk(t, h) {
			t.Run(o.ID, func(t *testing.T) {
				t.Parallel()
				for _, role := range append([]hub.Role{0}, hub.Roles()...) {
					actor := h.SignUp(t, max(role, hub.RoleGuest))
					token := actor.AccessToken
					if role == 0 {
						token = "" // nobody
					}
					target := h.SignUp(t, hub.RoleUser)
					session := fmt.Sprint(claimsOf(t, actor.AccessToken)["sid"])
					for _, path := range []string{o.at(hub.NewID(), hub.NewID()), o.at("{}", "%00"), o.at(target.ID, session)} {
						for _, r := range requests(t, &o, actor) {
							r.Method, r.Path = o.Method, path
							if r.Token == "" {
								r.Token = token
							}
							a := h.Do(t, r)
							d.check(t, &o, fmt.Sprintf("%s to %s %.60v", role, path, r.Body), a)
							if a.Header.Get("X-Request-Id") == "" {
								t.Errorf("%s: no X-Request-Id", o.ID)
							}
						}
					}
				}
			})
		}
	})
	if strings.Contains(h.Log.String(), "the document does not name") {
		t.Error("a code was answered that the document does not name")
	}
	for line := range strings.Lines(h.Log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("an error was logged: %s", line)
		}
	}
}

// requests returns requests to the operation: none, nearly and wholly valid, the last one last, since it may take effect.
func requests(t *testing.T, o *described, actor hubtest.Person) []hubtest.Request {
	t.Helper()
	all := []hubtest.Request{
		{Token: "garbage"},
		{Token: actor.RefreshToken},
		{Token: claimsOf(t, actor.AccessToken).with(object{"exp": 1}).minted(t)},
		{Header: map[string]string{"Authorization": "Basic x"}},
	}
	if !o.Body {
		return append(all, hubtest.Request{})
	}
	valid := o.body(actor)
	all = append(all, hubtest.Request{}, hubtest.Request{Body: "{"}, hubtest.Request{Body: "[]"}, hubtest.Request{Body: "{}"},
		hubtest.Request{Body: `{"x":1}`}, hubtest.Request{Body: "\xff"},
		hubtest.Request{Body: valid, Header: map[string]string{"Content-Type": "text/plain"}},
		hubtest.Request{Body: `{"x":"` + strings.Repeat("x", 64<<10) + `"}`})
	for name := range o.fields {
		for _, value := range []any{absent{}, nil, "", 1, "x"} {
			all = append(all, hubtest.Request{Body: valid.with(object{name: value})})
		}
	}
	return append(all, hubtest.Request{Body: valid})
}
