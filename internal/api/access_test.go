package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestBearerComesFromOneWellFormedHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  string // empty: refused
	}{
		{"as usual", []string{"Bearer a.b-c_d"}, "a.b-c_d"},
		{"JWT-25 lower case", []string{"bearer t"}, "t"},
		{"JWT-25 upper case", []string{"BEARER t"}, "t"},
		{"JWT-26 none", nil, ""},
		{"JWT-25 empty", []string{""}, ""},
		{"JWT-25 scheme alone", []string{"Bearer"}, ""},
		{"JWT-25 scheme and space", []string{"Bearer "}, ""},
		{"JWT-25 two spaces", []string{"Bearer  t"}, ""},
		{"JWT-25 tab", []string{"Bearer\tt"}, ""},
		{"JWT-25 leading space", []string{" Bearer t"}, ""},
		{"JWT-25 trailing space", []string{"Bearer t "}, ""},
		{"JWT-25 another scheme", []string{"Basic t"}, ""},
		{"JWT-25 no scheme", []string{"t"}, ""},
		{"JWT-25 two in one", []string{"Bearer t, Bearer u"}, ""},
		{"JWT-25 two lines", []string{"Bearer t", "Bearer t"}, ""},
		{"JWT-22 line break", []string{"Bearer a\n.b"}, ""},
		{"not ASCII", []string{"Bearer é"}, ""},
		{"JWT-24 longest", []string{"Bearer " + strings.Repeat("a", maxTokenBytes)}, strings.Repeat("a", maxTokenBytes)},
		{"JWT-24 too long", []string{"Bearer " + strings.Repeat("a", maxTokenBytes+1)}, ""},
	}
	for _, tt := range tests {
		got, ok := Bearer(http.Header{"Authorization": tt.lines})
		if got.Reveal() != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %v", tt.name, ok)
		}
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer a.b.c")
	f.Add("bearer\u00a0x")
	f.Fuzz(func(t *testing.T, line string) {
		token, ok := Bearer(http.Header{"Authorization": {line}})
		if ok && (!strings.HasSuffix(line, " "+token.Reveal()) || len(line) != len("Bearer ")+len(token.Reveal()) || strings.ContainsAny(token.Reveal(), " ,\r\n\t")) {
			t.Errorf("%q gave a token", line)
		}
	})
}

// TestRBA01_GuardOfEveryOperation walks all operations and roles: whoever may not call is refused before the body, which
// no operation would accept, is read, and the refusal is told.
func TestRBA01_GuardOfEveryOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.handler(t)
	for _, o := range f.Operations() {
		path := strings.NewReplacer("{userId}", hub.NewID(), "{sessionId}", hub.NewID()).Replace(o.Path)
		if o.Access == Public {
			continue
		}
		w := do(t, h, call{method: o.Method, target: path, body: "{"})
		if got := problemOf(t, w).Code; w.Code != http.StatusUnauthorized || got != hub.CodeUnauthenticated {
			t.Errorf("%s for nobody: %d %s", o.ID, w.Code, got)
		}
		if w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s for nobody: no challenge", o.ID)
		}
		for _, role := range hub.Roles() {
			r, err := http.NewRequestWithContext(t.Context(), o.Method, path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+f.tokens[role])
			ctx, err := f.admit(r, o.Access)
			if caller(ctx).User.Role != role {
				t.Fatalf("%s as %s: the actor is %s", o.ID, role, caller(ctx).User.Role)
			}
			if may := role >= o.Access.Least(); may {
				if err != nil {
					t.Errorf("%s as %s: %v", o.ID, role, err)
				}
				continue
			}
			f.denied = nil
			w := do(t, h, call{method: o.Method, target: path, token: f.tokens[role], body: "{"})
			if got := problemOf(t, w).Code; w.Code != http.StatusForbidden || got != hub.CodeForbidden {
				t.Errorf("%s as %s: %d %s", o.ID, role, w.Code, got)
			}
			if want := role.String() + " " + o.Method + " " + o.Path; len(f.denied) != 1 || f.denied[0] != want {
				t.Errorf("%s as %s: told %q, want %q", o.ID, role, f.denied, want)
			}
		}
	}
	if f.log.Len() > 0 {
		t.Errorf("logged: %s", &f.log)
	}
}

func TestAccessOfEveryOperationIsTheContracts(t *testing.T) {
	t.Parallel()
	want := map[Access][]string{
		Public:     {"home", "health", "ready", "register", "login", "refresh", "verifyEmail", "requestPasswordReset", "resetPassword"},
		SignedIn:   {"logout", "me"},
		Moderators: {"activateUser", "deactivateUser"},
		Admins:     {"listUsers", "createUser", "changeRole", "restoreUser", "listUserSessions", "endUserSessions", "systemStats"},
	}
	access := map[string]Access{}
	for level, ids := range want {
		for _, id := range ids {
			access[id] = level
		}
	}
	for _, o := range newFixture(t).Operations() {
		level, ok := access[o.ID]
		if !ok {
			level = NotGuest
		}
		if o.Access != level {
			t.Errorf("%s needs %s, want %s", o.ID, o.Access, level)
		}
	}
}

func TestJWT26_TokenElsewhereDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tok := f.tokens[hub.RoleUser]
	w := do(t, f.handler(t), call{method: "GET", target: "/api/v1/auth/me?access_token=" + tok, header: http.Header{
		"Cookie": {"access_token=" + tok}, "X-Access-Token": {tok}, "X-Role": {"admin"}, "X-Api-Key": {tok},
	}})
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}
