package app_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// witness sends requests and keeps what must not show up again.
type witness struct {
	*hubtest.Hub
	secrets map[string]string // by what they are
	answers [][]byte          // all but those whose purpose is to hand out tokens
}

func (w *witness) post(t *testing.T, path, access string, body any) hubtest.Answer {
	t.Helper()
	a := w.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1" + path, Token: access, Body: body})
	if a.Status == 200 && (path == "/auth/login" || path == "/auth/refresh") {
		var tokens hubtest.Tokens
		a.Into(t, &tokens)
		n := fmt.Sprint(len(w.secrets))
		w.plant("access token "+n, tokens.AccessToken)
		w.plant("refresh token "+n, tokens.RefreshToken)
		return a
	}
	w.answers = append(w.answers, a.Body)
	return a
}

// plant notes a secret; of a token the signature, without which it is worth nothing.
func (w *witness) plant(what, secret string) string {
	w.secrets[what] = secret[strings.LastIndexByte(secret, '.')+1:]
	return secret
}

func (w *witness) password(what string) string { return w.plant(what, "Aa1!"+rand.Text()) }

func (w *witness) link(t *testing.T, email, what string) string {
	t.Helper()
	return w.plant(what, w.LinkTo(t, email))
}

// TestR29_NoSecretIsKeptOrTold goes through everything that secrets are used for and looks for them in the log, the
// answers, the audit trail and the files.
func TestR29_NoSecretIsKeptOrTold(t *testing.T) { // SES-27, HDR-07, HDR-10, ENU-14
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"REFRESH_GRACE": "0s"})
	w := &witness{Hub: h, secrets: map[string]string{"the key": hubtest.SecretKey}}
	const email = "ada@example.com"
	password, next, last := w.password("first password"), w.password("second password"), w.password("third password")
	login := func(password string) (tokens hubtest.Tokens) {
		w.post(t, "/auth/login", "", map[string]any{"email": email, "password": password}).Want(t, 200).Into(t, &tokens)
		return tokens
	}

	registration := hubtest.Registration(email)
	registration["password"] = password
	w.post(t, "/auth/register", "", registration).Want(t, 201)
	w.post(t, "/auth/register", "", registration).Want(t, 409)
	verification := w.link(t, email, "verification token")
	w.post(t, "/auth/verify-email", "", map[string]any{"token": verification}).Want(t, 200)
	w.post(t, "/auth/verify-email", "", map[string]any{"token": verification}).Want(t, 400)
	w.post(t, "/auth/login", "", map[string]any{"email": email, "password": w.password("wrong password")}).Want(t, 401)

	tokens := login(password)
	w.post(t, "/auth/refresh", "", map[string]any{"refreshToken": tokens.RefreshToken}).Want(t, 200)
	w.post(t, "/auth/refresh", "", map[string]any{"refreshToken": tokens.RefreshToken}).Want(t, 401, "TOKEN_REUSED")
	w.post(t, "/auth/refresh", "", map[string]any{"refreshToken": w.plant("no token", "x."+rand.Text())}).Want(t, 401)

	access := login(password).AccessToken
	w.post(t, "/auth/change-password", access, map[string]any{"currentPassword": password, "newPassword": next}).Want(t, 200)
	w.post(t, "/auth/change-password", access, map[string]any{"currentPassword": w.password("wrong current"), "newPassword": last}).Want(t, 401)
	w.post(t, "/auth/change-email", access, map[string]any{"currentPassword": next, "newEmail": "new@example.com"}).Want(t, 200)
	change := w.link(t, "new@example.com", "change token")
	w.post(t, "/auth/request-password-reset", "", map[string]any{"email": email}).Want(t, 200)
	reset := w.link(t, email, "reset token")
	w.post(t, "/auth/reset-password", "", map[string]any{"token": reset, "newPassword": w.plant("short password", "q"+rand.Text()[:5])}).Want(t, 422)
	w.post(t, "/auth/reset-password", "", map[string]any{"token": reset, "newPassword": last}).Want(t, 200)
	w.post(t, "/auth/verify-email", "", map[string]any{"token": change}).Want(t, 400)
	w.post(t, "/auth/logout", login(last).AccessToken, nil).Want(t, 200)
	w.nonsense(t)

	w.mustNotTell(t)
}

// nonsense sends values that are wrong in every field, in the query, in headers and as paths.
func (w *witness) nonsense(t *testing.T) {
	t.Helper()
	canary := func(n int) string { return w.plant(fmt.Sprint("wrong value ", n), rand.Text()) }
	body := map[string]any{}
	for i, name := range []string{
		"email", "password", "firstName", "lastName", "phone", "avatar", "timezone", "locale", "token", "newPassword", "refreshToken", "role", "unknown",
	} {
		body[name] = "\x01" + canary(i) // a control character is wrong everywhere
	}
	for i, path := range []string{"/auth/register", "/auth/login", "/auth/refresh", "/auth/verify-email", "/auth/reset-password"} {
		w.post(t, path, "", body)
		w.post(t, path, "", map[string]any{canary(20 + i): []any{canary(30 + i)}}).Want(t, 422)
		w.post(t, path, "", `{"email": `+canary(40+i)).Want(t, 400)
	}
	for _, r := range []hubtest.Request{
		{Method: "GET", Path: "/api/v1/auth/me?access_token=" + canary(50)},
		{Method: "GET", Path: "/api/v1/auth/me", Header: map[string]string{"Authorization": "Basic " + canary(51)}},
		{Method: "GET", Path: "/api/v1/auth/me", Token: "a.b." + canary(52)},
		{Method: "GET", Path: "/api/v1/auth/me", Header: map[string]string{"Cookie": "session=" + canary(53), "Referer": "https://x/?t=" + canary(54)}},
	} {
		w.answers = append(w.answers, w.Do(t, r).Want(t, 401).Body)
	}
}

// mustNotTell looks for the secrets everywhere.
func (w *witness) mustNotTell(t *testing.T) {
	t.Helper()
	trail, err := w.Store.Events(t.Context(), hub.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	w.Stop() // so that the last lines are written
	places := map[string][]byte{"the log": []byte(w.Log.String()), "an answer": bytes.Join(w.answers, []byte("\n"))}
	if places["the audit trail"], err = json.Marshal(trail); err != nil {
		t.Fatal(err)
	}
	if len(w.secrets) < 25 || len(trail) < 10 {
		t.Fatalf("%d secrets, %d events: too few to prove anything", len(w.secrets), len(trail))
	}
	w.mustNotBeIn(t, places)
	t.Run("files", func(t *testing.T) {
		hubtest.OnlySQLite(t, "a server keeps its files to itself")
		w.mustNotBeIn(t, filesIn(t, w.Dir))
	})
}

// filesIn returns what is in the files of the folder, which are those of a database.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, file := range found {
		if files["the file "+filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(files["the file a64core.db"], []byte("SQLite format 3")) {
		t.Fatalf("files %v: no database is among them", found)
	}
	return files
}

func (w *witness) mustNotBeIn(t *testing.T, places map[string][]byte) {
	t.Helper()
	for place, text := range places {
		for what, secret := range w.secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s is in %s", what, place)
			}
		}
	}
}

func TestR29_ExactlyOneEventForEachOutcome(t *testing.T) { // HDR-12, RBA-24
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"REFRESH_GRACE": "0s"})
	admin, p, q := h.SignUp(t, hub.RoleAdmin), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	login := func(email, password string) hubtest.Request {
		return hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": email, "password": password}}
	}
	refresh := hubtest.Request{Method: "POST", Path: "/api/v1/auth/refresh", Body: map[string]any{"refreshToken": q.RefreshToken}}
	user := "/api/v1/users/" + q.ID
	type step struct {
		name    string
		request hubtest.Request
		status  int
		kind    hub.EventKind // empty: none, the request line tells
	}
	steps := []step{
		{"login", login(q.Email, hubtest.Password), 200, hub.EventSessionStarted},
		{"failure", login(p.Email, wrongPassword), 401, hub.EventLoginFailed},
		{"failure of nobody", login("nobody@example.com", wrongPassword), 401, hub.EventLoginFailed},
		{"refresh", refresh, 200, hub.EventSessionRefreshed},
		{"reuse", refresh, 401, hub.EventTokenReused},
		{"reset request", hubtest.Request{Method: "POST", Path: "/api/v1/auth/request-password-reset", Body: map[string]any{"email": p.Email}}, 200, hub.EventResetAsked},
		{"denied", hubtest.Request{Method: "GET", Path: "/api/v1/users", Token: p.AccessToken}, 403, hub.EventAccessDenied},
		{"role", hubtest.Request{Method: "PATCH", Path: user + "/role", Token: admin.AccessToken, Body: map[string]any{"role": "moderator"}}, 200, hub.EventRoleChanged},
		{"deactivation", hubtest.Request{Method: "POST", Path: user + "/deactivate", Token: admin.AccessToken}, 200, hub.EventUserDeactivated},
		{"login of the inactive", login(q.Email, hubtest.Password), 403, hub.EventLoginInactive},
		{"deletion", hubtest.Request{Method: "DELETE", Path: user, Token: admin.AccessToken}, 204, hub.EventUserDeleted},
		{"bad value", hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: "{}"}, 422, ""},
		{"bad token", hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Token: "a.b.c"}, 401, ""},
	}
	for range 3 {
		steps = append(steps, step{"failure", login(p.Email, wrongPassword), 401, hub.EventLoginFailed})
	}
	steps = append(steps,
		step{"the failure that locks", login(p.Email, wrongPassword), 401, hub.EventLoginLocked},
		step{"locked", login(p.Email, hubtest.Password), 429, hub.EventLoginRefused},
	)
	for i, s := range steps {
		id := fmt.Sprint("step-", i)
		s.request.Header = map[string]string{"X-Request-Id": id}
		before := len(h.Log.String())
		if a := h.Do(t, s.request); a.Status != s.status {
			t.Fatalf("%s: status %d, want %d: %s", s.name, a.Status, s.status, a.Body)
		}
		checkTrail(t, h, s.name, id, s.kind, h.Log.String()[before:])
	}
}

// checkTrail proves that the request left one event of the kind, in the trail and in the log, or none if no kind is given.
func checkTrail(t *testing.T, h *hubtest.Hub, name, requestID string, kind hub.EventKind, logged string) {
	t.Helper()
	trail, err := h.Store.Events(t.Context(), hub.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []hub.EventKind
	for _, e := range trail {
		if e.RequestID != requestID {
			continue
		}
		kinds = append(kinds, e.Kind)
		if e.IP != "127.0.0.1" || e.At.Location() != time.UTC || !e.At.Equal(h.Clock.Now()) || (e.TargetID == "" && e.EmailKey == "") {
			t.Errorf("%s: the event is not whole: %+v", name, e)
		}
		if strings.Count(logged, e.ID) != 1 {
			t.Errorf("%s: %d lines of the event in %s", name, strings.Count(logged, e.ID), logged)
		}
	}
	if want := min(len(kind), 1); len(kinds) != want || (want == 1 && kinds[0] != kind) {
		t.Errorf("%s: events %v, want one %s", name, kinds, kind)
	}
	if got := strings.Count(logged, `"msg":"security event"`); got != len(kinds) {
		t.Errorf("%s: %d event lines, want %d: %s", name, got, len(kinds), logged)
	}
}
