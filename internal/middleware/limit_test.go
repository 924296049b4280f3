package middleware_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/middleware"
	"github.com/a64core/hub/internal/ratelimit"
)

func limited() middleware.Options {
	o := options()
	o.Limits = map[hub.Role]int{hub.RoleGuest: 10, hub.RoleUser: 20, hub.RoleModerator: 30, hub.RoleAdmin: 40, hub.RoleSuperAdmin: 50}
	return o
}

// countOK sends n requests and returns how many were let through. from gives the peer and the headers of each.
func countOK(t *testing.T, o middleware.Options, n int, from func(i int, r *http.Request)) (let int) {
	t.Helper()
	h := middleware.Chain(o, http.HandlerFunc(ok))
	for i := range n {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/auth/login", nil)
		from(i, r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			let++
		}
	}
	return let
}

func TestRTL02_EachRoleHasItsLimit(t *testing.T) {
	t.Parallel()
	for _, role := range hub.Roles() {
		o := limited()
		want := o.Limits[role]
		if got := countOK(t, o, 60, func(_ int, r *http.Request) { r.Header.Set("Authorization", role.String()+":u") }); got != want {
			t.Errorf("%s: %d let through, want %d", role, got, want)
		}
	}
}

func TestRTL_WhoCountsAsWhom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		from func(i int, r *http.Request)
		want int
	}{
		{"RTL-01 one address", func(int, *http.Request) {}, 10},
		{"RTL-03 one user from many addresses", func(i int, r *http.Request) {
			r.RemoteAddr = "192.0.2." + strconv.Itoa(i) + ":1"
			r.Header.Set("Authorization", "user:u")
		}, 20},
		{"RTL-04 two users of one address", func(i int, r *http.Request) {
			r.Header.Set("Authorization", "user:"+strconv.Itoa(i%2))
		}, 40},
		{"RTL-05 bad tokens", func(i int, r *http.Request) { r.Header.Set("Authorization", "Bearer "+strconv.Itoa(i)) }, 10},
		{"a token without a role", func(i int, r *http.Request) { r.Header.Set("Authorization", "none:"+strconv.Itoa(i)) }, 10},
		{"RTL-06 addresses claimed by a stranger", func(i int, r *http.Request) {
			for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"} {
				r.Header.Set(name, "198.51.100."+strconv.Itoa(i))
			}
		}, 10},
		{"one /64", func(i int, r *http.Request) { r.RemoteAddr = "[2001:db8:0:1::" + strconv.Itoa(i+1) + "]:1" }, 10},
		{"many /64", func(i int, r *http.Request) { r.RemoteAddr = "[2001:db8:0:" + strconv.Itoa(i) + "::1]:1" }, 60},
		{"an address nobody can read", func(i int, r *http.Request) { r.RemoteAddr = "@" + strconv.Itoa(i) }, 10},
		{"RTL-16 other spellings of the path", func(i int, r *http.Request) {
			paths := []string{"/api/v1/auth/login/", "/api/v1/%6cogin", "/api/v1", "/api/v1/", "/%61pi/v1/auth/login", "/api/v1/../x"}
			r.URL.Path, r.URL.RawQuery = strings.ReplaceAll(strings.ReplaceAll(paths[i%len(paths)], "%6c", "l"), "%61", "a"), "x="+strconv.Itoa(i)
		}, 10},
		{"RTL-19 system routes", func(i int, r *http.Request) {
			r.URL.Path = []string{"/", "/api/health", "/api/ready", "/api/v1x", "/api/docs"}[i%5]
		}, 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := countOK(t, limited(), 60, tt.from); got != tt.want {
				t.Errorf("%d of 60 let through, want %d", got, tt.want)
			}
		})
	}
}

func TestRTL10_HeadersCountDown(t *testing.T) {
	t.Parallel()
	o, now := limited(), noon
	o.Now = func() time.Time { return now }
	for i := range 11 {
		w := answer(t, o, ok, "GET", "/api/v1/x")
		got := map[string]string{}
		for _, name := range []string{"RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} {
			got[name] = w.Header().Get(name)
		}
		left := strconv.Itoa(max(0, 9-i))
		reset := strconv.Itoa(60 - i)
		want := map[string]string{
			"RateLimit-Policy": `"guest";q=10;w=60`, "RateLimit": `"guest";r=` + left + `;t=` + reset,
			"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset, "Retry-After": "",
		}
		if i == 10 {
			want["Retry-After"] = reset
		}
		if i > 0 { // requests within 5 s count until the last of them is a minute old
			delete(got, "RateLimit")
			delete(want, "RateLimit")
			resets, err := strconv.Atoi(got["X-RateLimit-Reset"])
			if err != nil || resets < 60-i || resets > 60 {
				t.Errorf("request %d: reset in %q s", i+1, got["X-RateLimit-Reset"])
			}
			want["X-RateLimit-Reset"] = got["X-RateLimit-Reset"]
			if i == 10 {
				want["Retry-After"] = got["X-RateLimit-Reset"]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i+1, diff)
		}
		now = now.Add(time.Second)
	}
	now = now.Add(time.Minute)
	if w := answer(t, o, ok, "GET", "/api/v1/x"); w.Code != 200 { // RTL-11
		t.Errorf("61 s after the refusal: %d", w.Code)
	}
}

func TestRTL13_ARefusalIsAProblemThatThePageMayRead(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limits[hub.RoleGuest] = 1
	answer(t, o, ok, "GET", "/api/v1/x")
	w := answer(t, o, ok, "GET", "/api/v1/x", "Origin", "https://app.example.com")
	wantProblem(t, w, hub.CodeRateLimitExceeded)
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("headers %v", h)
	}
}

func TestRTL14_ARefusalComesBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limits[hub.RoleGuest] = 1
	answer(t, o, ok, "POST", "/api/v1/x")
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/x", readerFunc(func([]byte) (int, error) {
		t.Error("the body was read")
		return 0, io.EOF
	}))
	w := httptest.NewRecorder()
	middleware.Chain(o, http.HandlerFunc(ok)).ServeHTTP(w, r)
	if w.Code != 429 {
		t.Errorf("status %d, want 429", w.Code)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRTL15_AChangedRoleChangesTheLimitAtOnce(t *testing.T) {
	t.Parallel()
	o := limited()
	as := func(role string) int {
		return countOK(t, o, 60, func(_ int, r *http.Request) { r.Header.Set("Authorization", role+":u") })
	}
	for _, step := range []struct {
		role string
		want int
	}{{"user", 20}, {"admin", 20}, {"moderator", 0}, {"super_admin", 10}} {
		if got := as(step.role); got != step.want {
			t.Errorf("then as %s: %d let through, want %d", step.role, got, step.want)
		}
	}
}

func TestALimitOfZeroIsNone(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limits[hub.RoleGuest] = 0
	if got := countOK(t, o, 60, func(int, *http.Request) {}); got != 60 {
		t.Errorf("%d of 60 let through", got)
	}
	if w := answer(t, o, ok, "GET", "/api/v1/x"); w.Header().Get("RateLimit") != "" {
		t.Errorf("a limit that is none is told: %v", w.Header())
	}
}

func TestAFailingLimiterLiftsNoLimit(t *testing.T) {
	t.Parallel()
	for want, err := range map[hub.Code]error{hub.CodeInternalError: errors.New("CANARY"), hub.CodeUnavailable: hub.ErrUnavailable} {
		o := limited()
		o.Limiter = failing{err}
		w := answer(t, o, ok, "GET", "/api/v1/x")
		wantProblem(t, w, want)
	}
}

type failing struct{ err error }

func (f failing) Take(context.Context, string, int, time.Time) (ratelimit.Decision, error) {
	return ratelimit.Decision{Allowed: true}, f.err
}
