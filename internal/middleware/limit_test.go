package middleware

import (
	"bytes"
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
	"github.com/a64core/hub/internal/ratelimit"
)

func limited() Options {
	o := options()
	o.Identify = func(r *http.Request) (string, hub.Role, bool) { // Authorization: role:user
		name, user, ok := strings.Cut(r.Header.Get("Authorization"), ":")
		role, _ := hub.ParseRole(name)
		return user, role, ok
	}
	o.Limits = map[hub.Role]int{hub.RoleGuest: 10, hub.RoleUser: 20, hub.RoleModerator: 30, hub.RoleAdmin: 40, hub.RoleSuperAdmin: 50}
	return o
}

// countOK sends n requests and returns how many were let through. from gives the peer and the headers of each.
func countOK(t *testing.T, o Options, n int, from func(i int, r *http.Request)) (let int) {
	t.Helper()
	h := Chain(o, http.HandlerFunc(ok))
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
	o := limited()
	now := o.Now()
	o.Now = func() time.Time { return now }
	h := Chain(o, http.HandlerFunc(ok))
	names := []string{"RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"}
	for i := range 11 {
		a := ask(h, "GET", "/api/v1/x")
		var got []string
		for _, name := range names {
			got = append(got, a.Header.Get(name))
		}
		left, reset, retry := strconv.Itoa(max(0, 9-i)), strconv.Itoa(60-6*i), ""
		if i == 10 {
			reset, retry = "1", "1"
		}
		want := []string{`"guest";q=10;w=60`, `"guest";r=` + left + ";t=" + reset, "10", left, reset, retry}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i+1, diff)
		}
		now = now.Add(6 * time.Second)
		if i == 9 { // the eleventh comes a second before the first is a minute old
			now = now.Add(-time.Second)
		}
	}
}

func TestRTL11_AMinuteAfterARefusalAllIsAsBefore(t *testing.T) {
	t.Parallel()
	o := limited()
	now := o.Now()
	o.Now = func() time.Time { return now }
	for range 3 {
		if got := countOK(t, o, 60, func(int, *http.Request) {}); got != 10 {
			t.Errorf("%d let through, want 10", got)
		}
		now = now.Add(time.Minute)
	}
}

func TestRTL13_ARefusalIsAProblemThatThePageMayRead(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limits[hub.RoleGuest] = 1
	chain := Chain(o, http.HandlerFunc(ok))
	ask(chain, "GET", "/api/v1/x")
	w := ask(chain, "GET", "/api/v1/x", "Origin", "https://app.example.com")
	wantProblem(t, w, hub.CodeRateLimitExceeded)
	if h := w.Header; h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("headers %v", h)
	}
}

func TestRTL14_ARefusalComesBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limits[hub.RoleGuest] = 1
	h := Chain(o, http.HandlerFunc(ok))
	ask(h, "POST", "/api/v1/x")
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/x", readerFunc(func([]byte) (int, error) {
		t.Error("the body was read")
		return 0, io.EOF
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 429 {
		t.Errorf("status %d, want 429", w.Code)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRTL15_AChangedRoleChangesTheLimitAtOnce(t *testing.T) {
	t.Parallel()
	o := limited()
	as := func(role string) int { // the limiter is the same
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
	if w := ask(Chain(o, http.HandlerFunc(ok)), "GET", "/api/v1/x"); w.Header.Get("RateLimit") != "" {
		t.Errorf("a limit that is none is told: %v", w.Header)
	}
}

func TestAFloodOfAddressesLeavesUsersAlone(t *testing.T) {
	t.Parallel()
	o := limited()
	o.Limiter, o.GuestLimiter = ratelimit.NewMemory(1), ratelimit.NewMemory(1)
	if got := countOK(t, o, 20_000, func(i int, r *http.Request) {
		r.RemoteAddr = "[2001:db8:" + strconv.FormatInt(int64(i), 16) + "::1]:1"
	}); got == 20_000 {
		t.Error("the flood met no limit")
	}
	if got := countOK(t, o, 20, func(_ int, r *http.Request) { r.Header.Set("Authorization", "user:u") }); got != 20 {
		t.Errorf("%d of a user's 20 requests let through", got)
	}
}

// wantProblem checks that the answer is a problem with that code and nothing of its cause.
func wantProblem(t *testing.T, answer *http.Response, code hub.Code) {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Contains(body, []byte(`"code":"`+string(code)+`"`)) || bytes.Contains(body, []byte("CANARY")) {
		t.Errorf("status %d, %s, %v; want %s", answer.StatusCode, body, err, code)
	}
}

func TestAFailingLimiterLiftsNoLimit(t *testing.T) {
	t.Parallel()
	for want, err := range map[hub.Code]error{hub.CodeInternalError: errors.New("CANARY"), hub.CodeUnavailable: hub.ErrUnavailable} {
		o := limited()
		o.Limiter = failing{err}
		wantProblem(t, ask(Chain(o, http.HandlerFunc(ok)), "GET", "/api/v1/x"), want)
	}
}

type failing struct{ err error }

func (f failing) Take(context.Context, string, int, time.Time) (ratelimit.Decision, error) {
	return ratelimit.Decision{Allowed: true}, f.err
}
