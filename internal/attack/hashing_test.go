package attack_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/password"
)

// occupied starts a hub of which all who hash passwords are at work, until release is called. So many may wait.
func occupied(t *testing.T, room int, prepare func(h *hubtest.Hub)) (h *hubtest.Hub, gate *password.Gate, release func()) {
	t.Helper()
	h = hubtest.Start(t, hubtest.Settings{"LOGIN_MAX_FAILURES": "0", "TRUSTED_PROXIES": "127.0.0.1"})
	gate = password.NewGate(1, room, 0)
	h.App.Auth.Passwords = password.New(4, gate)
	h.App.Users.Passwords = h.App.Auth.Passwords
	prepare(h)
	begun, hold, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		_ = gate.Do(t.Context(), password.Client{}, func() { close(begun); <-hold }) // nobody else is there
	}()
	<-begun
	release = sync.OnceFunc(func() { close(hold); <-left })
	t.Cleanup(release)
	return h, gate, release
}

func login(email, pw, address string) hubtest.Request {
	return hubtest.Request{
		Method: http.MethodPost, Path: "/api/v1/auth/login", Body: map[string]any{"email": email, "password": pw},
		Header: map[string]string{"X-Forwarded-For": address},
	}
}

func TestR26_NoFloodKeepsAUserFromLoggingIn(t *testing.T) { // DOS-02
	t.Parallel()
	one := func(int) string { return "198.51.100.1" }
	everywhere := func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }
	tests := []struct {
		name  string
		flood func(i int) string // the address of its i-th request
		known string             // where the user was signed in before; empty: nowhere
		at    string
	}{
		{"from one address, of a stranger elsewhere", one, "", "192.0.2.1"},
		{"from one address, of a user there", one, "198.51.100.1", "198.51.100.1"},
		{"from everywhere, of a user at home", everywhere, "192.0.2.1", "192.0.2.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var email string
			const room, flood = 4, 40
			h, gate, release := occupied(t, room, func(h *hubtest.Hub) {
				email = h.SignUp(t, hub.RoleUser).Email
				if tt.known != "" {
					h.Do(t, login(email, hubtest.Password, tt.known)).Want(t, http.StatusOK)
				}
			})
			statuses := make(chan int, flood+1)
			send := func(r hubtest.Request) {
				a, err := h.Try(t, r)
				if err != nil {
					t.Error(err)
				}
				statuses <- a.Status
			}
			for i := range flood {
				go send(login("nobody@example.com", hubtest.Password, tt.flood(i)))
			}
			for range flood - room {
				if got := <-statuses; got != http.StatusServiceUnavailable {
					t.Errorf("status %d while there is no room", got)
				}
			}
			answer := make(chan hubtest.Answer, 1)
			go func() {
				a, err := h.Try(t, login(email, hubtest.Password, tt.at))
				if err != nil {
					t.Error(err)
				}
				answer <- a
			}()
			select {
			case got := <-statuses:
				if got != http.StatusServiceUnavailable || gate.Depth() != room {
					t.Errorf("status %d for who made room, and %d wait", got, gate.Depth())
				}
			case a := <-answer:
				release()
				t.Fatalf("nobody made room: %d %s", a.Status, a.Body)
			}
			release()
			(<-answer).Want(t, http.StatusOK)
			for range room - 1 {
				if got := <-statuses; got != http.StatusUnauthorized {
					t.Errorf("status %d for those who waited", got)
				}
			}
		})
	}
}

func TestR26_WhateverHashesIsGated(t *testing.T) { // DOS-04
	t.Parallel()
	var user, admin hubtest.Person
	var link string
	h, _, release := occupied(t, 0, func(h *hubtest.Hub) {
		user, admin = h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleAdmin)
		h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/request-password-reset", Body: map[string]any{"email": user.Email}}).Want(t, http.StatusOK)
		link = h.LinkTo(t, user.Email)
	})
	const next = "Other-Horse-8-Battery"
	created := hubtest.Registration("created@example.com")
	created["role"] = "user"
	requests := []hubtest.Request{
		login(admin.Email, hubtest.Password, "198.51.100.1"),
		{Path: "/api/v1/auth/register", Body: hubtest.Registration("new@example.com")},
		{Path: "/api/v1/users", Token: admin.AccessToken, Body: created},
		{Path: "/api/v1/auth/change-email", Token: user.AccessToken, Body: map[string]any{"currentPassword": hubtest.Password, "newEmail": "other@example.com"}},
		{Path: "/api/v1/auth/change-password", Token: admin.AccessToken, Body: map[string]any{"currentPassword": hubtest.Password, "newPassword": next}},
		{Path: "/api/v1/auth/reset-password", Body: map[string]any{"token": link, "newPassword": next}},
	}
	for _, r := range requests {
		r.Method = http.MethodPost
		began := time.Now()
		a := h.Do(t, r).Want(t, http.StatusServiceUnavailable, "OVERLOADED")
		if a.Header.Get("Retry-After") == "" || time.Since(began) > 5*time.Second {
			t.Errorf("%s: Retry-After %q after %v", r.Path, a.Header.Get("Retry-After"), time.Since(began))
		}
	}
	release()
	for _, r := range requests { // nothing was spent, and nobody locked
		r.Method = http.MethodPost
		if a := h.Do(t, r); a.Status >= 300 {
			t.Errorf("%s: %d %s", r.Path, a.Status, a.Body)
		}
	}
}
