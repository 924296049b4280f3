package app_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

const wrongPassword = "Wrong-Horse-7-Battery"

// limits are the contract's.
func limits() hubtest.Settings {
	return hubtest.Settings{
		"RATE_LIMIT_GUEST": "10", "RATE_LIMIT_USER": "100", "RATE_LIMIT_MODERATOR": "200", "RATE_LIMIT_ADMIN": "500", "RATE_LIMIT_SUPER_ADMIN": "1000",
	}
}

// behindProxy makes X-Forwarded-For count.
func behindProxy() hubtest.Settings { return hubtest.Settings{"TRUSTED_PROXIES": "127.0.0.1"} }

func from(ip string) map[string]string { return map[string]string{"X-Forwarded-For": ip} }

// admitted sends n requests and returns how many were not refused by a limit. The refused must say so as the contract has it.
func admitted(t *testing.T, h *hubtest.Hub, n int, request func(i int) hubtest.Request) (count int) {
	t.Helper()
	for i := range n {
		a := h.Do(t, request(i))
		if a.Status != http.StatusTooManyRequests {
			count++
			continue
		}
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 || a.Code() != "RATE_LIMIT_EXCEEDED" {
			t.Fatalf("refused with Retry-After %q, %s", a.Header.Get("Retry-After"), a.Body)
		}
	}
	return count
}

func TestR18_GuestsGetTenAMinuteOverAllRoutes(t *testing.T) { // RTL-01, RTL-05, RTL-11, RTL-13, RTL-16, LCK-14, LCK-16
	t.Parallel()
	forged := map[string]string{"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
	tests := []struct {
		name    string
		request func(i int) hubtest.Request
	}{
		{"login, register and reset mixed", func(i int) hubtest.Request {
			return []hubtest.Request{
				{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": fmt.Sprintf("a%d@example.com", i), "password": "x"}},
				{Method: "POST", Path: "/api/v1/auth/register", Body: map[string]any{}},
				{Method: "POST", Path: "/api/v1/auth/request-password-reset", Body: map[string]any{"email": "a@example.com"}},
			}[i%3]
		}},
		{"a password for many addresses", func(i int) hubtest.Request {
			return hubtest.Request{
				Method: "POST", Path: "/api/v1/auth/login",
				Body: map[string]any{"email": fmt.Sprintf("user%d@example.com", i), "password": wrongPassword},
			}
		}},
		{"guessed tokens", func(i int) hubtest.Request {
			path := []string{"/api/v1/auth/reset-password", "/api/v1/auth/verify-email", "/api/v1/auth/refresh"}[i%3]
			return hubtest.Request{Method: "POST", Path: path, Body: map[string]any{"token": fmt.Sprint(i), "refreshToken": fmt.Sprint(i)}}
		}},
		{"a forged token", func(int) hubtest.Request {
			return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Header: forged}
		}},
		{"spellings of one path, and no paths", func(i int) hubtest.Request {
			path := []string{"/auth/login", "/auth/login/", "/auth/login?x=" + fmt.Sprint(i), "/auth/%6cogin", "/auth/LOGIN", "/nothing"}[i%6]
			return hubtest.Request{Method: "POST", Path: "/api/v1" + path, Body: "{}"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := hubtest.Start(t, limits())
			if got := admitted(t, h, 15, tt.request); got != 10 {
				t.Errorf("%d admitted, want 10", got)
			}
			h.Clock.Step(61 * time.Second)
			if got := admitted(t, h, 11, tt.request); got != 10 {
				t.Errorf("a minute later %d admitted, want 10", got)
			}
		})
	}
}

func TestR18_EveryRoleHasItsOwnLimit(t *testing.T) { // RTL-02, RTL-15
	t.Parallel()
	h := hubtest.Start(t, limits())
	for _, role := range []struct {
		role  hub.Role
		limit int
	}{{hub.RoleUser, 100}, {hub.RoleModerator, 200}, {hub.RoleAdmin, 500}, {hub.RoleSuperAdmin, 1000}} {
		p := h.SignUp(t, role.role)
		h.Clock.Step(2 * time.Minute) // the guest's requests are forgotten
		me := func(int) hubtest.Request {
			return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Token: p.AccessToken}
		}
		if got := admitted(t, h, role.limit+2, me); got != role.limit {
			t.Errorf("%s: %d admitted, want %d", role.role, got, role.limit)
		}
		if role.role == hub.RoleUser {
			h.Edit(t, p.ID, func(u *hub.User) { u.Role = hub.RoleModerator })
			p.Tokens = h.Login(t, p.Email, hubtest.Password)
			if got := admitted(t, h, 102, me); got != 100 {
				t.Errorf("after the promotion %d more admitted, want 100", got)
			}
		}
	}
}

func TestR18_UsersAreCountedByWhoTheyAre(t *testing.T) { // RTL-03, RTL-04
	t.Parallel()
	h := hubtest.Start(t, limits(), behindProxy())
	first, second := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	sessions := []hubtest.Tokens{first.Tokens, h.Login(t, first.Email, hubtest.Password)}
	h.Clock.Step(2 * time.Minute)
	if got := admitted(t, h, 103, func(i int) hubtest.Request {
		return hubtest.Request{
			Method: "GET", Path: "/api/v1/auth/me", Token: sessions[i%2].AccessToken, Header: from(fmt.Sprintf("198.51.100.%d", i%3)),
		}
	}); got != 100 {
		t.Errorf("two sessions at three addresses: %d admitted, want 100", got)
	}
	if got := admitted(t, h, 100, func(int) hubtest.Request {
		return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Token: second.AccessToken, Header: from("198.51.100.1")}
	}); got != 100 {
		t.Errorf("another user at the same address: %d admitted, want 100", got)
	}
}

func TestR19_NoHeaderOfAStrangerChangesWhoIsCounted(t *testing.T) { // RTL-06
	t.Parallel()
	h := hubtest.Start(t, limits())
	names := []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Forwarded-Host"}
	if got := admitted(t, h, 30, func(i int) hubtest.Request {
		header := map[string]string{}
		for _, name := range names {
			header[name] = fmt.Sprintf("198.51.100.%d", i)
		}
		return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Header: header}
	}); got != 10 {
		t.Errorf("%d admitted, want 10", got)
	}
}

func TestR19_BehindAProxyTheClientIsCounted(t *testing.T) { // RTL-08, R18: IPv6 by /64
	t.Parallel()
	tests := []struct {
		name  string
		hops  func(i int) string
		admit int
	}{
		{"one client", func(int) string { return "198.51.100.7" }, 10},
		{"one client who invents hops", func(i int) string { return fmt.Sprintf("203.0.113.%d, 198.51.100.7", i) }, 10},
		{"many clients", func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }, 25},
		{"ports are not part of it", func(i int) string { return fmt.Sprintf("1.2.3.4:%d", 5678+i) }, 10},
		{"brackets and ports", func(i int) string { return fmt.Sprintf("[2001:db8::1]:%d", 9+i) }, 10},
		{"one /64", func(i int) string { return fmt.Sprintf("2001:db8:0:1::%d", i+1) }, 10},
		{"many /64", func(i int) string { return fmt.Sprintf("2001:db8:0:%d::1", i+1) }, 25},
		{"nonsense is the proxy", func(i int) string {
			return []string{"", "unknown", "'; DROP", "a" + fmt.Sprint(i), "127.0.0.1,"}[i%5]
		}, 10},
		{"very many hops", func(int) string { return strings.Repeat("1.1.1.1,", 3000) + "198.51.100.7" }, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := hubtest.Start(t, limits(), behindProxy())
			if got := admitted(t, h, 25, func(i int) hubtest.Request {
				return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Header: from(tt.hops(i))}
			}); got != tt.admit {
				t.Errorf("%d admitted, want %d", got, tt.admit)
			}
		})
	}
}

func TestR18_TheLimitHoldsForManyAtOnce(t *testing.T) { // RTL-01, RTL-14
	t.Parallel()
	h := hubtest.Start(t, limits())
	let := make(chan int, 100)
	for range cap(let) {
		go func() {
			a, err := h.Try(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: "{"})
			if err != nil {
				t.Error(err)
			}
			let <- a.Status
		}()
	}
	count := map[int]int{}
	for range cap(let) {
		count[<-let]++
	}
	if count[400] != 10 || count[429] != 90 {
		t.Errorf("statuses %v, want 10 times 400 and 90 times 429", count)
	}
}

func TestRTL14_ARefusalDoesNotAskForTheBody(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t, limits())
	admitted(t, h, 10, func(int) hubtest.Request { return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me"} })
	const head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
	if a := exchange(t, h.Dial(t), head); a.StatusCode != 429 {
		t.Errorf("status %d, want 429", a.StatusCode)
	}
}

func TestR18_SystemRoutesAreNotLimited(t *testing.T) { // RTL-19
	t.Parallel()
	h := hubtest.Start(t, limits())
	for range 20 {
		for _, path := range []string{"/", "/api/health", "/api/ready"} {
			if a := h.Do(t, hubtest.Request{Method: "GET", Path: path}).Want(t, 200); a.Header.Get("X-RateLimit-Limit") != "" {
				t.Errorf("%s tells of a limit", path)
			}
		}
	}
}

func TestR17_LockoutCountsByAddressNotByClient(t *testing.T) { // LCK-01, LCK-04, LCK-11, LCK-12, LCK-13
	t.Parallel()
	h := hubtest.Start(t, limits(), behindProxy())
	p, other := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	login := func(email, password, ip string) hubtest.Answer {
		return h.Do(t, hubtest.Request{
			Method: "POST", Path: "/api/v1/auth/login", Header: from(ip), Body: map[string]any{"email": email, "password": password},
		})
	}
	for i := range 8 { // what is not a wrong password does not count
		login(p.Email, "", fmt.Sprintf("203.0.113.%d", i)).Want(t, 422)
	}
	for i := range 5 {
		login(p.Email, wrongPassword, fmt.Sprintf("198.51.100.%d", i)).Want(t, 401, "INVALID_CREDENTIALS")
	}
	for _, password := range []string{wrongPassword, hubtest.Password} {
		a := login(p.Email, password, "198.51.100.99").Want(t, 429, "ACCOUNT_LOCKED")
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 900 {
			t.Errorf("Retry-After %q, want 1 to 900", a.Header.Get("Retry-After"))
		}
	}
	login(other.Email, hubtest.Password, "198.51.100.1").Want(t, 200)
	login(strings.Replace(p.Email, "example.com", "example.org", 1), wrongPassword, "198.51.100.98").Want(t, 401)
	h.Stop()
	again := h.Again(t)
	again.TryLogin(t, p.Email, hubtest.Password).Want(t, 429, "ACCOUNT_LOCKED")
	again.Clock.Step(15*time.Minute + time.Second)
	again.Login(t, p.Email, hubtest.Password)
}

// exchange writes text to the connection and reads one answer.
func exchange(t *testing.T, c net.Conn, text string) *http.Response {
	t.Helper()
	answers := converse(t, c, text, 1)
	if len(answers) != 1 {
		t.Fatalf("no answer to %.60q", text)
	}
	return answers[0]
}
