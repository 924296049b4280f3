package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestPathsAreExact(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.handler(t)
	const id = "0197a3c1-7d2e-7b3a-9c41-5e0f6a7b8c9d"
	for _, target := range []string{
		"/api/v1/auth/me/", "/api/v1//auth/me", "/api/v1/./auth/me", "/api/v1/x/../auth/me", "//api/v1/auth/me", "/API/v1/auth/me", // HTT-13
		"/api/v1/auth/%6de", "/api%2fv1/auth/me", "/api/v1/auth/me%00", "/api/v1/auth/me;x", "/api/v1/auth/me%2e", // RTL-16, HTT-15
		"/.env", "/.git/config", "/%2e%2e/etc", "/api/v1", "/api/v1/", "/api", "/index.html", "/metrics", "/debug/pprof/", "/api/v1/system/backup", // HTT-14, RBA-27
		"/api/v1/users/" + id + "/", "/api/v1/users/" + id + "/sessions/", "/api/v1/users/me/role/x", "/api/v1/users/", "/api/v1/users//sessions", "/api/v1/users//role",
	} {
		u, err := url.Parse("http://hub" + target)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.URL = u
		r.Header.Set("Authorization", "Bearer "+f.tokens[hub.RoleSuperAdmin])
		w := serve1(h, r)
		if got := problemOf(t, w).Code; w.Code != http.StatusNotFound || got != hub.CodeNotFound || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", target, w.Code, got)
		}
	}
}

func TestHTT11_OtherMethodsAreRefusedWithThoseThatWork(t *testing.T) {
	t.Parallel()
	h := newFixture(t).handler(t)
	for _, tt := range []struct{ method, target, allow string }{
		{"PUT", "/api/v1/auth/me", "GET, HEAD"},
		{"TRACE", "/api/v1/auth/login", "POST"},
		{"FOO", "/api/v1/users", "GET, HEAD, POST"},
		{"get", "/api/v1/users/me", "GET, HEAD, PATCH, DELETE"},
		{"OPTIONS", "/api/v1/users/x", "GET, HEAD, PATCH, DELETE"},
		{"GET", "/api/v1/users/x/activate", "POST"},
		{"HEAD", "/api/v1/auth/login", "POST"},
		{"POST", "/api/health", "GET, HEAD"},
		{"DELETE", "/api/openapi.json", "GET, HEAD"},
	} {
		w := do(t, h, call{method: tt.method, target: tt.target})
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, Allow %q, want %q", tt.method, tt.target, w.Code, w.Header().Get("Allow"), tt.allow)
		}
	}
	if w := do(t, h, call{method: "FOO", target: "/nothing"}); w.Code != http.StatusNotFound {
		t.Errorf("unknown method on a path that is not there: %d", w.Code)
	}
}

func TestRBA18_HeadIsGuardedLikeGet(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.handler(t)
	for token, want := range map[string]int{"": 401, f.tokens[hub.RoleUser]: 403} {
		if w := do(t, h, call{method: "HEAD", target: "/api/v1/users", token: token}); w.Code != want {
			t.Errorf("status %d, want %d", w.Code, want)
		}
	}
	if w := do(t, h, call{method: "HEAD", target: "/api/v1/auth/me", token: f.tokens[hub.RoleGuest]}); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("own account: %d %s", w.Code, w.Body)
	}
}

func TestMeShowsTheLiveUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := do(t, f.handler(t), call{method: "GET", target: "/api/v1/auth/me", token: f.tokens[hub.RoleModerator]})
	var got User
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Role != "moderator" {
		t.Errorf("%d %s: %v", w.Code, w.Body, err)
	}
}

func TestSystemRoutesNeedNoTokenAndTellNoSecrets(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for path, want := range map[string]string{
		"/":           `{"name":"hub","version":"1","status":"online","docs":"/api/docs","health":"/api/health"}`,
		"/api/health": `{"status":"healthy","timestamp":"2026-01-02T03:04:05.678Z","service":"hub","version":"1"}`,
		"/api/ready":  `{"ready":true,"status":"ready","timestamp":"2026-01-02T03:04:05.678Z","checks":{"database":"healthy"}}`,
	} {
		w := do(t, f.handler(t), call{method: "GET", target: path})
		if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", path, w.Code, diff)
		}
	}
}

func TestNotReadyIs503WithTheSameBody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Ready = func(context.Context) (Status, map[string]string) {
		return StatusUnavailable, map[string]string{"database": "unhealthy"}
	}
	w := do(t, f.handler(t), call{method: "GET", target: "/api/ready"})
	const want = `{"ready":false,"status":"unavailable","timestamp":"2026-01-02T03:04:05.678Z","checks":{"database":"unhealthy"}}`
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestDocumentIsServedOnlyIfEnabled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := do(t, f.handler(t), call{method: "GET", target: "/api/openapi.json"})
	if !json.Valid(w.Body.Bytes()) || w.Code != 200 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("enabled: %d", w.Code)
	}
	f.DocsEnabled = false
	h := f.handler(t)
	if w := do(t, h, call{method: "GET", target: "/api/openapi.json"}); w.Code != 404 {
		t.Errorf("disabled: %d", w.Code)
	}
	var home Home
	if err := json.Unmarshal(do(t, h, call{method: "GET", target: "/"}).Body.Bytes(), &home); err != nil || home.Docs != nil {
		t.Errorf("disabled, but the home page leads there: %v", err)
	}
}

func BenchmarkMe(b *testing.B) {
	f := newFixture(b)
	h := f.handler(b)
	token := f.tokens[hub.RoleUser]
	b.ReportAllocs()
	for b.Loop() {
		if w := do(b, h, call{method: "GET", target: "/api/v1/auth/me", token: token}); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
