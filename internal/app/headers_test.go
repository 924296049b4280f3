package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestR27_HeadersAndTypeOnEveryStatus(t *testing.T) { // HDR-05, HDR-06, HDR-16, R28
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"RATE_LIMIT_MODERATOR": "1", "HASH_WORKERS": "1", "HASH_QUEUE": "0"})
	p, admin := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleAdmin)
	limited := h.SignUp(t, hub.RoleModerator)
	gone := h.SignUp(t, hub.RoleUser)
	h.Me(t, limited.AccessToken)
	big := map[string]any{"email": strings.Repeat("a", 70_000)}
	text := map[string]string{"Content-Type": "text/plain"}
	answers := map[int]hubtest.Answer{
		200: h.Me(t, p.AccessToken),
		201: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/register", Body: hubtest.Registration("new@example.com")}),
		204: h.Do(t, hubtest.Request{Method: "DELETE", Path: "/api/v1/users/" + gone.ID, Token: admin.AccessToken}),
		400: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: "{"}),
		401: h.Me(t, ""),
		403: h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/users", Token: p.AccessToken}),
		404: h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/nothing"}),
		405: h.Do(t, hubtest.Request{Method: "PUT", Path: "/api/v1/auth/me"}),
		409: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/register", Body: hubtest.Registration(p.Email)}),
		413: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: big}),
		415: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: "{}", Header: text}),
		422: h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: "{}"}),
		429: h.Me(t, limited.AccessToken),
		431: {Status: 431, Header: exchange(t, h.Dial(t), "GET / HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", 64<<10)+"\r\n\r\n").Header},
	}
	for status, a := range answers {
		if a.Status != status {
			t.Errorf("want %d, got %d: %s", status, a.Status, a.Body)
		}
		if a.Header.Get("Set-Cookie") != "" || a.Header.Get("Server") != "" || a.Header.Get("X-Powered-By") != "" {
			t.Errorf("%d: headers %v", status, a.Header)
		}
		if status == http.StatusRequestHeaderFieldsTooLarge { // answered by net/http before there is a request
			continue
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
		} {
			if got := strings.Join(a.Header[name], "|"); got != want {
				t.Errorf("%d: %s is %q, want %q", status, name, got, want)
			}
		}
		wantType := "application/json; charset=utf-8"
		if status == 204 {
			wantType = ""
		}
		if status >= 400 {
			wantType = "application/problem+json"
			checkProblem(t, a)
		}
		if got := a.Header.Get("Content-Type"); got != wantType || (status == 204 && len(a.Body) > 0) {
			t.Errorf("%d: Content-Type %q, want %q; %d bytes", status, got, wantType, len(a.Body))
		}
	}
	if got := answers[401].Header.Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate %q", got)
	}
	if got := answers[405].Header.Get("Allow"); !strings.Contains(got, "GET") {
		t.Errorf("Allow %q", got)
	}
}

// checkProblem proves that the answer is the envelope and nothing else.
func checkProblem(t *testing.T, a hubtest.Answer) {
	t.Helper()
	var p struct {
		Type, Title, Detail, Instance, Code, RequestID, Timestamp string
		Status                                                    int
	}
	a.Into(t, &p)
	if p.Status != a.Status || p.Type == "" || p.Title == "" || p.Detail == "" || p.Code == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("no whole problem: %s", a.Body)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", p.Timestamp); err != nil {
		t.Error(err)
	}
}

func TestHTT19_AcceptAndConditionsChangeNothing(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	want := h.Me(t, p.AccessToken).Want(t, 200)
	for _, header := range []map[string]string{
		{"Accept": "application/xml"},
		{"Accept": "text/html"},
		{"Range": "bytes=0-1"},
		{"If-None-Match": "*"},
		{"If-Modified-Since": "Fri, 01 Jan 2038 00:00:00 GMT"},
		{"X-Http-Method-Override": "DELETE"},
		{"X-Original-Url": "/api/v1/users", "X-Rewrite-Url": "/api/v1/users"},
	} {
		got := h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Token: p.AccessToken, Header: header}).Want(t, 200)
		if string(got.Body) != string(want.Body) || got.Header.Get("Content-Range") != "" || got.Header.Get("Etag") != "" {
			t.Errorf("%v: %v %s", header, got.Header, got.Body)
		}
	}
}

func TestR24_NoSpellingOfAPathLeadsElsewhere(t *testing.T) { // HTT-13, HTT-14, HTT-15
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleAdmin)
	for _, path := range []string{
		"/api/v1//auth/me", "/api/v1/./auth/me", "/api/v1/x/../auth/me", "/api/v1/auth/me/", "/api/v1/auth/%6de",
		"/api/v1/users/..%2f..%2fhealth", "/api/v1/users/%2e%2e/%2e%2e/health", "/api/v1/users/..;/auth/me", "/api/v1/users/%5c..%5chealth",
		"/api/v1/users/%c0%ae%c0%ae", "/.env", "/.git/config", "/api/v1/users/%00", "/api/v1/users/a%0d%0aSet-Cookie:x", "/a64core.db",
		"/api/v1/users?search=%00", "/api/v1/users?search=a%0d%0aSet-Cookie:%20x=1",
	} {
		text := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + p.AccessToken + "\r\n\r\n"
		a := exchange(t, h.Dial(t), text)
		if a.StatusCode != 400 && a.StatusCode != 404 && a.StatusCode != 422 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
		if a.Header.Get("Location") != "" || a.Header.Get("Set-Cookie") != "" || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: headers %v", path, a.Header)
		}
	}
}

func TestHTT11_MethodsOfNobodyOverTheWire(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	for _, path := range []string{"/", "/api/health", "/api/v1/auth/login", "/api/v1/auth/me", "/api/v1/users", "/api/v1/users/me"} {
		for _, method := range []string{"TRACE", "PROPFIND", "FOO", "get", "PUT", "CONNECT"} {
			a := exchange(t, h.Dial(t), method+" "+path+" HTTP/1.1\r\nHost: x\r\nX-Canary: CANARY\r\n\r\n")
			body, err := io.ReadAll(a.Body)
			if err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != 405 || a.Header.Get("Allow") == "" || strings.Contains(string(body), "CANARY") {
				t.Errorf("%s %s: %d, Allow %q, %s", method, path, a.StatusCode, a.Header.Get("Allow"), body)
			}
		}
	}
}

func TestHDR13_TheInstanceIsThePathWithoutItsQuery(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	a := h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/%3Cb%3E?token=SECRET&a=%3Cb%3E"}).Want(t, 404)
	if got := a.JSON(t)["instance"]; got != "/api/v1/%3Cb%3E" || strings.Contains(string(a.Body)+h.Log.String(), "SECRET") {
		t.Errorf("instance %v: %s", got, a.Body)
	}
}

func TestHDR15_SystemAnswersTellNothingOfTheInside(t *testing.T) { // R28, R37
	t.Parallel()
	h := hubtest.Start(t)
	for path, want := range map[string][]string{
		"/":           {"docs", "health", "name", "status", "version"},
		"/api/health": {"service", "status", "timestamp", "version"},
		"/api/ready":  {"checks", "ready", "status", "timestamp"},
	} {
		var got map[string]json.RawMessage
		a := h.Do(t, hubtest.Request{Method: "GET", Path: path}).Want(t, 200)
		a.Into(t, &got)
		for _, name := range want {
			if _, ok := got[name]; !ok || len(got) != len(want) {
				t.Errorf("%s: %s, want exactly %v", path, a.Body, want)
			}
		}
		if strings.Contains(strings.ToLower(string(a.Body)), "sqlite") || strings.Contains(string(a.Body), h.Dir) {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

func TestR27_PreflightsOfEveryRoute(t *testing.T) { // HDR-01, HDR-03
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"ALLOWED_ORIGINS": "https://app.example.com", "RATE_LIMIT_GUEST": "1"})
	for _, o := range h.App.API.Operations() {
		for _, origin := range []string{"https://app.example.com", "https://evil.example"} {
			a := h.Do(t, hubtest.Request{Method: "OPTIONS", Path: strings.NewReplacer("{", "", "}", "").Replace(o.Path), Header: map[string]string{
				"Origin": origin, "Access-Control-Request-Method": o.Method, "Access-Control-Request-Headers": "authorization,content-type",
			}}).Want(t, 204)
			want := origin
			if origin == "https://evil.example" {
				want = ""
			}
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s %s from %s: allowed %q", o.Method, o.Path, origin, got)
			}
		}
	}
}
